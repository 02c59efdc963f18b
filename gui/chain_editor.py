"""The plugins of one strip: a list to add to, take from, order and bypass, and the chosen one's parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QBrush, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListWidgetItem,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..realtime.parameter import Value
from ..realtime.plugin_registry import PluginError
from ..realtime.rack_spec import PluginSpec, RackSpec
from . import theme
from .mixer_chain_list import ChainList
from .mixer_plugins import PluginMenu, kind_of
from .parameter_editor import ParameterEditor
from .parameter_row import muted_label
from .session import Session


class ChainEditor(QWidget):
    """The chain of one strip.

    Every change is a step that can be undone; what comes back from the session touches only what differs.

    Args:
        session: whose rack it edits.
        strip: name of the strip.
        parent: of the widget.
    """

    _chain: tuple[PluginSpec, ...] = ()

    def __init__(self, session: Session, strip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._strip = session, strip
        self._failures: tuple[str, ...] = ()
        self._editor: ParameterEditor | None = None
        self._row_wanted: int | None = None  # by the edit that is being made
        self.list = self._make_list()
        self.menu = PluginMenu(self)
        self.menu.chosen.connect(self._add)
        self._buttons = self._make_buttons()
        self._words = muted_label("", self)
        self._words.setObjectName(f"{strip}.chain.words")
        self._area = QScrollArea(self)
        self._area.setObjectName(f"{strip}.chain.area")
        self._area.setAccessibleName(f"{strip} plugin parameters")
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(self._buttons_row())
        column.addWidget(self.list)
        column.addWidget(self._words)
        column.addWidget(self._area, 1)
        column.addStretch(0)
        self._follow_row()

    @property
    def editor(self) -> ParameterEditor | None:
        """Controls of the chosen plugin; None where there is none, or it cannot be loaded."""
        return self._editor

    def show_chain(self, chain: tuple[PluginSpec, ...]) -> None:
        """Show what a rack has."""
        if chain == self._chain:
            return
        before, self._chain = self._chain, chain
        with QSignalBlocker(self.list):
            while self.list.count() > len(chain):
                self.list.takeItem(self.list.count() - 1)
            while self.list.count() < len(chain):
                self.list.addItem(QListWidgetItem())
            if self._row_wanted is not None:
                self.list.setCurrentRow(self._row_wanted)
            elif chain and self.list.currentRow() < 0:
                self.list.setCurrentRow(0)
        self._paint_items()
        self.list.setVisible(bool(chain))
        if len(before) != len(chain):
            self.list.updateGeometry()
        self._follow_row()

    def show_failures(self, failures: tuple[str, ...]) -> None:
        """Show why plugins of this strip are not run any more, from an engine's status."""
        own = tuple(each for each in failures if each.startswith(f"{self._strip}: "))
        if own != self._failures:
            self._failures = own
            self._paint_items()
            self._follow_row()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The colour of failures is of the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_items()

    def _make_list(self) -> ChainList:
        made = ChainList(self)
        made.hide()
        made.setObjectName(f"{self._strip}.chain")
        made.setAccessibleName(f"{self._strip} plugins, in order")
        made.setToolTip("Plugins in order. Space: bypass; Delete: remove; Alt with ↑ or ↓: move")
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        made.currentRowChanged.connect(self._follow_row)
        made.itemChanged.connect(self._tick)
        made.removed.connect(self._remove)
        made.shifted.connect(self._shift)
        return made

    def _make_buttons(self) -> dict[str, QToolButton]:
        lines: tuple[tuple[str, str, str, Callable[[], None] | None], ...] = (
            ("add", "+ Add", "Add a plugin at the end", None),
            ("remove", "Remove", "Take the chosen plugin out (Delete)", self._remove),
            ("up", "↑", "Earlier in the chain (Alt+↑)", lambda: self._shift(-1)),
            ("down", "↓", "Later in the chain (Alt+↓)", lambda: self._shift(1)),
        )
        found: dict[str, QToolButton] = {}
        for name, text, tip, act in lines:
            found[name] = button = QToolButton(self)
            button.setText(text)
            button.setToolTip(tip)
            button.setObjectName(f"{self._strip}.chain.{name}")
            button.setAccessibleName(f"{self._strip}: {tip}")
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            if act is not None:
                button.clicked.connect(act)
        found["add"].setMenu(self.menu)
        found["add"].setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return found

    def _buttons_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(3)
        row.addWidget(self._buttons["add"])
        row.addStretch(1)
        for name in ("up", "down", "remove"):
            row.addWidget(self._buttons[name])
        return row

    def _paint_items(self) -> None:
        with QSignalBlocker(self.list):
            for place, asked in enumerate(self._chain):
                item, failure = self.list.item(place), self._failure_of(asked)
                item.setSizeHint(QSize(0, self.list.line_px))
                item.setText(f"{asked.name} – failed" if failure else asked.name)
                item.setCheckState(Qt.CheckState.Unchecked if asked.bypassed else Qt.CheckState.Checked)
                item.setToolTip(failure or "Ticked: it is heard; not ticked: bypassed, equally late")
                item.setForeground(QBrush(theme.colours().error) if failure else QBrush())
                state = failure or ("bypassed" if asked.bypassed else "on")
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{asked.name}, {state}")

    def _failure_of(self, asked: PluginSpec) -> str:
        """In words; of two plugins with the same name it is told at both."""
        begin = f"{self._strip}: {asked.name}: "
        return next((each.removeprefix(begin) for each in self._failures if each.startswith(begin)), "")

    def _follow_row(self) -> None:
        """Show the chosen plugin's parameters, in the same controls where they suit."""
        row = self.list.currentRow()
        chosen = self._chain[row] if 0 <= row < len(self._chain) else None
        for name, enabled in (
            ("remove", chosen is not None),
            ("up", chosen is not None and row > 0),
            ("down", chosen is not None and row + 1 < len(self._chain)),
        ):
            self._buttons[name].setEnabled(enabled)
            self._buttons[name].setVisible(bool(self._chain))
        words = "" if self._chain else "No plugins: the sound passes as it is."
        if chosen is not None:
            words = self._failure_of(chosen) and f"{chosen.name} is not run any more: {self._failure_of(chosen)}"
            words = self._edit_plugin(chosen) or words
        else:
            self._set_editor(None)
        self._words.setText(words)
        self._words.setVisible(bool(words))
        is_error = bool(words and self._chain)
        self._words.setForegroundRole(QPalette.ColorRole.BrightText if is_error else QPalette.ColorRole.PlaceholderText)

    def _edit_plugin(self, chosen: PluginSpec) -> str:
        """Returns why it cannot be edited, in words."""
        try:
            kind = kind_of(chosen.name)
        except PluginError as error:
            self._set_editor(None)
            return str(error)
        if self._editor is not None and self._editor.suits(kind, chosen.values):
            self._editor.show_values(chosen.values)
            return ""
        editor = ParameterEditor(kind, f"{self._strip} {chosen.name}", chosen.values)
        editor.changed.connect(self._set_value)
        editor.refused.connect(self._note)
        self._set_editor(editor)
        return ""

    def _note(self, words: str) -> None:
        self._session.noted.emit("warning", words)

    def _set_editor(self, editor: ParameterEditor | None) -> None:
        if editor is not self._editor:
            self._editor = editor
            self._area.setWidget(editor if editor is not None else QWidget())  # deletes the one before
            bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
            self._area.setMinimumWidth(0 if editor is None else editor.minimumSizeHint().width() + bar)
        self._area.setVisible(editor is not None)

    def _set_value(self, name: str, value: Value | None, gesture: int) -> None:
        row = self.list.currentRow()
        asked = self._chain[row]
        values = {key: each for key, each in asked.values.items() if key != name}
        if value is not None:
            values[name] = value
        what = f"{self._strip} {asked.name} {name}"
        self._replace(row, replace(asked, values=values), what, f"{what} {row} {gesture}" if gesture else "")

    def _tick(self, item: QListWidgetItem) -> None:
        row = self.list.row(item)
        bypassed = item.checkState() != Qt.CheckState.Checked
        if 0 <= row < len(self._chain) and bypassed != self._chain[row].bypassed:
            asked = self._chain[row]
            what = f"{'bypass' if bypassed else 'switch on'} {asked.name} of {self._strip}"
            self._replace(row, replace(asked, bypassed=bypassed), what)

    def _add(self, name: str) -> None:
        self._edit((*self._chain, PluginSpec(name)), f"add {name} to {self._strip}", len(self._chain))

    def _remove(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._chain):
            what = f"remove {self._chain[row].name} from {self._strip}"
            self._edit((*self._chain[:row], *self._chain[row + 1 :]), what, min(row, len(self._chain) - 2))

    def _shift(self, by: int) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._chain) and 0 <= row + by < len(self._chain):
            chain = list(self._chain)
            chain[row], chain[row + by] = chain[row + by], chain[row]
            self._edit(chain, f"move {self._chain[row].name} of {self._strip}", row + by)

    def _replace(self, row: int, asked: PluginSpec, what: str, merge: str = "") -> None:
        self._edit((*self._chain[:row], asked, *self._chain[row + 1 :]), what, row, merge)

    def _edit(self, chain: Sequence[PluginSpec], what: str, row: int, merge: str = "") -> None:
        rack: RackSpec = self._session.rack
        strip = replace(rack.named(self._strip), chain=tuple(chain))
        self._row_wanted = row
        self._session.edit_rack(rack.with_strip(self._strip, strip), what, merge)
        self._row_wanted = None
