"""`advsep-train paper --evaluate`: a run's scores on its test tracks, as tables and CSV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track as progress

from ...realtime.errors import AdvsepError
from ..report import StemScore, as_csv, as_markdown, as_rich, check_place, summary_grid, track_grid, write_whole
from ..tracks import TrackFiles, load_tracks
from .checkpoint import BEST_FILE, load_paper_checkpoint, separator_of
from .data import divide, every_track
from .evaluate import evaluate_track
from .spectra import RATE_HZ
from .training import PARTITION_FILE


def score_run(run: Path, data: Sequence[Path], partition: str | None, cache: Path, csv: Path | None) -> None:
    """Print what the best checkpoint of a run scores.

    Args:
        run: its folder, or a checkpoint.
        data: data sets.
        partition: whose test share is scored; None: that of the run folder, or where there is none every track.
        cache: for decoded audio.
        csv: where all numbers go, too.

    Raises:
        AdvsepError: no checkpoint, no tracks, or a file cannot be written.
    """
    if csv is not None:
        check_place(csv)
    checkpoint = load_paper_checkpoint(run / BEST_FILE if run.is_dir() else run)
    network, config = separator_of(checkpoint), checkpoint.config
    files = _chosen(run, data, partition, cache / "stems")
    console = Console(stderr=True)
    scores: list[StemScore] = []
    for each in progress(files, f"{config.name}, {config.mode}, step {checkpoint.step}", console=console):
        (track,) = load_tracks([each], RATE_HZ, cache)
        scores += evaluate_track(network, track, config)
    _show(scores)
    if csv is not None:
        write_whole(csv, as_csv(scores).encode())


def _chosen(run: Path, data: Sequence[Path], partition: str | None, folder: Path) -> list[TrackFiles]:
    kept = run / PARTITION_FILE
    chosen = partition or (str(kept) if kept.is_file() else None)
    if chosen is None:
        return every_track(data, folder)
    files = divide(data, chosen, folder).tracks["test"]
    if not files:
        raise AdvsepError(f"{chosen}: names no test track of {', '.join(map(str, data))}; give its corpora's folders")
    return files


def _show(scores: list[StemScore]) -> None:
    """Tables where someone looks; Markdown where not."""
    grids = (track_grid(scores), summary_grid(scores))
    if sys.stdout.isatty():
        console = Console()
        for grid in grids:
            console.print(as_rich(grid))
    else:
        print("\n".join(as_markdown(grid) for grid in grids), end="")
