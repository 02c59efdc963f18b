"""Both themes can be read: contrast of every text on every ground it stands on, WCAG 2.1's formula written out."""

from __future__ import annotations

import pytest
from advsep.gui import theme
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

LEAST = 4.5
ROLE = QPalette.ColorRole
PAIRS = (
    (ROLE.WindowText, ROLE.Window),
    (ROLE.Text, ROLE.Base),
    (ROLE.Text, ROLE.AlternateBase),
    (ROLE.PlaceholderText, ROLE.Base),
    (ROLE.ButtonText, ROLE.Button),
    (ROLE.HighlightedText, ROLE.Highlight),
    (ROLE.ToolTipText, ROLE.ToolTipBase),
    (ROLE.Link, ROLE.Base),
    (ROLE.BrightText, ROLE.Window),
)


def luminance(colour: QColor) -> float:
    """Relative, 0 (black) to 1 (white)."""

    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel / 255) for channel in (colour.red(), colour.green(), colour.blue()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_gives_known_numbers() -> None:
    assert contrast(QColor("#ffffff"), QColor("#000000")) == pytest.approx(21.0)
    assert contrast(QColor("#767676"), QColor("#ffffff")) == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("kind", theme.KINDS)
def test_text_of_the_palette_can_be_read(kind: theme.Kind) -> None:
    palette = theme.palette(kind)
    found = {
        (text.name, ground.name): contrast(palette.color(group, text), palette.color(group, ground))
        for text, ground in PAIRS
        for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive)
    }
    assert {pair: ratio for pair, ratio in found.items() if ratio < LEAST} == {}


@pytest.mark.parametrize("kind", theme.KINDS)
def test_what_is_switched_off_can_be_read_too(kind: theme.Kind) -> None:
    palette = theme.palette(kind)
    off = QPalette.ColorGroup.Disabled
    assert contrast(palette.color(off, ROLE.ButtonText), palette.color(off, ROLE.Button)) >= 3.0
    assert contrast(palette.color(off, ROLE.WindowText), palette.color(off, ROLE.Window)) >= 3.0


@pytest.mark.parametrize("kind", theme.KINDS)
@pytest.mark.parametrize("name", ["text", "muted_text", "accent", "voice", "accompaniment", "warning", "error"])
def test_every_colour_can_be_text(kind: theme.Kind, name: str) -> None:
    colours = theme.colours(kind)
    for ground in (colours.background, colours.surface):
        assert contrast(getattr(colours, name), ground) >= LEAST


def test_a_theme_is_told_when_it_is_in_force(application: QApplication) -> None:
    seen: list[tuple[QColor, QColor]] = []

    def note(colours: theme.Colours) -> None:
        seen.append((colours.surface, application.palette().color(ROLE.Base)))

    theme.notifier.changed.connect(note)
    try:
        theme.apply_theme("light")
        assert theme.kind() == "light"
        theme.apply_theme("dark")
    finally:
        theme.notifier.changed.disconnect(note)
    assert [one.name() for one, _ in seen] == ["#ffffff", theme.colours("dark").surface.name()]
    assert all(one == other for one, other in seen)
