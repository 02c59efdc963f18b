"""`advsep-train partition`: data sets in, a file out that says which track is for what."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import run_program

if TYPE_CHECKING:
    from rich.table import Table

    from .datasets.partition import Partition
    from .datasets.track import DatasetTrack

COMMAND = "partition"
HELP = """Divide data sets into tracks to learn from, to validate and to test on, and write that down as JSON.

\b
Recipes:
  artists         no artist in two parts, over all sets together; test tracks
                  of the sets stay test tracks
  paper           that of Stoller, Ewert, Dixon (2018): DSD100, MedleyDB,
                  CCMixter and iKala; train is paired, the rest unpaired
  paper-no-ikala  the same without iKala

\b
Examples:
  advsep-train partition MUSDB18-HQ/ music/ -o partition.json
  advsep-train partition DSD100/ MedleyDB/ ccmixter/ -o p.json \\
    --recipe paper-no-ikala
  advsep-train music/ --splits partition.json --out runs/mine
  advsep-eval mine.onnx music/ --partition partition.json
"""
RECIPES = ("artists", "paper", "paper-no-ikala")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def partition(
    data: Annotated[list[Path], typer.Argument(help="Data sets, folders of tracks, CSV manifests.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The JSON file to write.")],
    recipe: Annotated[str, typer.Option(help=f"{', '.join(RECIPES)}.")] = RECIPES[0],
    valid: Annotated[
        float | None, typer.Option(help="Share of artists to validate on, 0 to 1; default: 0.1.", show_default=False)
    ] = None,
    test: Annotated[
        float | None, typer.Option(help="Share of artists to test on, 0 to 1; default: 0.1.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one puts other artists into each part.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """See HELP, which typer shows."""
    from rich.console import Console

    from .datasets.layouts import read_tracks
    from .datasets.partition import read_partition, write_partition
    from .report import check_place

    check_place(out)
    if out.exists() and not force:
        raise AdvsepError(f"{out}: is there already; a partition should not change under a run: --force, or another -o")
    with Console(stderr=True).status("looking for tracks"):
        tracks = [track for root in data for track in read_tracks(root)]
        made = _divided(tracks, recipe, (valid, test), seed)
    write_partition(made, out)
    again = read_partition(out)  # what is shown is what is written
    Console().print(_table(again, tracks))
    left_out = sum(again.share_of(track) is None for track in tracks)
    if left_out:
        print(f"{left_out} of {len(tracks)} tracks are in no part: they lack a source or are of another data set")
    print(f"wrote {out}; next: advsep-train DATA --splits {out} --out RUN")


def _divided(
    tracks: list[DatasetTrack], recipe: str, fractions: tuple[float | None, float | None], seed: int
) -> Partition:
    from .datasets.partition import artist_disjoint, paper, paper_no_ikala

    if recipe not in RECIPES:
        raise AdvsepError(f"--recipe {recipe}: expected one of {', '.join(RECIPES)}")
    if seed < 0:
        raise AdvsepError(f"--seed {seed}: expected 0 or more")
    if recipe != "artists" and (seed or fractions != (None, None)):
        raise AdvsepError(f"--recipe {recipe} is one certain partition; leave --seed, --valid and --test away")
    if recipe == "paper":
        return paper(tracks)
    if recipe == "paper-no-ikala":
        return paper_no_ikala(tracks)
    valid, test = (0.1 if each is None else each for each in fractions)
    return artist_disjoint([track for track in tracks if track.is_paired], valid, test, seed)


def _table(made: Partition, tracks: list[DatasetTrack]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from .datasets.partition import SHARES

    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"partition '{made.name}'", title_justify="left")
    table.add_column("part")
    table.add_column("corpus", overflow="fold")
    for name in ("tracks", "hours", "artists"):
        table.add_column(name, justify="right", no_wrap=True)
    for share, here in made.divide(tracks).items():
        if not here and share == SHARES[-1]:
            continue  # only the paper's has unpaired tracks
        corpora = sorted({track.corpus for track in here})
        rows = [(corpus, [track for track in here if track.corpus == corpus]) for corpus in corpora]
        if len(rows) != 1:
            rows.append(("all", here))
        for number, (corpus, songs) in enumerate(rows):
            table.add_row(share if number == 0 else "", corpus, *_counts(songs), end_section=number == len(rows) - 1)
    return table


def _counts(songs: Iterable[DatasetTrack]) -> tuple[str, str, str]:
    from .datasets.track import artist_key

    held = list(songs)
    seconds = [_seconds(track) for track in held]
    known = sum(each for each in seconds if each is not None)
    hours = f"{known / 3600:.2f}" + ("" if None not in seconds else " or more")
    return str(len(held)), hours, str(len({artist_key(track) for track in held}))


def _seconds(track: DatasetTrack) -> float | None:
    """By the header of its first file; None where that cannot be told without decoding."""
    import soundfile

    parts = (*track.vocals, *track.accompaniment, *((track.mixture,) if track.mixture is not None else ()))
    try:
        return float(soundfile.info(parts[0].path).duration)
    except (soundfile.LibsndfileError, OSError, IndexError):
        return None


def main() -> None:
    """Entry point of `advsep-train partition`, with or without the command's name as the first argument."""
    if sys.argv[1:2] == [COMMAND]:
        del sys.argv[1]
    run_program(f"advsep-train {COMMAND}", app)
