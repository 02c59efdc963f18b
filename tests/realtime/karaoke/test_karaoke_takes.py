"""The list of takes: what is there, what is damaged, other formats, other names, the trash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.errors import AdvsepError
from advsep.realtime.karaoke.take_details import DETAILS_FILE, TakeDetails, TakeError, read_details, write_details
from advsep.realtime.karaoke.take_ending import partial_path
from advsep.realtime.karaoke.take_files import TakeFiles
from advsep.realtime.karaoke.take_lock import TakeLock
from advsep.realtime.karaoke.takes import TakeInfo, Takes, takes_folder
from numpy.typing import NDArray

RATE_HZ = 44100
FRAMES = 30_000


def sound(frames: int = FRAMES) -> NDArray[np.float32]:
    time_s = np.arange(frames) / RATE_HZ
    tone = np.stack([0.5 * np.sin(2 * np.pi * 440 * time_s), 0.3 * np.sin(2 * np.pi * 660 * time_s)], axis=1)
    return tone.astype(np.float32)


def recorded(takes: Takes, name: str, started: str) -> TakeInfo:
    folder = takes.new_folder(name)
    details = TakeDetails(name=name, song=f"song of {name}", rate_hz=RATE_HZ, started=started)
    files = TakeFiles(folder, details, ("microphone", "accompaniment"), ("microphone", "accompaniment"), {})
    files.write({"microphone": sound() / 2, "accompaniment": sound() / 2})
    files.finish()
    return takes.info(folder)


@pytest.fixture
def takes(tmp_path: Path) -> Takes:
    return Takes(tmp_path / "advsep takes")


@pytest.fixture
def take(takes: Takes) -> TakeInfo:
    return recorded(takes, "one", "2026-11-23T20:00:00+00:00")


def test_nothing_yet(takes: Takes) -> None:
    assert takes.list() == takes.unfinished() == []
    assert Takes().folder == takes_folder()
    assert takes_folder().name == "advsep takes"


def test_a_folder_that_is_none(takes: Takes) -> None:
    takes.folder.write_text("a file")
    with pytest.raises(TakeError, match="one that cannot be read"):
        takes.list()


def test_the_newest_first_by_the_moment_not_by_the_text(takes: Takes) -> None:
    recorded(takes, "second", "2026-11-23T20:00:00+00:00")
    recorded(takes, "third", "2026-11-23T20:30:00+01:00")  # half past seven in UTC
    recorded(takes, "first", "2026-11-23T21:00:00+00:00")
    (takes.folder / "holiday pictures").mkdir()
    (takes.folder / "notes.txt").write_text("not ours")
    assert [take.name for take in takes.list()] == ["first", "second", "third"]
    found = takes.list()[0]
    assert list(found.tracks) == ["mixdown", "accompaniment", "microphone"]
    assert (found.problem, found.duration_s) == ("", FRAMES / RATE_HZ)
    assert takes.unfinished() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("no description", "expected the description of a take, found none"),
        ("bad description", "is damaged"),
        ("newer", "expected version 1"),
        ("a track is gone", "expected mixdown, found none"),
        ("all tracks are gone", "expected mixdown, found none|expected microphone, accompaniment, mixdown"),
        ("bad date", ""),
    ],
)
def test_damaged_takes_are_shown_as_such(takes: Takes, take: TakeInfo, damage: str, said: str) -> None:
    details = take.folder / DETAILS_FILE
    if damage == "no description":
        details.unlink()
    elif damage == "bad description":
        details.write_bytes(b"\xff\x00{")
    elif damage == "newer":
        details.write_text('{"version": 9}')
    elif damage == "bad date":
        write_details(take.folder, TakeDetails(name="one", song="", started="yesterday", state="finished"))
        details.write_text(details.read_text().replace('"tracks": []', '"tracks": ["mixdown"]'))
    else:
        for path in take.folder.glob("mix*.wav" if damage == "a track is gone" else "*.wav"):
            path.unlink()
    recorded(takes, "two", "2026-11-23T19:00:00+00:00")
    assert len(takes.list()) == 2
    (found,) = (each for each in takes.list() if each.folder == take.folder)
    assert (found.problem == "") == (not said)
    if said:
        assert any(each in found.problem for each in said.split("|"))
    assert found.started.startswith("20")
    assert ("mixdown" in found.tracks) == ("gone" not in damage)


def test_unfinished_takes_are_offered_and_recovered(takes: Takes, take: TakeInfo) -> None:
    folder = takes.new_folder("left")
    files = TakeFiles(folder, TakeDetails(name="left", song="s", rate_hz=RATE_HZ), ("microphone",), (), {})
    files.write({"microphone": sound()})
    assert takes.unfinished() == []  # it is being recorded
    assert [each.name for each in takes.list()] == ["one"]
    with pytest.raises(TakeError, match="is being recorded"):
        takes.delete(takes.info(folder))
    files._close()  # pyright: ignore[reportPrivateUsage]
    files._lock.release()  # pyright: ignore[reportPrivateUsage]
    (left,) = takes.unfinished()
    assert (left.name, left.folder) == ("left", folder)
    kept = takes.recover(left)
    assert kept.details is not None
    assert (kept.details.state, kept.problem, kept.duration_s) == ("recovered", "", FRAMES / RATE_HZ)
    assert takes.unfinished() == []
    assert {each.name for each in takes.list()} == {"one", "left"}


def test_a_lock_of_another_process_counts_and_ends_with_it(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from advsep.realtime.karaoke.take_lock import TakeLock; "
        "lock = TakeLock(pathlib.Path(sys.argv[1])); assert lock.take(); print(1, flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    assert not TakeLock(tmp_path).take()
    child.kill()
    child.wait(10)
    lock = TakeLock(tmp_path)
    assert lock.take()
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_names_for_folders(takes: Takes) -> None:
    takes.folder.mkdir()
    nasty = takes.new_folder('../AC/DC: "T.N.T." <live>?\n' + 200 * "x")
    assert nasty.parent == takes.folder
    assert len(nasty.name) <= 80
    assert not set(nasty.name) & set('/\\:*?"<>|\n')
    first = takes.new_folder("")
    first.mkdir()
    for _ in range(3):  # within one second, or not
        takes.new_folder("").mkdir()
    assert takes.new_folder("日本の歌").name.endswith("日本の歌")


def test_renamed(takes: Takes, take: TakeInfo) -> None:
    renamed = takes.rename(take, "  The best\n one ")
    assert (renamed.name, renamed.folder) == ("The best one", take.folder)
    assert read_details(take.folder).name == "The best one"
    with pytest.raises(TakeError, match="expected a name"):
        takes.rename(take, " \n")
    (take.folder / DETAILS_FILE).unlink()
    with pytest.raises(TakeError, match="description of a take"):
        takes.rename(take, "other")


@pytest.mark.parametrize(
    ("name", "bits", "subtype", "rate_hz"),
    [
        ("a.wav", 24, "PCM_24", RATE_HZ),
        ("a.WAV", 16, "PCM_16", RATE_HZ),
        ("a.flac", 24, "PCM_24", RATE_HZ),
        ("a.flac", 16, "PCM_16", RATE_HZ),
        ("a.ogg", 24, "VORBIS", RATE_HZ),
        ("a.opus", 24, "OPUS", 48000),
        ("a.mp3", 24, "MPEG_LAYER_III", RATE_HZ),
    ],
)
def test_exported(
    takes: Takes, take: TakeInfo, tmp_path: Path, name: str, bits: int, subtype: str, rate_hz: int
) -> None:
    takes.export(take, tmp_path / name, bits=bits)
    info = soundfile.info(tmp_path / name)
    assert (info.subtype, info.samplerate, info.channels) == (subtype, rate_hz, 2)
    found, _ = soundfile.read(tmp_path / name, dtype="float32")
    if subtype.startswith("PCM"):
        assert found.shape == (FRAMES, 2)
        np.testing.assert_allclose(found, sound(), atol=1.01 * 2.0**-23 if bits == 24 else 1.51 * 2.0**-15)
        if bits == 16:  # the noise of dither, not of plain rounding
            assert np.std(found - sound()) == pytest.approx(2.0**-15 * 0.5, rel=0.05)
    else:
        seconds = np.abs(np.fft.rfft(found[:, 0] * np.hanning(len(found))))
        assert seconds.argmax() * rate_hz / len(found) == pytest.approx(440, abs=2)
        assert np.sqrt(np.mean(found[rate_hz // 10 : rate_hz // 2, 0] ** 2)) == pytest.approx(0.5 / 2**0.5, rel=0.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "advsep takes"])


def test_what_cannot_be_exported(takes: Takes, take: TakeInfo, tmp_path: Path) -> None:
    with pytest.raises(TakeError, match=r"ends in \.wav, \.flac"):
        takes.export(take, tmp_path / "a.aac")
    with pytest.raises(TakeError, match="16 or 24 bits"):
        takes.export(take, tmp_path / "a.wav", bits=8)
    with pytest.raises(TakeError, match="expected the track vocals, found only mixdown, accompaniment, microphone"):
        takes.export(take, tmp_path / "a.wav", track="vocals")
    with pytest.raises(TakeError, match="outside the take's own folder"):
        takes.export(take, take.folder / "mixdown.wav", overwrite=True)
    with pytest.raises(TakeError, match="No such file or directory"):
        takes.export(take, tmp_path / "none/a.mp3")
    (tmp_path / "a.wav").write_text("dear")
    with pytest.raises(TakeError, match="is there already"):
        takes.export(take, tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_text() == "dear"
    takes.export(take, tmp_path / "a.wav", track="microphone", overwrite=True)
    assert soundfile.info(tmp_path / "a.wav").frames == FRAMES
    take.tracks["mixdown"].write_bytes(b"RIFF")
    with pytest.raises(TakeError, match="is damaged"):
        takes.export(take, tmp_path / "b.wav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "advsep takes"]


@pytest.fixture
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own, in a home of the test's."""
    if sys.platform != "linux":
        pytest.skip("would use the real trash")
    other = pytest.importorskip("send2trash.plat_other")
    monkeypatch.setattr("send2trash.send2trash", other.send2trash)
    monkeypatch.setattr(other, "HOMETRASH_B", bytes(tmp_path / "Trash"))
    monkeypatch.setattr(other, "XDG_DATA_HOME", bytes(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "Trash"


def test_deleted_into_the_trash(takes: Takes, take: TakeInfo, trash: Path) -> None:
    takes.delete(take)
    assert takes.list() == []
    assert soundfile.info(trash / "files" / take.folder.name / "mixdown.wav").frames == FRAMES
    with pytest.raises(TakeError, match="gone already"):
        takes.delete(take)


def test_without_a_trash_nothing_is_deleted(takes: Takes, take: TakeInfo, trash: Path) -> None:
    trash.write_text("in the way")
    with pytest.raises(TakeError, match=r"cannot be moved to the trash \(.*nothing was deleted"):
        takes.delete(take)
    assert takes.list() == [take]


def test_without_the_extra_nothing_is_deleted(takes: Takes, take: TakeInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AdvsepError, match=r"trash needs the gui extra .*advsep\[gui\]"):
        takes.delete(take)
    assert takes.list() == [take]


def test_a_take_without_files_but_half_a_recording(takes: Takes) -> None:
    folder = takes.folder / "left"
    folder.mkdir(parents=True)
    partial_path(folder, "microphone").write_bytes(b"")
    (left,) = takes.unfinished()
    assert "found none" in left.problem
    with pytest.raises(TakeError, match="delete the take"):
        takes.recover(left)
