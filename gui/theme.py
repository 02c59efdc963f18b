"""The window's two themes: colours that every widget and picture takes, and the palette that Qt draws with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

Kind = Literal["dark", "light"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DEFAULT: Kind = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """Of one theme; each of the last seven can be read as text on the first two, at 4.5:1 or more.

    Attributes:
        background: of the window.
        surface: of what lies on it: panels, fields, pictures.
        text: what is to be read.
        muted_text: what is to be read second.
        accent: what is chosen, switched on or has the focus.
        voice: of the first source.
        accompaniment: of the second.
        warning: attention.
        error: something went wrong.
    """

    background: QColor
    surface: QColor
    text: QColor
    muted_text: QColor
    accent: QColor
    voice: QColor
    accompaniment: QColor
    warning: QColor
    error: QColor


# Orange and blue are told apart with every common kind of colour blindness.
_THEMES: dict[Kind, Colours] = {
    "dark": Colours(
        background=QColor("#14171c"),
        surface=QColor("#1f242c"),
        text=QColor("#e8ecf1"),
        muted_text=QColor("#a7b1be"),
        accent=QColor("#62adff"),
        voice=QColor("#ffb454"),
        accompaniment=QColor("#58c7e6"),
        warning=QColor("#f4c64f"),
        error=QColor("#ff8a85"),
    ),
    "light": Colours(
        background=QColor("#eef1f5"),
        surface=QColor("#ffffff"),
        text=QColor("#181c22"),
        muted_text=QColor("#525c69"),
        accent=QColor("#0a58bd"),
        voice=QColor("#a04400"),
        accompaniment=QColor("#00627a"),
        warning=QColor("#735200"),
        error=QColor("#b0121b"),
    ),
}


class Notifier(QObject):
    """Tells those that draw in a theme's colours that there is another.

    Attributes:
        changed: with the new `Colours`; the palette is already in force.
    """

    changed = Signal(object)


notifier = Notifier()
_kind: Kind = DEFAULT


def kind() -> Kind:
    """The theme in force."""
    return _kind


def colours(of: Kind | None = None) -> Colours:
    """Of a theme; None: of the one in force."""
    return _THEMES[_kind if of is None else of]


def palette(kind: Kind) -> QPalette:
    """What Qt draws ordinary widgets with."""
    own = colours(kind)
    made = QPalette()
    roles = {
        QPalette.ColorRole.Window: own.background,
        QPalette.ColorRole.WindowText: own.text,
        QPalette.ColorRole.Base: own.surface,
        QPalette.ColorRole.AlternateBase: own.background,
        QPalette.ColorRole.Text: own.text,
        QPalette.ColorRole.PlaceholderText: own.muted_text,
        QPalette.ColorRole.Button: own.surface,
        QPalette.ColorRole.ButtonText: own.text,
        QPalette.ColorRole.BrightText: own.error,
        QPalette.ColorRole.Highlight: own.accent,
        QPalette.ColorRole.HighlightedText: own.surface,
        QPalette.ColorRole.Accent: own.accent,
        QPalette.ColorRole.Link: own.accent,
        QPalette.ColorRole.LinkVisited: own.accent,
        QPalette.ColorRole.ToolTipBase: own.surface,
        QPalette.ColorRole.ToolTipText: own.text,
    }
    for role, colour in roles.items():
        made.setColor(role, colour)
    # Switched off: fainter, and still to be read.
    faint = _mixed(own.muted_text, own.surface, 0.2)
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return made


def apply_theme(wanted: Kind) -> None:
    """Have the application, and everybody who listens to `notifier`, draw in a theme."""
    global _kind  # noqa: PLW0603
    _kind = wanted
    application = QApplication.instance()
    if isinstance(application, QApplication):
        application.setStyle("Fusion")  # the same everywhere, and it takes every colour from the palette
        application.setPalette(palette(wanted))
    notifier.changed.emit(colours())


def _mixed(one: QColor, other: QColor, share: float) -> QColor:
    """`one` with a share, 0 to 1, of `other`."""
    return QColor.fromRgbF(
        one.redF() + share * (other.redF() - one.redF()),
        one.greenF() + share * (other.greenF() - one.greenF()),
        one.blueF() + share * (other.blueF() - one.blueF()),
    )
