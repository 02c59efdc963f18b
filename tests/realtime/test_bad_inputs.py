"""What cannot be used: exit code 2, one line that names it and says what to do, and nothing left on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from full_disk import on_a_full_disk
from numpy.typing import NDArray

PROGRAM = Path(sys.executable).parent / "advsep-live"
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "24.wav": ("WAV", "PCM_24"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "w64": ("W64", "PCM_16"),
}

Live = Callable[..., Any]


def noise(seconds: float, channels: int = 2) -> NDArray[np.float32]:
    shape = (round(48000 * seconds), channels)
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


def write(path: Path, samples: NDArray[np.float32], kind: tuple[str, str] = ("WAV", "FLOAT")) -> Path:
    soundfile.write(path, samples, 48000, format=kind[0], subtype=kind[1])
    return path


@pytest.fixture
def refused(live: Live, tmp_path: Path) -> Callable[..., str]:
    """Runs, checks that the run refused in one line and left nothing, returns the line without its beginning."""

    def run(*arguments: str | Path) -> str:
        before = {path: path.stat().st_size for path in tmp_path.rglob("*")}
        ended = live(*arguments)
        assert ended.code == 2
        assert ended.out == ""
        assert ended.err.startswith("advsep-live: ")
        assert ended.err.count("\n") == 1
        assert {path: path.stat().st_size for path in tmp_path.rglob("*")} == before
        return ended.err.removeprefix("advsep-live: ").rstrip("\n")

    return run


def test_files_that_are_no_sound(tmp_path: Path, refused: Callable[..., str]) -> None:
    empty, text, mp3 = tmp_path / "empty.wav", tmp_path / "text.wav", tmp_path / "text.mp3"
    empty.touch()
    text.write_text("hello\n" * 1000)
    mp3.write_text("hello\n" * 1000)
    for path, found, advice in (
        (tmp_path / "none.wav", "No such file", "give a sound file"),
        (tmp_path, "found a folder", "give one file"),
        (empty, "found an empty file", "get a whole copy"),
        (text, "libsndfile cannot read", "convert it to WAV or FLAC"),
        (mp3, "Format not recognised", "convert it to WAV or FLAC"),
        (write(tmp_path / "three.wav", noise(0.1, 3)), "found 3 channels", "mix it down first"),
        (write(tmp_path / "zero.wav", noise(0)), "holds no samples", "render it again"),
    ):
        line = refused("-i", path, "-o", tmp_path / "new/deeper")
        assert line.startswith(f"{path}: ")
        assert found in line
        assert advice in line


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("missing", ["half", "little"])
def test_truncated_files(tmp_path: Path, live: Live, refused: Callable[..., str], name: str, missing: str) -> None:
    path = write(tmp_path / f"song.{name}", noise(2.0), FORMATS[name])
    whole = path.read_bytes()
    assert live("-i", path, "-o", tmp_path / "whole.wav", "--mute", "vocals").code == 0
    assert abs(soundfile.info(tmp_path / "whole.wav").frames - 96000) <= 1
    path.write_bytes(whole[: len(whole) // 2] if missing == "half" else whole[:-400])
    line = refused("-i", path, "-o", tmp_path / "out/stems")
    assert line.startswith(f"{path}: ")
    if "malformed" in line:  # libsndfile does not open it at all
        assert (name, missing) in (("caf", "half"), ("opus", "half"))
        return
    assert "truncated" in line or "cannot be decoded at" in line
    assert "get a whole copy, or pass --accept-damaged" in line
    ended = live("-i", path, "-o", tmp_path / "out", "--accept-damaged")
    assert ended.code == 0
    found = soundfile.info(tmp_path / "out/vocals.wav").frames
    assert (0.3 if missing == "half" else 0.8) * 96000 < found < (0.6 * 96000 if missing == "half" else 96000)


@pytest.mark.parametrize("bad", [np.nan, -np.inf, 1e20])
def test_values_that_are_no_sound(tmp_path: Path, live: Live, refused: Callable[..., str], bad: float) -> None:
    samples = noise(1.0)
    samples[24_000, 1] = bad
    path = write(tmp_path / "song.wav", samples)
    line = refused("-i", path, "-o", tmp_path / "out")
    assert line.startswith(f"{path}: sample 24000 (0.500 s) is {np.float32(bad):g}, which is no sound; ")
    assert "--accept-damaged" in line
    ended = live("-i", path, "-o", tmp_path / "out", "--accept-damaged")
    assert ended.code == 0
    assert f"advsep-live: {path}: 1 values were NaN or out of range: silenced\n" in ended.err
    sums = sum(soundfile.read(tmp_path / f"out/{stem}.wav", dtype="float32")[0] for stem in ("vocals", "accompaniment"))
    samples[24_000, 1] = 0
    np.testing.assert_allclose(sums, samples, atol=1e-6)


def test_a_header_from_a_pipe_promises_nothing(tmp_path: Path, live: Live) -> None:
    path = write(tmp_path / "song.wav", noise(0.5), ("WAV", "PCM_16"))
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert live("-i", path, "-o", tmp_path / "out").code == 0
    assert soundfile.info(tmp_path / "out/vocals.wav").frames == 24000


def test_places_that_cannot_be_written(tmp_path: Path, refused: Callable[..., str]) -> None:
    song = write(tmp_path / "song.wav", noise(0.1))
    file, folder = tmp_path / "file", tmp_path / "folder.wav"
    file.touch()
    folder.mkdir()
    assert f"{file}: expected a folder for the stems, found a file" in refused("-i", song, "-o", file)
    assert f"{folder}: cannot be written: a folder of that name" in refused("-i", song, "-o", folder)
    assert "Not a directory; choose another folder" in refused("-i", song, "-o", file / "deeper/mix.wav")
    assert "Not a directory; choose another folder" in refused("-i", song, "-o", file / "stems/deeper")
    assert "File name too long" in refused("-i", song, "-o", tmp_path / f"new/{'x' * 250}.wav")
    (tmp_path / "stems/accompaniment.wav").mkdir(parents=True)
    assert "a folder of that name is in the way" in refused("-i", song, "-o", tmp_path / "stems")


def test_no_permission(tmp_path: Path) -> None:
    """Of root, who may do everything, that power is taken in the child."""
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    if powerless and shutil.which("setpriv") is None:
        pytest.skip("runs as root, and there is no setpriv")
    song = write(tmp_path / "song.wav", noise(0.1))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    secret = write(tmp_path / "secret.wav", noise(0.1))
    secret.chmod(0)
    for arguments, said in (
        (["-i", secret, "-o", "null"], f"{secret}: cannot be read: Permission denied; "),
        (["-i", song, "-o", closed / "new/stems"], "cannot be written: Permission denied; choose another folder"),
    ):
        ended = subprocess.run([*powerless, PROGRAM, *arguments], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("advsep-live: ")
        assert ended.stderr.count("\n") == 1
        assert said in ended.stderr
    assert not any(closed.iterdir())


@pytest.mark.parametrize("limit_bytes", [0, 300_000])
def test_a_full_disk(tmp_path: Path, limit_bytes: int) -> None:
    song = write(tmp_path / "song.wav", noise(2.0))
    (tmp_path / "vocals.wav").write_bytes(b"older")
    for output in (tmp_path, tmp_path / "new/mix.wav"):
        ended = subprocess.run(
            on_a_full_disk(limit_bytes, PROGRAM, "-i", song, "-o", output),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 2
        assert ended.stderr.startswith("advsep-live: ")
        assert ended.stderr.count("\n") == 1
        assert "cannot be written" in ended.stderr
        assert "choose another folder" in ended.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["song.wav", "vocals.wav"]
        assert (tmp_path / "vocals.wav").read_bytes() == b"older"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '-i' / '--input'"),
        (["-i", "demo", "--bogus"], "No such option: --bogus"),
        (["-i", "demo", "extra"], "unexpected extra argument"),
        (["-i", "demo", "--vocals-gain-db", "99"], "Invalid value for '--vocals-gain-db'"),
        (["-i", "demo", "--vocals-gain-db", "loud"], "Invalid value for '--vocals-gain-db'"),
        (["-i", "demo", "--accompaniment-gain-db", "nan"], "--accompaniment-gain-db"),
        (["-i", "demo", "--seconds", "0"], "Invalid value for '--seconds'"),
        (["-i", "demo", "--seconds", "inf"], "--seconds: expected a number, got inf"),
        (["-i", "demo", "--mute", "drums"], "strip 'drums': it is none of vocals, accompaniment,"),
        (["-i", "demo", "-o", ""], "expected a folder, a .wav file or a device"),
        (["-i", "demo", "-o", "-", "--json"], "both would be written to standard output"),
        (["-i", "demo", "-o", "out.mp3"], "only WAV is written"),
        (["-i", "demo", "--model", "live-99"], "no model 'live-99': choose a bundled one (live-3, live-6, live-12"),
        (["-i", "demo", "--model", "none.onnx"], "none.onnx: no such model file; give"),
        (["-i", ""], "expected a device such as 'mic', or a sound file"),
        (["-i", "mic", "-o", "mix.wav"], "from a device only stems are recorded; name a folder"),
        (["-i", "mic", "-o", "-"], "from a device only stems are recorded; name a folder"),
        (["-i", "demo", "-o", "null", "--start", "-1"], "Invalid value for '--start'"),
        (["-i", "demo", "-o", "out/", "--start", "60"], "--start 60: demo is 28.8 s long; start earlier"),
    ],
)
def test_options_that_make_no_sense(
    refused: Callable[..., str], arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(*arguments)


def test_outputs_that_contradict(tmp_path: Path, refused: Callable[..., str]) -> None:
    song = write(tmp_path / "song.wav", noise(0.1))
    both = ["--mute", "vocals", "--mute", "accompaniment"]
    assert "leave out one --mute" in refused("-i", song, "-o", tmp_path / "out", *both)
    assert "--record goes with playing" in refused("-i", song, "-o", tmp_path / "out/", "--record", tmp_path / "take")


def test_a_damaged_model(tmp_path: Path, bundled_model: Path, refused: Callable[..., str]) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(bundled_model.read_bytes()[:50_000])
    line = refused("-i", "demo", "-o", tmp_path / "out", "--model", path)
    assert line.startswith(f"{path}: expected an ONNX model written by advsep-export")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    assert refused("-i", "demo", "-o", "null", "--model", text).startswith(f"{text}: expected an ONNX model")
    assert "no model" in refused("-i", "demo", "-o", "null", "--model", tmp_path)


def test_no_such_device(tmp_path: Path, refused: Callable[..., str]) -> None:
    song = write(tmp_path / "song.wav", noise(0.1))
    for option in (("-i", song, "-o", "99"), ("-i", "99", "-o", "null"), ("-i", "no such thing", "-o", "null")):
        line = refused(*option)
        wanted = ("no output device '99'; ", "no input device '99'; ", "no input device 'no such thing'; ")
        assert line.startswith((*wanted, "sound devices need the PortAudio library"))
        assert "null" in line
