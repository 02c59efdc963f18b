"""Folders and files, listed so that what may not be read is an error and not an absence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..tracks import SUFFIXES


def subfolders(folder: Path) -> list[Path]:
    """Folders directly below one, sorted; none where it is missing.

    Raises:
        AdvsepError: it may not be listed.
    """
    return [path for path in _entries(folder) if path.is_dir()]


def files(folder: Path, ending: str) -> list[Path]:
    """Files directly below one whose names end so, sorted; none where it is missing.

    Raises:
        AdvsepError: it may not be listed.
    """
    return [path for path in _entries(folder) if path.name.lower().endswith(ending) and path.is_file()]


def _entries(folder: Path) -> list[Path]:
    try:
        # Names with a dot in front: what macOS leaves beside each file of an archive.
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unreadable(folder, error) from None


def sound_files(root: Path) -> Iterator[Path]:
    """Every sound file below a folder, sorted within each folder; none where it is missing or a file.

    Raises:
        AdvsepError: a folder may not be listed.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, NotADirectoryError | FileNotFoundError):
            raise unreadable(root, error)

    for folder, inner, names in os.walk(root, onerror=refuse):
        inner.sort()
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(folder) / name


def unreadable(path: Path, error: OSError) -> AdvsepError:
    """The one sentence for a folder that cannot be listed, or a file in it that cannot even be seen."""
    return AdvsepError(
        f"{error.filename or path}: cannot be read ({error.strerror}); give yourself the right to read it"
    )


def needed(path: Path, corpus: str) -> Path:
    """The path, if it is a file.

    Raises:
        AdvsepError: it is not; the message says what set wants it.
    """
    if not path.is_file():
        raise AdvsepError(f"{path}: missing; every track of {corpus} has it: get a whole copy or take the track away")
    return path
