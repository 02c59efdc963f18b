"""What a take says of itself: `take.json` in its folder, whole at every moment from the first on."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from ..errors import AdvsepError
from ..strict import FormatError, from_plain
from ..whole_file import whole_file

DETAILS_FILE = "take.json"
VERSION = 1
LARGEST_BYTES = 1 << 20

State = Literal["recording", "finished", "recovered"]


class TakeError(AdvsepError):
    """A take that cannot be read, changed, exported or deleted."""


def utc_now() -> str:
    """The present moment as ISO 8601, to the second: `2026-11-23T20:15:07+00:00`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeDetails:
    """One take.

    Attributes:
        name: as it is shown; may be changed.
        song: title.
        song_path: the file that was sung to; empty where it is not known.
        singer: who sang; may be empty.
        started: when, UTC, ISO 8601.
        rate_hz: sample rate of the files.
        delay_s: by how much the microphone was late, which was taken out.
        position_s: place in the song where the take begins.
        model: that separated the song.
        key_semitones: by how much the song was transposed.
        tempo_percent: of the song's own tempo.
        score: 0 to 10000, as UltraStar counts; None: there is none.
        state: `recording` also where the program died meanwhile.
        duration_s: once it is not `recording`.
        tracks: names of the files, without their endings.
        notes: what a listener should know, a sentence each.
        version: of this format.
    """

    name: str
    song: str
    song_path: str = ""
    singer: str = ""
    started: str = ""
    rate_hz: int = 0
    delay_s: float = 0.0
    position_s: float = 0.0
    model: str = ""
    key_semitones: float = 0.0
    tempo_percent: float = 100.0
    score: float | None = None
    state: State = "recording"
    duration_s: float = 0.0
    tracks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    version: int = VERSION


def write_details(folder: Path, details: TakeDetails) -> None:
    """Replace `take.json` as a whole.

    Raises:
        TakeError: it cannot be written; the one before is as it was.
    """
    path = folder / DETAILS_FILE
    text = json.dumps(asdict(details), indent=2, ensure_ascii=False)
    try:
        with whole_file(path) as partial, partial.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise TakeError(
            f"{path}: cannot be written: {error.strerror or error}; free some space, or choose another folder"
        ) from None


def read_details(folder: Path) -> TakeDetails:
    """What `take.json` says.

    Raises:
        TakeError: it is not there, cannot be read, or is damaged.
    """
    path = folder / DETAILS_FILE
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise TakeError(f"{path}: expected the description of a take, found more than 1 MiB; remove the file")
        data: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TakeError(
            f"{path}: expected the description of a take, found none ({error.strerror or error}); its sound files "
            "can still be played one by one"
        ) from None
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from None
    version = cast("dict[str, Any]", data).get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise TakeError(
            f"{path}: expected version {VERSION} of a take's description, found {version}; a newer advsep reads it"
        )
    try:
        return _checked(from_plain(TakeDetails, data, "take"))
    except FormatError as error:
        raise _damaged(path, str(error)) from None


def _checked(details: TakeDetails) -> TakeDetails:
    for track in details.tracks:
        if not is_file_name(track):
            raise FormatError(f"take.tracks must be names of files, found {track!r}")
    numbers = (details.delay_s, details.position_s, details.tempo_percent, details.duration_s, details.score or 0.0)
    if not all(map(math.isfinite, numbers)) or details.rate_hz < 0:
        raise FormatError("take has numbers that no take can have")
    return details


def is_file_name(text: str) -> bool:
    """Whether a name can be that of a file in a take's folder, and cannot lead out of it."""
    return bool(text) and not text.startswith(".") and not set(text) & set('/\\:*?"<>|\0') and text.isprintable()


def _damaged(path: Path, why: str) -> TakeError:
    return TakeError(f"{path}: is damaged ({why}); mend it or remove it, the sound files beside it stay as they are")
