"""Karaoke as a mode of the window: its page in place of the pictures, its menus beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QSizePolicy, QStackedWidget, QWidget

from .karaoke.karaoke_page import KaraokePage
from .karaoke.karaoke_shortcuts import KARAOKE_SHORTCUTS
from .session import Session


class KaraokeSwitch(QObject):
    """Switches a window between separating what comes in and singing to a song.

    Args:
        window: that has the menus.
        session: that plays.
        pictures: what is shown otherwise.

    Attributes:
        stack: to be put where the pictures were.
        page: of karaoke.
        noted: `info`, `warning` or `error`, and words.
        play_take: a take's file is to be heard, as it is.
        is_on: whether it is shown.
    """

    noted = Signal(str, str)
    play_take = Signal(Path)

    def __init__(self, window: QMainWindow, session: Session, pictures: QWidget) -> None:
        super().__init__(window)
        self._window, self._action = window, QAction()
        self.is_on = False
        self.page, self._pictures = KaraokePage(session), pictures
        self.stack = QStackedWidget()
        self.stack.addWidget(pictures)
        self.stack.addWidget(self.page)
        self._take_no_room()
        self._menus: list[QMenu] = []
        self._docks: Sequence[QDockWidget] = ()
        self._hidden: list[QDockWidget] = []
        self.page.noted.connect(self.noted)
        self.page.play_take.connect(self._play_take)

    def make_menus(self, action: QAction, before: QAction | None, docks: Sequence[QDockWidget]) -> None:
        """Put the menus of karaoke into the window's bar.

        Args:
            action: that is checked while it is on.
            before: where in the bar; None: at its end.
            docks: that make room for it.
        """
        self._action, self._docks = action, docks
        bar = self._window.menuBar()
        for title in dict.fromkeys(shortcut.menu for shortcut in KARAOKE_SHORTCUTS):
            menu = QMenu(title, self._window)
            menu.setToolTipsVisible(True)
            for shortcut in KARAOKE_SHORTCUTS:
                if shortcut.menu == title and shortcut.name in self.page.actions_by_name:
                    menu.addAction(self.page.actions_by_name[shortcut.name])
            if before is None:
                bar.addMenu(menu)
            else:
                bar.insertMenu(before, menu)
            menu.menuAction().setVisible(False)
            self._menus.append(menu)

    def set_on(self, on: bool) -> None:
        """Show its page, or the pictures; what is sung to then ends."""
        if on == self.is_on:
            return
        self.is_on = on
        self._action.setChecked(on)
        for menu in self._menus:
            menu.menuAction().setVisible(on)
        self.page.set_active(on)
        self.stack.setCurrentWidget(self.page if on else self._pictures)
        self._take_no_room()
        if on:
            self._hidden = [dock for dock in self._docks if not dock.isHidden()]
        for dock in self._hidden:
            dock.setVisible(not on)
        if not on:
            self.page.mode.leave()
        elif self.page.library is not None:
            self.page.library.search.setFocus()

    def sing(self, song: Path) -> None:
        """Be on, with a song."""
        self.set_on(True)
        self.page.sing(song)

    def close_down(self) -> None:
        """Before the session ends."""
        self.page.close_down()

    def _take_no_room(self) -> None:
        """What is not shown is not to say how small the window may be."""
        for widget in (self.page, self._pictures):
            shown = widget is self.stack.currentWidget()
            kind = QSizePolicy.Policy.Expanding if shown else QSizePolicy.Policy.Ignored
            widget.setSizePolicy(kind, kind)

    def _play_take(self, take: Path) -> None:
        self.set_on(False)
        self.play_take.emit(take)
