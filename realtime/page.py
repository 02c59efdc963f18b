"""Lines of text for a terminal of any width, with labels, and in ASCII where there is nothing else."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

LABEL = 11  # columns of a line's name
_ASCII = str.maketrans({"–": "-", "·": "|", "█": "#", "▒": "=", "─": ".", "…": "~", "●": "*", "→": ">"})


class Page:
    """Makes lines that fit.

    Args:
        width: columns.
        console: that the lines are for.
        ascii_only: whether its encoding has no more.
    """

    def __init__(self, width: int, console: Console, *, ascii_only: bool) -> None:
        self.width, self.ascii_only = width, ascii_only
        self._console = console

    def text(self, text: str, style: str = "") -> Text:
        """Text on one line, in signs that the console has."""
        text = " ".join(text.splitlines())
        if self.ascii_only:
            text = text.translate(_ASCII)
        # A file's name may have signs that no encoding has.
        # Appended: a text's own style would be that of all that is put behind it, too.
        return Text().append(text.encode("ascii" if self.ascii_only else "utf-8", "replace").decode(), style)

    def fit(self, text: Text, width: int) -> Text:
        """Cut it to so many columns."""
        if text.cell_len > width:
            text.truncate(max(0, width), overflow="crop" if self.ascii_only else "ellipsis")
        return text

    def line(self, label: str, items: list[Text], between: str = " · ") -> list[Text]:
        """Items behind a label, on as many lines as they need."""
        return [
            self.text(f"{label if i == 0 else '':{LABEL}}", "dim").append_text(line)
            for i, line in enumerate(self.flow(items, max(1, self.width - LABEL), between))
        ]

    def flow(self, items: list[Text], width: int, between: str = "") -> list[Text]:
        """Lines that break between items, and within those only that are longer than a line."""
        lines: list[Text] = []
        joint = self.text(between, "dim")
        for item in items:
            if lines and lines[-1].cell_len + joint.cell_len + item.cell_len <= width:
                lines[-1].append_text(joint).append_text(item)
            else:
                lines += item.wrap(self._console, width)
        return lines


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, `3:07`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
