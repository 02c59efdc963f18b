"""What `advsep-live` says of itself: help, models, version, devices."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from advsep import __version__
from typer.testing import CliRunner

Live = Callable[..., Any]


@pytest.mark.parametrize("module", ["realtime.cli", "trainer.cli", "trainer.eval_cli", "export.cli"])
def test_help_shows_one_example_a_line_in_80_columns(module: str) -> None:
    program = import_module(f"advsep.{module}")
    said = CliRunner().invoke(program.app, ["--help"], env={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, said)) <= 80
    wanted = [line for line in program.HELP.splitlines() if line.startswith("  advsep-")]
    assert len(wanted) >= 2
    assert [line.removeprefix("  ") for line in said if line.startswith("    advsep-")] == wanted


def test_help_comes_without_waiting_for_the_engine(live: Live) -> None:
    ended = live("--help")
    assert (ended.code, ended.err) == (0, "")
    assert "Usage: advsep-live" in ended.out


def test_version_and_models_and_devices(live: Live) -> None:
    assert live("--version").out == f"advsep {__version__}\n"
    models = live("--list-models")
    assert models.code == 0
    assert any(
        line.startswith("live-12 ") and "11.6 ms" in line and "44.1/48 kHz" in line for line in models.out.splitlines()
    )
    devices = live("-l")
    assert devices.code == 0 or "PortAudio" in devices.err
    assert devices.out.strip() or devices.err
