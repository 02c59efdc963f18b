"""One line about the folders of songs: which are looked through, how far that is, and what was odd."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from ...realtime.karaoke.library import Library, LibraryError
from ...realtime.karaoke.library_scan import Scan, ScanProgress
from ...realtime.karaoke.library_text import readable
from ..parameter_row import muted_label
from .announcing import announce
from .panel_parts import button, in_a_row

_LOOK_MS = 200


class ScanLine(QWidget):
    """Runs scans of a library, one at a time.

    Args:
        library: whose folders it shows and changes.

    Attributes:
        changed: the library has other songs now.
        noted: level and words of what happened.
    """

    changed = Signal()
    noted = Signal(str, str)

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("library_scan")
        self._library = library
        self._scan: Scan | None = None
        self._again = False
        self._seen = (0, 0)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._words = muted_label("", self)
        self._words.setObjectName("library_scan_words")
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._stop = button("library_stop", "Stop", "Stop looking for songs", "What was found is kept", self.stop)
        self.add = button(
            "library_add",
            "Add folder…",
            "Add a folder of songs",
            "Look for songs in one more folder",
            self.ask_for_folder,
        )
        self._folders = button(
            "library_folders", "Folders", "Folders of songs", "Look again, or remove a folder", _nothing
        )
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._folders.setMenu(self._menu)
        self._folders.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        layout = QHBoxLayout(self)
        in_a_row(layout, self._words, self._stop, self.add, self._folders)
        layout.setStretch(0, 1)
        self._stop.hide()
        self.say("")

    @property
    def running(self) -> bool:
        """Whether songs are being looked for."""
        return self._scan is not None

    @property
    def words(self) -> str:
        """What it says."""
        return self._words.toolTip()

    def say(self, words: str) -> None:
        """A sentence; cut where there is no room, the tooltip has all of it."""
        self._words.setText(words)
        self._words.setToolTip(words)

    def start(self) -> None:
        """Look through all folders; once more where that is being done."""
        if self._scan is not None:
            self._again = True
            return
        try:
            if not self._library.folders:
                return
        except LibraryError as error:
            self.noted.emit("error", str(error))
            return
        self._scan, self._seen = Scan(self._library.path), (0, 0)
        self._scan.start()
        self._stop.show()
        self._timer.start()
        self._look()

    def stop(self) -> None:
        """End the scan, keep what it found."""
        self._again = False
        if self._scan is not None:
            self._scan.cancel()

    def close_down(self) -> None:
        """End the scan, and wait until it has: before the library is closed."""
        self.stop()
        self._timer.stop()
        if self._scan is not None:
            self._scan.wait()
            self._scan = None

    def ask_for_folder(self) -> None:
        """Show a dialog for a folder; the window goes on meanwhile."""
        dialog = QFileDialog(self.window(), "A folder of songs")
        dialog.setObjectName("library_folder_dialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)

        def chosen(folder: str) -> None:
            self.add_folder(Path(folder))

        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def add_folder(self, folder: Path) -> None:
        """Look for songs in one more folder; why that cannot be is noted."""
        try:
            self._library.add_folder(folder)
        except LibraryError as error:
            self.say(str(error))
            self.noted.emit("warning", str(error))
        else:
            self.start()

    def remove_folder(self, folder: Path) -> None:
        """Forget a folder and its songs."""
        try:
            if self._scan is not None:
                self._scan.cancel()
                self._scan.wait()
            self._library.remove_folder(folder)
        except LibraryError as error:
            self.noted.emit("error", str(error))
            return
        self.say(f"{_shown(folder)} was removed; favourites are kept for when it comes back")
        self.changed.emit()

    def _remove(self, folder: Path, _checked: bool = False) -> None:
        self.remove_folder(folder)

    def _look(self) -> None:
        """How far it is."""
        scan = self._scan
        if scan is None:
            return
        has_ended, progress = not scan.running, scan.progress
        counts = progress.files_read, progress.songs
        if counts != self._seen or has_ended:
            self._seen = counts
            self.changed.emit()
        self.say(_words_of(progress))
        if has_ended:
            self._finish(progress)

    def _finish(self, progress: ScanProgress) -> None:
        self._scan = None
        self._timer.stop()
        self._stop.hide()
        for note in progress.notes:
            self.noted.emit("error" if progress.state == "failed" else "warning", note)
        announce(self._words, _words_of(progress))
        if self._again:
            self._again = False
            self.start()

    def _fill_menu(self) -> None:
        self._menu.clear()
        again = self._menu.addAction("Look for new songs")
        again.setToolTip("Only files that are new or changed are opened")
        again.triggered.connect(self.start)
        try:
            folders = self._library.folders
        except LibraryError as error:
            self.noted.emit("error", str(error))
            return
        again.setEnabled(bool(folders))
        if folders:
            self._menu.addSeparator()
        for folder in folders:
            action = self._menu.addAction(f"Remove {_shown(folder).replace('&', '&&')}")
            action.setToolTip("Its songs are no longer listed; the files stay")
            action.triggered.connect(partial(self._remove, folder))


def _words_of(progress: ScanProgress) -> str:
    songs = f"{progress.songs} {'song' if progress.songs == 1 else 'songs'}"
    read = f"{progress.files_read} {'file was' if progress.files_read == 1 else 'files were'}"
    match progress.state:
        case "running":
            return f"Looking for songs: {progress.files_seen} files seen, {songs}; {progress.current}"
        case "done" if progress.notes:
            return f"{songs}; {progress.notes[0]}" + (
                f" (and {len(progress.notes) - 1} more)" if progress.notes[1:] else ""
            )
        case "done":
            dropped = f"; dropped since their files are gone: {progress.dropped}" if progress.dropped else ""
            return f"{songs}; {read} new or changed{dropped}"
        case "cancelled":
            return f"{songs}; stopped before all folders were looked through"
        case _:
            return progress.notes[-1] if progress.notes else "the scan failed"


def _shown(folder: Path) -> str:
    return readable(str(folder))


def _nothing() -> None:
    """The menu does it."""
