"""Pitch files: written whole, read strictly."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.karaoke.pitch_file import load_trace, save_trace
from advsep.realtime.karaoke.pitch_model import PitchError
from advsep.realtime.karaoke.pitch_trace import PitchTrace
from advsep.realtime.karaoke.pitch_tracker import frame_times_s


@pytest.fixture
def trace() -> PitchTrace:
    random = np.random.default_rng(0)
    pitch = np.where(random.random(1000) < 0.4, np.nan, random.uniform(40, 84, 1000)).astype(np.float32)
    return PitchTrace(frame_times_s(1000), pitch, random.random(1000).astype(np.float32))


def test_a_trace_comes_back_as_it_was(tmp_path: Path, trace: PitchTrace) -> None:
    path = tmp_path / "guide.pitch.npz"
    for written in (trace, PitchTrace(trace.times_s[:0], trace.pitch_midi[:0], trace.confidence[:0]), trace):
        save_trace(path, written)
        read = load_trace(path)
        for name in ("times_s", "pitch_midi", "confidence"):
            np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
            assert getattr(read, name).dtype == getattr(written, name).dtype
    assert [entry.name for entry in tmp_path.iterdir()] == ["guide.pitch.npz"]


def test_every_truncation_and_many_damages_are_told(tmp_path: Path, trace: PitchTrace) -> None:
    path = tmp_path / "guide.npz"
    save_trace(path, trace)
    whole = path.read_bytes()
    random = np.random.default_rng(1)
    for length in [*range(0, 64), *random.integers(64, len(whole) - 1, 60).tolist()]:
        path.write_bytes(whole[:length])
        with pytest.raises(PitchError, match=r"guide\.npz: .*delete it"):
            load_trace(path)
    told = 0
    for _ in range(80):
        damaged = bytearray(whole)
        at = int(random.integers(len(whole)))
        damaged[at] ^= int(random.integers(1, 256))
        path.write_bytes(bytes(damaged))
        try:
            read = load_trace(path)
        except PitchError:
            told += 1
        else:  # a byte that means nothing, such as a file's date
            np.testing.assert_array_equal(read.pitch_midi, trace.pitch_midi)
    assert told > 60


def without(name: str) -> Callable[[dict[str, np.ndarray]], object]:
    return lambda arrays: arrays.pop(name)


def with_(**changed: object) -> Callable[[dict[str, np.ndarray]], object]:
    return lambda arrays: arrays.update({name: np.asarray(value) for name, value in changed.items()})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (with_(version=2), "version 1, found 2"),
        (with_(version="one"), "written by advsep"),
        (with_(version=[1, 1]), "written by advsep"),
        (without("version"), "version"),
        (without("confidence"), "confidence"),
        (with_(times_s=np.arange(999.0)), "different lengths"),
        (with_(times_s=np.zeros(1000)), "do not rise"),
        (with_(times_s=np.full(1000, np.nan)), "do not rise"),
        (with_(pitch_midi=np.full(1000, np.inf, np.float32)), "beyond what is possible"),
        (with_(confidence=np.full(1000, np.nan, np.float32)), "beyond what is possible"),
        (with_(confidence=np.full(1000, 2, np.float32)), "beyond what is possible"),
        (with_(pitch_midi=np.zeros((1000, 2), np.float32)), "pitch_midi of shape"),
        (with_(pitch_midi=np.array([{}] * 1000)), "written by advsep"),
    ],
)
def test_a_file_that_is_no_trace_is_told(
    tmp_path: Path, trace: PitchTrace, change: Callable[[dict[str, np.ndarray]], object], found: str
) -> None:
    path = tmp_path / "guide.npz"
    save_trace(path, trace)
    with np.load(path) as read:
        arrays = dict(read)
    change(arrays)
    np.savez(path, **arrays)
    with pytest.raises(PitchError, match=found):
        load_trace(path)


def test_other_files_folders_and_missing_ones_are_told(tmp_path: Path) -> None:
    with pytest.raises(PitchError, match="No such file"):
        load_trace(tmp_path / "missing.npz")
    with pytest.raises(PitchError, match="directory"):
        load_trace(tmp_path)
    path = tmp_path / "other.npz"
    np.save(path.open("wb"), np.zeros(10))
    with pytest.raises(PitchError, match="written by advsep"):
        load_trace(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("words.txt", "la la la")
    with pytest.raises(PitchError, match="written by advsep"):
        load_trace(path)


def test_what_was_there_stays_when_the_new_one_cannot_be_written(tmp_path: Path, trace: PitchTrace) -> None:
    path = tmp_path / "guide.npz"
    save_trace(path, trace)
    before = path.read_bytes()
    if Path("/dev/full").exists():
        (tmp_path / ".guide.npz.partial").symlink_to("/dev/full")  # what is written first, on a full disk
        with pytest.raises(PitchError, match=r"guide\.npz: .*No space left"):
            save_trace(path, trace)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["guide.npz"]
    with pytest.raises(PitchError, match="cannot be written"):
        save_trace(tmp_path / "nowhere" / "guide.npz", trace)
    (tmp_path / "folder").mkdir()
    with pytest.raises(PitchError, match="cannot be written"):
        save_trace(tmp_path / "folder", trace)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "guide.npz"]
