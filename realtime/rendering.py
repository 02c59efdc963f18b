"""A chain of plugins on a file, as fast as the machine can: what it makes of it starts where the file does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .options import refuse_overwriting
from .rack_builder import RackBuilder
from .rack_spec import PluginSpec, RackError, RackSpec, StripSpec
from .recorder import AudioRecorder
from .song import open_song
from .source import Source
from .subnormals import subnormals_as_zero
from .wav_header import LONGEST_SAMPLES

BLOCK_SAMPLES = 1024
STRIP = "sound"


def render(
    chain: tuple[PluginSpec, ...],
    song: str,
    target: Path,
    tail_s: float = 0.0,
    *,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> None:
    """Send a file through plugins into a WAV file of 32-bit floats; whole or not at all.

    The plugins' latency is taken out again.

    Args:
        chain: in order.
        song: as `open_song` takes it.
        target: a .wav file.
        tail_s: how long to go on behind the last sample.
        progress: told how many samples are done, of how many.

    Raises:
        AdvsepError: the song or the chain cannot be used, the file cannot be written, or a plugin broke.
    """
    if target.suffix.lower() != ".wav":
        raise RackError(f"{target}: only WAV is written; name a .wav file")
    refuse_overwriting(song, [target])
    source = open_song(song, accept_damaged=False)
    builder: RackBuilder | None = None
    try:
        builder = _build(chain, source)
        tail_samples = round(tail_s * source.rate_hz)
        total = None if source.samples is None else source.samples + tail_samples
        written = AudioRecorder(target, source.rate_hz, source.channels, LONGEST_SAMPLES if total is None else total)
        try:
            with subnormals_as_zero():
                _run(builder, source, written, tail_samples, lambda done: progress(done, total))
            written.finish()
        except BaseException:
            written.discard()
            raise
    finally:
        if builder is not None:
            builder.close()
        source.close()


def _build(chain: tuple[PluginSpec, ...], source: Source) -> RackBuilder:
    builder = RackBuilder((STRIP,), source.rate_hz, BLOCK_SAMPLES, source.channels)
    builder.apply(builder.plan(RackSpec({STRIP: StripSpec(chain=chain)})))
    builder.rack.reset()
    return builder


def _run(
    builder: RackBuilder, source: Source, written: AudioRecorder, tail_samples: int, progress: Callable[[int], None]
) -> None:
    late = builder.rack.latency_samples
    to_skip, left, done = late, late + tail_samples, 0
    while True:
        block = source.read(BLOCK_SAMPLES)
        if len(block) == 0:
            if left == 0:
                return
            block = np.zeros((min(left, BLOCK_SAMPLES), source.channels), np.float32)
            left -= len(block)
        mix = _process(builder, block)
        skipped = min(to_skip, len(mix))
        to_skip -= skipped
        written.write(mix[skipped:])
        done += len(mix) - skipped
        progress(done)


def _process(builder: RackBuilder, block: NDArray[np.float32]) -> NDArray[np.float32]:
    mix = np.empty_like(block)
    builder.rack.process({STRIP: np.array(block)}, block, mix)
    for failure in builder.rack.failures:
        raise RackError(f"{failure}; nothing was written")
    return mix
