"""The run folder: everything needed to repeat a run, and whether a resumed run still has the same recordings.

`config.toml` is the resolved configuration (`--preset RUN/config.toml` takes it again). `run.json` has a
session for each start of the program: when, with which command, versions, machine, seed and recordings.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from .. import __version__
from ..realtime.errors import AdvsepError
from ..realtime.strict import FormatError, from_plain
from ..realtime.whole_file import whole_file
from .config import config_toml
from .fingerprint import Data, data_changes

CONFIG_FILE, RECORD_FILE, LOG_FILE = "config.toml", "run.json", "log.jsonl"
RECORD_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Of the code that decides results; `unknown` outside a checkout."""

    advsep: str
    commit: str
    python: str
    torch: str
    lightning_fabric: str
    numpy: str
    soundfile: str
    soxr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One start of the program.

    Attributes:
        began: ISO 8601, UTC.
        command: as typed, quoted for a shell.
        working_folder: that it was typed in.
        from_step: optimiser steps done before.
        seed: of the configuration.
        versions: of the code.
        platform: operating system and machine.
        devices: processor and accelerators by name.
        threads: that torch uses.
        data: recordings.
    """

    began: str
    command: str
    working_folder: str
    from_step: int
    seed: int
    versions: Versions
    platform: str
    devices: tuple[str, ...]
    threads: int
    data: Data


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Contents of `run.json`."""

    schema_version: int
    name: str
    sessions: tuple[Session, ...]


class RunConfig(Protocol):
    """What the record of a run says of its configuration, a dataclass; `config.toml` has all of it."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    @property
    def seed(self) -> int:
        """Of everything random."""
        ...


def open_run_folder(out: Path, config: RunConfig, data: Data, resumed_at: int | None) -> list[str]:
    """Write `config.toml` and `run.json`, and cut `log.jsonl` back to the step that the run goes on from.

    Args:
        out: the folder; made where it is missing.
        config: resolved.
        data: as `describe_data` gives it.
        resumed_at: step that the run goes on from; None for a new run.

    Returns:
        Warnings for the person: what differs from the recordings of the session before.

    Raises:
        AdvsepError: the folder cannot be written to.
    """
    session = _session(config, data, resumed_at or 0)
    before, warnings = _sessions_before(out) if resumed_at is not None else ((), [])
    record = RunRecord(schema_version=RECORD_VERSION, name=config.name, sessions=(*before, session))
    log = out / LOG_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
        lines = log.read_text("utf-8", "replace").splitlines() if resumed_at is not None and log.is_file() else []
        kept = [line for line in lines if _step_of(line) <= (resumed_at or 0)]
        _write(log, "".join(line + "\n" for line in kept))
        _write(out / CONFIG_FILE, config_toml(config))
        _write(out / RECORD_FILE, json.dumps(dataclasses.asdict(record), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise AdvsepError(f"{out}: cannot write to the run folder: {error.strerror}") from None
    if before:
        warnings += [f"other recordings than before: {change}" for change in data_changes(before[-1].data, data)]
    return warnings


def _step_of(line: str) -> float:
    """The step of a line of the log, infinity where a crash cut it."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return float("inf")


def read_record(out: Path) -> RunRecord:
    """What `run.json` of a run folder says.

    Raises:
        AdvsepError: it is missing, damaged or of another version.
    """
    path = out / RECORD_FILE
    try:
        plain: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AdvsepError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise FormatError(f"{path}: not JSON: {error}") from None
    return from_plain(RunRecord, plain, str(path))


def _sessions_before(out: Path) -> tuple[tuple[Session, ...], list[str]]:
    try:
        return read_record(out).sessions, []
    except AdvsepError as error:
        return (), [f"{error}; whether the recordings are the same is not known, and the record begins anew"]


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, "utf-8")


def _session(config: RunConfig, data: Data, from_step: int) -> Session:
    import torch

    return Session(
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        working_folder=str(Path.cwd()),
        from_step=from_step,
        seed=config.seed,
        versions=_versions(),
        platform=platform.platform(),
        devices=(_processor(), *(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))),
        threads=torch.get_num_threads(),
        data=data,
    )


def _versions() -> Versions:
    from .checkpoint import code_commit

    libraries = ("torch", "lightning_fabric", "numpy", "soundfile", "soxr")
    return Versions(
        advsep=__version__,
        commit=code_commit() or "unknown",
        python=platform.python_version(),
        **{name: version(name) for name in libraries},
    )


def _processor() -> str:
    with contextlib.suppress(OSError):  # only Linux has the file; elsewhere Python knows the name
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {os.cpu_count()} threads"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} threads"
