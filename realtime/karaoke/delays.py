"""Measured delays, kept by device pair in a small JSON file."""

from __future__ import annotations

import contextlib
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from ..errors import AdvsepError
from ..strict import FormatError, from_plain
from ..whole_file import whole_file
from .take_details import utc_now

FILE = "delays.json"
VERSION = 1
LONGEST_S = 2.0

How = Literal["air", "cable", "jack", "by hand", "declared"]


class DelaysError(AdvsepError):
    """Delays that cannot be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePair:
    """What a delay belongs to.

    Attributes:
        input: name of the device, with its host API.
        output: the same.
        rate_hz: sample rate.
        block_samples: of the device; 0: as it pleases.
    """

    input: str
    output: str
    rate_hz: int
    block_samples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDelay:
    """A delay and where it is from.

    Attributes:
        delay_s: from output to input; set by hand it may be below 0.
        when: UTC, ISO 8601; empty where it was not measured.
        how: `declared` is only what the device says of itself, and is often wrong.
    """

    delay_s: float
    how: How
    when: str = ""

    @property
    def is_declared(self) -> bool:
        """Whether it was never measured."""
        return self.how == "declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    pair: DevicePair
    delay: KnownDelay


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    version: int
    delays: tuple[_Entry, ...]


class Delays:
    """Reads the file anew each time, so that several programs may share it.

    Args:
        folder: of the file; made when something is set. None: among the user's settings.

    Attributes:
        problem: what was wrong with a file that was put aside, in words; empty: nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            from platformdirs import user_config_path

            folder = user_config_path("advsep", appauthor=False)
        self.path = folder / FILE
        self.problem = ""

    def get(self, pair: DevicePair, declared_s: float | None = None) -> KnownDelay | None:
        """The delay of a pair.

        Args:
            pair: as it was set.
            declared_s: what the device says, to be taken where nothing was measured.

        Returns:
            None where neither is known.
        """
        known = self._read().get(pair)
        if known is None and declared_s is not None and math.isfinite(declared_s):
            return KnownDelay(delay_s=min(LONGEST_S, max(0.0, declared_s)), how="declared")
        return known

    def set(self, pair: DevicePair, delay_s: float, how: How) -> KnownDelay:
        """Keep a delay, measured now.

        Raises:
            DelaysError: it is no such delay, or cannot be written; what was known stays.
        """
        if not math.isfinite(delay_s) or abs(delay_s) > LONGEST_S:
            raise DelaysError(f"expected a delay of {LONGEST_S:g} s at most, got {delay_s:g} s; measure it again")
        known = KnownDelay(delay_s=delay_s, how=how, when=utc_now())
        self._write(self._read() | {pair: known})
        return known

    def forget(self, pair: DevicePair) -> None:
        """Know nothing of a pair; raises as `set` does."""
        delays = self._read()
        if delays.pop(pair, None) is not None:
            self._write(delays)

    def _read(self) -> dict[DevicePair, KnownDelay]:
        try:
            data: object = json.loads(self.path.read_text(encoding="utf-8"))
            version = cast("dict[str, Any]", data).get("version") if isinstance(data, dict) else VERSION
            if version != VERSION:
                raise FormatError(f"expected version {VERSION}, found {version}")
            content = from_plain(_Content, data, "delays")
            if not all(abs(entry.delay.delay_s) <= LONGEST_S for entry in content.delays):
                raise FormatError("a delay is no such number")
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.problem = f"{self.path}: cannot be read ({error.strerror or error}); delays count as not measured"
            return {}
        except (ValueError, RecursionError, FormatError) as error:
            self._put_aside(error)
            return {}
        return {entry.pair: entry.delay for entry in content.delays}

    def _put_aside(self, error: Exception) -> None:
        aside = self.path.with_suffix(".damaged.json")
        with contextlib.suppress(OSError):
            os.replace(self.path, aside)
        self.problem = f"{self.path}: is damaged ({error}); it was put aside as {aside.name}, measure the delays again"

    def _write(self, delays: dict[DevicePair, KnownDelay]) -> None:
        entries = tuple(_Entry(pair=pair, delay=delay) for pair, delay in delays.items())
        text = json.dumps(asdict(_Content(version=VERSION, delays=entries)), indent=2, ensure_ascii=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self.path) as partial:
                partial.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise DelaysError(
                f"{self.path}: the delay cannot be kept ({error.strerror or error}); free some space, or check who may "
                "write there"
            ) from None
