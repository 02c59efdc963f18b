"""CSV manifests: a line a track, for sets that are laid out like no other."""

from __future__ import annotations

import csv
import difflib
from pathlib import Path

from ...realtime.errors import AdvsepError
from ..tracks import SPLITS, Split
from .listing import files
from .track import ROLES, DatasetTrack, Part

COLUMNS = ("name", "artist", "split", *ROLES)
LOOKED_FOR = "one .csv file with the columns name and vocals, accompaniment or mixture"
JOINED_BY = ";"


def fits(root: Path) -> bool:
    """Whether a path is a CSV file, or a folder with exactly one that has the columns."""
    return _manifest(root) is not None


def _manifest(root: Path) -> Path | None:
    if root.suffix.lower() == ".csv" and root.is_file():
        return root
    found = files(root, ".csv")
    if len(found) != 1:
        return None
    try:
        columns = _rows(found[0])[0]
    except AdvsepError:
        return None  # some other table
    return found[0] if "name" in columns and any(role in columns for role in ROLES) else None


def read(root: Path) -> list[DatasetTrack]:
    """Tracks of a manifest.

    Columns: name; artist and split (train, valid, test), which may be empty or absent; vocals, accompaniment and
    mixture, at least one of them filled, each a path relative to the manifest, or several joined by `;`, which are
    summed. The corpus is named after the file.

    Raises:
        AdvsepError: the file cannot be read, a column or a sound file is missing, or a name comes twice.
    """
    path = _manifest(root) or root
    columns, rows = _rows(path)
    _check_columns(path, columns)
    found: dict[str, DatasetTrack] = {}
    for line, row in rows:
        track = _track(path, line, dict(zip(columns, row, strict=False)))
        if track.name in found:
            raise AdvsepError(f"{path}: line {line}: '{track.name}' was there already; give each track its own name")
        found[track.name] = track
    if not found:
        raise AdvsepError(f"{path}: expected a line a track below the columns, found none; add them")
    return list(found.values())


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The column names, and each line that is not empty with its number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise AdvsepError(f"{path}: expected comma-separated UTF-8 text, found {error}; save it as CSV") from None
    if not lines:
        return [], []
    return [cell.strip() for cell in lines[0][1]], lines[1:]


def _check_columns(path: Path, columns: list[str]) -> None:
    for column in columns:
        near = difflib.get_close_matches(column, COLUMNS, n=1, cutoff=0.8)
        if column not in COLUMNS and near and near[0] not in columns:
            raise AdvsepError(f"{path}: has the column '{column}' (did you mean '{near[0]}'?); rename it")
    if "name" not in columns or not any(role in columns for role in ROLES):
        raise AdvsepError(
            f"{path}: expected the columns name and at least one of {', '.join(ROLES)}, "
            f"found {', '.join(columns) or 'none'}; name them in the first line"
        )


def _track(path: Path, line: int, row: dict[str, str]) -> DatasetTrack:
    row = {column: value.strip() for column, value in row.items()}
    name = row.get("name", "")
    parts = {role: _parts(path, line, row.get(role, "")) for role in ROLES}
    if not name or not any(parts.values()):
        lacks = "a name" if not name else f"a file in {', '.join(ROLES)}"
        raise AdvsepError(f"{path}: line {line} lacks {lacks}; fill it in or take the line away")
    if len(parts["mixture"]) > 1:
        raise AdvsepError(f"{path}: line {line}: expected one mixture, found {len(parts['mixture'])}; name one file")
    return DatasetTrack(
        name=name,
        artist=row.get("artist", ""),
        corpus=path.stem,
        split=_split(path, line, row.get("split", "")),
        vocals=parts["vocals"],
        accompaniment=parts["accompaniment"],
        mixture=parts["mixture"][0] if parts["mixture"] else None,
    )


def _parts(path: Path, line: int, cell: str) -> tuple[Part, ...]:
    found = [path.parent / one.strip() for one in cell.split(JOINED_BY) if one.strip()]
    for file in found:
        if not file.is_file():
            raise AdvsepError(f"{path}: line {line}: no file {file}; paths are relative to the manifest")
    return tuple(Part(file) for file in found)


def _split(path: Path, line: int, cell: str) -> Split | None:
    for split in SPLITS:
        if cell == split:
            return split
    if cell:
        raise AdvsepError(f"{path}: line {line}: split must be empty or one of {', '.join(SPLITS)}, found '{cell}'")
    return None
