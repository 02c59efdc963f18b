"""The tracks of the song that is sung to, as an engine's process opens them."""

from __future__ import annotations

from pathlib import Path

from ..engine_settings import EngineError, EngineSettings
from ..source import SeekableSource
from .stem_cache import StemCache
from .stem_source import StemSource


def open_backing(settings: EngineSettings) -> SeekableSource:
    """The tracks that `settings.backing` names; what is not separated yet is waited for.

    Raises:
        AdvsepError: they are not there, damaged, or of another version.
    """
    backing = settings.backing
    if backing is None:
        raise EngineError("no song is sung to; choose one")
    cache = StemCache(Path(backing.cache) if backing.cache else None)
    return StemSource(cache.open(Path(backing.song), backing.model))
