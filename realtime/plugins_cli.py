"""`advsep-plugins`: which plugins there are, what they do, and whether they do it well."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exits import run_program

if TYPE_CHECKING:
    from .validation import validator

# \b keeps the lines of a paragraph as they are.
HELP = """Look at the plugins that can be put into a strip's chain, and check those you write.

\b
Examples:
  advsep-plugins list
  advsep-plugins info compressor         its parameters, ranges and latency
  advsep-plugins validate compressor     does it keep the rules of a plugin?
  advsep-plugins validate my_plugin.py:Tremolo --level 10
  advsep-plugins render "eq(low_cut_hz=90), limiter" in.wav out.wav
  advsep-plugins list --names | xargs -n 1 advsep-plugins validate

`advsep-plugins COMMAND --help` tells what a command takes.
Exit codes: 0 done or passed, 1 a plugin failed, 2 bad arguments, 130 stopped with Ctrl-C.
"""

LIST_HELP = """List the plugins that installed packages offer.

Those that cannot be loaded are listed with the reason.

\b
Examples:
  advsep-plugins list
  advsep-plugins list --names            one name a line, nothing is loaded
  advsep-plugins list --json
"""

INFO_HELP = """Show one plugin: what it does, its parameters, how late it is.

\b
Examples:
  advsep-plugins info eq
  advsep-plugins info eq --json
"""

VALIDATE_HELP = """Check that a plugin keeps the rules, in a process of its own.

Levels are cumulative: 1 runs, 2 any rate and block length, 3 reset, 4 parameters, 5 latency, 6 the same in
whatever blocks, 7 parameters moved while it plays, 8 hostile sound, tail and state, 9 memory and threads, 10 cost,
many at once. A plugin may crash, hang or print: that is told, and the other checks are made all the same.

\b
Examples:
  advsep-plugins validate compressor
  advsep-plugins validate my_plugin.py:Tremolo --level 10
  advsep-plugins validate my_package.effects:Tremolo --timeout 10 --json

Exit codes: 0 passed, 1 failed, 2 no such plugin or a bad option, 130 stopped with Ctrl-C.
"""

RENDER_HELP = """Send a sound file through a chain of plugins into a WAV file.

What comes out starts where the file does, whatever the plugins' latency, and is as long.

\b
Examples:
  advsep-plugins render "eq(low_cut_hz=90), compressor, limiter" in.wav out.wav
  advsep-plugins render "reverb(mix=0.4)" in.flac out.wav --tail 2
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=HELP)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback(invoke_without_command=True)
def show_help(context: typer.Context) -> None:
    """Without a command: what there is."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list", help=LIST_HELP)
def list_plugins(
    names: Annotated[bool, typer.Option("--names", help="Only names, without loading anything.")] = False,
    as_json: AsJson = False,
) -> None:
    """See LIST_HELP, which typer shows."""
    if names:
        from .plugin_registry import offers

        print(json.dumps(list(offers())) if as_json else "\n".join(offers()))
        return
    from .plugins_tables import facts_of_all, list_lines

    rows = facts_of_all()
    print(json.dumps(rows, indent=2) if as_json else "\n".join(list_lines(rows)))


@app.command(help=INFO_HELP)
def info(
    name: Annotated[str, typer.Argument(help="As `advsep-plugins list` shows it.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """See INFO_HELP, which typer shows."""
    from .plugins_tables import facts_of, info_lines

    facts = facts_of(name)
    print(json.dumps(facts, indent=2) if as_json else "\n".join(info_lines(facts)))


@app.command(help=VALIDATE_HELP)
def validate(
    name: Annotated[
        str,
        typer.Argument(help="A name that `list` shows, module:Class or path/to/file.py:Class.", show_default=False),
    ],
    level: Annotated[int, typer.Option(min=1, max=10, help="How much is checked.")] = 5,
    timeout: Annotated[float, typer.Option(min=0.1, help="Longest time of one check, in seconds.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """See VALIDATE_HELP, which typer shows."""
    from .validation import validator

    found: list[validator.Outcome] = []
    with contextlib.closing(validator.validate(name, level, timeout)) as outcomes:
        for outcome in outcomes:
            found.append(outcome)
            if not as_json:
                print("\n".join(outcome_lines(outcome)), flush=True)
    failed = sum(each.status == "failed" for each in found)
    if as_json:
        checks = [asdict(each) for each in found]
        print(json.dumps({"plugin": name, "level": level, "passed": not failed, "checks": checks}, indent=2))
    else:
        print(_summary(name, level, found, failed))
    if failed:
        raise typer.Exit(1)


@app.command("render", help=RENDER_HELP)
def render_file(
    chain: Annotated[str, typer.Argument(help="Plugins in order, as in a strip of --chain.", show_default=False)],
    song: Annotated[str, typer.Argument(metavar="IN", help="A sound file, or 'demo'.", show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="A .wav file.", show_default=False)],
    tail: Annotated[float, typer.Option(min=0, max=600, help="Go on so many seconds behind the end.")] = 0.0,
) -> None:
    """See RENDER_HELP, which typer shows."""
    from rich.console import Console
    from rich.progress import Progress

    from .rack_text import parse_chain
    from .rendering import render

    plugins, console = parse_chain(chain), Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as display:
        task = display.add_task(target.name, total=None)
        render(
            plugins, song, target, tail, progress=lambda done, total: display.update(task, completed=done, total=total)
        )
    print(f"wrote {target}", file=sys.stderr)


def outcome_lines(outcome: validator.Outcome) -> list[str]:
    """One check in a line, and one for each warning."""
    reason = f": {' '.join(outcome.reason.split())}" if outcome.reason else ""
    status = "FAILED" if outcome.status == "failed" else outcome.status
    lines = [f"{outcome.level:2}  {status:7}  {outcome.check}{reason}"]
    return lines + [f"    warning  {outcome.check}: {' '.join(each.split())}" for each in outcome.warnings]


def _summary(name: str, level: int, found: list[validator.Outcome], failed: int) -> str:
    seconds = sum(each.seconds for each in found)
    warned = sum(bool(each.warnings) for each in found)
    warnings = f", {warned} with warnings" if warned else ""
    verdict = f"FAILED {failed} of {len(found)} checks" if failed else f"passed {len(found)} checks"
    return f"{name}: {verdict} at level {level}{warnings} ({seconds:.1f} s)"


def main() -> None:
    """Entry point of `advsep-plugins`."""
    run_program("advsep-plugins", app)
