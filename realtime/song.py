"""What `-i` means where it is no device: a sound file, the demo song, standard input."""

from __future__ import annotations

from pathlib import Path

from .engine_settings import DEMO, PIPE
from .source import ArraySource, FileSource, Source, SourceError


def open_song(name: str, *, accept_damaged: bool, standard_input: int | None = 0) -> Source:
    """The source that the user means.

    Args:
        name: a file's path, `demo` or `-`.
        accept_damaged: use a damaged file as far as it goes.
        standard_input: its file descriptor; None: it is closed.

    Raises:
        SourceError: it cannot be used.
    """
    if name == DEMO:
        from .demo import demo_song

        song = demo_song()
        return ArraySource(song.mixture, song.sample_rate_hz, DEMO)
    if name == PIPE:
        if standard_input is None:
            raise SourceError("input '-': expected sound on standard input, found that it is closed; pass a file")
        from .pipe import PipeSource, reader_of

        return PipeSource(reader_of(standard_input), accept_damaged=accept_damaged)
    return FileSource(Path(name), accept_damaged=accept_damaged)
