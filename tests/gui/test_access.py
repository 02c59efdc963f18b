"""Every widget of the window, with plugins in its strips: a name, a role, a way there by Tab, text that can be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from advsep.gui import theme
from advsep.gui.main_window import MainWindow
from advsep.realtime.rack_file import find_preset
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

INTERACTIVE = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit,
)  # fmt: skip
MOST_STOPS = 1000
NO_ROLES = (QAccessible.Role.NoRole, QAccessible.Role.Client)


@pytest.fixture(scope="module", params=["pictures and mixer", "karaoke"])
def full(
    window: MainWindow, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MainWindow]:
    """With a message, and with plugins; or in karaoke with all that can be done there."""
    session = window.session
    session.set_paused(True)
    session.edit_rack(find_preset("karaoke").rack, "preset karaoke")
    session.noted.emit("warning", "a message that can be dismissed")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "DATA", "CONFIG", "MUSIC"):
            folder = str(tmp_path_factory.mktemp(name))
            patch.setenv("XDG_MUSIC_DIR" if name == "MUSIC" else f"XDG_{name}_HOME", folder)
        window.karaoke.set_on(request.param == "karaoke")
        window.karaoke.page.stage.setEnabled(True)  # as with a song
        for _ in range(20):
            QApplication.processEvents()
        yield window
        window.karaoke.set_on(False)


def is_part(widget: QWidget) -> bool:
    """Of another widget, which stands for it: a spin box's field, a list's head, a scroll bar."""
    parent = widget.parentWidget()
    inside = isinstance(parent, QComboBox | QAbstractSpinBox | QLineEdit | QAbstractItemView | QMenu)
    return inside or isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_")


def controls(window: MainWindow) -> list[QWidget]:
    """What a person can do something with now."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if (isinstance(widget, INTERACTIVE) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        and widget.isVisible()
        and widget.isEnabled()
        and widget.window() is window
        and not is_part(widget)
    ]


def where(widget: QWidget) -> str:
    """A widget and what it lies in, for the list of what is wrong."""
    names: list[str] = []
    at: QWidget | None = widget
    while at is not None and len(names) < 4:
        names.append(at.objectName() or type(at).__name__)
        at = at.parentWidget()
    return f"{type(widget).__name__}: {' < '.join(names)}"


def test_there_is_something_to_walk(full: MainWindow) -> None:
    kinds = {kind.__name__ for widget in controls(full) for kind in type(widget).__mro__}
    assert {"QComboBox", "QPushButton", "QToolButton", "QSlider", "QAbstractSpinBox"} <= kinds
    assert ("QPlainTextEdit" in kinds) != full.karaoke.is_on
    assert len(controls(full)) > 35


def test_every_control_has_a_name_and_a_role(full: MainWindow) -> None:
    nameless, roleless = [], []
    for widget in controls(full):
        interface = QAccessible.queryAccessibleInterface(widget)
        if not interface.text(QAccessible.Text.Name).strip():
            nameless.append(where(widget))
        if interface.role() in NO_ROLES:
            roleless.append(where(widget))
    assert nameless == []
    assert roleless == []


def test_every_control_has_a_tooltip_and_an_object_name(full: MainWindow) -> None:
    assert [where(widget) for widget in controls(full) if not widget.toolTip() and widget is not full.message] == []
    assert [where(widget) for widget in controls(full) if not widget.objectName()] == []


def test_no_two_controls_of_one_kind_have_the_same_name(full: MainWindow) -> None:
    """Somebody who hears the names only has to know which fader it is."""
    seen: dict[tuple[str, str], str] = {}
    twice: list[str] = []
    for widget in controls(full):
        key = type(widget).__name__, widget.accessibleName()
        if key in seen:
            twice.append(f"{key[1]}: {seen[key]} and {where(widget)}")
        seen[key] = where(widget)
    assert twice == []


def test_every_control_is_reached_by_tab(full: MainWindow, qtbot: QtBot) -> None:
    full.activateWindow()
    qtbot.waitUntil(full.isActiveWindow)
    controls(full)[0].setFocus()
    reached: set[int] = set()
    for _ in range(MOST_STOPS):
        focused = QApplication.focusWidget()
        assert focused is not None
        if id(focused) in reached:
            break
        reached.add(id(focused))
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    wanted = [widget for widget in controls(full) if not isinstance(widget, QLabel)]
    missed = [where(widget) for widget in wanted if not reached & {id(widget), id(widget.focusProxy())}]
    assert missed == []


@pytest.mark.parametrize("kind", theme.KINDS)
def test_every_label_can_be_read(full: MainWindow, kind: theme.Kind) -> None:
    theme.apply_theme(kind)
    try:
        faint = {
            where(label): round(ratio, 2)
            for label in full.findChildren(QLabel)
            if label.isVisible() and label.isEnabled() and label.text() and (ratio := contrast_of(label)) < 4.5
        }
    finally:
        theme.apply_theme("dark")
    assert faint == {}


def contrast_of(label: QLabel) -> float:
    """Of its text on what lies behind it, by its palette; WCAG 2.1."""
    palette = label.palette()
    ratios = [
        0.2126 * red + 0.7152 * green + 0.0722 * blue
        for colour in (palette.color(label.foregroundRole()), palette.color(label.backgroundRole()))
        for red, green, blue in [tuple(map(linear, (colour.redF(), colour.greenF(), colour.blueF())))]
    ]
    return (max(ratios) + 0.05) / (min(ratios) + 0.05)


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
