"""The main window: pictures above, mixer and log below, controls on top, status at the foot."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QVBoxLayout, QWidget

from ..realtime.engine_settings import DEMO, PIPE, EngineSettings, is_sound_source
from ..realtime.panel import Recording
from ..realtime.registry import model_names
from ..realtime.status import EngineStatus
from . import theme
from .karaoke.karaoke_shortcuts import KARAOKE_SHORTCUTS
from .log_panel import LogPanel
from .mixer import MixerPanel
from .session import Session
from .settings import Remembered
from .shortcuts import SHORTCUTS, KeysOfControls, ShortcutSheet, make_actions
from .spectrogram import SpectrogramPanel
from .status_bar import StatusBar
from .transport import STEP_S
from .window_access import install_roles
from .window_controls import Controls
from .window_devices import DeviceFinder
from .window_karaoke import KaraokeSwitch
from .window_message import MessageBar
from .window_open import Opener

SIZE = QSize(1600, 1000)
_STATE_VERSION = 1
_SAYS_S = 6


class MainWindow(QMainWindow):
    """Everything that a person sees of one session; closing it ends the engine.

    Args:
        session: that is shown; it belongs to the window from now on.
        remembered: from the last time.
        critics: to begin with; None: those beside the model, if there are any.

    Attributes:
        session: as given.
        spectrograms: the pictures.
        mixer: the strips.
        karaoke: the mode in which somebody sings.
        log: what happened.
        message: what went wrong.
    """

    def __init__(self, session: Session, remembered: Remembered | None = None, *, critics: Path | None = None) -> None:
        super().__init__()
        install_roles()
        self.session = session
        self._remembered = Remembered(None) if remembered is None else remembered
        self._model = session.settings.model
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.message, self.log = MessageBar(), LogPanel()
        self.spectrograms, self.mixer = SpectrogramPanel(session), MixerPanel(session)
        self.karaoke = KaraokeSwitch(self, session, self.spectrograms)
        self._opener = Opener(session, self.spectrograms.load_critics, self)
        self._opener.take_song = self._take_song
        self._finder = DeviceFinder(self)
        self._actions = self._make_actions()
        self._controls = Controls(session, self._actions)
        self._status_bar = StatusBar()
        self.setStatusBar(self._status_bar)
        self._make_menus()
        self._lay_out()
        self._connect()
        self._keys = KeysOfControls(self)
        QApplication.instance().installEventFilter(self._keys)  # pyright: ignore[reportOptionalMemberAccess]
        if critics is None:
            self._opener.load_critics_of(self._model)
        else:
            self.spectrograms.load_critics(critics)
        self._on_settings(session.settings)
        self._on_frame(session.status)
        if not model_names() and not Path(self._model).is_file():
            self._on_noted(
                "warning", "no model is there: advsep-train and advsep-export make one; or open an .onnx file"
            )

    def look_for_devices(self) -> None:
        """Have the lists show those that there are now."""
        self._finder.look()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember the layout, fade out, end the engine."""
        self._remember()
        self._finder.close()
        self.karaoke.close_down()
        self.spectrograms.shut_down()
        self.session.close()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files may come; what they are is said when they are dropped."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open it, or say why not."""
        event.acceptProposedAction()
        self._opener.drop(event.mimeData())

    def _make_actions(self) -> dict[str, QAction]:
        opener, stack, session = lambda: self._opener, self.session.undo_stack, self.session
        return make_actions(
            self,
            {
                "open_song": lambda _: opener().ask("song"),
                "open_model": lambda _: opener().ask("model"),
                "open_critics": lambda _: opener().ask("critics"),
                "open_preset": lambda _: opener().ask("preset"),
                "save_preset": lambda _: opener().ask_where_to_save(),
                "find_devices": lambda _: self.look_for_devices(),
                "quit": lambda _: self._quit(),
                "undo": lambda _: stack.undo(),
                "redo": lambda _: stack.redo(),
                "play": lambda _: self._controls.transport.toggle(),
                "to_start": lambda _: self._controls.transport.to_start(),
                "back": lambda _: self._controls.transport.step(-STEP_S),
                "ahead": lambda _: self._controls.transport.step(STEP_S),
                "bypass": session.set_bypassed,
                "record": self._set_recording,
                "freeze": self.spectrograms.set_frozen,
                "theme": lambda light: theme.apply_theme("light" if light else "dark"),
                "karaoke": self.karaoke.set_on,
                "mixer": lambda on: self._show_dock("mixer", on),
                "log": lambda on: self._show_dock("log", on),
                "dismiss": lambda _: self.message.dismiss(),
                "keys": lambda _: self._show_keys(),
            },
        )

    def _make_menus(self) -> None:
        self.menuBar().setAccessibleName("Menus")
        for title in dict.fromkeys(shortcut.menu for shortcut in SHORTCUTS):
            menu = self.menuBar().addMenu(title)
            menu.setToolTipsVisible(True)
            for shortcut in SHORTCUTS:
                if shortcut.menu == title:
                    menu.addAction(self._actions[shortcut.name])

    def _lay_out(self) -> None:
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._controls)
        around = QVBoxLayout()
        around.setContentsMargins(8, 0, 8, 0)
        around.addWidget(self.message)
        layout.addLayout(around)
        layout.addWidget(self.karaoke.stack, 1)
        self.setCentralWidget(middle)
        self._docks = {"mixer": self._dock("Mixer", self.mixer), "log": self._dock("Log", self.log)}
        help_menu = self.menuBar().actions()[-1]
        self.karaoke.make_menus(self._actions["karaoke"], help_menu, list(self._docks.values()))
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self._docks["mixer"])
        self.splitDockWidget(self._docks["mixer"], self._docks["log"], Qt.Orientation.Horizontal)
        self.resize(SIZE)
        self.resizeDocks(list(self._docks.values()), [1290, 310], Qt.Orientation.Horizontal)
        self.resizeDocks([self._docks["mixer"]], [370], Qt.Orientation.Vertical)
        self.restoreGeometry(self._remembered.layout("geometry"))
        self.restoreState(self._remembered.layout("layout"), _STATE_VERSION)

    def _take_song(self, path: Path) -> bool:
        """In karaoke it is sung to."""
        if self.karaoke.is_on:
            self.karaoke.sing(path)
        return self.karaoke.is_on

    def _take_input(self, source: str) -> None:
        """In karaoke a song is sung to, and a device is where one's own voice comes in."""
        if not self.karaoke.is_on or not is_sound_source(source):
            self.session.open_input(source)
        elif source == DEMO:
            self._on_noted("warning", "karaoke: the demo song is no file; choose a song from the list")
        else:
            self.karaoke.sing(Path(source))

    def _play_as_it_is(self, path: Path) -> None:
        self.session.set_bypassed(True)
        self.session.open_input(str(path))

    def _dock(self, title: str, content: QWidget) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(f"{title.lower()}_dock")
        dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)  # the menu shows and hides it
        dock.setWidget(content)
        dock.visibilityChanged.connect(self._on_docks)
        return dock

    def _connect(self) -> None:
        session, pickers, actions = self.session, self._controls.pickers, self._actions
        session.status_changed.connect(self._on_frame)
        session.settings_changed.connect(self._on_settings)
        session.rack_changed.connect(pickers.show_rack)
        session.noted.connect(self._on_noted)
        self.karaoke.noted.connect(self._on_noted)
        self.karaoke.play_take.connect(self._play_as_it_is)
        session.recording_changed.connect(self._on_recording)
        pickers.input.chosen.connect(self._take_input)
        pickers.output.chosen.connect(session.open_output)
        pickers.model.chosen.connect(session.open_model)
        pickers.preset.chosen.connect(self._opener.open_preset)
        pickers.input.asked_for_file.connect(actions["open_song"].trigger)
        pickers.model.asked_for_file.connect(actions["open_model"].trigger)
        pickers.preset.asked_for_file.connect(actions["open_preset"].trigger)
        self._finder.found.connect(pickers.show_devices)
        self._finder.failed.connect(self._on_no_devices)
        self.message.dismissed.connect(self._on_dismissed)
        actions["dismiss"].setEnabled(False)  # Escape belongs to others while there is nothing to dismiss
        session.undo_stack.indexChanged.connect(self._on_steps)
        theme.notifier.changed.connect(self._on_theme)
        self._on_steps()
        self._on_theme()
        self._on_docks()

    def _on_frame(self, status: EngineStatus) -> None:
        """About thirty times a second: the one clock of everything that moves."""
        self._status_bar.show_status(status, now=status.state != "playing")
        self._controls.transport.show_status(status)
        if self.isVisible() and not self.isMinimized() and not self.karaoke.is_on:
            self.spectrograms.refresh()
            self.mixer.refresh()
        for name, on in (("freeze", self.spectrograms.frozen), ("bypass", self.session.settings.bypassed)):
            if self._actions[name].isChecked() != on:
                self._actions[name].setChecked(on)

    def _on_settings(self, settings: EngineSettings) -> None:
        self._controls.pickers.show_settings(settings)
        name = Path(settings.moving).name or settings.input
        self.setWindowTitle(f"{name} – advsep")
        if settings.model != self._model:
            self._model = settings.model
            self._opener.load_critics_of(settings.model)

    def _on_noted(self, level: str, words: str) -> None:
        self.log.add(level, words)
        if level == "info":
            if self.isVisible():  # before that Qt writes it over what the bar holds
                self._status_bar.showMessage(words, _SAYS_S * 1000)
        else:
            self.message.say(level, words)
            self._actions["dismiss"].setEnabled(True)

    def _on_no_devices(self, words: str) -> None:
        self._on_noted("warning", words)

    def _on_dismissed(self) -> None:
        self._actions["dismiss"].setEnabled(False)

    def _on_docks(self) -> None:
        for name, dock in self._docks.items():
            self._actions[name].setChecked(not dock.isHidden())

    def _on_theme(self) -> None:
        self._actions["theme"].setChecked(theme.kind() == "light")

    def _on_steps(self) -> None:
        """What can be undone and made again, in the menu's words."""
        stack = self.session.undo_stack
        for name, can, what in (
            ("undo", stack.canUndo(), stack.undoText()),
            ("redo", stack.canRedo(), stack.redoText()),
        ):
            self._actions[name].setEnabled(can)
            self._actions[name].setText(f"{name.capitalize()} {what}".rstrip())

    def _on_recording(self, recording: Recording | None) -> None:
        self._controls.show_recording(recording)

    def _set_recording(self, on: bool) -> None:
        if on:
            self.session.start_recording(None)
        else:
            self.session.stop_recording()
        self._controls.show_recording(self.session.recording)

    def _show_keys(self) -> None:
        ShortcutSheet(self, KARAOKE_SHORTCUTS).open()

    def _show_dock(self, name: str, on: bool) -> None:
        self._docks[name].setVisible(on)

    def _quit(self) -> None:
        self.close()

    def _remember(self) -> None:
        remembered, settings = self._remembered, self.session.settings
        remembered.remember("theme", theme.kind())
        remembered.remember("geometry", self.saveGeometry())
        remembered.remember("layout", self.saveState(_STATE_VERSION))
        for name in ("input", "output", "model"):
            value = str(getattr(settings, name))
            if value != PIPE:
                remembered.remember(name, value)
        remembered.save()
