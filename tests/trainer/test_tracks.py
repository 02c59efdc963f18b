"""Finding, dividing, decoding and caching tracks; every bad one is an error that names it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.errors import AdvsepError
from advsep.trainer import decoded as module
from advsep.trainer.decoded import measured_bandwidth_hz
from advsep.trainer.tracks import TrackFiles, find_tracks, load_tracks, split_tracks
from full_disk import on_a_full_disk
from scipy.signal import firwin, lfilter

WriteTrack = Callable[..., Path]


def test_tracks_are_found_at_any_depth(tmp_path: Path, write_track: WriteTrack) -> None:
    for place in ("b/y", "a/deep/x", "c"):
        write_track(tmp_path / place)
    found = find_tracks([tmp_path])
    assert [(t.corpus, t.name) for t in found] == [("deep", "x"), ("b", "y"), (tmp_path.name, "c")]
    assert found[0].vocals == tmp_path / "a/deep/x/vocals.wav"
    itself = find_tracks([tmp_path / "c"])[0]
    assert (itself.corpus, itself.name) == ("c", "c")


def bad_missing_stem(folder: Path, write: WriteTrack) -> None:
    write(folder, band=None)


def bad_two_candidates(folder: Path, write: WriteTrack) -> None:
    write(folder)
    soundfile.write(folder / "vocals.flac", np.zeros(100), 8000)


def bad_lengths(folder: Path, write: WriteTrack) -> None:
    write(folder, band=np.zeros(15999))


def bad_nan(folder: Path, write: WriteTrack) -> None:
    voice = np.zeros((16000, 2), np.float32)
    voice[8000, 1] = np.nan
    write(folder, voice=voice)


def bad_channels(folder: Path, write: WriteTrack) -> None:
    write(folder, voice=np.zeros((16000, 3)))


def bad_text(folder: Path, write: WriteTrack) -> None:
    write(folder)
    (folder / "vocals.wav").write_text("not audio")


def bad_empty_file(folder: Path, write: WriteTrack) -> None:
    write(folder)
    (folder / "vocals.wav").write_bytes(b"")


def bad_no_samples(folder: Path, write: WriteTrack) -> None:
    write(folder, voice=np.zeros((0, 1)), band=np.zeros((0, 1)))


@pytest.mark.parametrize(
    ("spoil", "named", "says"),
    [
        (bad_missing_stem, "song", "found none; add accompaniment.wav"),
        (bad_two_candidates, "song", r"found vocals\.flac, vocals\.wav; keep one"),
        (bad_lengths, "song", r"vocals 2\.000 s and accompaniment 2\.000 s|equal length.*cut or pad"),
        (bad_nan, "song/vocals.wav", r"sample 8000 \(1\.000 s\) is not a finite number; render"),
        (bad_channels, "song/vocals.wav", "expected mono or stereo, found 3 channels; mix"),
        (bad_text, "song/vocals.wav", "cannot be read as audio.*convert"),
        (bad_empty_file, "song/vocals.wav", "cannot be read as audio.*convert"),
        (bad_no_samples, "song/vocals.wav", "holds no samples; take"),
    ],
)
def test_a_bad_track_is_named(
    tmp_path: Path, write_track: WriteTrack, spoil: Callable[..., None], named: str, says: str
) -> None:
    spoil(tmp_path / "corpus" / "song", write_track)
    with pytest.raises(AdvsepError, match=says) as caught:
        load_tracks(find_tracks([tmp_path]), 8000, tmp_path / "cache")
    assert str(tmp_path / "corpus" / named) in str(caught.value)
    assert not list((tmp_path / "cache").glob("*/*"))


def test_roots_without_tracks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AdvsepError, match="no tracks; expected folders that each hold vocals"):
        find_tracks([tmp_path])
    with pytest.raises(AdvsepError, match="no such folder; give") as caught:
        find_tracks([tmp_path / "gone"])
    assert str(tmp_path / "gone") in str(caught.value)


def named(*names: str, corpus: str = "c", above: str = "data") -> list[TrackFiles]:
    def path(name: str) -> Path:
        return Path(above) / corpus / name

    return [TrackFiles(name, corpus, path(name) / "vocals.wav", path(name) / "accompaniment.wav") for name in names]


def splits_file(folder: Path, data: Any) -> Path:
    path = folder / "splits.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_a_splits_file_divides(tmp_path: Path) -> None:
    path = splits_file(tmp_path, {"version": 1, "paired/c": {"train": ["a", "b"], "test": ["d"], "valid": ["e"]}})
    divided = split_tracks(named("a", "d", "e"), path)
    assert {split: [t.name for t in part] for split, part in divided.items()} == {
        "train": ["a"],
        "valid": ["e"],
        "test": ["d"],
    }


def test_corpora_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    path = splits_file(tmp_path, {"one/c": {"train": ["a"]}, "two/c": {"test": ["a"]}})
    assert split_tracks(named("a", above="/x/one"), path)["train"]
    assert split_tracks(named("a", above="/x/two"), path)["test"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"c": {"train": ["b"]}}, "track 'a' of 'c' must be in exactly one .* found in none"),
        ({"d": {"train": ["a"]}}, "track 'a' of 'c' must be in exactly one .* found in none"),
        ({"c": {"train": ["a"], "test": ["a"]}}, "found in train and test; change"),
        ({"c": {"train": "abc"}}, "'train' of 'c' must be a list of track names"),
        ([1, 2], "expected a table of corpora"),
        ("{not json", "expected JSON"),
    ],
)
def test_a_bad_splits_file_is_refused(tmp_path: Path, data: Any, says: str) -> None:
    path = splits_file(tmp_path, data)
    with pytest.raises(AdvsepError, match=says) as caught:
        split_tracks(named("a"), path)
    assert str(path) in str(caught.value)


def test_a_missing_splits_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdvsepError, match=r"gone\.json: cannot read the splits: No such file"):
        split_tracks(named("a"), tmp_path / "gone.json")


def test_without_a_splits_file_names_decide() -> None:
    names = [f"track {i}" for i in range(200)]
    divided = split_tracks(named(*names), None)
    again = split_tracks(named(*reversed(names)), None)
    held = {t.name for t in divided["valid"]}
    assert held == {t.name for t in again["valid"]}
    assert 8 <= len(held) <= 35
    assert len(held) + len(divided["train"]) == 200
    more = split_tracks(named(*names, "another"), None)
    assert held <= {t.name for t in more["valid"]}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_tracks_leave_something_to_learn_from(count: int) -> None:
    for start in range(60):  # some of these names hash to being held out
        divided = split_tracks(named(*(f"t{start + i}" for i in range(count))), None)
        assert divided["train"]
        assert bool(divided["valid"]) == (count > 1)


def test_decoding_keeps_the_sound(tmp_path: Path, write_track: WriteTrack, make_stems: Callable[..., Any]) -> None:
    write_track(tmp_path / "song", channels=2)
    voice, band = make_stems(2.0, channels=2)
    track = load_tracks(find_tracks([tmp_path]), 8000, tmp_path / "cache")[0]
    assert track.vocals.dtype == np.int16
    assert np.abs(track.vocals / 32767 - voice).max() < 2e-5
    assert np.abs(track.accompaniment / 32767 - band).max() < 2e-5
    resampled = load_tracks(find_tracks([tmp_path]), 16000, tmp_path / "cache")[0]
    assert resampled.vocals.shape == (32000, 2)


def test_stems_hotter_than_full_scale_keep_their_proportion(tmp_path: Path, write_track: WriteTrack) -> None:
    tone = np.sin(np.arange(16000) * 0.1)
    write_track(tmp_path / "song", voice=2 * tone, band=0.5 * tone)
    track = load_tracks(find_tracks([tmp_path]), 8000, tmp_path / "cache")[0]
    assert track.vocals.max() == pytest.approx(32767, abs=8)
    assert track.accompaniment.max() == pytest.approx(32767 / 4, abs=8)


def test_the_cache_is_used_until_the_file_changes(
    tmp_path: Path, write_track: WriteTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_track(tmp_path / "song")
    files, cache = find_tracks([tmp_path]), tmp_path / "cache"
    decoded: list[Path] = []
    read = module.read_stem
    monkeypatch.setattr(module, "read_stem", lambda path: (decoded.append(path), read(path))[1])
    seen: list[str] = []
    first = load_tracks(files, 8000, cache, lambda t: seen.append(t.name))[0]
    again = load_tracks(files, 8000, cache)[0]
    assert len(decoded) == 2
    assert seen == ["song"]
    assert np.array_equal(first.vocals, again.vocals)
    assert again.vocals_bandwidth_hz == first.vocals_bandwidth_hz
    os.utime(files[0].vocals, (1, 1))
    load_tracks(files, 8000, cache)
    assert len(decoded) == 4
    load_tracks(files, 4000, cache)
    assert len(decoded) == 6


@pytest.mark.parametrize("stop", ["save", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_killed_decode_leaves_no_half_track(
    tmp_path: Path,
    write_track: WriteTrack,
    monkeypatch: pytest.MonkeyPatch,
    stop: str,
    error: type[BaseException],
) -> None:
    write_track(tmp_path / "song")
    files, cache, calls = find_tracks([tmp_path]), tmp_path / "cache", []
    owner = np if stop == "save" else os
    real = getattr(owner, stop)

    def second_fails(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise error("killed")
        real(*args)

    monkeypatch.setattr(owner, stop, second_fails)
    with pytest.raises(error):
        load_tracks(files, 8000, cache)
    monkeypatch.undo()
    assert not list(cache.glob("*/track.json"))
    assert not list(cache.glob("tmp*"))
    assert len(load_tracks(files, 8000, cache)[0].vocals) == 16000


def test_a_track_goes_to_another_process_as_a_path(
    tmp_path: Path, write_track: WriteTrack, make_track: Callable[..., Any]
) -> None:
    write_track(tmp_path / "song")
    for track, longest in (
        (load_tracks(find_tracks([tmp_path]), 8000, tmp_path / "cache")[0], 2000),
        (make_track(), 1 << 20),
    ):
        sent = pickle.dumps(track)
        assert len(sent) < longest
        back = pickle.loads(sent)
        assert np.array_equal(back.accompaniment, track.accompaniment)
        assert (back.files, back.vocals_bandwidth_hz) == (track.files, track.vocals_bandwidth_hz)


@pytest.mark.parametrize("name", ["vocals.npy", "track.json"])
@pytest.mark.parametrize("left", [0, 50])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, write_track: WriteTrack, name: str, left: int) -> None:
    write_track(tmp_path / "song")
    files, cache = find_tracks([tmp_path]), tmp_path / "cache"
    load_tracks(files, 8000, cache)
    (damaged,) = cache.glob(f"*/{name}")
    damaged.write_bytes(damaged.read_bytes()[:left])
    assert len(load_tracks(files, 8000, cache)[0].vocals) == 16000


def test_a_full_disk_is_one_line_and_exit_2(tmp_path: Path, write_track: WriteTrack, tiny_toml: Path) -> None:
    write_track(tmp_path / "music" / "song")
    code = "from advsep.trainer.cli import main; main()"
    arguments = [tmp_path / "music", "--out", tmp_path / "run", "--preset", tiny_toml, "--cache", tmp_path / "cache"]
    done = subprocess.run(
        on_a_full_disk(20_000, sys.executable, "-c", code, *arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("advsep-train:")]
    assert "cannot write the cache of decoded audio" in line
    assert "None" not in line
    assert not list((tmp_path / "cache").glob("*/track.json"))


def noise(seconds: float, rate_hz: int, channels: int = 1) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal((round(seconds * rate_hz), channels)) * 0.1
    return samples.astype(np.float32)


def test_the_bandwidth_is_where_the_sound_ends() -> None:
    taps = firwin(1501, 8000, fs=44100, window=("kaiser", 12.0))
    low = lfilter(taps, 1, noise(4, 44100), axis=0).astype(np.float32)
    assert measured_bandwidth_hz(low, 44100) == pytest.approx(8000, abs=300)
    assert measured_bandwidth_hz(noise(4, 44100), 44100) == pytest.approx(0.475 * 44100)
    assert measured_bandwidth_hz(noise(4, 16000), 16000) == pytest.approx(7600)


def test_sound_that_is_opposite_left_and_right_has_a_bandwidth_too() -> None:
    wide = noise(2, 44100)
    assert measured_bandwidth_hz(np.concatenate([wide, -wide], 1), 44100) == pytest.approx(0.475 * 44100)


@pytest.mark.parametrize("samples", [10, 44100])
def test_silence_hides_no_frequency(samples: int) -> None:
    assert measured_bandwidth_hz(np.zeros((samples, 1), np.float32), 44100) == pytest.approx(0.475 * 44100)
