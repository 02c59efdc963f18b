"""Recordings are whole or not there, and an older file stays until a new one is finished."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.recorder import AudioRecorder, RecorderError, StemRecorder

SAMPLES = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
FOUR_GIB = 1 << 32


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("expected_samples", "container"),
    [(0, "WAV"), (1000, "WAV"), (FOUR_GIB // 8 - 10_000, "WAV"), (FOUR_GIB // 8, "RF64"), (FOUR_GIB, "RF64")],
)
def test_rf64_where_four_gibibytes_do_not_suffice(tmp_path: Path, expected_samples: int, container: str) -> None:
    recorder = AudioRecorder(tmp_path / "a.wav", 44100, 2, expected_samples)
    recorder.write(SAMPLES)
    recorder.finish()
    assert soundfile.info(tmp_path / "a.wav").format == container
    assert (tmp_path / "a.wav").read_bytes()[:4] == (b"RIFF" if container == "WAV" else b"RF64")
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="float32")[0], SAMPLES)


def test_louder_than_full_scale_is_kept(tmp_path: Path) -> None:
    recorder = AudioRecorder(tmp_path / "a.wav", 96000, 2)
    recorder.write(3 * SAMPLES)
    recorder.write(SAMPLES[:7])
    recorder.finish()
    found, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert (rate_hz, len(found)) == (96000, 1007)
    np.testing.assert_array_equal(found[:1000], 3 * SAMPLES)


def test_a_file_appears_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/a.wav"
    recorder = AudioRecorder(path, 44100, 2)
    recorder.write(SAMPLES)
    assert not path.exists()
    recorder.finish()
    assert names(path.parent) == ["a.wav"]


def test_an_older_file_survives_a_discarded_recording(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"older")
    recorder = AudioRecorder(tmp_path / "a.wav", 44100, 2)
    recorder.write(SAMPLES)
    recorder.discard()
    recorder.discard()
    assert names(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"older"


def test_discarding_removes_the_folders_that_were_made(tmp_path: Path) -> None:
    AudioRecorder(tmp_path / "new/deeper/a.wav", 44100, 1).discard()
    assert names(tmp_path) == []
    stems = StemRecorder(tmp_path / "new/stems", ("vocals", "accompaniment"), 44100, 2)
    stems.write({"vocals": SAMPLES, "accompaniment": SAMPLES, "more": SAMPLES})
    stems.discard()
    assert names(tmp_path) == []


def test_all_stems_or_none(tmp_path: Path) -> None:
    (tmp_path / "accompaniment.wav").mkdir()
    with pytest.raises(RecorderError, match=r"accompaniment\.wav: .*a folder of that name is in the way"):
        StemRecorder(tmp_path, ("vocals", "accompaniment"), 44100, 2)
    assert names(tmp_path) == ["accompaniment.wav"]


def test_a_file_that_cannot_be_completed_takes_the_others_with_it(tmp_path: Path) -> None:
    (tmp_path / "vocals.wav").write_bytes(b"older")
    stems = StemRecorder(tmp_path, ("vocals", "accompaniment"), 44100, 2)
    stems.write({"vocals": SAMPLES, "accompaniment": SAMPLES})
    (tmp_path / ".accompaniment.wav.partial").unlink()  # as if the disk were gone
    with pytest.raises(RecorderError, match=r"accompaniment\.wav: cannot be written after 0\.0 s"):
        stems.finish()
    assert names(tmp_path) == ["vocals.wav"]
    assert (tmp_path / "vocals.wav").read_bytes() == b"older"


def test_stems_are_told_by_name(tmp_path: Path) -> None:
    stems = StemRecorder(tmp_path, ("vocals", "accompaniment"), 44100, 2)
    assert [path.name for path in stems.paths] == ["vocals.wav", "accompaniment.wav"]
    stems.write({"accompaniment": 2 * SAMPLES, "vocals": SAMPLES})
    stems.finish()
    np.testing.assert_array_equal(soundfile.read(tmp_path / "vocals.wav", dtype="float32")[0], SAMPLES)
