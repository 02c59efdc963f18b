"""The doctor finds each planted fault, and in a healthy folder none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.trainer import doctor_cli
from advsep.trainer.datasets.layouts import read_tracks
from advsep.trainer.datasets.track import DatasetTrack
from advsep.trainer.doctor import Finding, check_track, find_duplicates, find_shared_artists
from advsep.trainer.doctor_sound import cut_short, fingerprint, measure

RATE_HZ = 8000
Song = tuple[np.ndarray, np.ndarray]


def a_song(seed: int, seconds: float = 2.0, channels: int = 2) -> Song:
    """A voice and a band of noise, [sample, channel]."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, round(seconds * RATE_HZ), channels)) * 0.05
    return noise[0], noise[1]


def write(folder: Path, voice: np.ndarray, band: np.ndarray, mixture: np.ndarray | None = None, **how: object) -> Path:
    folder.mkdir(parents=True)
    rate_hz, subtype = how.get("rate_hz", RATE_HZ), how.get("subtype", "PCM_16")
    for name, samples in (("vocals", voice), ("accompaniment", band), ("mixture", mixture)):
        if samples is not None:
            soundfile.write(folder / f"{name}.wav", samples, rate_hz, subtype=subtype)
    return folder


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    for seed, name in enumerate(("Ann - One", "Ann - Two", "Bob - Three")):
        voice, band = a_song(seed)
        write(tmp_path / "music" / "pop" / name, voice, band, voice + band)
    return tmp_path / "music"


def plant_nan(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    voice[100] = np.nan
    soundfile.write(song / "vocals.wav", voice, RATE_HZ, subtype="FLOAT")


def plant_text(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    (song / "accompaniment.wav").write_text("not audio")


def plant_length(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    soundfile.write(song / "accompaniment.wav", band[:-100], RATE_HZ)


def plant_rate(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    soundfile.write(song / "accompaniment.wav", band, 11025)


def plant_channels(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    soundfile.write(song / "accompaniment.wav", band[:, :1], RATE_HZ)


def plant_silence(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    write_both(song, voice * 0, band)


def plant_clipping(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    # Above 2/3 of the sine's peak: 1 - asin(2/3) * 2 / pi = 53.5 % of the time, less two edges of each 84 samples.
    tone = 1.5 * np.sin(np.arange(len(voice)) * 0.02)[:, None].repeat(2, 1)
    write_both(song, np.clip(tone, -1, 1), band * 0.01)


def plant_offset(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    write_both(song, voice - 0.05, band)


def plant_mix(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    # A voice 3 % louder in the mixture leaves 0.03**2 of 1.03**2 + 1: -33.6 dB.
    soundfile.write(song / "mixture.wav", 1.03 * voice + band, RATE_HZ)


def plant_cut_file(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    path = song / "vocals.wav"
    path.write_bytes(path.read_bytes()[:40000])


def plant_copy(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    other_voice, _ = a_song(0)  # the voice of `Ann - One`, softer
    write_both(song, 0.3 * other_voice, band)


def write_both(song: Path, voice: np.ndarray, band: np.ndarray) -> None:
    soundfile.write(song / "vocals.wav", voice, RATE_HZ)
    soundfile.write(song / "accompaniment.wav", band, RATE_HZ)
    (song / "mixture.wav").unlink()


PLANTED = [
    (plant_nan, "file", r"vocals.wav: sample 100 (0.013 s) is not a finite number"),
    (plant_text, "file", "accompaniment.wav: cannot be read as audio"),
    (plant_length, "length", "accompaniment.wav: 1.988 s (15900 samples) instead of 2.000 s (16000) as vocals.wav has"),
    (plant_rate, "rate", "accompaniment.wav: 11025 Hz instead of 8000 Hz as vocals.wav has"),
    (plant_channels, "channels", "accompaniment.wav: 1 channels instead of 2 as vocals.wav has"),
    (plant_silence, "silence", "vocals is silent throughout"),
    (plant_clipping, "clipping", "vocals.wav: is clipped: 52 % of its samples"),
    (plant_offset, "dc", "vocals.wav: has an offset of -0.050 of full scale"),
    (plant_mix, "mix", "what remains of it without its sources is at -33.6 dB, allowed are -40 dB"),
    (plant_cut_file, "truncated", "the end is missing: the file declares 64044 bytes and has 40000"),
    (plant_copy, "duplicate", "holds the same vocals as pop/Ann - One"),
]


def findings(root: Path) -> list[Finding]:
    checked = [check_track(track) for track in read_tracks(root)]
    return [finding for one in checked for finding in one.findings] + find_duplicates(checked)


@pytest.mark.parametrize(("plant", "kind", "says"), PLANTED, ids=[kind for _, kind, _ in PLANTED])
def test_each_planted_fault_is_found(healthy: Path, plant: Callable[..., None], kind: str, says: str) -> None:
    assert findings(healthy) == []
    plant(healthy / "pop" / "Bob - Three", *a_song(2))
    found = findings(healthy)
    assert [(one.kind, one.track, one.is_fault) for one in found if one.kind == kind] == [
        (kind, "pop/Bob - Three", True)
    ]
    assert says in next(one.text for one in found if one.kind == kind)
    # A file that is cut short is too short for its fellows as well; nothing else may be blamed.
    assert {one.kind for one in found} - {kind} <= ({"length"} if kind == "truncated" else set())


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["advsep-train", "doctor", *map(str, arguments)])
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the test's own process keeps its handlers
    with pytest.raises(SystemExit) as ended:
        doctor_cli.main()
    return int(ended.value.code or 0)


def test_a_healthy_folder(
    healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert run(monkeypatch, healthy, "--json", report) == 0
    shown = capsys.readouterr().out
    assert "3 tracks, 0 faults, 0 notes" in shown
    data = json.loads(report.read_text())
    assert data["findings"] == []
    (pop,) = data["corpora"]
    assert pop.pop("hours") == pytest.approx(3 * 2 / 3600)
    shares = {"train": 0, "valid": 0, "test": 0, "unpaired": 0}
    counts = {"corpus": "pop", "tracks": 3, "paired": 3, "rates_hz": [8000], "channels": [2]}
    assert pop == {**counts, "voice_sounds": 1.0, "shares": shares}


def test_faults_are_a_line_each_and_exit_code_1(
    healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant_nan(healthy / "pop" / "Bob - Three", *a_song(2))
    splits, report = tmp_path / "splits.json", tmp_path / "report.json"
    splits.write_text('{"version": 1, "pop": {"train": ["Ann - One"], "valid": [], "test": ["Ann - Two"]}}')
    assert run(monkeypatch, healthy, "--splits", splits, "--json", report) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "3 tracks, 2 faults, 1 notes"
    fault, artist, note = (line for line in lines if line.startswith(("fault:", "note:")))
    assert fault.startswith("fault: file: pop/Bob - Three: ")
    assert artist == (
        "fault: artist: pop/Ann - One: Ann is in train, and in test with pop/Ann - Two; keep an artist on one side"
    )
    assert note == f"note: partition: pop/Bob - Three: is in no share of {splits}"
    written = json.loads(report.read_text())["findings"]
    assert [(each["kind"], each["is_fault"]) for each in written] == [
        ("file", True),
        ("artist", True),
        ("partition", False),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["empty"], "empty: empty; give a folder that holds a data set"),
        (["gone"], "gone: no such folder"),
        (["wrong"], "wrong: no known data set; looked for"),
        (["half"], "expected one accompaniment.* file, found none; add accompaniment.wav"),
        (["wrong", "--role", "voice"], "--role voice: expected one of vocals, accompaniment, mixture"),
        (["music", "--splits", "gone.json"], "gone.json: cannot read the partition"),
        (["music", "--json", "gone/report.json"], "gone/report.json: cannot be written"),
        (["--wrong"], "No such option: --wrong"),
    ],
)
def test_a_wrong_question_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    voice, band = a_song(0, 0.1)
    write(tmp_path / "music" / "song", voice, band)
    write(tmp_path / "half" / "song", voice, band)
    (tmp_path / "half" / "song" / "accompaniment.wav").unlink()
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong").mkdir()
    soundfile.write(tmp_path / "wrong" / "loose.wav", voice, RATE_HZ)
    assert run(monkeypatch, *arguments) == 2
    complaint = [line for line in capsys.readouterr().err.splitlines() if line.startswith("advsep-train doctor: ")]
    assert len(complaint) == 1
    assert says in complaint[0]


def test_an_interrupt_ends_without_a_traceback(
    healthy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: DatasetTrack) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("advsep.trainer.doctor.check_track", stop)
    assert run(monkeypatch, healthy) == 130
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_recordings_of_one_kind_and_their_copies_in_other_formats(tmp_path: Path) -> None:
    sound, other = a_song(0, 3)[0], a_song(1, 3)[0]
    soundfile.write(tmp_path / "a.wav", sound, RATE_HZ)
    soundfile.write(tmp_path / "b.flac", 0.4 * sound, RATE_HZ)
    soundfile.write(tmp_path / "c.ogg", sound, RATE_HZ)
    soundfile.write(tmp_path / "d.wav", other, RATE_HZ)
    for role in ("vocals", "accompaniment", "mixture"):
        found = find_duplicates(check_track(track) for track in read_tracks(tmp_path, role))
        pairs = {(one.track.rsplit("/", 1)[1], one.text.split(";")[0].rsplit("/", 1)[1]) for one in found}
        assert pairs == {("b", "a"), ("c", "a"), ("c", "b")}
        assert all(f"the same {role} as" in one.text for one in found)


def test_a_karaoke_band_may_come_twice(tmp_path: Path) -> None:
    band = a_song(9)[1]
    for seed in range(2):
        write(tmp_path / "set" / f"song{seed}", a_song(seed)[0], band)
    assert findings(tmp_path) == []


def test_files_that_end_too_early(tmp_path: Path) -> None:
    for suffix in ("wav", "aiff", "ogg", "opus"):
        path = tmp_path / f"a.{suffix}"
        subtype = "OPUS" if suffix == "opus" else None
        soundfile.write(path, a_song(0)[0], RATE_HZ, format="OGG" if suffix == "opus" else None, subtype=subtype)
        assert cut_short(path) is None
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        assert cut_short(path) is not None


def test_a_rounded_mixture_is_its_sources_sum_however_soft(tmp_path: Path) -> None:
    voice, band = (part * 0.002 for part in a_song(3))
    write(tmp_path / "set" / "soft", voice, band, voice + band)
    assert {one.kind for one in findings(tmp_path)} <= {"silence"}


def test_a_mastered_mixture_is_a_note(tmp_path: Path) -> None:
    voice, band = a_song(4)
    write(tmp_path / "set" / "song", voice, band, 2 * voice + band)
    (plain,) = read_tracks(tmp_path)
    values = {name: getattr(plain, name) for name in ("name", "artist", "corpus", "vocals", "accompaniment", "mixture")}
    mastered = DatasetTrack(**values, mastered=True, has_bleed=True)
    assert [(one.kind, one.is_fault) for one in check_track(plain).findings] == [("mix", True)]
    assert [(one.kind, one.is_fault) for one in check_track(mastered).findings] == [("bleed", False), ("mix", False)]


def test_artists_overlap_by_the_sets_own_split_too() -> None:
    def track(name: str, artist: str, split: str | None) -> DatasetTrack:
        return DatasetTrack(name=name, artist=artist, corpus="c", split=split)

    tracks = [track("a", "The Band", "train"), track("b", "the band", "test"), track("c", "", "train")]
    tracks += [track("d", "", "test"), track("e", "Ann", "train"), track("f", "Ann", None)]
    (only,) = find_shared_artists(tracks, lambda each: each.split)
    assert (only.kind, only.track, only.is_fault) == ("artist", "c/a", True)
    assert "The Band is in train, and in test with c/b" in only.text


def test_measures_are_those_of_the_signal() -> None:
    samples = np.zeros((4 * RATE_HZ + 10, 2), np.float32)
    samples[:RATE_HZ] = 0.5 * np.sin(2 * np.pi * 100 * np.arange(RATE_HZ) / RATE_HZ)[:, None]
    samples[:, 1] -= 0.0005
    sound = measure(samples, RATE_HZ)
    assert (sound.rate_hz, sound.channels, sound.samples) == (RATE_HZ, 2, len(samples))
    assert sound.peak == pytest.approx(0.5005, abs=1e-3)
    assert sound.offset == pytest.approx(-0.0005, abs=1e-6)
    assert sound.silent_share == pytest.approx(4 / 5)  # the second that is only begun counts as one
    assert sound.clipped_share == 0
    samples[100:110, 0] = 1.0  # eight of ten have a neighbour as loud on both sides
    assert measure(samples, RATE_HZ).clipped_share == pytest.approx(8 / samples.size)


def test_silence_has_no_fingerprint_and_rates_do_not_matter() -> None:
    assert fingerprint(np.zeros((RATE_HZ, 1), np.float32), RATE_HZ) is None
    time_s = {hz: np.arange(5 * hz) / hz for hz in (44100, 16000)}
    sweeps = [np.sin(2 * np.pi * (80 + 60 * t) * t).astype(np.float32)[:, None] for t in time_s.values()]
    one, other = (fingerprint(x, hz) for x, hz in zip(sweeps, time_s, strict=True))
    assert one is not None
    assert other is not None
    assert float(one[:5000] @ other[:5000]) > 0.995


def test_the_app_is_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    assert "advsep-train doctor MUSDB18-HQ/" in shown
    assert "Exit code: 0 nothing wrong, 1 faults found, 2 the question was wrong." in shown
