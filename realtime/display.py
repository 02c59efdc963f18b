"""What `advsep-live` shows while it works: a panel for live sound, a line for a conversion, results at the end."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from .controls import Action, action_of
from .exits import EXIT_BAD_INPUT, EXIT_INTERRUPTED, check_interrupt

if TYPE_CHECKING:
    from pathlib import Path

    from .conversion import Conversion
    from .live_run import LiveRun
    from .options import LiveOptions
    from .probe import LatencyReport

TICK_S = 0.05


def show_live(options: LiveOptions, *, as_json: bool) -> int:
    """Play until the end, Ctrl-C or `q`; returns the exit code.

    Raises:
        AdvsepError: it cannot begin.
    """
    with _run_of(options) as run:
        interrupted = _play(run)
        run.finish()
    failure = run.failure()
    _tell_results(run.written, [*run.warnings(), *([] if failure is None else [failure])])
    if as_json:
        print(json.dumps(run.summary()), flush=True)
    return EXIT_BAD_INPUT if failure is not None else EXIT_INTERRUPTED if interrupted else 0


def _run_of(options: LiveOptions) -> LiveRun:
    if options.song is not None:
        from .karaoke.karaoke_run import KaraokeRun

        return KaraokeRun(options, options.song)
    from .live_run import LiveRun

    return LiveRun(options)


def _tell_results(written: list[Path], warnings: list[str]) -> None:
    for path in written:
        print(f"wrote {path}", file=sys.stderr)
    for warning in warnings:
        print(f"advsep-live: {warning}", file=sys.stderr)


def _play(run: LiveRun) -> bool:
    """Show and obey; returns whether Ctrl-C ended it."""
    from rich.console import Console

    console = Console(stderr=True)
    try:
        if console.is_terminal:
            _play_in_terminal(run, console)
        else:
            run.start()
            _play_unseen(run)
    except KeyboardInterrupt:
        return True
    return False


def _play_in_terminal(run: LiveRun, console: Any) -> None:
    from rich.live import Live

    from .keys import Keys
    from .panel import panel

    with console.status("loading (the first run on a machine compiles for some seconds)"):
        run.start()
    show_help = False
    with Keys() as keys, Live(console=console, auto_refresh=False, transient=False) as screen:
        while True:
            check_interrupt()
            for key in keys.pressed():
                action = action_of(key)
                if action is Action.QUIT:
                    return
                if action is Action.HELP:
                    show_help = not show_help
                elif action is not None:
                    run.act(action)
            status = run.status()
            for note in run.take_notes():
                screen.console.print(note, markup=False, highlight=False)
            picture = panel(
                status,
                recording=run.recording,
                soloed=tuple(run.levels.soloed),
                hop_samples=run.hop_samples,
                show_help=show_help,
                song=run.song_lines,
            )
            screen.update(picture, refresh=True)
            if status.state in ("ended", "failed"):
                return
            time.sleep(TICK_S)


def _play_unseen(run: LiveRun) -> None:
    """Where nobody looks: only what happens is said."""
    said = ""
    while run.running:
        check_interrupt()
        for note in run.take_notes():
            print(note, file=sys.stderr, flush=True)
        time.sleep(TICK_S)
        said = status_line(run)
    print(said or status_line(run), file=sys.stderr)


def status_line(run: LiveRun) -> str:
    """Latency, load, misses and position, in a line."""
    from .page import clock

    status = run.status()
    latency_ms = 1e3 * status.latency_samples / status.rate_hz if status.rate_hz else 0.0
    of = "" if status.length_s is None else f"/{clock(status.length_s)}"
    return (
        f"{status.model} · latency {status.latency_samples} samples, {latency_ms:.1f} ms · "
        f"load {100 * status.load:.0f} % · misses {status.misses} · {clock(status.position_s)}{of}"
    )


def show_conversion(options: LiveOptions, *, as_json: bool) -> int:
    """Turn a song into files; returns the exit code.

    Raises:
        AdvsepError: it cannot.
    """
    from .conversion import Conversion

    with Conversion(options) as run:
        interrupted = _convert(run)
        run.finish(interrupted=interrupted)
    if not sys.stderr.isatty():  # the line is not drawn there
        print(run.status_line(), file=sys.stderr)
    _tell_results(run.written, run.warnings())
    if as_json:
        print(json.dumps(run.summary()), flush=True)
    return EXIT_INTERRUPTED if interrupted else 0


def _convert(run: Conversion) -> bool:
    """Show the line until the end; returns whether Ctrl-C came first."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    console = Console(stderr=True)
    line = TextColumn("{task.description}", markup=False)
    with Progress(line, console=console, disable=not console.is_terminal) as display:
        task = display.add_task("loading (the first run on a machine compiles for some seconds)")
        try:
            run.start()
            while run.running:
                check_interrupt()
                display.update(task, description=run.status_line())
                run.wait(0.1)
        except KeyboardInterrupt:
            run.stop()
            return True
        display.update(task, description=run.status_line())
    return False


def show_critics(options: LiveOptions, target: Path) -> int:
    """Write what critics think of a song, as a picture or as arrays; returns the exit code.

    Raises:
        AdvsepError: it cannot be done.
    """
    from rich.console import Console
    from rich.progress import Progress

    from .critic_run import judge_song, write_judgement

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as display:
        task = display.add_task("judging", total=1.0)

        def tell(share: float) -> None:
            check_interrupt()
            display.update(task, completed=share)

        try:
            picture = judge_song(options, target, tell)
        except KeyboardInterrupt:
            print("advsep-live: stopped: nothing was written", file=sys.stderr)
            return EXIT_INTERRUPTED
        write_judgement(picture, target)
    _tell_results([target], [])
    return 0


def show_latency(options: LiveOptions, *, as_json: bool) -> None:
    """Measure what a device and the engine make of an impulse, and print it beside what they declare.

    Raises:
        AdvsepError: it cannot be measured.
    """
    from dataclasses import asdict

    from .device import find_device
    from .live_path import LivePath
    from .model import ModelSession
    from .probe import measure_device
    from .registry import find_model
    from .stream import DeviceError

    captures = find_device(options.source, "input")
    plays = find_device("speakers" if options.output == "auto" else options.output, "output")
    if captures is None or plays is None:
        raise DeviceError("--measure-latency: 'null' makes no sound; name an input and an output, see --list-devices")
    model = ModelSession(find_model(options.model_name))
    print("measuring: some seconds of quiet noise bursts", file=sys.stderr)
    report = measure_device(
        captures,
        plays,
        lambda rate_hz: LivePath(model, rate_hz),
        rate_hz=options.rate_hz,
        block_samples=options.block_samples,
    )
    for line in describe_latency(report):
        print(line)
    if as_json:
        print(json.dumps(asdict(report)), flush=True)


def describe_latency(report: LatencyReport) -> list[str]:
    """Measured beside declared, a line each."""

    def row(name: str, measured: int, declared: int) -> str:
        in_ms = 1e3 / report.rate_hz
        return (
            f"{name:8} measured {measured:6} samples {measured * in_ms:7.2f} ms   "
            f"declared {declared:6} samples {declared * in_ms:7.2f} ms"
        )

    measured = report.round_trip_samples + report.engine_samples
    declared = report.declared_round_trip_samples + report.declared_engine_samples
    lines = [
        f"{report.rate_hz} Hz, blocks of {report.period_samples} samples, {report.impulses} impulses",
        row("device", report.round_trip_samples, report.declared_round_trip_samples),
        row("engine", report.engine_samples, report.declared_engine_samples),
        row("total", measured, declared),
    ]
    if report.round_trip_spread_samples or report.engine_spread_samples:
        lines.append(
            f"impulses came up to {max(report.round_trip_spread_samples, report.engine_spread_samples)} samples apart: "
            "the device lost or repeated samples; larger blocks (--blocksize) may help"
        )
    return lines
