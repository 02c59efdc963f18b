"""One song that is sung to: its tracks on their way, its words, and what the user said about them."""

from __future__ import annotations

from pathlib import Path

from ..engine_settings import Backing
from ..errors import AdvsepError
from ..tune import AS_IT_IS, Tune
from .lyrics import Lyrics
from .lyrics_file import find_lyrics, read_lyrics
from .lyrics_offsets import LARGEST_OFFSET_S, LyricsOffsets
from .separation import Separation
from .stem_cache import StemCache

SHORTEST_MARGIN_S = 2.0  # less than this ahead of the playhead: the separation is told to hurry there


class KaraokeSong:
    """A song that was chosen: it is being separated from `start_s` on, and its words are there.

    Args:
        path: a sound file.
        cache: of tracks.
        offsets: of words, the user's.
        model: that separates it; None: the best.
        start_s: where it will begin.

    Attributes:
        path: as given.
        separation: of it.
        written: words as their file has them; None: there are none beside the song, or they cannot be read.
        words: the same by the user's offset.
        notes: what was wrong with words, a sentence each.

    Raises:
        AdvsepError: the song is no sound file that can be used, or the cache cannot be written.
    """

    def __init__(
        self,
        path: Path,
        cache: StemCache,
        offsets: LyricsOffsets,
        *,
        model: str | None = None,
        start_s: float = 0.0,
    ) -> None:
        self.path, self._cache, self._offsets, self._model = path.absolute(), cache, offsets, model
        self.separation = Separation(self.path, cache, model, position_s=start_s)
        self.notes: list[str] = []
        self.written = self._read_words()
        self._offset_s = self._kept_offset_s()
        self.words = None if self.written is None else self.written.shifted(self._offset_s)

    @property
    def title(self) -> str:
        """As the words' file has it, or the song's own name."""
        return (self.words.title if self.words is not None else "") or self.path.stem

    @property
    def artist(self) -> str:
        """As the words' file has it; empty where nobody says."""
        return self.words.artist if self.words is not None else ""

    @property
    def offset_s(self) -> float:
        """How much later than written the words are."""
        return self._offset_s

    def backing(self, tune: Tune = AS_IT_IS, count_in: tuple[int, float] | None = None) -> Backing:
        """For an engine's settings."""
        return Backing(
            song=str(self.path), cache=str(self._cache.folder), model=self._model, tune=tune, count_in=count_in
        )

    def follow(self, position_s: float) -> float:
        """Have it separated where it is heard; returns how far ahead it is there, s.

        Raises:
            AdvsepError: it cannot be separated.
        """
        if self.separation.error is not None:
            raise self.separation.error
        margin_s = self.separation.margin_s(position_s)
        if margin_s < SHORTEST_MARGIN_S and not self.separation.is_complete:
            self.separation.prefer(position_s)
        return margin_s

    def shift_words(self, by_s: float) -> float:
        """Have the words later, and remember it; returns by how much they are now.

        Raises:
            AdvsepError: it cannot be remembered.
        """
        self._offset_s = round(max(-LARGEST_OFFSET_S, min(LARGEST_OFFSET_S, self._offset_s + by_s)), 3)
        if self.written is not None:
            self.words = self.written.shifted(self._offset_s)
        self._offsets.set(self.path, self._offset_s)
        return self._offset_s

    def close(self) -> None:
        """No longer separate it."""
        self.separation.close()

    def _read_words(self) -> Lyrics | None:
        try:
            path = find_lyrics(self.path)
            words = None if path is None else read_lyrics(path)
        except AdvsepError as error:
            self.notes.append(str(error))
            return None
        self.notes += [] if words is None else words.notes
        return words

    def _kept_offset_s(self) -> float:
        try:
            return self._offsets.get(self.path)
        except AdvsepError as error:
            self.notes.append(str(error))
            return 0.0
