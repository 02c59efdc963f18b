"""`advsep-train shard`: data sets in, tar files out that are read from their beginnings to their ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import EXIT_INTERRUPTED, run_program
from .extra import require_training_extra

COMMAND = "shard"
HELP = """Write tracks as shards, for sets that are larger than a disk's cache and for clusters.

Each is a tar file of pieces of about a minute, decoded, as FLAC of 16 bits. Written are the tracks that advsep-train
would learn from; one song at a time is decoded beside them. After Ctrl-C, a full disk or a crash the same command goes
on where it stopped.

\b
Examples:
  advsep-train shard MUSDB18-HQ/ music/ -o shards/
  advsep-train shard music/ -o valid/ --splits p.json --part valid
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def shard(
    data: Annotated[list[Path], typer.Argument(help="Data sets, folders of tracks, CSV manifests.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards.")],
    size_mb: Annotated[float, typer.Option(help="A shard is closed when it is so large.")] = 500.0,
    rate: Annotated[int, typer.Option(help="Hz to resample to: that of the model.")] = 44100,
    piece: Annotated[float, typer.Option(help="Length of a piece in seconds.")] = 60.0,
    splits: Annotated[
        Path | None, typer.Option(help="JSON that names train, valid and test tracks a corpus.", show_default=False)
    ] = None,
    part: Annotated[str, typer.Option(help="train, valid or test.")] = "train",
) -> None:
    """See HELP, which typer shows."""
    require_training_extra()
    from rich.console import Console
    from rich.progress import Progress

    from .datasets.training import divided_sets
    from .shards import require_shards_extra, write_shards
    from .tracks import SPLITS

    require_shards_extra()
    for option, value in (("--size-mb", size_mb), ("--rate", rate), ("--piece", piece)):
        if value <= 0:
            raise AdvsepError(f"{option} {value:g}: expected more than 0")
    if part not in SPLITS:
        raise AdvsepError(f"--part {part}: expected one of {', '.join(SPLITS)}")
    console = Console(stderr=True)
    with console.status("looking for tracks"):
        divided = divided_sets(data, splits)
    tracks = next(divided[each] for each in SPLITS if each == part)
    if not tracks:
        raise AdvsepError(f"--part {part}: {', '.join(map(str, data))} has no such track; choose another part")
    with Progress(console=console) as bar:
        task = bar.add_task("writing shards", total=len(tracks))
        try:
            index = write_shards(tracks, out, rate, round(size_mb * 1e6), piece, lambda _: bar.advance(task))
        except KeyboardInterrupt:
            bar.stop()
            print(f"stopped; {out}: the same command goes on", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from None
    hours = sum(each.samples for each in index.shards) / index.rate_hz / 3600
    megabytes = sum(each.bytes for each in index.shards) / 1e6
    pieces = sum(each.pieces for each in index.shards)
    print(
        f"{out}: {len(tracks)} tracks, {hours:.2f} hours in {pieces} pieces, {len(index.shards)} shards, "
        f"{megabytes:.1f} MB"
    )


def main() -> None:
    """Entry point of `advsep-train shard`, with or without the command's name as the first argument."""
    if sys.argv[1:2] == [COMMAND]:
        del sys.argv[1]
    run_program(f"advsep-train {COMMAND}", app)
