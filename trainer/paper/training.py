"""From the command line's words to a run: data decoded, run folder written, the loop shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from ...realtime.exits import EXIT_INTERRUPTED
from ..datasets.partition import write_partition
from ..fingerprint import describe_data
from ..recordings import Recording, find_recordings, load_recordings
from ..run_folder import LOG_FILE, open_run_folder
from ..tracks import Track, TrackFiles, load_tracks
from .checkpoint import BEST_FILE, LAST_FILE, PaperCheckpoint
from .config import PaperConfig, changes
from .data import Divided, divide
from .display import show_paper_run
from .loop import PaperStoppedError, PaperTrainer
from .songs import unpaired_songs
from .spectra import RATE_HZ

PARTITION_FILE = "partition.json"
_SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True)
class UnpairedFolders:
    """Folders of recordings that belong together in nothing."""

    mixtures: list[Path]
    voices: list[Path]
    accompaniments: list[Path]


def train_run(
    config: PaperConfig,
    start: PaperCheckpoint | None,
    data: Sequence[Path],
    partition: str | None,
    folders: UnpairedFolders,
    out: Path,
    cache: Path,
    workers: int,
) -> None:
    """Train, and say on standard error how it went.

    Args:
        config: resolved.
        start: checkpoint to go on from, else None.
        data: data sets.
        partition: as `divide` takes it.
        folders: of unpaired recordings, for `semi`.
        out: run folder.
        cache: for decoded audio.
        workers: processes that make examples, of each kind.

    Raises:
        AdvsepError: the data cannot be used, or a file cannot be written.
        typer.Exit: with 130 after Ctrl-C.
    """
    kept = out / PARTITION_FILE
    if start is not None and partition is None and kept.is_file():
        partition = str(kept)
    with Console(stderr=True).status("looking for tracks"):
        divided = divide(data, partition, cache / "stems")
        wanted = _recordings_wanted(config, divided, folders)
    tracks, recordings = _decoded(config, divided, wanted, cache)
    songs = unpaired_songs(tracks["unpaired"], **recordings) if config.mode == "semi" else None
    trainer = PaperTrainer(config, tracks["train"], tracks["valid"], songs, out, start, workers)
    described = describe_data(tracks, recordings, RATE_HZ)
    for warning in open_run_folder(out, config, described, None if start is None else start.step):
        _warn(warning)
    if divided.partition is not None:
        write_partition(divided.partition, out / PARTITION_FILE)
    _announce(config, divided, tracks, 0 if start is None else start.step)
    try:
        show_paper_run(trainer, out / LOG_FILE)
    except PaperStoppedError:
        print(f"stopped; saved {out / LAST_FILE}; go on with --resume", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    why = "validation no longer improves" if trainer.ended_early else "as many steps as wanted"
    print(
        f"done, {why}: {out / BEST_FILE} has L_s {trainer.best_loss:.4f} on held-out tracks; "
        f"next: advsep-train paper --evaluate {out} {' '.join(map(str, data))}",
        file=sys.stderr,
    )


def _recordings_wanted(config: PaperConfig, divided: Divided, folders: UnpairedFolders) -> dict[str, list[Path]]:
    """Files by kind; none in `supervised`."""
    if config.mode == "supervised":
        return {"mixtures": [], "voices": [], "accompaniments": []}
    return {
        "mixtures": find_recordings(folders.mixtures) + divided.mixtures,
        "voices": find_recordings(folders.voices) + divided.voices,
        "accompaniments": find_recordings(folders.accompaniments) + divided.accompaniments,
    }


def _decoded(
    config: PaperConfig, divided: Divided, wanted: dict[str, list[Path]], cache: Path
) -> tuple[dict[str, list[Track]], dict[str, list[Recording]]]:
    """Tracks of the shares that training reads, and recordings by kind."""
    shares: dict[str, list[TrackFiles]] = {
        "train": divided.tracks["train"],
        "valid": divided.tracks["valid"],
        "unpaired": divided.tracks["unpaired"] if config.mode == "semi" else [],
    }
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("decoding", total=sum(map(len, (*shares.values(), *wanted.values()))))
        tracks = {
            share: load_tracks(files, RATE_HZ, cache, lambda _: bar.advance(task)) for share, files in shares.items()
        }
        recordings = {
            kind: load_recordings(paths, RATE_HZ, cache, lambda _: bar.advance(task)) for kind, paths in wanted.items()
        }
    return tracks, recordings


def _announce(config: PaperConfig, divided: Divided, tracks: dict[str, list[Track]], step: int) -> None:
    if divided.unnamed:
        more = ["…"] * (len(divided.unnamed) > _SHOWN_NAMES)
        shown = ", ".join(divided.unnamed[:_SHOWN_NAMES] + more)
        _warn(f"the partition names no share for {len(divided.unnamed)} tracks, which are left out: {shown}")
    if changes(config):
        _warn(f"not the paper's own settings: {', '.join(changes(config))}")
    print(
        f"{config.name}, {config.mode}: {len(tracks['train'])} tracks to learn from, {len(tracks['valid'])} held out, "
        f"{len(tracks['unpaired'])} taken apart; from step {step}",
        file=sys.stderr,
    )


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)
