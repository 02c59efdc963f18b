"""Means by hand, silent references apart, CSV there and back, files whole or not at all."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path

import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.metrics import METRICS, Metrics
from advsep.trainer.report import (
    StemScore,
    as_csv,
    as_markdown,
    as_rich,
    check_place,
    plain_stem_score,
    read_csv,
    summarise,
    summary_grid,
    track_grid,
    write_whole,
)
from rich.console import Console
from rich.table import Table


def score(corpus: str, track: str, stem: str, signal: str, **metrics: float) -> StemScore:
    return StemScore("m", corpus, track, stem, signal, Metrics(**metrics))


SCORES = [
    score("x", "1", "vocals", "model", sdr_db=6.0, museval_sdr_db=5.0),
    score("x", "1", "vocals", "mixture", sdr_db=1.0),
    score("x", "1", "vocals", "oracle", sdr_db=11.0),
    score("x", "2", "vocals", "model", sdr_db=8.0),
    score("x", "2", "vocals", "mixture", sdr_db=3.0),
    score("x", "2", "vocals", "oracle", sdr_db=12.0),
    score("x", "3, the | last", "vocals", "model", leak_db=-30.0),
    score("x", "3, the | last", "vocals", "mixture", leak_db=-0.5),
    score("y", "1", "vocals", "model", sdr_db=1.0),
    score("y", "1", "vocals", "mixture", sdr_db=-2.0),
    score("y", "1", "accompaniment", "model", sdr_db=9.25),
]


def on_screen(table: Table) -> str:
    console = Console(width=120, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def test_spread_by_hand() -> None:
    found = summarise([1.0, 2.0, math.nan, 4.0, 100.0, math.inf])
    assert (found.mean, found.median, found.count) == (26.75, 3.0, 4)
    assert found.mad == 1.5  # of 2, 1, 1, 97
    assert summarise([]).count == 0
    assert math.isnan(summarise([math.nan]).mean)


def test_the_summary_has_floor_ceiling_and_no_silent_reference() -> None:
    grid = summary_grid(SCORES)
    assert grid.columns == ("corpus", "stem", "metric", "mixture", "mean", "median", "MAD", "ceiling", "N")
    assert list(grid.rows) == [
        ("x", "vocals", "sdr", "2.00", "7.00", "7.00", "1.00", "11.50", "2"),
        ("x", "vocals", "museval", "–", "5.00", "5.00", "0.00", "–", "1"),
        ("x", "vocals", "leak", "-0.50", "-30.00", "-30.00", "0.00", "–", "1"),
        ("y", "vocals", "sdr", "-2.00", "1.00", "1.00", "0.00", "–", "1"),
        ("y", "accompaniment", "sdr", "–", "9.25", "9.25", "0.00", "–", "1"),
        ("all", "vocals", "sdr", "0.67", "5.00", "6.00", "2.00", "11.50", "3"),
        ("all", "vocals", "museval", "–", "5.00", "5.00", "0.00", "–", "1"),
        ("all", "vocals", "leak", "-0.50", "-30.00", "-30.00", "0.00", "–", "1"),
        ("all", "accompaniment", "sdr", "–", "9.25", "9.25", "0.00", "–", "1"),
    ]


def test_the_tracks_show_what_was_measured() -> None:
    grid = track_grid(SCORES)
    assert grid.columns == ("track", "stem", "mixture sdr", "sdr", "museval", "leak")
    assert grid.rows[0] == ("x / 1", "vocals", "1.00", "6.00", "5.00", "–")
    assert grid.rows[2] == ("x / 3, the | last", "vocals", "–", "–", "–", "-30.00")
    lines = as_markdown(grid).splitlines()
    assert lines[:4] == [
        "## Each track, dB",
        "",
        "| track | stem | mixture sdr | sdr | museval | leak |",
        "|---|---|---|---|---|---|",
    ]
    assert lines[6] == "| x / 3, the \\| last | vocals | – | – | – | -30.00 |"
    shown = on_screen(as_rich(grid))
    assert re.search(r"x / 1 +│ vocals +│ +1\.00 │ +6\.00 │ +5\.00", shown)
    bracketed = track_grid([score("x", "[red] song", "vocals", "model", sdr_db=1.0)])
    assert "x / [red] song" in on_screen(as_rich(bracketed))


def test_csv_there_and_back(tmp_path: Path) -> None:
    numbers = {name: -1.0 / (index + 3) for index, name in enumerate(METRICS.values())}
    written = [*SCORES, score('z "1"', "ä,\nb", "vocals", "model", **numbers)]
    path = tmp_path / "s.csv"
    write_whole(path, as_csv(written).encode())
    found = read_csv(path)
    assert as_csv(found) == as_csv(written)
    assert found[-1] == written[-1]  # to the last bit
    assert [s.track for s in found] == [s.track for s in written]
    assert math.isnan(found[0].metrics.leak_db)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["corpus"], rows[0]["sdr_db"], rows[0]["leak_db"]) == ("x", "6.0", "")
    assert list(tmp_path.iterdir()) == [path]


HEADER = as_csv([])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "cannot be read: No such file or directory; give a file of advsep-eval --csv"),
        (b"", "expected the columns of advsep-eval --csv .* found nothing"),
        (b"track,sdr\n1,2\n", "expected the columns of advsep-eval --csv .* found track,sdr"),
        (b"\xff\xfe\x00", "found no CSV"),
        (HEADER.encode(), "expected scores of tracks, found none"),
        (f"{HEADER}m,c,t,vocals,model,1.0\n".encode(), "line 2: expected 15 cells"),
        (f"{HEADER}m,c,t,vocals,model{',x' * 10}\n".encode(), "line 2: .* found m,c,t,vocals,model,x"),
        (f"{HEADER}m,c,t,drums,model{',' * 10}\n".encode(), "line 2: .* found m,c,t,drums"),
    ],
)
def test_what_is_no_table_of_ours(tmp_path: Path, data: bytes | None, says: str) -> None:
    if data is not None:
        (tmp_path / "s.csv").write_bytes(data)
    with pytest.raises(AdvsepError, match=says) as caught:
        read_csv(tmp_path / "s.csv")
    assert str(caught.value).startswith(f"{tmp_path / 's.csv'}: ")


def test_a_file_is_whole_or_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.csv"
    write_whole(path, b"before")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(AdvsepError, match=re.escape("s.csv: cannot be written: No space left on device")):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_places_are_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_place(Path("s.csv"))
    with pytest.raises(AdvsepError, match=r"gone/s.csv: cannot be written: no such folder; make gone first"):
        check_place(Path("gone/s.csv"))
    with pytest.raises(AdvsepError, match="is a folder; give the name of a file"):
        check_place(tmp_path)


def test_json_knows_no_nan() -> None:
    plain = plain_stem_score(SCORES[0])
    assert plain["track"] == "1"
    assert plain["sdr_db"] == 6.0
    assert plain["leak_db"] is None
    assert list(plain) == HEADER.strip().split(",")
