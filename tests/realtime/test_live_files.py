"""`advsep-live` from file to files: lengths, rates, sums, places in time, levels, and what it says about itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.demo import DemoSong
from advsep.realtime.demo import demo_song as render_demo_song
from numpy.typing import NDArray

RATES_HZ = [8000, 16000, 44100, 48000, 96000, 192000]
LENGTHS = [1, 100, 44100 * 3 + 17]

Sound = NDArray[np.float32]
Live = Callable[..., Any]


def noise(samples: int, channels: int, seed: int = 0) -> Sound:
    return (0.1 * np.random.default_rng(seed).standard_normal((samples, channels))).astype(np.float32)


def read(path: Path) -> tuple[Sound, int]:
    return soundfile.read(path, dtype="float32", always_2d=True)


def level_db(error: Sound, signal: Sound) -> float:
    power = [float(np.mean(np.square(each, dtype=np.float64))) for each in (error, signal)]
    return 10 * np.log10(power[0] / power[1] + 1e-30)


def gentle_noise(samples: int, rate_hz: int) -> Sound:
    """Noise below 0.3 of the rate and 16 kHz that fades in and out, so that resampling need not harm it."""
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(samples))
    freq_hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    spectrum[freq_hz > min(0.3 * rate_hz, 16_000)] = 0
    return (0.1 * np.hanning(samples) * np.fft.irfft(spectrum, samples))[:, None].astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_stems_have_the_songs_shape_and_sum_to_it(tmp_path: Path, live: Live, rate_hz: int, channels: int) -> None:
    for length in LENGTHS:
        song = tmp_path / f"{length}.wav"
        mixture = noise(length, channels)
        soundfile.write(song, mixture, rate_hz, subtype="FLOAT")
        out = tmp_path / f"stems{length}"
        ended = live("-i", song, "-o", out, "--json")
        assert ended.code == 0
        assert ended.json["files"] == [str(out / "vocals.wav"), str(out / "accompaniment.wav")]
        stems = [read(out / f"{name}.wav") for name in ("vocals", "accompaniment")]
        assert all(stem.shape == mixture.shape and rate == rate_hz for stem, rate in stems)
        assert soundfile.info(out / "vocals.wav").subtype == "FLOAT"
        assert level_db(stems[0][0] + stems[1][0] - mixture, mixture) < -120


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_mask_of_one_gives_the_song_back_in_its_place(
    tmp_path: Path, live: Live, make_model: Callable[..., Path], rate_hz: int
) -> None:
    """At any rate, through resampling there and back: shifted by one sample this would be far above -40 dB."""
    song = gentle_noise(rate_hz + 17, rate_hz)
    soundfile.write(tmp_path / "song.wav", song, rate_hz, subtype="FLOAT")
    assert live("-i", tmp_path / "song.wav", "-o", tmp_path / "out", "--model", make_model()).code == 0
    vocals, _ = read(tmp_path / "out/vocals.wav")
    assert level_db(vocals - song, song) < -80


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000])
def test_the_voice_lies_where_it_was_sung(tmp_path: Path, live: Live, demo_song: DemoSong, rate_hz: int) -> None:
    song = demo_song if rate_hz == 44100 else render_demo_song(rate_hz)
    soundfile.write(tmp_path / "song.wav", song.mixture, rate_hz, subtype="FLOAT")
    assert live("-i", tmp_path / "song.wav", "-o", tmp_path / "out").code == 0
    vocals, _ = read(tmp_path / "out/vocals.wav")
    size = 2 * len(vocals)
    spectra = [np.fft.rfft(each.mean(1, dtype=np.float64), size) for each in (vocals, song.vocals)]
    correlation = np.fft.irfft(spectra[0] * spectra[1].conj(), size)
    assert int(correlation.argmax()) == 0


def test_the_demo_song_needs_no_file_and_is_separated(tmp_path: Path, live: Live, demo_song: DemoSong) -> None:
    ended = live("-i", "demo", "-o", tmp_path / "out/")
    assert ended.code == 0
    vocals, rate_hz = read(tmp_path / "out/vocals.wav")
    assert rate_hz == 44100
    before = level_db(demo_song.accompaniment, demo_song.vocals)
    assert level_db(vocals - demo_song.vocals, demo_song.vocals) < before - 1.0


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(44100, 2), 44100, subtype="FLOAT")
    return path


@pytest.fixture
def stems(song: Path, tmp_path: Path, live: Live) -> tuple[Sound, Sound]:
    """As they come without any option."""
    live("-i", song, "-o", tmp_path / "plain/")
    return read(tmp_path / "plain/vocals.wav")[0], read(tmp_path / "plain/accompaniment.wav")[0]


def test_gains_and_mutes_act_on_stems_and_mix(
    song: Path, tmp_path: Path, live: Live, stems: tuple[Sound, Sound]
) -> None:
    vocals, band = stems
    live("-i", song, "-o", tmp_path / "gain/", "--vocals-gain-db", "-6", "--accompaniment-gain-db", "3")
    np.testing.assert_allclose(read(tmp_path / "gain/vocals.wav")[0], vocals * 10 ** (-6 / 20), atol=1e-6)
    np.testing.assert_allclose(read(tmp_path / "gain/accompaniment.wav")[0], band * 10 ** (3 / 20), atol=1e-6)
    live("-i", song, "-o", tmp_path / "muted", "--mute", "vocals")
    assert [path.name for path in (tmp_path / "muted").iterdir()] == ["accompaniment.wav"]
    np.testing.assert_array_equal(read(tmp_path / "muted/accompaniment.wav")[0], band)
    ended = live("-i", song, "-o", tmp_path / "karaoke.WAV", "--mute", "vocals", "--accompaniment-gain-db=-12")
    assert ended.err.splitlines()[-1] == f"wrote {tmp_path / 'karaoke.WAV'}"
    np.testing.assert_allclose(read(tmp_path / "karaoke.WAV")[0], band * 10 ** (-12 / 20), atol=1e-6)
    live("-i", song, "-o", tmp_path / "mix.wav")
    assert level_db(read(tmp_path / "mix.wav")[0] - read(song)[0], vocals + band) < -120


def test_from_one_pipe_into_another(song: Path, stems: tuple[Sound, Sound]) -> None:
    program, given = Path(sys.executable).parent / "advsep-live", bytearray(song.read_bytes())
    at = given.index(b"data") + 4
    given[at : at + 4] = b"\xff\xff\xff\xff"  # as ffmpeg writes to a pipe: the length is not known
    done = subprocess.run(
        [program, "-i", "-", "-o", "-", "--vocals-gain-db", "-6"],
        input=bytes(given),
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert b"Traceback" not in done.stderr
    heard = np.frombuffer(done.stdout[done.stdout.index(b"data") + 8 :], "<f4").reshape(-1, 2)
    np.testing.assert_allclose(heard, 10 ** (-6 / 20) * stems[0] + stems[1], atol=1e-6)


def test_mix_and_stems_in_one_run(song: Path, tmp_path: Path, live: Live, stems: tuple[Sound, Sound]) -> None:
    ended = live("-i", song, "-o", tmp_path / "mix.wav", "--record", tmp_path / "take", "--json")
    assert [Path(path).name for path in ended.json["files"]] == ["vocals.wav", "accompaniment.wav", "mix.wav"]
    np.testing.assert_array_equal(read(tmp_path / "take/vocals.wav")[0], stems[0])


def test_seconds_stop_early_without_changing_what_comes_before(
    song: Path, tmp_path: Path, live: Live, stems: tuple[Sound, Sound]
) -> None:
    ended = live("-i", song, "-o", tmp_path / "short", "--seconds", "0.3", "--json")
    assert ended.json["seconds"] == pytest.approx(0.3, abs=1e-4)
    short, _ = read(tmp_path / "short/vocals.wav")
    assert len(short) == 13230
    np.testing.assert_array_equal(short, stems[0][:13230])
    assert live("-i", song, "-o", tmp_path / "long", "--seconds", "99").code == 0
    assert len(read(tmp_path / "long/vocals.wav")[0]) == 44100


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000])
def test_the_summary_is_the_last_line_and_true(tmp_path: Path, live: Live, rate_hz: int) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(2 * rate_hz, 1), rate_hz, subtype="FLOAT")
    found = live("-i", path, "-o", tmp_path / "out", "--json").json
    model_rate_hz = 44100 if rate_hz == 8000 else rate_hz
    assert (found["model"], found["rate"], found["model_rate"]) == ("studio", rate_hz, model_rate_hz)
    latency_samples = 4096 + 8 * 1024  # the model's windows and look-ahead
    assert (found["latency_samples"], found["channels"], found["seconds"]) == (latency_samples, 1, 2.0)
    assert found["latency_ms"] == pytest.approx(1e3 * latency_samples / model_rate_hz)
    assert abs(found["hops"] - (2 * model_rate_hz + latency_samples) / 1024) <= 1
    assert "misses" not in found  # nothing is late where nobody waits
    assert 0 < found["load"] < 1
    assert 0 < found["hop_ms_p50"] <= found["hop_ms_p99"] <= found["hop_ms_p99_9"] <= found["hop_ms_max"]
    assert 0 < found["real_time_factor"] < 2


def test_a_finished_run_replaces_older_files_and_leaves_no_others(song: Path, tmp_path: Path, live: Live) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "vocals.wav").write_bytes(b"older")
    (out / "notes.txt").write_text("mine")
    assert live("-i", song, "-o", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["accompaniment.wav", "notes.txt", "vocals.wav"]
    assert len(read(out / "vocals.wav")[0]) == 44100


@pytest.mark.parametrize("name", ["sång – 歌 🎤.wav", "with  two spaces.wav", "-dash.wav", "100%.wav"])
def test_odd_file_names(song: Path, tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_bytes(song.read_bytes())
    monkeypatch.chdir(tmp_path)
    ended = live("-i", name, "-o", f"{name} stems", "--json")
    assert ended.code == 0
    assert ended.json["files"][0] == f"{name} stems/vocals.wav"
    assert (tmp_path / f"{name} stems" / "vocals.wav").is_file()


def test_a_folder_that_is_named_like_a_word_of_ours(
    song: Path, tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "null").mkdir()
    assert live("-i", song, "-o", "null", "--seconds", "0.1").code == 0
    assert not any((tmp_path / "null").iterdir())


def test_the_output_may_lie_beside_the_song(song: Path, live: Live) -> None:
    assert live("-i", song, "-o", song.parent).code == 0
    assert sorted(path.name for path in song.parent.iterdir()) == ["accompaniment.wav", "song.wav", "vocals.wav"]


@pytest.mark.parametrize("output", [".", "song.wav", "./song.wav", "../{name}/song.wav", "link.wav"])
def test_the_song_is_never_overwritten(
    song: Path, tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.wav").symlink_to(song)
    if output == ".":
        song = song.rename(tmp_path / "vocals.wav")
    before = song.read_bytes()
    ended = live("-i", song, "-o", output.format(name=tmp_path.name))
    assert ended.code == 2
    assert "is the song itself and would be lost; choose another output" in ended.err
    assert song.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {song.name, "link.wav"}


def test_a_mix_and_a_stem_cannot_be_one_file(song: Path, tmp_path: Path, live: Live) -> None:
    ended = live("-i", song, "-o", tmp_path / "take/vocals.wav", "--record", tmp_path / "take")
    assert ended.code == 2
    assert "the same file" in ended.err
    assert not (tmp_path / "take").exists()
