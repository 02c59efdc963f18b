"""From folders on the command line to decoded recordings, with progress bars."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.progress import Progress

from .adaptation import held_back, held_back_track, own_folders
from .config import TrainConfig
from .datasets.training import divided_tracks
from .pool import Sources
from .pretrained import Pretrained
from .pseudo import pseudo_tracks
from .recordings import Recording, find_recordings, load_recordings, without_held_out
from .tracks import Track, load_tracks
from .unpaired import UnpairedRecordings


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of recordings.

    Attributes:
        data: folders of paired tracks.
        splits: file that divides them; None: as `divided_tracks` does.
        mixtures: folders, for critics and teachers.
        voices: folders of solo voices.
        accompaniments: folders of music without voices.
        adapt: folder of one's own recordings.
        cache: folder of decoded audio; None: the user's.
        shards: folder of packed songs, read while training.
    """

    data: Sequence[Path] = ()
    splits: Path | None = None
    mixtures: Sequence[Path] = ()
    voices: Sequence[Path] = ()
    accompaniments: Sequence[Path] = ()
    adapt: Path | None = None
    cache: Path | None = None
    shards: Path | None = None

    @property
    def cache_folder(self) -> Path:
        """Of decoded audio."""
        return self.cache or Path(platformdirs.user_cache_dir("advsep")) / "decoded"


@dataclass(slots=True)
class Prepared:
    """What a run learns from and is measured by.

    Attributes:
        sources: what batches are mixed of.
        paired_valid: tracks that are held out.
        unpaired: for the critics.
        own_valid: the end of one's own recordings, mixed: of no file.
        recordings: by kind, for the run's record.
    """

    sources: Sources
    paired_valid: list[Track]
    unpaired: UnpairedRecordings
    own_valid: list[Track] = field(default_factory=list)
    recordings: dict[str, list[Recording]] = field(default_factory=dict)

    @property
    def valid(self) -> list[Track]:
        """Everything that the run is measured by."""
        return [*self.paired_valid, *self.own_valid]

    @property
    def tracks(self) -> dict[str, list[Track]]:
        """By part, for the run's record."""
        return {"train": list(self.sources.tracks), "valid": self.paired_valid}


def prepare(asked: Asked, config: TrainConfig, teacher: Pretrained | None, out: Path) -> Prepared:
    """Find and decode everything.

    Args:
        asked: the folders.
        config: of the run.
        teacher: for the mode `self`.
        out: run folder; receives what the teacher makes.

    Raises:
        AdvsepError: a folder is missing or holds nothing, a file cannot be read, a kind of recording is missing.
    """
    rate_hz = config.signal.sample_rate_hz
    train, valid = _paired(asked, rate_hz)
    folders: dict[str, Sequence[Path]] = {
        "mixtures": asked.mixtures,
        "voices": asked.voices,
        "accompaniments": asked.accompaniments,
    }
    if asked.adapt is not None:
        own = own_folders(asked.adapt)
        folders = {kind: [*folders[kind], *getattr(own, kind)] for kind in folders}
    own_valid: list[Track] = []
    found = _unpaired(folders, asked.splits, rate_hz, asked.cache_folder)
    if asked.adapt is not None and found["voices"] and found["accompaniments"]:
        ends = {}
        for kind in ("voices", "accompaniments"):
            found[kind], ends[kind] = held_back(found[kind])
        limit_hz = min(each.bandwidth_hz for kind in ends for each in found[kind])
        own_valid = [held_back_track(ends["voices"], ends["accompaniments"], rate_hz, limit_hz)]
    unpaired = UnpairedRecordings(found["mixtures"], found["voices"], found["accompaniments"])
    if config.uses_critics:
        unpaired.check()
    pseudo: list[Track] = []
    if config.mode == "self" and teacher is not None:
        pseudo = _pseudo(teacher, found["mixtures"], out, asked.cache_folder)
    sources = Sources(train, found["voices"], found["accompaniments"], pseudo)
    return Prepared(sources, valid, unpaired, own_valid, {kind: each for kind, each in found.items() if each})


def _paired(asked: Asked, rate_hz: int) -> tuple[list[Track], list[Track]]:
    if not asked.data:
        return [], []
    with Console(stderr=True).status("looking for tracks"):
        divided = divided_tracks(asked.data, asked.splits, asked.cache_folder / "stems")
    with _bar("decoding", len(divided["train"]) + len(divided["valid"])) as advance:
        loaded = [
            load_tracks(divided[part], rate_hz, asked.cache_folder, lambda _: advance()) for part in ("train", "valid")
        ]
    return loaded[0], loaded[1]


def _unpaired(
    folders: dict[str, Sequence[Path]], splits: Path | None, rate_hz: int, cache: Path
) -> dict[str, list[Recording]]:
    found = {kind: without_held_out(find_recordings(list(each)), splits) for kind, each in folders.items()}
    count = sum(map(len, found.values()))
    if not count:
        return {kind: [] for kind in folders}
    with _bar("decoding unpaired", count) as advance:
        return {kind: load_recordings(paths, rate_hz, cache, lambda _: advance()) for kind, paths in found.items()}


def _pseudo(teacher: Pretrained, mixtures: list[Recording], out: Path, cache: Path) -> list[Track]:
    with _bar("separating mixtures", len(mixtures)) as advance:
        return pseudo_tracks(teacher, mixtures, out / "pseudo", cache, lambda _: advance())


@contextmanager
def _bar(what: str, total: int) -> Generator[Callable[[], None]]:
    """A progress bar on standard error; the context is what advances it by one."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
