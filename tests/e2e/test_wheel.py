"""The wheel in an empty virtual environment: light, quick to answer, and able to separate a song."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
NEVER_THERE = ("torch", "onnx", "PySide6", "pyqtgraph", "lightning_fabric", "scipy")


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in (environment or os.environ).items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The `bin` folder of an environment that holds the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    # Built from a copy: setuptools leaves build/ and egg-info behind.
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "source", cwd=folder)
    venv.create(folder / "venv", with_pip=True)
    wheel = next(folder.glob("advsep-*.whl"))
    programs = folder / "venv" / "bin"
    run(programs / "pip", "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    yield programs
    shutil.rmtree(folder, ignore_errors=True)


def test_it_brings_neither_torch_nor_qt(installed: Path) -> None:
    listed = run(installed / "pip", "list", "--format=json", cwd=installed)
    names = {item["name"].lower() for item in json.loads(listed.stdout)}
    assert "advsep" in names
    assert not names & {name.lower() for name in (*NEVER_THERE, "PySide6-Essentials", "lightning-fabric")}


def test_help_answers_within_a_second(installed: Path) -> None:
    durations_s = []
    for _ in range(3):
        began = time.perf_counter()
        said = run(installed / "advsep-live", "--help", cwd=installed).stdout
        durations_s.append(time.perf_counter() - began)
    assert "--vocals-gain-db" in said
    assert min(durations_s) < 1.0


def test_it_separates_a_song_with_the_bundled_model(installed: Path, tmp_path: Path) -> None:
    mix, stems = tmp_path / "mix.wav", tmp_path / "stems"
    run(installed / "advsep-live", "-i", "demo", "-o", mix, "--seconds", "8", cwd=tmp_path)
    done = run(installed / "advsep-live", "-i", mix, "-o", stems, "--json", cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1])["model"] == "studio"
    song, rate_hz = soundfile.read(mix)
    voice, band = (soundfile.read(stems / f"{name}.wav")[0] for name in ("vocals", "accompaniment"))
    assert rate_hz == 44100
    assert voice.shape == band.shape == song.shape
    assert np.abs(voice + band - song).max() < 1e-6
    # Neither stem is all of the song nor nothing of it.
    assert 0.05 < np.sum(voice**2) / np.sum(song**2) < 0.95


def test_the_example_package_is_found_validated_and_heard(installed: Path, tmp_path: Path, jack: Any) -> None:
    shutil.copytree(ROOT / "examples" / "advsep-tremolo", tmp_path / "example")
    assert "tremolo" not in run(installed / "advsep-plugins", "list", "--names", cwd=tmp_path).stdout.split()
    run(installed / "pip", "install", "-q", "--no-deps", tmp_path / "example", cwd=tmp_path)
    assert "tremolo" in run(installed / "advsep-plugins", "list", "--names", cwd=tmp_path).stdout.split()
    report = run(installed / "advsep-plugins", "validate", "tremolo", "--level", "10", "--json", cwd=tmp_path).stdout
    assert json.loads(report)["passed"]
    voices: list[NDArray[np.float64]] = []
    for name, chain in (("plain", "vocals:"), ("trembling", "vocals: tremolo(rate_hz=5, depth=1)")):
        command = (installed / "advsep-live", "-i", "demo", "-o", "speakers", "--seconds", "7", "--json")
        done = run(*command, "--record", tmp_path / name, "--chain", chain, cwd=tmp_path, environment=jack.environment)
        assert json.loads(done.stdout)["device"] == "demo to system"
        voices.append(soundfile.read(tmp_path / name / "vocals.wav")[0][:, 0])
    plain, trembling = voices
    # The same network heard the same song: all between them is the tremolo's gain, wherever its wave began.
    loud = np.flatnonzero(np.abs(plain) > 0.01)
    angle = 2 * np.pi * 5 * loud / 44100
    parts = np.stack([np.ones(len(loud)), np.cos(angle), np.sin(angle)], 1)
    (mean, cosine, sine), *_ = np.linalg.lstsq(parts, trembling[loud] / plain[loud], rcond=None)
    assert len(loud) > 44100
    assert mean == pytest.approx(0.5, abs=1e-3)
    assert np.hypot(cosine, sine) == pytest.approx(0.5, abs=1e-3)


def test_training_programs_say_what_to_install(installed: Path, tmp_path: Path) -> None:
    for program, arguments in (
        ("advsep-train", [str(tmp_path), "--out", "x"]),
        ("advsep-export", ["x.ckpt", "-o", "x.onnx"]),
        ("advsep-eval", ["live-12", str(tmp_path)]),
    ):
        done = subprocess.run(
            [installed / program, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 2
        assert "pip install 'advsep[train]'" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
