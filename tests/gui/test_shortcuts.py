"""The table of keys is complete, contradicts itself nowhere, and is what the window obeys."""

from __future__ import annotations

from collections import Counter

from advsep.gui.karaoke.karaoke_shortcuts import KARAOKE_SHORTCUTS
from advsep.gui.main_window import MainWindow
from advsep.gui.session import Session
from advsep.gui.shortcuts import OF_CONTROLS, SHORTCUTS, ShortcutSheet
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QTableWidget
from pytestqt.qtbot import QtBot


def test_no_key_is_given_twice() -> None:
    keys = Counter(QKeySequence(keys).toString() for shortcut in SHORTCUTS for keys in shortcut.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert "" not in keys


def test_every_line_is_an_action_in_a_menu(quiet: Session, qtbot: QtBot) -> None:
    window = MainWindow(quiet)
    qtbot.addWidget(window)
    menus = window.menuBar().findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    there = {action.objectName(): action for menu in menus for action in menu.actions()}
    assert list(there) == [shortcut.name for shortcut in SHORTCUTS]
    for shortcut in SHORTCUTS:
        keys = [key.toString() for key in there[shortcut.name].shortcuts()]
        assert keys == [QKeySequence(text).toString() for text in shortcut.keys]


def test_the_sheet_shows_every_key(quiet: Session, qtbot: QtBot) -> None:
    window = MainWindow(quiet)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_Question)
    qtbot.waitUntil(lambda: window.findChild(ShortcutSheet) is not None)
    sheet = window.findChild(ShortcutSheet)
    assert sheet is not None
    table = sheet.findChild(QTableWidget)
    assert table is not None
    assert table.rowCount() == len(SHORTCUTS) + len(KARAOKE_SHORTCUTS) + len(OF_CONTROLS)
    shown = " ".join(table.item(row, 0).text() for row in range(table.rowCount()))
    assert all(key in shown for shortcut in (*SHORTCUTS, *KARAOKE_SHORTCUTS) for key in shortcut.keys)
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_a_switch_shows_what_is_in_force(quiet: Session, qtbot: QtBot) -> None:
    window = MainWindow(quiet)
    qtbot.addWidget(window)
    window.show()
    bypass = window.findChild(QAction, "bypass")
    assert bypass is not None
    quiet.set_bypassed(True)
    qtbot.waitUntil(bypass.isChecked)
    bypass.trigger()
    assert not quiet.settings.bypassed
