"""Chunks of stems come back as they were written, and nothing damaged is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.karaoke.stem_chunks import ChunkError, ChunkReader, write_chunk

RATE_HZ = 8000
STEP = 2.0**-22  # of 24 bits at half scale


def stems(path: Path, samples: int) -> np.ndarray:
    return ChunkReader(path, samples).stems()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_chunk_comes_back_and_its_stems_add_up_to_the_song_bit_by_bit(tmp_path: Path, channels: int) -> None:
    rng = np.random.default_rng(1)
    mixture = (rng.integers(-32768, 32768, (5000, channels)) / 32768).astype(np.float32)
    vocals = (mixture * 0.4 + 0.1 * rng.standard_normal(mixture.shape)).astype(np.float32)
    write_chunk(tmp_path / "0.flac", mixture, vocals, 0, 44100)
    found = stems(tmp_path / "0.flac", 5000)
    assert (found.shape, found.dtype) == ((5000, 4), np.float32)
    assert np.abs(found[:, 2:] - vocals).max() <= STEP / 2
    np.testing.assert_array_equal(found[:, :2].astype(np.float64) + found[:, 2:], np.broadcast_to(mixture, (5000, 2)))
    assert [path.name for path in tmp_path.iterdir()] == ["0.flac"]


@pytest.mark.parametrize("peak", [1.0, 1.99, 2.0, 100.0, 1e9])
def test_what_is_beyond_full_scale_is_not_clipped(tmp_path: Path, peak: float) -> None:
    square = np.where(np.arange(4000) // 50 % 2, 1.0, -1.0).astype(np.float32)[:, None]
    write_chunk(tmp_path / "0.flac", square * np.float32(peak), square * np.float32(-peak), 0, RATE_HZ)
    found = stems(tmp_path / "0.flac", 4000)
    np.testing.assert_allclose(found[:, 2], -peak * square[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found[:, 0], 2 * peak * square[:, 0], rtol=1e-6)


@pytest.mark.parametrize("rate_hz", [4000, 44101, 88201, 192000, 768000])
@pytest.mark.parametrize("samples", [1, 3, 4097])
def test_every_rate_and_length(tmp_path: Path, rate_hz: int, samples: int) -> None:
    mixture = np.linspace(-0.5, 0.5, samples + 2, dtype=np.float32)[:, None]
    write_chunk(tmp_path / "0.flac", mixture, mixture / 2, 2, rate_hz)
    reader = ChunkReader(tmp_path / "0.flac", samples)
    assert reader.lead == 2
    reader.advance(1)
    assert reader.is_decoded is (samples + 2 == 1)
    np.testing.assert_allclose(reader.stems(), np.repeat(mixture / 2, 4, 1), atol=STEP)
    assert reader.is_decoded


def test_a_chunk_that_is_damaged_is_never_taken(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.flac", tmp_path / "bad.flac"
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, (20000, 2)).astype(np.float32)
    write_chunk(good, noise, noise / 2, 0, 44100)
    content, whole = good.read_bytes(), stems(good, 20000)
    flips = [len(content) * part // 7 for part in range(1, 7)]
    wrong = [bytes(byte ^ (0x10 * (at == flip)) for at, byte in enumerate(content)) for flip in flips]
    wrong += [b"", b"fLaC", content[: len(content) // 2], content[:-3], b"\0" * len(content)]
    soundfile.write(tmp_path / "other.flac", noise, 44100)
    wrong += [(tmp_path / "other.flac").read_bytes()]
    for each in wrong:
        bad.write_bytes(each)
        with pytest.raises(ChunkError, match=r"bad\.flac: expected a chunk of stems, found .*; remove it"):
            stems(bad, 20000)
    with pytest.raises(ChunkError, match="found 20000 samples instead of 20001"):
        stems(good, 20001)
    with pytest.raises(FileNotFoundError):
        ChunkReader(tmp_path / "none.flac", 1)
    (tmp_path / "folder.flac").mkdir()
    with pytest.raises(ChunkError, match="cannot be read: Is a directory"):
        ChunkReader(tmp_path / "folder.flac", 1)
    np.testing.assert_array_equal(stems(good, 20000), whole)
