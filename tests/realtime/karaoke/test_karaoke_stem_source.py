"""Stems made chunk by chunk, in any order, and read as one tape are those of the whole song separated at once."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.karaoke.stem_cache import StemCache
from advsep.realtime.karaoke.stem_chunks import write_chunk
from advsep.realtime.karaoke.stem_entry import StemEntry, StemError
from advsep.realtime.karaoke.stem_maker import StemMaker
from advsep.realtime.karaoke.stem_source import StemSource
from advsep.realtime.model import ModelSession
from advsep.realtime.source import FileSource, SeekableSource, SourceError
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream

STEP = 2.0**-22  # of 24 bits at half scale

Opened = Callable[[Path], StemEntry]


@pytest.fixture
def opened(tmp_path: Path, model: Path) -> Generator[Opened]:
    """`opened(song)`: its entry in a new cache."""
    entries: list[StemEntry] = []

    def make(song: Path) -> StemEntry:
        entries.append(StemCache(tmp_path / "cache").open(song, str(model)))
        return entries[-1]

    yield make
    for entry in entries:
        entry.close()


@pytest.fixture
def model(make_model: Callable[..., Path]) -> Path:
    """Masks that follow the sound, without a memory."""
    return make_model(logit=-1.0, slope=0.5)


def write_noise(path: Path, rate_hz: int, channels: int, samples: int) -> Path:
    noise = np.random.default_rng(samples).uniform(-0.7, 0.7, (samples, channels))
    soundfile.write(path, noise, rate_hz)
    return path


def at_once(song: Path, model: Path) -> np.ndarray:
    """The reference: the offline path, as four channels of 24 bits."""
    source = FileSource(song)
    stems = StemStream(source, ModelSession(model, HOPS_AT_ONCE), HOPS_AT_ONCE).read_all()
    source.close()
    mixture, voice = (np.rint(part.astype(np.float64) / STEP) for part in (stems.mixture, stems.stems["vocals"]))
    four = np.empty((len(mixture), 4))
    four[:, :2], four[:, 2:] = mixture - voice, voice
    return (four * STEP).astype(np.float32)


def make(song: Path, entry: StemEntry, model: Path, order: list[int]) -> None:
    maker = StemMaker(song, entry, ModelSession(model, HOPS_AT_ONCE))
    for index in order:
        assert maker.make(index, lambda: False)
    maker.close()


def read_all(source: StemSource, count: int) -> np.ndarray:
    blocks = [np.zeros((0, 4), np.float32)]
    while len(block := source.read(count)):
        assert len(block) <= count
        blocks.append(block)
    return np.concatenate(blocks)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "samples"),
    [(44100, 2, 400_001), (48000, 1, 200_000), (8000, 1, 70_001), (192000, 1, 800_000), (8000, 1, 3), (44100, 2, 1)],
)
def test_stems_are_those_of_the_offline_path_to_the_last_bit(
    opened: Opened, tmp_path: Path, model: Path, rate_hz: int, channels: int, samples: int
) -> None:
    song = write_noise(tmp_path / "song.wav", rate_hz, channels, samples)
    entry = opened(song)
    make(song, entry, model, list(range(entry.chunks)))
    assert entry.first_missing(0.0) is None
    source = StemSource(entry)
    assert isinstance(source, SeekableSource)
    assert (source.rate_hz, source.channels, source.samples, source.name) == (rate_hz, 4, samples, "song.wav")
    found = read_all(source, 20_011)
    np.testing.assert_array_equal(found, at_once(song, model))
    assert source.read(10).shape == (0, 4)


@pytest.mark.parametrize(("rate_hz", "channels", "samples"), [(44100, 1, 1_000_001), (8000, 1, 180_000)])
def test_the_order_in_which_they_are_made_changes_nothing_but_the_last_bit(
    opened: Opened, tmp_path: Path, model: Path, rate_hz: int, channels: int, samples: int
) -> None:
    """With a network that remembers nothing, pre-roll makes up for all the rest."""
    song = write_noise(tmp_path / "song.wav", rate_hz, channels, samples)
    entry, whole = opened(song), at_once(song, model)
    make(song, entry, model, [3, 4, 5, 1, 0, 2])
    found = read_all(StemSource(entry), 50_000)
    np.testing.assert_allclose(found, whole, rtol=0, atol=3 * STEP)
    np.testing.assert_allclose(found[:, :2] + found[:, 2:], whole[:, :2] + whole[:, 2:], rtol=0, atol=STEP)


def test_a_chunk_after_a_jump_is_near_to_that_of_a_continuous_run(tmp_path: Path, bundled_model: Path) -> None:
    """The bundled network remembers for long; what it says after a pre-roll is stated in stem_maker."""
    song, time_s = tmp_path / "song.wav", np.arange(11 * 44100) / 44100
    phase = 2 * np.pi * 220 * time_s + 4 * np.sin(2 * np.pi * 5.5 * time_s)
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * (np.sin(2 * np.pi * 0.7 * time_s) > 0)
    band = np.random.default_rng(8).standard_normal(len(time_s))
    soundfile.write(song, 0.2 * voice + 0.05 * band, 44100)
    session = ModelSession(bundled_model, HOPS_AT_ONCE)
    found = []
    for name, order in (("a", [0, 1, 2]), ("b", [2])):
        with StemCache(tmp_path / name).open(song, str(bundled_model)) as entry:
            maker = StemMaker(song, entry, session)
            for index in order:
                assert maker.make(index, lambda: False)
            source = StemSource(entry)
            source.seek(2 * entry.chunk_samples)
            found.append(source.read(44100 * 3)[:, 2:].astype(np.float64))
    continuous, jumped = found
    assert len(continuous) == 3 * 44100
    assert np.sqrt(np.mean(continuous**2)) > 0.01
    difference_db = 10 * np.log10(np.sum((jumped - continuous) ** 2) / np.sum(continuous**2))
    assert -100 < difference_db < -15


def test_a_lead_is_faded_in_over_the_end_of_the_chunk_before(opened: Opened, tmp_path: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 64_000)
    entry = opened(song)
    lead = entry.lead_samples
    assert lead == 160
    mixture = np.full((32_000, 1), 0.5, np.float32)
    write_chunk(entry.chunk_path(0), mixture, mixture * 0.25, 0, 8000)
    late = np.full((32_000 + lead, 1), 0.5, np.float32)
    write_chunk(entry.chunk_path(1), late, late * 0.75, lead, 8000)
    for count in (64_000, 50, 7):
        source = StemSource(entry)
        if count == 7:
            source.seek(31_900)
        found = read_all(source, count)[-(64_000 - 31_500) :]
        np.testing.assert_allclose(found[:, 0] + found[:, 2], 0.5, atol=1e-6)
        assert np.abs(np.diff(found[:, 2])).max() == pytest.approx(0.25 / (lead + 1), rel=1e-3)
        assert found[0, 2] == found[-1, 2] / 3 or count == 7
        assert found[-1, 3] == 0.375


def test_it_waits_for_what_is_not_there_yet(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 96_000)
    entry, whole = opened(song), at_once(song, model)
    maker, source = StemMaker(song, entry, ModelSession(model, HOPS_AT_ONCE)), StemSource(entry)
    began_s = time.monotonic()
    assert not source.wait(0.05)
    assert 0.04 < time.monotonic() - began_s < 2.0
    read: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: read.append(read_all(source, 3000)))
    thread.start()
    for index in range(3):
        time.sleep(0.05)
        assert thread.is_alive()
        maker.make(index, lambda: False)
    thread.join(10)
    np.testing.assert_array_equal(read[0], whole)
    assert source.wait(0.0)


def test_the_last_moment_of_a_chunk_waits_for_the_next_one(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 40_000)
    entry = opened(song)
    make(song, entry, model, [0])
    source = StemSource(entry)
    assert len(source.read(40_000)) == 32_000 - entry.lead_samples
    assert not source.wait(0.0)
    assert entry.margin_s(0.0) == (32_000 - entry.lead_samples) / 8000
    make(song, entry, model, [1])
    assert len(source.read(40_000)) == 8000 + entry.lead_samples


def test_seeking_skipping_and_the_end(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 100_000)
    entry, whole = opened(song), at_once(song, model)
    make(song, entry, model, list(range(4)))
    source = StemSource(entry)
    for place in (99_999, 0, 31_999, 31_900, 64_000, 1, 70_000):
        source.seek(place)
        np.testing.assert_array_equal(source.read(500), whole[place : place + 500])
    source.skip(20_000)
    np.testing.assert_array_equal(source.read(3), whole[90_500:90_503])
    assert source.read(0).shape == (0, 4)
    for beyond in (100_000, 200_000):
        source.seek(beyond)
        assert source.wait(0.0)
        assert len(source.read(5)) == 0
    source.seek(-5)
    np.testing.assert_array_equal(source.read(5), whole[:5])


def test_closing_ends_a_read_that_waits(opened: Opened, tmp_path: Path) -> None:
    source = StemSource(opened(write_noise(tmp_path / "song.wav", 8000, 1, 8000)))
    read: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: read.append(source.read(5)))
    thread.start()
    source.close()
    source.close()
    thread.join(5)
    assert read[0].shape == (0, 4)
    assert not source.wait(0.0)


def test_a_chunk_that_vanishes_is_waited_for(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 160_000)
    entry, whole = opened(song), at_once(song, model)
    make(song, entry, model, list(range(5)))
    source = StemSource(entry)
    entry.chunk_path(3).unlink()
    assert len(source.read(160_000)) == 96_000 - entry.lead_samples
    assert not source.wait(0.02)
    make(song, entry, model, [3])
    np.testing.assert_allclose(read_all(source, 9000), whole[96_000 - entry.lead_samples :], atol=3 * STEP)


@pytest.mark.parametrize("spoil", [lambda content: content[:-2000], lambda content: b"", lambda content: content[::-1]])
def test_a_damaged_chunk_is_said_once_and_made_anew(
    opened: Opened, tmp_path: Path, model: Path, spoil: Callable[[bytes], bytes]
) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 100_000)
    entry, whole = opened(song), at_once(song, model)
    make(song, entry, model, list(range(4)))
    path, source, heard = entry.chunk_path(1), StemSource(entry), [np.zeros((0, 4), np.float32)]
    path.write_bytes(spoil(path.read_bytes()))

    def play() -> None:
        while len(block := source.read(1000)):
            heard.append(block)

    with pytest.raises(SourceError, match=r"000001\.flac: the separated sound of song\.wav from 4\.0 s on was damaged"):
        play()
    # Nothing of it was heard, and all that came before.
    assert sum(map(len, heard)) == 32_000 - entry.lead_samples
    assert entry.first_missing(0.0) == 1
    assert not source.wait(0.0)
    make(song, entry, model, [1])
    play()
    np.testing.assert_allclose(np.concatenate(heard), whole, atol=3 * STEP)


def test_few_chunks_are_in_memory(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 8000 * 48)
    entry = opened(song)
    make(song, entry, model, list(range(12)))
    source = StemSource(entry)
    chunk_bytes = entry.chunk_samples * 4 * 4
    tracemalloc.start()
    try:
        while len(source.read(800)):
            pass
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5 * chunk_bytes  # three, and the files of two


def test_a_song_that_changed_is_refused(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 100_000)
    entry = opened(song)
    write_noise(song, 8000, 1, 99_999)
    with pytest.raises(StemError, match=r"song\.wav: it was changed while it was read; choose it again"):
        StemMaker(song, entry, ModelSession(model, HOPS_AT_ONCE))


def test_a_song_that_is_damaged_in_the_middle_keeps_what_comes_before(
    opened: Opened, tmp_path: Path, model: Path
) -> None:
    song = tmp_path / "song.flac"
    write_noise(song, 8000, 1, 100_000)
    content = bytearray(song.read_bytes())
    content[len(content) * 3 // 5] ^= 0x55
    song.write_bytes(content)
    entry = opened(song)
    with pytest.raises(SourceError, match=r"song\.flac: cannot be decoded at"):
        make(song, entry, model, [0, 1, 2, 3])
    assert 0 in entry.present()
    assert len(StemSource(entry).read(1000)) == 1000


def test_giving_up_and_going_on(opened: Opened, tmp_path: Path, model: Path) -> None:
    song = write_noise(tmp_path / "song.wav", 8000, 1, 100_000)
    entry, whole = opened(song), at_once(song, model)
    maker = StemMaker(song, entry, ModelSession(model, HOPS_AT_ONCE))
    for index in range(4):
        asked = iter([False, True])
        assert not maker.make(index, lambda asked=asked: next(asked))
        assert index not in entry.present()
        assert maker.make(index, lambda: False)
    np.testing.assert_array_equal(read_all(StemSource(entry), 4096), whole)
