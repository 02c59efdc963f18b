"""WAV from pipes and to pipes: what came in is what is read, and what is no WAV is named."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.pipe import PipeClosedError, PipeSink, PipeSource
from advsep.realtime.recorder import RecorderError
from advsep.realtime.source import SourceError

pytestmark = pytest.mark.live

NOISE = (0.4 * np.random.default_rng(11).uniform(-1, 1, (30_011, 2))).astype(np.float32)


def wav(samples: np.ndarray, subtype: str, rate_hz: int = 44100, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, subtype=subtype, format=kind)
    return file.getvalue()


def in_pieces(data: bytes, *, seed: int = 0) -> Callable[[int], bytes]:
    """Reads as from a pipe: now a byte, now many."""
    file, random = io.BytesIO(data), np.random.default_rng(seed)
    return lambda count: file.read(min(count, int(10 ** random.uniform(0, 5))))


def read_all(source: PipeSource, count: int = 4096) -> np.ndarray:
    blocks = [np.zeros((0, source.channels), np.float32)]
    while len(block := source.read(count)):
        assert len(block) <= count
        blocks.append(block)
    assert len(source.read(count)) == 0
    return np.concatenate(blocks)


def with_lengths(data: bytes, riff: int, samples: int) -> bytes:
    at = data.index(b"data") + 4
    return data[:4] + struct.pack("<I", riff) + data[8:at] + struct.pack("<I", samples) + data[at + 4 :]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
def test_what_libsndfile_reads_from_a_file_is_read_from_a_pipe(subtype: str, channels: int, kind: str) -> None:
    data = wav(NOISE[:, :channels], subtype, 32000, kind)
    expected, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    source = PipeSource(in_pieces(data))
    assert (source.rate_hz, source.channels, source.samples) == (32000, channels, len(NOISE))
    np.testing.assert_array_equal(read_all(source), expected)


@pytest.mark.parametrize(("riff", "samples"), [(0xFFFFFFFF, 0xFFFFFFFF), (0, 0), (0x7FFFFFFF, 0x7FFFFFDB)])
def test_a_length_that_nobody_knew_is_no_promise(riff: int, samples: int) -> None:
    source = PipeSource(in_pieces(with_lengths(wav(NOISE, "FLOAT"), riff, samples)))
    assert source.samples is None
    np.testing.assert_array_equal(read_all(source), NOISE)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
def test_what_ffmpeg_writes_to_a_pipe(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", NOISE, 44100, subtype="FLOAT")
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "song.wav", "-c:a", "pcm_f32le", "-f", "wav", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdout is not None
        number = ffmpeg.stdout.fileno()
        source = PipeSource(lambda count: os.read(number, count))
        assert source.samples is None
        np.testing.assert_array_equal(read_all(source), NOISE)


def test_other_chunks_are_passed_over_and_what_follows_is_no_sound() -> None:
    data = wav(NOISE, "FLOAT")
    extra = b"LIST" + struct.pack("<I", 70_001) + bytes(70_002)
    source = PipeSource(in_pieces(data[:12] + extra + data[12:] + b"LIST\x04\0\0\0abcd"))
    np.testing.assert_array_equal(read_all(source), NOISE)


def test_what_is_left_out_is_not_read() -> None:
    source = PipeSource(in_pieces(wav(NOISE, "FLOAT")))
    source.skip(12_345)
    np.testing.assert_array_equal(read_all(source), NOISE[12_345:])
    source = PipeSource(in_pieces(wav(NOISE, "FLOAT")))
    source.skip(99_999)
    assert len(read_all(source)) == 0


def test_samples_come_as_they_arrive_and_waiting_ends() -> None:
    reader, writer = os.pipe()
    data = wav(NOISE, "FLOAT")
    start = data.index(b"data") + 8
    os.write(writer, data[: start + 8 * 100 + 3])
    source = PipeSource(lambda count: os.read(reader, count))
    assert source.wait(5.0)
    np.testing.assert_array_equal(source.read(4096), NOISE[:100])
    began_s = time.perf_counter()
    assert not source.wait(0.05)
    assert time.perf_counter() - began_s < 2
    feeding = threading.Timer(0.1, os.write, (writer, data[start + 8 * 100 + 3 : start + 8 * 101]))
    feeding.start()
    np.testing.assert_array_equal(source.read(4096), NOISE[100:101])
    feeding.join()
    os.close(writer)
    with pytest.raises(SourceError, match=r"truncated: its header promises 0.68 s, 0.00 s came"):
        source.read(1)
    source.close()
    os.close(reader)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "found nothing"),
        (b"ID3\x04" + bytes(100), r"begins with b'ID3"),
        (b"RIFF", r"begins with b'RIFF'"),
        (wav(NOISE, "FLOAT")[:30], "an end within its header"),
        (wav(NOISE, "ULAW"), "kind 7 with 8 bits; add `-c:a pcm_s16le`"),
        (wav(np.zeros((10, 6), np.float32), "FLOAT"), "6 channels .* add `-ac 2`"),
        (wav(NOISE, "FLOAT", 1000), "1000 Hz .* add `-ar 44100`"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "samples without a format"),
    ],
)
def test_what_cannot_be_used_is_named(data: bytes, found: str) -> None:
    with pytest.raises(
        SourceError, match=r"standard input: expected a WAV stream, as `ffmpeg .*; found .*" + found[6:]
    ):
        PipeSource(in_pieces(data))


def test_a_stream_that_breaks_off_is_an_error_unless_accepted() -> None:
    data = wav(NOISE, "PCM_16")[:-40_001]
    with pytest.raises(SourceError, match=r"header promises 0.68 s, 0.45 s came"):
        read_all(PipeSource(in_pieces(data)))
    assert len(read_all(PipeSource(in_pieces(data), accept_damaged=True))) == len(NOISE) - 10_001


def test_what_is_no_sound_is_an_error_unless_accepted() -> None:
    samples = NOISE.copy()
    samples[7000, 1] = np.nan
    data = wav(samples, "FLOAT")
    with pytest.raises(SourceError, match=r"sample 7000 \(0.159 s\) is nan"):
        read_all(PipeSource(in_pieces(data)))
    source = PipeSource(in_pieces(data), accept_damaged=True)
    np.testing.assert_array_equal(read_all(source), np.nan_to_num(samples))
    assert source.repaired_samples == 1


def test_a_terminal_is_neither_read_nor_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    monkeypatch.setattr(sys, "stdout", open(os.devnull, "w"))  # noqa: SIM115
    with pytest.raises(SourceError, match="found a keyboard"):
        PipeSource()
    with pytest.raises(RecorderError, match="is a terminal"):
        PipeSink(44100, 2)


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read_again(channels: int) -> None:
    written = bytearray()

    def some(data: Any) -> int:
        written.extend(data[:1000])
        return min(len(data), 1000)

    sink = PipeSink(48000, channels, some)
    for start in range(0, len(NOISE), 1111):
        sink.write(NOISE[start : start + 1111, :channels])
    sink.finish()
    assert sink.samples == len(NOISE)
    source = PipeSource(in_pieces(bytes(written)))
    assert (source.rate_hz, source.channels, source.samples) == (48000, channels, None)
    np.testing.assert_array_equal(read_all(source), NOISE[:, :channels])
    read, rate_hz = soundfile.read(io.BytesIO(bytes(written)), dtype="float32", always_2d=True)
    assert rate_hz == 48000
    np.testing.assert_array_equal(read, NOISE[:, :channels])


def test_a_reader_that_has_gone_is_named() -> None:
    reader, writer = os.pipe()
    sink = PipeSink(44100, 2, lambda data: os.write(writer, data))
    os.close(reader)
    with pytest.raises(PipeClosedError, match=r"ended after 0.0 s"):
        sink.write(NOISE)
    os.close(writer)


def test_standard_input_and_output_of_a_program() -> None:
    code = """
from advsep.realtime.pipe import PipeSink, PipeSource
source = PipeSource()
sink = PipeSink(source.rate_hz, source.channels)
while len(block := source.read(1000)):
    sink.write(block)
"""
    done = subprocess.run([sys.executable, "-c", code], input=wav(NOISE, "PCM_24"), capture_output=True, check=True)
    expected, _ = soundfile.read(io.BytesIO(wav(NOISE, "PCM_24")), dtype="float32")
    read, _ = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    np.testing.assert_array_equal(read, expected)
