"""`advsep-eval`: how well a model file separates tracks whose stems are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import run_program
from .extra import require_training_extra

HELP = """Score a model on tracks with known stems: whole-track SDR of both stems, beside the mixture's own.

Tracks are separated by the path that plays live. Prints a Markdown table.

\b
Examples:
  advsep-eval live-12 music/
  advsep-eval my.onnx music/ --splits s.json --split test --json out.json
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled model's name or an .onnx file.")],
    data: Annotated[list[Path], typer.Argument(help="Folders with tracks (vocals.* and accompaniment.*).")],
    splits: Annotated[
        Path | None, typer.Option(help="JSON that names train, valid and test tracks a corpus.", show_default=False)
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="With --splits: train, valid or test; default: test.", show_default=False)
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Also write the scores to this file.", show_default=False)
    ] = None,
) -> None:
    """See HELP, which typer shows."""
    require_training_extra()
    from rich.console import Console
    from rich.progress import track

    from ..realtime.model import ModelSession
    from ..realtime.registry import find_model
    from ..realtime.stems import HOPS_AT_ONCE
    from .evaluation import markdown_table, score_model
    from .tracks import SPLITS, Split, find_tracks, split_tracks
    from .validation import plain_score

    if split is not None and splits is None:
        raise AdvsepError(f"--split {split} needs --splits FILE, which says what belongs to it")
    part: Split | None = next((each for each in SPLITS if each == (split or "test")), None)
    if part is None:
        raise AdvsepError(f"--split {split}: expected one of {', '.join(SPLITS)}")
    session = ModelSession(find_model(model), HOPS_AT_ONCE)
    found = find_tracks(data)
    chosen = found if splits is None else split_tracks(found, splits)[part]
    if not chosen:
        raise AdvsepError(f"{splits}: names no {part} track of {', '.join(map(str, data))}")
    console = Console(stderr=True)
    scores = [score_model(session, files) for files in track(chosen, "separating", console=console)]
    print(markdown_table(scores))
    if as_json is not None:
        text = json.dumps({"model": session.spec.name, "scores": [plain_score(s) for s in scores]}, indent=1)
        try:
            as_json.write_text(text + "\n", "utf-8")
        except OSError as error:
            raise AdvsepError(f"{as_json}: cannot be written: {error.strerror}") from None


def main() -> None:
    """Entry point of `advsep-eval`."""
    run_program("advsep-eval", app)
