"""A run of the paper's experiment as it is seen and kept: a bar an epoch, a line a validation, and log.jsonl."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...realtime.errors import AdvsepError
from .loop import PaperTrainer, StepReport

_SMOOTHING = 0.95  # of what the bar says


def show_paper_run(trainer: PaperTrainer, log_file: Path) -> None:
    """Run with a progress bar on standard error, a line there a validation, and a line a step in a file.

    Args:
        trainer: to run.
        log_file: a JSON object a line is added to it.

    Raises:
        PaperStoppedError: after Ctrl-C.
        AdvsepError: as `PaperTrainer.run` does, or the file cannot be written.
    """
    epoch_steps, most = trainer.config.epoch_steps, trainer.config.steps
    columns = (TextColumn("{task.description}"), BarColumn(16), MofNCompleteColumn(), TimeRemainingColumn())
    smooth = math.nan
    with Progress(*columns, console=Console(stderr=True)) as bar, log_file.open("a", encoding="utf-8") as log:
        task = bar.add_task("training", total=epoch_steps)

        def on_step(now: StepReport) -> None:
            nonlocal smooth
            smooth = now.supervised if math.isnan(smooth) else _SMOOTHING * smooth + (1 - _SMOOTHING) * now.supervised
            before = (now.step - 1) // epoch_steps * epoch_steps
            bar.update(
                task,
                completed=now.step - before,
                total=min(epoch_steps, most - before),
                description=f"epoch {before // epoch_steps + 1} · L_s {smooth:.4f}",
            )
            if now.validation_loss is not None:
                better = "the best so far" if now.best else "no better"
                bar.console.print(
                    f"step {now.step}: L_s {smooth:.4f}, on held-out tracks {now.validation_loss:.4f}, {better}",
                    highlight=False,
                )
            try:
                log.write(_log_line(now) + "\n")
                log.flush()
            except OSError as error:
                raise AdvsepError(f"{log.name}: cannot be written: {error.strerror}") from None

        trainer.run(on_step)


def _log_line(now: StepReport) -> str:
    losses = {"supervised": now.supervised, "unpaired": now.unpaired, "additive": now.additive}
    entry: dict[str, Any] = {"step": now.step} | {k: v for k, v in losses.items() if math.isfinite(v)}
    if now.distances:
        entry["distances"] = now.distances
    if now.validation_loss is not None:
        entry["validation"] = now.validation_loss
    return json.dumps(entry, allow_nan=False)
