"""The status of an engine as a panel for the terminal: a picture of one moment, made from the status alone.

What is not known is shown as "–", never as 0. Nothing is said by colour only, and where the
console's encoding has no more than ASCII the panel does with that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.text import Text

from .controls import KEY_ROWS, KeyRow
from .page import Page, clock
from .status import EngineStatus, Level

WIDEST = 120  # columns: farther apart, a name and its number are no longer seen as one
LOWEST_DBFS = -60.0
CLIPPED_DBFS = -0.01  # full scale of 16 bits is a little below 0
HOT_DBFS, WARM_DBFS = -3.0, -12.0
_STATE_STYLES = {"starting": "cyan", "playing": "green", "waiting": "yellow", "ended": "bold", "failed": "bold red"}
_STATE_NOTES = {"waiting": "the device is gone; sound goes on when it is back", "failed": "the engine has failed"}
_KEY_SIGNS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording that is under way.

    Attributes:
        folder: where its files will lie.
        seconds: recorded so far.
        lost_s: of these, silence in place of sound that could not be kept.
        error: why it ended before its time, else nothing.
    """

    folder: str
    seconds: float
    lost_s: float = 0.0
    error: str = ""


def panel(
    status: EngineStatus,
    width: int | None = None,
    *,
    recording: Recording | None = None,
    soloed: Sequence[str] = (),
    hop_samples: int = 0,
    show_help: bool = False,
    song: Sequence[str] = (),
) -> RenderableType:
    """A panel for rich to draw, at 40 columns as at 200; about 20 lines at 80.

    Args:
        status: of the engine.
        width: columns; None: as many as the console has, at most `WIDEST`.
        recording: what is being recorded; None: nothing.
        soloed: sources that alone are heard.
        hop_samples: length of a hop, which its times are compared with; 0: unknown.
        show_help: list all keys instead of a line of them.
        song: of karaoke, lines of what is sung and how; the first is what is sung now.
    """
    return _StatusPanel(status, width, recording, tuple(soloed), hop_samples, show_help, tuple(song))


@dataclass(frozen=True, slots=True)
class _StatusPanel:
    status: EngineStatus
    width: int | None
    recording: Recording | None
    soloed: tuple[str, ...]
    hop_samples: int
    show_help: bool
    song: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(self.width or WIDEST, options.max_width)
        page = _StatusPage(self, max(1, width - 4), console, ascii_only=options.ascii_only)
        yield Panel(
            Group(*page.lines()),
            title=page.title(),
            title_align="left",
            width=width,
        )


class _StatusPage(Page):
    """The lines of a panel, `width` columns wide inside."""

    def __init__(self, shown: _StatusPanel, width: int, console: Console, *, ascii_only: bool) -> None:
        super().__init__(width, console, ascii_only=ascii_only)
        self._shown, self._status = shown, shown.status
        sources = dict.fromkeys([*shown.status.gains_db, *shown.status.levels])
        self._strips = ["input", *(name for name in sources if name not in ("input", "output")), "output"]

    def title(self) -> Text:
        status = self._status
        parts = [self.text("advsep", "bold"), self.text(status.model or "–")]
        stands = status.paused and status.state == "playing"
        parts.append(self.text("paused", "yellow") if stands else self.text(status.state, _STATE_STYLES[status.state]))
        parts += [self.text("BYPASS", "bold yellow")] if status.bypassed else []
        recording = self._shown.recording
        parts += [self.text("● REC", "bold red")] if recording is not None and not recording.error else []
        joint, room = self.text(" · ", "dim"), max(1, self.width - 2)
        while len(parts) > 1 and joint.join(parts).cell_len > room:
            del parts[0]  # the names go first, what happens stays
        return self.fit(joint.join(parts), room)

    def lines(self) -> list[Text]:
        status = self._status
        note = status.note or _STATE_NOTES.get(status.state, "")
        noted = self.flow([self.text(note, _STATE_STYLES[status.state])], self.width) if note else []
        gap = [Text()]
        meters = [self._scale(), *(self._strip(name) for name in self._strips)]
        return [*noted, *self._song(), *self._facts(), *gap, *meters, *gap, *self._running(), *gap, *self._keys()]

    def _song(self) -> list[Text]:
        """The line that is sung as large as a terminal can have it."""
        lines = self._shown.song
        shown = [self.fit(self.text(line, "bold" if n == 0 else "dim"), self.width) for n, line in enumerate(lines)]
        return [*shown, Text()] if shown else []

    def _facts(self) -> list[Text]:
        status, rate_hz = self._status, self._status.rate_hz
        period = status.period_samples
        known = rate_hz > 0 and (status.latency_samples > 0 or bool(status.latency_parts))
        engine_ms = 1e3 * status.latency_samples / rate_hz if known else None
        device_ms = None if status.device_latency_s is None else 1e3 * status.device_latency_s
        total_ms = None if engine_ms is None or device_ms is None else engine_ms + device_ms
        samples = f"{status.latency_samples} samples, " if known else ""
        parts = [f"{name} {count}" for name, count in status.latency_parts.items()]
        position = "–" if status.state == "starting" else clock(status.position_s)
        length = "" if status.length_s is None else f" of {clock(status.length_s)}"
        granted = self.text("–") if status.state == "starting" else self._yes_no(status.realtime)
        return [
            *self.line("device", [self.text(status.device or "–")]),
            *self.line(
                "",
                [
                    self.text(f"{rate_hz / 1000:g} kHz" if rate_hz else "– kHz"),
                    self.text(f"period {period} samples{self._in_ms(period)}" if period else "period –"),
                    self.text("real-time scheduling ").append_text(granted),
                ],
            ),
            *self.line(
                "latency",
                [
                    self.text(f"engine {samples}{_ms(engine_ms)}"),
                    self.text(f"+ device {_ms(device_ms)}"),
                    self.text(f"= {_ms(total_ms)} in all", "bold"),
                ],
                "  ",
            ),
            *self.line("  made of", [self.text(part) for part in parts] or [self.text("–")], " + "),
            *self.line("position", [self.text(position + length), *self._loop()]),
        ]

    def _loop(self) -> list[Text]:
        loop = self._status.loop
        return [] if loop is None else [self.text(f"loop {clock(loop[0])} to {clock(loop[1])}", "cyan")]

    def _running(self) -> list[Text]:
        status = self._status
        hop_s = self._shown.hop_samples / status.rate_hz if self._shown.hop_samples and status.rate_hz else None
        times = {"p50": status.hop_s_p50, "p99": status.hop_s_p99, "p99.9": status.hop_s_p99_9, "max": status.hop_s_max}
        shares, milliseconds = [self.text("–")], [self.text("–")]
        if status.hops:
            shares = [self._share("mean", status.load)]
            shares += [] if hop_s is None else [self._share(name, time_s / hop_s) for name, time_s in times.items()]
            shares[-1].append_text(self.text(" % of a hop" if hop_s is None else f" % of a {_ms(1e3 * hop_s)} hop"))
            milliseconds = [self.text(f"{name} {1e3 * time_s:.2f}") for name, time_s in times.items()]
            milliseconds[-1].append_text(self.text(" ms"))
        counts = {
            "misses": status.misses,
            "skipped": status.skipped_hops,
            "xruns": status.device_xruns,
            "restarts": status.restarts,
            "clipped": status.clipped_samples,
        }
        faults = [self._fault(f"{name} {count}", bad=count > 0) for name, count in counts.items()]
        faults.append(
            self._fault(
                f"starved {status.starved_s:.1f} s" if status.starved_s > 0 else "starved 0 s", bad=status.starved_s > 0
            )
        )
        return [
            *self.line("load", shares),
            *self.line("hop time", milliseconds),
            *self.line("faults", faults, "  "),
            *self.line("recording", self._recorded(), "  "),
        ]

    def _recorded(self) -> list[Text]:
        recording = self._shown.recording
        if recording is None:
            return [self.text("off")]
        if recording.error:
            return [self.text(recording.error, "bold red")]
        found = [self.text(f"{clock(recording.seconds)} to {recording.folder}", "red")]
        return found + ([self._fault(f"lost {recording.lost_s:.1f} s", bad=True)] if recording.lost_s > 0 else [])

    def _keys(self) -> list[Text]:
        if self._shown.show_help:
            rows = [(" ".join(map(self._sign, row.actions)), row.help) for row in self._rows]
            rows.append(
                ("█ ▒", "mean level and peak of the last hop; 'over': a stem beyond full scale, harmless alone")
            )
            return [line for keys, text in rows for line in self.line(keys, [self.text(text)])]
        shown: list[Text] = []
        for short, rows_of_it in groupby(self._rows, key=lambda row: row.short):
            keys = "/".join(self._sign(key) for row in rows_of_it for key in row.shown)
            shown.append(self.text(keys, "bold").append_text(self.text(f" {short}", "dim")))
        return self.flow(shown, self.width, " · ")

    @property
    def _rows(self) -> list[KeyRow]:
        return [row for row in KEY_ROWS if self._shown.song or not row.is_karaoke]

    def _sign(self, key: str) -> str:
        return key if self.ascii_only else _KEY_SIGNS.get(key, key)

    def _columns(self) -> tuple[int, int, int]:
        """Columns of a strip's name, bar and marks."""
        name = min(max(map(len, self._strips), default=0), 13 if self.width >= 60 else 7)
        marks = 9 if self.width >= 60 else 4
        return name, max(1, self.width - name - marks - 15), marks

    def _scale(self) -> Text:
        name, bar, _ = self._columns()
        marks = [" "] * bar
        for level in (-60, -40, -20, 0) if bar >= 24 else (-60, 0):
            sign = str(level)
            place = min(bar - len(sign), _cells(level, bar))
            marks[max(0, place) : place + len(sign)] = sign
        row = f"{'dBFS':{name}.{name}} {''.join(marks)[:bar]} {'peak':>5} {'gain':>5}"
        return self.fit(self.text(row, "dim"), self.width)

    def _strip(self, name: str) -> Text:
        status = self._status
        plays = status.state == "playing" and not status.paused
        level = status.levels.get(name) if plays else None  # of a hop long ago says nothing of now
        width, bar, marks = self._columns()
        row = self.fit(self.text(name), width)
        row.pad_right(width - row.cell_len)
        row.append(" ").append_text(self._bar(level, bar))
        row.append_text(self.text(f" {self._level(None if level is None else level.peak_dbfs):>5}"))
        adjustable = name in status.gains_db or name not in ("input", "output")
        gain = self._level(status.gains_db.get(name), signed=True) if adjustable else ""
        row.append_text(self.text(f" {gain:>5} "))
        return self.fit(row.append_text(self.fit(self._marks(name, level), marks)), self.width)

    def _marks(self, name: str, level: Level | None) -> Text:
        found: list[Text] = []
        if level is not None and level.peak_dbfs >= CLIPPED_DBFS:
            # A stem may be louder than full scale without harm; what comes in and goes out may not.
            found.append(self.text("CLIP", "bold red reverse") if name in ("input", "output") else self.text("over"))
        if name in self._status.muted:
            found.append(self.text("mute", "bold yellow"))
        elif name in self._shown.soloed:
            found.append(self.text("solo", "bold cyan"))
        return Text(" ").join(found)

    def _bar(self, level: Level | None, width: int) -> Text:
        """Filled to the mean level, shaded to the peak."""
        if level is None or math.isnan(level.peak_dbfs):
            return Text(" " * width)
        mean, peak = _cells(level.rms_dbfs, width), _cells(level.peak_dbfs, width)
        bar = Text()
        for i in range(width):
            place_dbfs = LOWEST_DBFS * (1 - i / width)
            style = "red" if place_dbfs >= HOT_DBFS else "yellow" if place_dbfs >= WARM_DBFS else "green"
            sign, style = ("█", style) if i < mean else ("▒", style) if i < peak else ("─", "dim")
            bar.append_text(self.text(sign, style))
        return bar

    def _level(self, level_db: float | None, *, signed: bool = False) -> str:
        if level_db is None or math.isnan(level_db):
            return "–"
        if math.isinf(level_db):
            return ("-" if level_db < 0 else "+") + ("inf" if self.ascii_only else "∞")
        rounded = round(level_db, 1) or 0.0  # there is no minus zero
        return f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}"

    def _in_ms(self, samples: int) -> str:
        return f", {_ms(1e3 * samples / self._status.rate_hz)}" if self._status.rate_hz else ""

    def _share(self, name: str, share: float) -> Text:
        style = "bold red" if share > 1 else "yellow" if share > 0.5 else "green"
        return self.text(f"{name} ").append_text(self.text(f"{100 * share:.{0 if share >= 0.01 else 1}f}", style))

    def _fault(self, what: str, *, bad: bool) -> Text:
        return self.text(f"!{what}" if bad else what, "bold red" if bad else "green")

    def _yes_no(self, yes: bool) -> Text:
        return self.text("yes", "green") if yes else self.text("no", "yellow")


def _cells(level_dbfs: float, width: int) -> int:
    """How many of `width` cells a level fills; a level above the lowest at least the first."""
    if math.isnan(level_dbfs) or level_dbfs <= LOWEST_DBFS:
        return 0
    return max(1, round(width * (1 - min(level_dbfs, 0.0) / LOWEST_DBFS)))


def _ms(milliseconds: float | None) -> str:
    return "– ms" if milliseconds is None else f"{milliseconds:.1f} ms"
