"""`advsep-train doctor`: data sets in, a table and a line a fault out."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import run_program

if TYPE_CHECKING:
    from .datasets.partition import Partition
    from .datasets.track import DatasetTrack, Role
    from .doctor import Checked, Finding
    from .doctor_sound import Sound

EXIT_FAULTS = 1
COMMAND = "doctor"
HELP = """Look for what is wrong with data sets before training on them: every file is decoded and listened to.

Told by their layout: MUSDB18-HQ, MUSDB18, DSD100, MedleyDB, CCMixter, iKala, MIR-1K, CSV manifests, and folders that
each hold vocals.* and accompaniment.* of one song. Found: files that cannot be read, are cut short or hold NaN; stems
that differ in rate, channels or length; silence, clipping, offset; mixtures that are not the sum of their sources;
the same recording under two names; artists on both sides of a split.

\b
Examples:
  advsep-train doctor MUSDB18-HQ/
  advsep-train doctor music/ songs.csv --splits splits.json
  advsep-train doctor solos/ --role vocals --json report.json

Exit code: 0 nothing wrong, 1 faults found, 2 the question was wrong.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def doctor(
    data: Annotated[list[Path], typer.Argument(help="Folders of data sets, or CSV manifests.")],
    splits: Annotated[
        Path | None,
        typer.Option(help="JSON that names train, valid and test tracks a corpus.", show_default=False),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(help="What files in no known layout are: vocals, accompaniment, mixture.", show_default=False),
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Also write everything to this file.", show_default=False)
    ] = None,
) -> None:
    """See HELP, which typer shows."""
    from rich.console import Console
    from rich.progress import track as progress

    from .datasets.layouts import read_tracks
    from .datasets.partition import read_partition
    from .doctor import check_track, find_duplicates, find_shared_artists

    partition = None if splits is None else read_partition(splits)
    kind = _role(role)
    tracks = [track for root in data for track in read_tracks(root, kind)]
    console = Console(stderr=True)
    checked = [check_track(each) for each in progress(tracks, "listening", console=console)]
    share_of = _shares(partition)
    findings = [finding for one in checked for finding in one.findings]
    findings += find_duplicates(checked) + find_shared_artists(tracks, share_of) + _unnamed(tracks, partition, splits)
    corpora = summaries(checked, share_of)
    _show(corpora, findings)
    if as_json is not None:
        _write(as_json, corpora, findings)
    if any(finding.is_fault for finding in findings):
        raise typer.Exit(EXIT_FAULTS)


def _role(text: str | None) -> Role | None:
    from .datasets.track import ROLES

    for role in ROLES:
        if text == role:
            return role
    if text is not None:
        raise AdvsepError(f"--role {text}: expected one of {', '.join(ROLES)}")
    return None


def _shares(partition: Partition | None) -> Callable[[DatasetTrack], str | None]:
    return (lambda track: track.split) if partition is None else partition.share_of


def _unnamed(tracks: list[DatasetTrack], partition: Partition | None, splits: Path | None) -> list[Finding]:
    """One note if a partition leaves tracks out."""
    from .doctor import Finding, label

    if partition is None:
        return []
    left = [label(track) for track in tracks if partition.share_of(track) is None]
    text = f"and {len(left) - 1} more are in no share of {splits}" if len(left) > 1 else f"is in no share of {splits}"
    return [Finding("partition", left[0], text, is_fault=False)] if left else []


def summaries(checked: list[Checked], share_of: Callable[[DatasetTrack], str | None]) -> list[dict[str, Any]]:
    """What a corpus holds: its tracks and pairs, hours, rates, channels, how often the voice sounds, and its shares."""
    from .datasets.partition import SHARES

    found: list[dict[str, Any]] = []
    for corpus in dict.fromkeys(one.track.corpus for one in checked):
        here = [one for one in checked if one.track.corpus == corpus]
        sounds = [sound for one in here for sound in one.sounds.values()]
        voices = [one.sounds["vocals"] for one in here if "vocals" in one.sounds]
        found.append(
            {
                "corpus": corpus,
                "tracks": len(here),
                "paired": sum(one.track.is_paired for one in here),
                "hours": sum(max((s.seconds for s in one.sounds.values()), default=0.0) for one in here) / 3600,
                "rates_hz": sorted({sound.rate_hz for sound in sounds}),
                "channels": sorted({sound.channels for sound in sounds}),
                "voice_sounds": _sounding(voices),
                "shares": {share: sum(share_of(one.track) == share for one in here) for share in SHARES},
            }
        )
    return found


def _sounding(voices: list[Sound]) -> float | None:
    """Share of the seconds in which there is a voice; None where there are no vocals."""
    seconds = sum(voice.seconds for voice in voices)
    return sum((1 - voice.silent_share) * voice.seconds for voice in voices) / seconds if seconds else None


def _show(corpora: list[dict[str, Any]], findings: list[Finding]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from .tracks import SPLITS

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("corpus", overflow="fold")
    for name in ("tracks", "pairs", "hours", "Hz", "ch", "voice", "train/valid/test"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in corpora:
        voice = "" if row["voice_sounds"] is None else f"{100 * row['voice_sounds']:.0f} %"
        rates, channels = (", ".join(map(str, row[key])) for key in ("rates_hz", "channels"))
        shares = "/".join(str(row["shares"][share]) for share in SPLITS)
        if row["shares"]["unpaired"]:
            shares += f" +{row['shares']['unpaired']} unpaired"
        counts = (str(row["tracks"]), str(row["paired"]), f"{row['hours']:.2f}")
        table.add_row(row["corpus"], *counts, rates, channels, voice, shares)
    Console().print(table)
    for finding in sorted(findings, key=lambda each: not each.is_fault):
        print(f"{'fault' if finding.is_fault else 'note'}: {finding.kind}: {finding.track}: {finding.text}")
    faults = sum(finding.is_fault for finding in findings)
    print(f"{sum(row['tracks'] for row in corpora)} tracks, {faults} faults, {len(findings) - faults} notes")


def _write(path: Path, corpora: list[dict[str, Any]], findings: list[Finding]) -> None:
    data = {"version": 1, "corpora": corpora, "findings": [dataclasses.asdict(each) for each in findings]}
    try:
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be written: {error.strerror}") from None


def main() -> None:
    """Entry point of `advsep-train doctor`, with or without the command's name as the first argument."""
    if sys.argv[1:2] == [COMMAND]:
        del sys.argv[1]
    run_program(f"advsep-train {COMMAND}", app)
