"""Tables of songs, entries and takes: rows of whatever they are, chosen and commanded by keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QKeyCombination,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex
_ROOM_PX = 9  # above and below a line together: easy to hit
_KEYPAD = Qt.KeyboardModifier.KeypadModifier


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes:
        title: over it.
        text: of a row.
        spoken: for a screen reader, where signs stand for words; None: the text.
        tip: of a row; None: its text, which may be cut.
        edit: takes what somebody typed; None: it cannot be edited.
        width: in characters; 0: what is left, which several share.
        is_number: stands at the right.
        is_sign: stands in the middle.
        heading: the title for a screen reader, where that is a sign, too; empty: the title.
    """

    title: str
    text: Callable[[Row], str]
    spoken: Callable[[Row], str] | None = None
    tip: Callable[[Row], str] | None = None
    edit: Callable[[Row, str], None] | None = None
    width: int = 0
    is_number: bool = False
    is_sign: bool = False
    heading: str = ""

    @property
    def alignment(self) -> Qt.AlignmentFlag:
        """Where its texts stand."""
        sides = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignLeft
        return sides[0 if self.is_number else 1 if self.is_sign else 2] | Qt.AlignmentFlag.AlignVCenter


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows in columns.

    Args:
        columns: from left to right.
    """

    def __init__(self, columns: Sequence[Column[Row]]) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.rows: list[Row] = []

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Have other rows; where only some differ, what is chosen stays."""
        before, self.rows = self.rows, list(rows)
        if len(before) != len(rows):
            self.rows, after = before, self.rows
            self.beginResetModel()
            self.rows = after
            self.endResetModel()
            return
        changed = [at for at, (old, new) in enumerate(zip(before, self.rows, strict=True)) if old != new]
        if changed:  # said once: a signal a row is slow
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(self.columns) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt has it."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """As Qt has it."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """As Qt has it."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row, column = self.rows[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return column.text(row)
            case Qt.ItemDataRole.ToolTipRole:
                return (column.tip or column.text)(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return (column.spoken or column.text)(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return column.alignment
            case _:
                return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """As Qt has it."""
        edit = self.columns[index.column()].edit
        if role != Qt.ItemDataRole.EditRole or edit is None or index.row() >= len(self.rows):
            return False
        edit(self.rows[index.row()], str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """As Qt has it."""
        flags = super().flags(index)
        can_be_edited = index.isValid() and self.columns[index.column()].edit is not None
        return flags | Qt.ItemFlag.ItemIsEditable if can_be_edited else flags

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """As Qt has it."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return column.alignment
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return column.heading or column.title
        return column.title if role == Qt.ItemDataRole.DisplayRole else None


class _Delegate(QStyledItemDelegate):
    """Draws a line around the cell with the focus: Fusion's own veil would make its text faint."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """As Qt has it."""
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        option.state = state & ~QStyle.StateFlag.State_HasFocus  # pyright: ignore[reportAttributeAccessIssue]
        super().paint(painter, option, index)
        if state & QStyle.StateFlag.State_HasFocus:
            palette: QPalette = option.palette  # pyright: ignore[reportAttributeAccessIssue]
            is_chosen = bool(state & QStyle.StateFlag.State_Selected)
            role = QPalette.ColorRole.HighlightedText if is_chosen else QPalette.ColorRole.Text
            painter.setPen(palette.color(role))
            area: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
            painter.drawRect(area.adjusted(0, 0, -1, -1))


class RowsTable(QTableView, Generic[Row]):
    """One row is chosen; keys command what happens to it, Tab leaves.

    Args:
        name: the object's name.
        title: for people.
        tip: what the keys do.
        columns: from left to right.
        key_of: by which a row is known again when rows come and go.
        keys: commands by their keys; these keys mean nothing else here.

    Attributes:
        commanded: by a key; a double click is `open`.
        chosen_changed: another row is chosen, or none.
    """

    commanded = Signal(str)
    chosen_changed = Signal()

    def __init__(
        self,
        name: str,
        title: str,
        tip: str,
        columns: Sequence[Column[Row]],
        key_of: Callable[[Row], object],
        keys: dict[int, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._key_of, self._keys = RowsModel[Row](columns), key_of, keys
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setToolTip(tip)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionsClickable(False)
        self.setItemDelegate(_Delegate(self))
        self._fit()
        self.doubleClicked.connect(self._open)
        self.selectionModel().currentRowChanged.connect(self._tell)

    @property
    def rows(self) -> list[Row]:
        """All that are shown."""
        return self._model.rows

    @property
    def chosen(self) -> Row | None:
        """The row that is chosen."""
        at = self.currentIndex().row()
        return self.rows[at] if 0 <= at < len(self.rows) else None

    def set_rows(self, rows: Sequence[Row], *, choose: object = None) -> None:
        """Have other rows.

        Args:
            rows: from top to bottom.
            choose: key of the row to be chosen; None: the same as before, or what stands in its place now.
        """
        at = max(0, self.currentIndex().row())
        before = self.chosen
        wanted = choose if choose is not None or before is None else self._key_of(before)
        self._model.set_rows(rows)
        place = next((i for i, row in enumerate(rows) if self._key_of(row) == wanted), min(at, len(rows) - 1))
        if rows:
            column = max(0, self.currentIndex().column())
            if self.currentIndex().row() != place or not self.selectionModel().hasSelection():
                self.selectRow(place)
                self.setCurrentIndex(self._model.index(place, column))
        self.chosen_changed.emit()

    def edit_chosen(self, column: int) -> None:
        """Have a cell of the chosen row edited."""
        if self.chosen is not None:
            self.edit(self._model.index(self.currentIndex().row(), column))

    def event(self, event: QEvent) -> bool:
        """Keys that command here are no shortcuts of the window meanwhile."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._command(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Command, else move."""
        command = self._command(event)
        if command and self.state() != QAbstractItemView.State.EditingState:
            self.commanded.emit(command)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another font, another height of lines."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_keys"):
            self._fit()

    def _open(self) -> None:
        self.commanded.emit("open")

    def _tell(self) -> None:
        self.chosen_changed.emit()

    def _command(self, event: QKeyEvent) -> str:
        return self._keys.get(QKeyCombination(event.modifiers() & ~_KEYPAD, Qt.Key(event.key())).toCombined(), "")

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        self.verticalHeader().setDefaultSectionSize(metrics.height() + _ROOM_PX)
        head = self.horizontalHeader()
        head.setMinimumSectionSize(2 * metrics.averageCharWidth())
        for at, column in enumerate(self._model.columns):
            if column.width:
                head.setSectionResizeMode(at, QHeaderView.ResizeMode.Interactive)
                wide = max(column.width * metrics.horizontalAdvance("0"), metrics.horizontalAdvance(column.title)) + 14
                self.setColumnWidth(at, wide)
            else:
                head.setSectionResizeMode(at, QHeaderView.ResizeMode.Stretch)


def keys(**commands: str) -> dict[int, str]:
    """`keys(open="Return Enter", up="Alt+Up")`: commands by their keys."""
    return {
        QKeySequence(each)[0].toCombined(): command  # pyright: ignore[reportIndexIssue]
        for command, written in commands.items()
        for each in written.split()
    }
