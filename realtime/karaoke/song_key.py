"""What a song is called in caches and settings: its content, wherever the file lies and whatever it is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import AdvsepError

_END_BYTES = 1 << 20
_DIGEST_BYTES = 16


class SongKeyError(AdvsepError):
    """A song's file that could not be read."""


def song_key(path: Path) -> str:
    """32 hex digits that stay the same while the file's size, first MiB and last MiB do.

    Two MiB at most are read, so that a folder of thousands of songs is known in seconds. Tags that a player
    rewrites change it: they lie in the first or the last MiB.

    Raises:
        SongKeyError: the file cannot be read.
    """
    try:
        if path.exists() and not path.is_file():  # opening a named pipe would wait for whoever writes to it
            raise SongKeyError(f"{path}: expected a song's file, found a folder or device; choose a file")
        with path.open("rb") as file:
            size_bytes = file.seek(0, 2)
            file.seek(0)
            digest = hashlib.blake2b(size_bytes.to_bytes(8, "little"), digest_size=_DIGEST_BYTES)
            digest.update(file.read(_END_BYTES))
            file.seek(max(0, size_bytes - _END_BYTES))
            digest.update(file.read(_END_BYTES))
    except (OSError, ValueError) as error:
        raise SongKeyError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}; "
            "choose a song's file that is there and that you may read"
        ) from None
    return digest.hexdigest()
