"""Every key of the window in one table: it makes the actions and their menus, and the sheet that `?` shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """One command of the window.

    Attributes:
        name: of the command, and the action's object name.
        menu: where it stands.
        text: in the menu.
        keys: that give it; the first is shown.
        help: what it does, in a sentence.
        can_be_on: it is on or off.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...] = ()
    help: str = ""
    can_be_on: bool = False


FILE, EDIT, PLAY, VIEW, HELP = "&File", "&Edit", "&Play", "&View", "&Help"

SHORTCUTS = (
    Shortcut(name="open_song", menu=FILE, text="Open song…", keys=("Ctrl+O",), help="Play a sound file"),
    Shortcut(name="open_model", menu=FILE, text="Open model…", keys=("Ctrl+M",), help="Separate with an .onnx file"),
    Shortcut(
        name="open_critics", menu=FILE, text="Open critics…", keys=("Ctrl+K",), help="Show the maps of a .critics.onnx"
    ),
    Shortcut(
        name="open_preset", menu=FILE, text="Open preset…", keys=("Ctrl+P",), help="Take a rack from a .toml file"
    ),
    Shortcut(
        name="save_preset", menu=FILE, text="Save preset…", keys=("Ctrl+S",), help="Keep the rack as a .toml file"
    ),
    Shortcut(
        name="find_devices", menu=FILE, text="Look for devices", keys=("F5",), help="See which sound devices are there"
    ),
    Shortcut(name="quit", menu=FILE, text="Quit", keys=("Ctrl+Q",), help="Fade out and close"),
    Shortcut(name="undo", menu=EDIT, text="Undo", keys=("Ctrl+Z",), help="Take the last change of the rack back"),
    Shortcut(name="redo", menu=EDIT, text="Redo", keys=("Ctrl+Shift+Z", "Ctrl+Y"), help="Make it again"),
    Shortcut(name="play", menu=PLAY, text="Play or pause", keys=("Space",), help="Let the song go on, or stand still"),
    Shortcut(name="to_start", menu=PLAY, text="Back to start", keys=("Ctrl+Home",), help="Go to the song's beginning"),
    Shortcut(name="back", menu=PLAY, text="Back 5 s", keys=("Ctrl+Left",), help="Hear the last five seconds again"),
    Shortcut(name="ahead", menu=PLAY, text="Ahead 5 s", keys=("Ctrl+Right",), help="Leave five seconds out"),
    Shortcut(
        name="bypass",
        menu=PLAY,
        text="Bypass",
        keys=("Ctrl+B",),
        can_be_on=True,
        help="Hear the sound as it came in, equally late",
    ),
    Shortcut(
        name="record",
        menu=PLAY,
        text="Record stems",
        keys=("Ctrl+R",),
        can_be_on=True,
        help="Write every stem to a WAV file until it is switched off",
    ),
    Shortcut(
        name="freeze",
        menu=VIEW,
        text="Freeze pictures",
        keys=("Ctrl+F",),
        can_be_on=True,
        help="Stop the spectrograms, while the sound goes on",
    ),
    Shortcut(
        name="theme",
        menu=VIEW,
        text="Light theme",
        keys=("Ctrl+T",),
        can_be_on=True,
        help="Dark on light, or light on dark",
    ),
    Shortcut(
        name="karaoke",
        menu=VIEW,
        text="Karaoke",
        keys=("F2",),
        can_be_on=True,
        help="Sing to a song, or separate what comes in",
    ),
    Shortcut(
        name="mixer", menu=VIEW, text="Mixer", keys=("Ctrl+1",), can_be_on=True, help="Show the strips, or hide them"
    ),
    Shortcut(
        name="log", menu=VIEW, text="Log", keys=("Ctrl+2",), can_be_on=True, help="Show what happened, or hide it"
    ),
    Shortcut(
        name="dismiss", menu=VIEW, text="Dismiss message", keys=("Esc",), help="Close the message above the pictures"
    ),
    Shortcut(name="keys", menu=HELP, text="Keyboard shortcuts", keys=("?", "F1"), help="Show this sheet"),
)

# What single controls do with keys while they have the focus: told, not made, here.
OF_CONTROLS = (
    ("Tab, Shift+Tab", "the next control, the one before"),
    ("Up, Down", "a fader 1 dB, a number one step"),
    ("Shift+Up, Shift+Down", "a fader 0.1 dB"),
    ("Home", "a fader or parameter back to its default; a double click does so, too"),
    ("Left, Right", "the position 5 s back or ahead; Page Up and Page Down 30 s"),
    ("Space", "press the button that has the focus"),
    ("Space, Delete, Alt+Up, Alt+Down", "in a list of plugins: bypass, take out, move"),
)


def make_actions(
    window: QWidget, obey: dict[str, Callable[[bool], None]], table: Sequence[Shortcut] = SHORTCUTS
) -> dict[str, QAction]:
    """An action for each command, by name, known to the window.

    Args:
        window: in which the keys count.
        obey: what each does; told whether it is on now. Those that nobody obeys are left out.
        table: of the commands.
    """
    actions: dict[str, QAction] = {}
    for shortcut in table:
        if shortcut.name not in obey:
            continue
        action = QAction(shortcut.text, window)
        action.setObjectName(shortcut.name)
        action.setShortcuts([QKeySequence(keys) for keys in shortcut.keys])
        action.setCheckable(shortcut.can_be_on)
        action.setToolTip(f"{shortcut.help} ({shortcut.keys[0]})")
        action.setStatusTip(shortcut.help)
        action.triggered.connect(obey[shortcut.name])
        window.addAction(action)
        actions[shortcut.name] = action
    return actions


class KeysOfControls(QObject):
    """Lets a control that has the focus have the keys that it needs: Space presses a button before it plays."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """As Qt has it; for the whole application."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_needed(watched, event):
            event.accept()
            return True
        return False


def _is_needed(watched: QObject, event: QKeyEvent) -> bool:
    if event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
        return False
    if event.key() == Qt.Key.Key_Space:
        return isinstance(watched, QAbstractButton | QComboBox | QLineEdit | QAbstractSpinBox | QAbstractItemView)
    return event.text() == "?" and isinstance(watched, QLineEdit)


class ShortcutSheet(QDialog):
    """The table above, for people, and another one behind it."""

    def __init__(self, parent: QWidget | None = None, more: Sequence[Shortcut] = ()) -> None:
        super().__init__(parent)
        self.setObjectName("shortcut_sheet")
        self.setWindowTitle("Keyboard shortcuts")
        rows = [(", ".join(one.keys), f"{one.text.rstrip('…')}: {one.help}") for one in (*SHORTCUTS, *more)]
        rows += [(keys, f"In a control: {words}") for keys, words in OF_CONTROLS]
        table = QTableWidget(len(rows), 2)
        table.setObjectName("shortcuts")
        table.setAccessibleName("Keyboard shortcuts")
        table.setHorizontalHeaderLabels(["Keys", "What they do"])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        for at, row in enumerate(rows):
            for column, text in enumerate(row):
                table.setItem(at, column, QTableWidgetItem(text))
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.selectRow(0)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(table)
        layout.addWidget(buttons)
        self.resize(760, 740)
