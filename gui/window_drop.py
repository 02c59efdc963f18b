"""What a file is to the window, by its name: dropped on it, or chosen in a dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QMimeData

from ..realtime.errors import AdvsepError

SONG_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".caf", ".w64", ".rf64", ".au",
)  # fmt: skip
CRITICS_SUFFIX = ".critics.onnx"

Meaning = Literal["song", "model", "critics", "preset"]

SONG_FILTER = f"Songs ({' '.join('*' + suffix for suffix in SONG_SUFFIXES)});;All files (*)"
FILTERS: dict[Meaning, str] = {
    "song": SONG_FILTER,
    "model": "Models (*.onnx)",
    "critics": f"Critics (*{CRITICS_SUFFIX})",
    "preset": "Presets (*.toml)",
}


def meaning_of(path: Path) -> Meaning:
    """What to do with a file.

    Raises:
        AdvsepError: nothing can be.
    """
    if path.is_dir():
        raise AdvsepError(f"{path}: expected a file, found a folder; drop a song, a model or a preset")
    name = path.name.lower()
    if name.endswith(CRITICS_SUFFIX):
        return "critics"
    if name.endswith(".onnx"):
        return "model"
    if name.endswith(".toml"):
        return "preset"
    if name.endswith(SONG_SUFFIXES):
        return "song"
    raise AdvsepError(
        f"{path}: expected a song ({', '.join(SONG_SUFFIXES[:6])}, …), a model (.onnx), critics ({CRITICS_SUFFIX}) "
        f"or a preset (.toml), found '{path.suffix or path.name}'; convert it, or choose another file"
    )


def dropped_file(data: QMimeData) -> Path:
    """The one file that was dropped.

    Raises:
        AdvsepError: none, several, or none of this computer.
    """
    urls = data.urls()
    if len(urls) != 1:
        raise AdvsepError(f"expected one file, {len(urls)} were dropped; drop them one after another")
    if not urls[0].isLocalFile():
        raise AdvsepError(f"{urls[0].toString()}: expected a file of this computer; download it first")
    return Path(urls[0].toLocalFile())
