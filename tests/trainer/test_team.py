"""Several processes train as one would: gradients, norms, states, checkpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer.checkpoint import Checkpoint, load_checkpoint
from advsep.trainer.team import Team, make_fabric, native_precision

SETTINGS = ["--set", "lanes=4", "--set", "optimiser.ema_decay=0.5", "--set", "optimiser.clip_norm=1e6"]


def run_training(arguments: list[str], processes: int, *, torchrun: bool) -> None:
    """`advsep-train`, which starts the other processes itself where torchrun does not."""
    program = [sys.executable, str(Path(sys.executable).with_name("advsep-train"))]
    if torchrun:
        port = ["--master-port", "29617"]
        program[1:1] = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), *port]
    done = subprocess.run(
        [*program, *arguments, "--devices", str(processes), "--workers", "0", "--threads", "1"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def differences(one: Checkpoint, other: Checkpoint) -> float:
    """Largest difference of a weight, of the averages, and of the carried states, in units of the largest weight."""
    worst = 0.0
    for name in ("network", "averaged"):
        for key, weight in getattr(one, name).items():
            found = getattr(other, name)[key]
            if weight.is_floating_point():
                worst = max(worst, float((weight - found).abs().max() / weight.abs().max().clamp(min=1e-3)))
            else:
                assert torch.equal(weight, found)
    for a, b in zip(one.carried, other.carried, strict=True):
        assert a.shape == b.shape
        worst = max(worst, float((a - b).abs().max()))
    return worst


@pytest.fixture
def songs(tmp_path: Path, write_track: Callable[..., Path]) -> Path:
    for seed, name in enumerate("abc"):
        write_track(tmp_path / "songs" / name, seed=seed)
    return tmp_path / "songs"


def test_two_processes_are_one_with_twice_the_lanes(songs: Path, tmp_path: Path, tiny_toml: Path) -> None:
    more = [*SETTINGS, "--steps", "5", "--cache", str(tmp_path / "cache"), "--set", "validate_every=3"]
    found: list[Checkpoint] = []
    for processes in (1, 2):
        out = tmp_path / f"run{processes}"
        arguments = [str(songs), "--preset", str(tiny_toml), "--out", str(out), *more]
        run_training(arguments, processes, torchrun=processes == 2)
        found.append(load_checkpoint(out / "last.ckpt"))
    assert found[0].step == found[1].step == 5
    assert found[0].carried[0].shape[0] == 4
    assert differences(*found) < 1e-4
    assert found[1].best_gain_db == pytest.approx(found[0].best_gain_db, abs=1e-3)


def test_two_processes_with_critics(songs: Path, tmp_path: Path, tiny_toml: Path) -> None:
    more = ["--steps", "3", "--cache", str(tmp_path / "cache"), "--set", "validate_every=3"]
    more += ["--mode", "semi", "--mixtures", str(songs), "--voices", str(songs), "--accompaniments", str(songs)]
    for setting in ("lanes=4", "patch_frames=8", "warm_frames=4", "critic_width=2", "balance=0.1"):
        more += ["--set", f"adversarial.{setting}"]
    out = tmp_path / "run"
    run_training([str(songs), "--preset", str(tiny_toml), "--out", str(out), *more], 2, torchrun=False)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert all(abs(line["distances"]["voice"]) < 100 for line in lines)
    assert set(load_checkpoint(out / "last.ckpt").critics) == {"voice", "accompaniment"}


def test_lanes_are_shared_evenly_or_refused() -> None:
    team = Team(make_fabric("32-true", accelerator="cpu"))
    assert team.leads
    assert list(team.share(4, "lanes")) == [0, 1, 2, 3]
    team.size, team.rank = 2, 1
    assert list(team.share(4, "lanes")) == [2, 3]
    with pytest.raises(AdvsepError, match="lanes=5: expected a multiple of the 2 processes"):
        team.share(5, "lanes")


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux tells what a processor can do")
def test_half_precision_is_for_processors_that_have_it() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split())
    expected = "bf16-mixed" if flags & {"avx512_bf16", "amx_bf16"} else "32-true"
    assert native_precision("cpu") == expected
    assert make_fabric("auto", accelerator="cpu")._precision.precision == expected


def test_devices_that_are_not_there() -> None:
    with pytest.raises(AdvsepError, match=r"--devices 2 --nodes 1: cannot be had: .*; ask for fewer"):
        make_fabric("32-true", devices=2, accelerator="cuda")
