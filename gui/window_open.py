"""Opening files, however they come: from a dialog, dropped, or on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from ..realtime.errors import AdvsepError
from ..realtime.rack_file import Preset, find_preset, write_preset
from ..realtime.registry import find_model
from .session import Session
from .window_drop import CRITICS_SUFFIX, FILTERS, Meaning, dropped_file, meaning_of

_TITLES: dict[Meaning, str] = {
    "song": "Open a song",
    "model": "Open a model",
    "critics": "Open critics",
    "preset": "Open a preset",
}


class Opener(QObject):
    """Has the session, or the pictures, take up files; what cannot be done is noted in words.

    Args:
        session: that plays.
        load_critics: of the pictures; None: none.
        window: that dialogs belong to.

    Attributes:
        take_song: has first claim on songs; returns whether it took one.
    """

    def __init__(self, session: Session, load_critics: Callable[[Path | None], None], window: QWidget) -> None:
        super().__init__(window)
        self._session, self._load_critics, self._window = session, load_critics, window
        self._folder = ""
        self.take_song: Callable[[Path], bool] = lambda path: False

    def ask(self, meaning: Meaning) -> None:
        """Show a dialog for a file of a kind; the window goes on meanwhile."""
        dialog = self._dialog(_TITLES[meaning], FILTERS[meaning], f"open_{meaning}_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)

        def chosen(path: str) -> None:
            self.open(Path(path), meaning)

        dialog.fileSelected.connect(chosen)
        dialog.open()

    def ask_where_to_save(self) -> None:
        """Show a dialog for a new preset."""
        dialog = self._dialog("Save the rack as a preset", FILTERS["preset"], "save_preset_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.fileSelected.connect(self.save_preset)
        dialog.open()

    def open(self, path: Path, meaning: Meaning) -> None:
        """One file of a kind."""
        self._folder = str(path.parent)
        match meaning:
            case "song":
                if not self.take_song(path):
                    self._session.open_input(str(path))
            case "model":
                self._session.open_model(str(path))
            case "critics":
                self._load_critics(path)
                self._session.noted.emit("info", f"critics: {path}")
            case "preset":
                self.open_preset(str(path))

    def drop(self, data: QMimeData) -> None:
        """Whatever was dropped on the window."""
        try:
            path = dropped_file(data)
            self.open(path, meaning_of(path))
        except AdvsepError as error:
            self._session.noted.emit("warning", str(error))

    def open_preset(self, name_or_path: str) -> None:
        """A rack by name, or of a file; its bypass, too."""
        try:
            preset = find_preset(name_or_path)
        except AdvsepError as error:
            self._session.noted.emit("error", str(error))
            return
        self._session.edit_rack(preset.rack, f"preset {Path(name_or_path).stem}")
        self._session.set_bypassed(preset.bypassed)

    def save_preset(self, file: str) -> None:
        """The rack as it is asked for now."""
        path = Path(file)
        self._folder = str(path.parent)
        try:
            write_preset(path, Preset(self._session.rack, bypassed=self._session.settings.bypassed))
        except AdvsepError as error:
            self._session.noted.emit("error", str(error))
        else:
            self._session.noted.emit("info", f"the rack was saved as {path}")

    def load_critics_of(self, model: str) -> None:
        """Those that lie beside a model, or none."""
        path = critics_beside(model)
        self._load_critics(path)
        if path is None:
            self._session.noted.emit(
                "info", f"no critics beside the model {model}: advsep-export writes NAME{CRITICS_SUFFIX} beside a model"
            )

    def _dialog(self, title: str, filter: str, name: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title, self._folder, filter)
        dialog.setObjectName(name)
        dialog.finished.connect(dialog.deleteLater)
        return dialog


def critics_beside(model: str) -> Path | None:
    """The file of critics of a model, by its name or path, if there is one."""
    try:
        path = find_model(model)
    except AdvsepError:
        return None
    path = path.with_name(path.name.removesuffix(".onnx") + CRITICS_SUFFIX)
    return path if path.is_file() else None
