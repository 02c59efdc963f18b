"""A run as it is seen and kept: a progress bar, a line a validation, and log.jsonl."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..realtime.errors import AdvsepError
from .board import Board
from .loop import Trainer
from .progress import Progress as StepProgress
from .tracks import Track
from .validation import mean_gain_db, plain_score


def show_run(trainer: Trainer, log_file: Path, valid: list[Track], board: Board | None) -> None:
    """Run with a progress bar on standard error, a line there a validation, and a line a step in a file.

    Args:
        trainer: to run.
        log_file: a JSON object a line is added to it.
        valid: held-out tracks, of which the board plays some.
        board: for TensorBoard; None: the process is not the one that writes.

    Raises:
        TrainingStoppedError: after Ctrl-C.
        AdvsepError: as `Trainer.run` does, or the file cannot be written.
    """
    if board is None:
        trainer.run(lambda _: None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(16), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as bar,
        log_file.open("a", encoding="utf-8") as log,
    ):
        task = bar.add_task("training", total=trainer.config.steps)

        def on_step(now: StepProgress) -> None:
            text = f"loss {now.loss:.4f} · {now.audio_speed:.1f} s of sound a second"
            bar.update(task, completed=now.step, description=text)
            if now.scores is not None:
                gain = f"vocal SDR gain {mean_gain_db(now.scores):.2f} dB" if now.scores else "no held-out tracks"
                loss = f"loss {now.loss:.4f}, " if math.isfinite(now.loss) else ""
                bar.console.print(f"step {now.step}: {loss}{gain}", highlight=False)
            try:
                log.write(_log_line(now) + "\n")
                log.flush()
            except OSError as error:
                raise AdvsepError(f"{log.name}: cannot be written: {error.strerror}") from None
            board.step(now)
            if now.scores is not None:
                board.validation(now.step, trainer.averaged, trainer.path, valid, trainer.config, trainer.adversary)

        try:
            trainer.run(on_step)
        finally:
            board.close()


def _log_line(now: StepProgress) -> str:
    entry: dict[str, Any] = {"step": now.step, "loss": now.loss if math.isfinite(now.loss) else None}
    entry |= {"learning_rate": now.learning_rate, "audio_speed": now.audio_speed, "waiting": now.waiting}
    if now.distances:
        entry["distances"] = now.distances
    if now.scores is not None:
        entry["validation"] = [plain_score(score) for score in now.scores]
    return json.dumps(entry, allow_nan=False)
