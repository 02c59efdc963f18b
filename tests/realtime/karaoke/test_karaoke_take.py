"""Takes: every track where it belongs in the song, whatever ends the recording, and whole files afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.karaoke.karaoke_path import TRACKS
from advsep.realtime.karaoke.take import KEPT, TakeRecorder
from advsep.realtime.karaoke.take_details import DETAILS_FILE, TakeDetails, TakeError, read_details, write_details
from advsep.realtime.karaoke.take_ending import is_unfinished, partial_path, recover, to_flac
from advsep.realtime.karaoke.take_files import TakeFiles
from advsep.realtime.karaoke.take_lock import is_being_recorded
from advsep.realtime.karaoke.take_wav import (
    FULL_SCALE,
    HEADER_BYTES,
    GrowingWav,
    Shape,
    frames_in,
    header,
    mend,
    pcm24,
    shape_of,
)
from advsep.realtime.recorder import RecorderError
from advsep.realtime.ring import Ring, ring_write
from advsep.realtime.telemetry import Telemetry
from advsep.realtime.telemetry_rings import RingReader, lay_out, layout_of_tracks
from advsep.realtime.wav_header import shorten_header
from advsep.realtime.wav_stream import read_header
from numpy.typing import NDArray
from waiting import until

pytestmark = pytest.mark.live

RATE_HZ = 44100
SONG = TakeDetails(name="my take", song="A song", singer="Ada", song_path="/songs/a song.mp3", position_s=12.5)
RAW, MICROPHONE, ACCOMPANIMENT, VOCALS, MIX = (slice(2 * i, 2 * i + 2) for i in range(5))


@pytest.fixture
def ring() -> Ring:
    return Ring(1 << 16, 2 * len(TRACKS))


def put(ring: Ring, frames: NDArray[np.float32]) -> None:
    for at in range(0, len(frames), 4096):
        ring_write(ring.words, ring.data, np.ascontiguousarray(frames[at : at + 4096], np.float32))


def recorder_of(ring: Ring, folder: Path, **options: object) -> TakeRecorder:
    return TakeRecorder(ring, folder, SONG, TRACKS, RATE_HZ, **({"late_samples": {}} | options))  # pyright: ignore


def heard(folder: Path, track: str) -> NDArray[np.float32]:
    return soundfile.read(folder / f"{track}.wav", dtype="float32", always_2d=True)[0]


def test_what_was_sung_late_lies_on_the_song_to_the_sample(ring: Ring, tmp_path: Path) -> None:
    """23.4 ms of delay, a plugin's 37 samples more in the processed microphone, from amid the ring on."""
    late, plugin, begin, beat = round(0.0234 * RATE_HZ), 37, 1000, 5000
    frames = np.zeros((40_000, 10), np.float32)
    frames[begin + beat, ACCOMPANIMENT] = 0.5
    frames[begin + beat, VOCALS] = 0.125
    frames[begin + beat + late, RAW] = 0.25
    frames[begin + beat + late + plugin, MICROPHONE] = 0.25
    frames[:, MIX] = 0.9  # has the microphone where it does not belong, and is not used
    recorder = recorder_of(ring, tmp_path / "take", late_samples={"microphone raw": late, "microphone": late + plugin})
    recorder.start(begin)
    put(ring, frames)
    until(lambda: recorder.seconds > 0.8)
    paths = recorder.finish()
    assert [path.name for path in paths] == ["microphone raw.wav", "microphone.wav", "accompaniment.wav", "mixdown.wav"]
    assert sorted(path.name for path in (tmp_path / "take").iterdir()) == sorted(
        [*(path.name for path in paths), DETAILS_FILE]
    )
    length = 40_000 - begin - late - plugin
    expected = {"microphone raw": 0.25, "microphone": 0.25, "accompaniment": 0.5, "mixdown": 0.875}
    for track, level in expected.items():
        sound = heard(tmp_path / "take", track)
        wanted = np.zeros((length, 2), np.float32)
        wanted[beat] = level
        np.testing.assert_array_equal(sound, wanted, err_msg=track)
        info = soundfile.info(tmp_path / f"take/{track}.wav")
        assert (info.format, info.subtype, info.samplerate) == ("WAV", "PCM_24", RATE_HZ)
    details = read_details(tmp_path / "take")
    assert details == recorder.details
    assert (details.state, details.tracks, details.notes) == ("finished", (*KEPT, "mixdown"), ())
    assert (details.delay_s, details.duration_s) == (late / RATE_HZ, length / RATE_HZ)
    assert (details.singer, details.position_s, details.started[-6:]) == ("Ada", 12.5, "+00:00")
    assert recorder.error is None


def test_a_microphone_that_is_early_by_hand(tmp_path: Path) -> None:
    files = TakeFiles(tmp_path / "take", SONG_AT_RATE, ("voice", "song"), (), {"voice": -441})
    ramp = np.repeat(np.arange(2000, dtype=np.float32)[:, None] * np.float32(2.0**-20), 2, axis=1)
    files.write({"voice": ramp, "song": ramp})
    files.finish()
    np.testing.assert_array_equal(heard(tmp_path / "take", "voice"), ramp[: 2000 - 441])
    np.testing.assert_array_equal(heard(tmp_path / "take", "song"), ramp[441:])
    assert read_details(tmp_path / "take").position_s == pytest.approx(0.01)


def test_however_the_blocks_fall(tmp_path: Path) -> None:
    """Against the slow obvious: all at once, cut out of the whole."""
    random = np.random.default_rng(1)
    sound = random.uniform(-0.3, 0.3, (30_000, 4)).astype(np.float32)
    late = {"voice": 1234, "song": 0}
    files = TakeFiles(tmp_path / "take", SONG_AT_RATE, ("voice", "song"), ("voice", "song"), late)
    at = 0
    while at < len(sound):
        count = int(random.integers(0, 3000))
        files.write({"voice": sound[at : at + count, :2], "song": sound[at : at + count, 2:]})
        at += count
    files.finish()
    length = len(sound) - 1234
    voice, song = sound[1234:, :2], sound[:length, 2:]
    for track, wanted in {"voice": voice, "song": song, "mixdown": voice + song}.items():
        np.testing.assert_allclose(heard(tmp_path / "take", track), wanted, atol=2.0**-24 + 1e-7, err_msg=track)


SONG_AT_RATE = TakeDetails(name="t", song="s", rate_hz=RATE_HZ)


def test_a_mixdown_beyond_full_scale_is_turned_down_as_a_whole_and_a_track_is_clipped(
    ring: Ring, tmp_path: Path
) -> None:
    time_s = np.arange(20_000) / RATE_HZ
    frames = np.zeros((20_000, 10), np.float32)
    frames[:, ACCOMPANIMENT] = 0.9 * np.sin(2 * np.pi * 220 * time_s)[:, None]
    frames[:, MICROPHONE] = 1.1 * np.sin(2 * np.pi * 220 * time_s)[:, None]
    recorder = recorder_of(ring, tmp_path / "take")
    recorder.start(0)
    put(ring, frames)
    recorder.finish()
    mixdown = heard(tmp_path / "take", "mixdown")
    assert np.abs(mixdown).max() == pytest.approx(FULL_SCALE, abs=2e-7)
    peak = np.abs(frames[:, MICROPHONE] + frames[:, ACCOMPANIMENT]).max()
    np.testing.assert_allclose(mixdown, (frames[:, MICROPHONE] + frames[:, ACCOMPANIMENT]) / peak, atol=3e-7)
    notes = recorder.details.notes
    assert any("mixdown: was 6.0 dB beyond full scale" in note for note in notes)
    assert any(note.startswith("microphone: ") and "clipped" in note for note in notes)
    assert np.abs(heard(tmp_path / "take", "microphone")).max() >= FULL_SCALE


def test_values_that_are_no_numbers_are_silent(ring: Ring, tmp_path: Path) -> None:
    frames = np.full((1000, 10), 0.25, np.float32)
    frames[100, RAW] = np.nan
    frames[101, MICROPHONE] = np.inf
    recorder = recorder_of(ring, tmp_path / "take")
    recorder.start(0)
    put(ring, frames)
    recorder.finish()
    assert heard(tmp_path / "take", "microphone raw")[99:102, 0].tolist() == [0.25, 0.0, 0.25]
    assert heard(tmp_path / "take", "mixdown")[100:103, 0].tolist() == [0.75, 0.0, 0.75]
    assert any("6 values were no numbers" in note for note in recorder.details.notes)


def test_packed_as_flac_without_loss(ring: Ring, tmp_path: Path) -> None:
    frames = np.random.default_rng(2).uniform(-0.3, 0.3, (20_000, 10)).astype(np.float32)
    recorder = recorder_of(ring, tmp_path / "take")
    recorder.start(0)
    put(ring, frames)
    paths = recorder.finish(as_flac=True, score=8750.0, notes=("sung at home",))
    assert {path.suffix for path in paths} == {".flac"}
    sound, _ = soundfile.read(tmp_path / "take/accompaniment.flac", dtype="float32")
    np.testing.assert_allclose(sound, frames[:, ACCOMPANIMENT], atol=2.0**-24)
    assert soundfile.info(paths[0]).subtype == "PCM_24"
    details = read_details(tmp_path / "take")
    assert (details.score, details.notes) == (8750.0, ("sung at home",))


def test_a_wav_stays_where_it_cannot_be_packed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mixdown.wav", np.zeros((100, 2)), RATE_HZ, subtype="FLOAT")
    with pytest.raises(TakeError, match="expected 24 bits"):
        to_flac(tmp_path, "mixdown")
    (tmp_path / "mixdown.wav").write_bytes(b"RIFF, or not")
    with pytest.raises(TakeError, match="WAV beside it is kept"):
        to_flac(tmp_path, "mixdown")
    assert [path.name for path in tmp_path.iterdir()] == ["mixdown.wav"]


@pytest.mark.parametrize("ends", ["finish", "discard"])
def test_nothing_recorded_leaves_nothing(ring: Ring, tmp_path: Path, ends: str) -> None:
    for starts, count in ((False, 0), (True, 0), (True, 500)):
        recorder = recorder_of(ring, tmp_path / "new/take", late_samples={"microphone": 1000})
        if starts:
            recorder.start()
            put(ring, np.zeros((count, 10), np.float32))
        assert not getattr(recorder, ends)()
        assert recorder.error is None
        assert not (tmp_path / "new/take").exists()


def test_a_folder_that_cannot_be(ring: Ring, tmp_path: Path) -> None:
    (tmp_path / "take").mkdir()
    with pytest.raises(RecorderError, match="no take can be recorded there"):
        recorder_of(ring, tmp_path / "take")
    assert (tmp_path / "take").is_dir()
    with pytest.raises(ValueError, match="guitar"):
        recorder_of(ring, tmp_path / "other", kept=("guitar",))
    assert not (tmp_path / "other").exists()


def test_a_disk_that_is_nearly_full_ends_it_and_keeps_it(ring: Ring, tmp_path: Path) -> None:
    put(ring, np.full((4000, 10), 0.25, np.float32))
    recorder = recorder_of(ring, tmp_path / "take", reserve_bytes=1 << 62)
    recorder.start(0)
    until(lambda: not recorder.running)
    assert len(recorder.finish()) == 4
    assert len(heard(tmp_path / "take", "mixdown")) == 4000
    assert "MB are left on the disk" in str(recorder.error)
    assert "MB are left on the disk" in read_details(tmp_path / "take").notes[-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_disk_that_is_really_full_keeps_what_fits(ring: Ring, small_disk: Path) -> None:
    recorder = recorder_of(ring, small_disk / "take", reserve_bytes=0)
    ramp = np.arange(60_000, dtype=np.float32)[:, None] * np.float32(2.0**-20)
    recorder.start(0)
    put(ring, np.repeat(ramp, 10, axis=1))
    until(lambda: not recorder.running)
    assert recorder.finish()
    assert "the disk takes no more (No space left on device)" in str(recorder.error)
    assert "is kept" in str(recorder.error)
    sounds = [heard(small_disk / "take", track) for track in (*KEPT, "mixdown")]
    assert len({len(sound) for sound in sounds}) == 1
    assert len(sounds[0]) > 10_000
    np.testing.assert_array_equal(sounds[0][:, 0], ramp[: len(sounds[0]), 0])
    # Nothing is left for a second copy of the mixdown.
    assert soundfile.info(small_disk / "take/mixdown.wav").subtype == "FLOAT"
    np.testing.assert_array_equal(sounds[3], 3 * sounds[0])


def test_sound_that_was_lost_is_silence_in_all_tracks(tmp_path: Path) -> None:
    ring = Ring(4096, 10)
    late = 100
    ramp = np.arange(12_000, dtype=np.float32)[:, None] * np.float32(2.0**-20) + 0.25
    frames = np.repeat(ramp, 10, axis=1)
    put(ring, frames[:8000])
    recorder = recorder_of(ring, tmp_path / "take", late_samples={"microphone": late, "microphone raw": late})
    recorder.start(0)
    until(lambda: recorder.seconds * RATE_HZ >= 8000 - late)
    put(ring, frames[8000:10_000])
    recorder.finish()
    song, voice = (heard(tmp_path / "take", track)[:, 0] for track in ("accompaniment", "microphone"))
    lost = 8000 - 4096  # or more
    assert len(song) == len(voice) == 10_000 - late
    assert not song[:lost].any()
    np.testing.assert_array_equal(song[-1000:], ramp[10_000 - late - 1000 : 10_000 - late, 0])
    np.testing.assert_array_equal(voice[-1000:], ramp[9000:10_000, 0])
    assert "were lost and are silent" in recorder.details.notes[-1]


def test_from_an_engine_in_another_process(tmp_path: Path) -> None:
    """Through its telemetry; an engine that plays something else ends the take and keeps it."""
    telemetry = Telemetry.create()
    try:
        layout = layout_of_tracks(("accompaniment", "vocals", "microphone"), TRACKS, 2, RATE_HZ, 128, 0)
        stems, _ = lay_out(telemetry, layout)
        put(stems, np.full((3000, 10), 0.125, np.float32))
        recorder = TakeRecorder(
            RingReader(telemetry, "stems"), tmp_path / "take", SONG, layout.names, RATE_HZ, late_samples={}
        )
        recorder.start(1000)
        until(lambda: recorder.seconds * RATE_HZ == 2000)
        stems, _ = lay_out(telemetry, layout_of_tracks(("vocals",), ("vocals",), 2, 48000, 128, 0))
        ring_write(stems.words, stems.data, np.zeros((100, 2), np.float32))
        until(lambda: not recorder.running)
        assert len(recorder.finish()) == 4
        assert "sample rate changed" in str(recorder.error)
        assert np.unique(heard(tmp_path / "take", "mixdown")).tolist() == [0.375]
    finally:
        telemetry.close()
        telemetry.unlink()


SINGER = """
import sys, time
from pathlib import Path
import numpy as np
from advsep.realtime.ring import Ring, ring_write
from advsep.realtime.karaoke.karaoke_path import TRACKS
from advsep.realtime.karaoke.take import TakeRecorder
from advsep.realtime.karaoke.take_details import TakeDetails

ring = Ring(1 << 17, 10)
ring_write(ring.words, ring.data, np.zeros((1, 10), np.float32))
ring.clear()
late = {"microphone raw": 1032, "microphone": 1069}
recorder = TakeRecorder(ring, Path(sys.argv[1]), TakeDetails(name="t", song="s"), TRACKS, 44100, late_samples=late)
recorder.start(0)
began, at = time.perf_counter(), 0
while True:
    due = int(44100 * (time.perf_counter() - began))
    ramp = (np.arange(at, due) % (1 << 22)).astype(np.float32)[:, None] * np.float32(2.0**-23)
    ring_write(ring.words, ring.data, np.ascontiguousarray(np.repeat(ramp, 10, axis=1)))
    at = due
    print(at, flush=True)
    time.sleep(0.005)
"""


def test_killed_while_it_records_it_loses_less_than_a_second(tmp_path: Path) -> None:
    take = tmp_path / "take"
    child = subprocess.Popen([sys.executable, "-c", SINGER, str(take)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    played = 0
    while played < 1.5 * 44100:
        played = int(child.stdout.readline())
    assert is_being_recorded(take)
    assert is_unfinished(take)
    with pytest.raises(TakeError, match="is being recorded"):
        recover(take)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    played = [int(line) for line in child.stdout.read().split()][-1:] or [played]
    assert read_details(take).state == "recording"
    assert is_unfinished(take)
    details = recover(take)
    assert details.state == "recovered"
    assert details == read_details(take)
    late = 1069
    sounds = {track: heard(take, track)[:, 0] for track in (*KEPT, "mixdown")}
    length = len(sounds["mixdown"])
    assert {len(sound) for sound in sounds.values()} == {length}
    lost_s = (played[0] - length) / 44100
    assert lost_s < 1.0, lost_s
    count = np.arange(length, dtype=np.float32)
    np.testing.assert_array_equal(sounds["accompaniment"] * 2**23, count)
    np.testing.assert_array_equal(sounds["microphone"] * 2**23, count + late)
    np.testing.assert_array_equal(sounds["microphone raw"] * 2**23, count + 1032)
    assert sorted(path.name for path in take.iterdir()) == sorted([*(f"{track}.wav" for track in sounds), DETAILS_FILE])
    assert not is_unfinished(take)
    assert recover(take) == details  # again: nothing to do


def abandoned(folder: Path, frames: int = 5000) -> NDArray[np.float32]:
    """A take of which the program died: as its files lie then."""
    sound = np.random.default_rng(3).uniform(-0.3, 0.3, (frames, 2)).astype(np.float32)
    files = TakeFiles(folder, SONG_AT_RATE, ("voice", "song"), ("voice", "song"), {})
    files.write({"voice": sound, "song": sound})
    files._close()  # pyright: ignore[reportPrivateUsage]
    files._lock.release()  # pyright: ignore[reportPrivateUsage]
    return sound


@pytest.mark.parametrize("cut_bytes", [1, 5, 6, 1000])
def test_recovery_cuts_all_tracks_to_the_shortest(tmp_path: Path, cut_bytes: int) -> None:
    sound = abandoned(tmp_path / "take")
    path = partial_path(tmp_path / "take", "song")
    os.truncate(path, path.stat().st_size - cut_bytes)
    recover(tmp_path / "take")
    length = 5000 - -(-cut_bytes // 6)
    for track in ("voice", "song", "mixdown"):
        assert len(heard(tmp_path / "take", track)) == length
    np.testing.assert_allclose(heard(tmp_path / "take", "song"), sound[:length], atol=2.0**-24)


def test_recovery_after_a_death_amid_finishing(tmp_path: Path) -> None:
    """One file has its name already, and a copy of the mixdown is half-written."""
    sound = abandoned(tmp_path / "take")
    voice = partial_path(tmp_path / "take", "voice")
    mend(voice, Shape(RATE_HZ, 2, False), 5000)
    voice.rename(tmp_path / "take/voice.wav")
    (tmp_path / "take/.mixdown.wav.24bit.partial").write_bytes(b"half")
    (tmp_path / "take/.take.json.partial").write_bytes(b"{")
    assert recover(tmp_path / "take").tracks == ("voice", "song", "mixdown")
    names = sorted(path.name for path in (tmp_path / "take").iterdir())
    assert names == ["mixdown.wav", "song.wav", "take.json", "voice.wav"]
    np.testing.assert_allclose(heard(tmp_path / "take", "mixdown"), 2 * sound, atol=2.0**-24)


@pytest.mark.parametrize("damage", ["no header", "no sound", "no description", "no description and a header"])
def test_recovery_of_damaged_files(tmp_path: Path, damage: str) -> None:
    sound = abandoned(tmp_path / "take")
    song = partial_path(tmp_path / "take", "song")
    if "description" in damage:
        (tmp_path / "take/take.json").write_text('{"name": ')
    if "header" in damage:
        with song.open("r+b") as file:
            file.write(bytes(HEADER_BYTES))
    if damage == "no sound":
        os.truncate(song, 0)
    details = recover(tmp_path / "take")
    assert details == read_details(tmp_path / "take")
    assert details.rate_hz == RATE_HZ
    if damage == "no sound":
        assert details.tracks == ("voice", "mixdown")
        assert "song: its file was empty and is lost" in details.notes
    else:
        np.testing.assert_allclose(heard(tmp_path / "take", "song"), sound, atol=2.0**-24)
    if "description" in damage:
        assert (tmp_path / "take/take.damaged.json").exists()
        assert "its description was lost" in details.notes[0]


def test_recovery_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="expected the folder of a take"):
        recover(tmp_path / "none")
    (tmp_path / "take").mkdir()
    write_details(tmp_path / "take", SONG_AT_RATE)
    assert is_unfinished(tmp_path / "take")
    with pytest.raises(TakeError, match="found none; delete the take"):
        recover(tmp_path / "take")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is damaged"),
        ("[]", "must be a table"),
        ("[" * 100_000, "is damaged"),
        ('{"name": "a"}', "lacks the key 'song'"),
        ('{"name": "a", "song": 3}', "must be of type str"),
        ('{"name": "a", "song": "b", "tracks": ["../../etc/passwd"]}', "names of files"),
        ('{"name": "a", "song": "b", "duration_s": NaN}', "numbers that no take can have"),
        ('{"name": "a", "song": "b", "version": 2, "new": 1}', "expected version 1 .* found 2"),
        ("\udcff\udcfe", "is damaged"),
    ],
)
def test_descriptions_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / DETAILS_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(TakeError, match=said):
        read_details(tmp_path)


def test_a_description_is_plain_json(tmp_path: Path) -> None:
    write_details(tmp_path, SONG)
    found = json.loads((tmp_path / DETAILS_FILE).read_text())
    assert (found["name"], found["version"], found["score"], found["tempo_percent"]) == ("my take", 1, None, 100.0)
    assert read_details(tmp_path) == SONG


def test_a_growing_wav_is_read_by_others(tmp_path: Path) -> None:
    """At its end, and through the header that it is given: RF64 only where it must be."""
    sound = np.random.default_rng(4).uniform(-1, 1, (777, 1)).astype(np.float32)
    path = tmp_path / "a.wav"
    file = GrowingWav(path, Shape(48000, 1, False))
    file.write(sound[:333])
    file.write(sound[333:])
    file.sync()
    assert frames_in(path, file.shape) == file.frames == 777
    file.close()
    mend(path, file.shape, 777)
    assert path.stat().st_size == HEADER_BYTES + 3 * 777 + 1  # padded to an even size
    np.testing.assert_allclose(heard(tmp_path, "a"), sound, atol=2.0**-24)
    before = path.read_bytes()
    shorten_header(path)
    assert path.read_bytes() == before
    assert shape_of(path) == file.shape
    for frames, tag in ((10, b"RIFF"), (1 << 30, b"RF64")):
        data = header(Shape(48000, 2, False), frames)
        assert (len(data), data[:4]) == (HEADER_BYTES, tag)
        left = iter(data)
        found, samples = read_header(lambda count, left=left: bytes(next(left) for _ in range(count)))
        assert (found.bits, found.channels, samples) == (24, 2, frames)


def test_more_than_4_gib_are_rf64(tmp_path: Path) -> None:
    path, shape, frames = tmp_path / "long.wav", Shape(48000, 2, False), 900_000_000
    file = GrowingWav(path, shape)
    file.write(np.full((100, 2), 0.5, np.float32))
    file.close()
    os.truncate(path, HEADER_BYTES + frames * shape.frame_bytes + 5)  # of holes
    assert frames_in(path, shape) == frames
    mend(path, shape, frames)
    shorten_header(path)
    info = soundfile.info(path)
    assert (info.format, info.frames, info.subtype) == ("RF64", frames, "PCM_24")
    assert shape_of(path) == shape


def test_24_bits_are_rounded_and_never_wrap() -> None:
    values = np.array([[0.0], [2.0**-23], [-(2.0**-23)], [0.6 * 2.0**-23], [1.0], [-1.0], [7.0], [-7.0]], np.float32)
    data = np.frombuffer(pcm24(values), np.uint8).reshape(-1, 3)
    found = [int.from_bytes(bytes(each), "little", signed=True) for each in data]
    top = 2**23
    assert found == [0, 1, -1, 1, top - 1, -top, top - 1, -top]


def test_files_that_cannot_get_their_names_stay_to_be_recovered(tmp_path: Path) -> None:
    sound = np.full((1000, 2), 0.25, np.float32)
    files = TakeFiles(tmp_path / "take", SONG_AT_RATE, ("voice", "song"), ("voice", "song"), {})
    files.write({"voice": sound, "song": sound})
    (tmp_path / "take/song.wav").mkdir()
    files.finish()
    assert "the take cannot be finished" in str(files.error)
    files.discard()  # as a recorder would
    assert is_unfinished(tmp_path / "take")
    (tmp_path / "take/song.wav").rmdir()
    assert recover(tmp_path / "take").tracks == ("voice", "song", "mixdown")
    np.testing.assert_array_equal(heard(tmp_path / "take", "mixdown"), 2 * sound)
