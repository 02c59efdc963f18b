"""What a device rate that the model does not know costs: delay, level, purity, there and back, of both soxr engines.

Run `python benchmarks/resampling.py`. It prints two Markdown tables: the engine's `RateAdapter` (variable-ratio
resamplers at a constant ratio), and constant-ratio resamplers of each quality, which give nothing for a while and
then a lot: what they owe at worst has to be waited for.
"""

from __future__ import annotations

import numpy as np
import soxr
from advsep.realtime.rate_adapter import RateAdapter, model_rate_for

NATIVE_HZ = (44100, 48000)
DEVICE_HZ = (192_000, 176_400, 96_000, 88_200, 32_000, 22_050, 16_000, 8_000)
QUALITIES = ("QQ", "LQ", "MQ", "HQ", "VHQ")


class Through:
    """A processor that does nothing."""

    dry_gain, delay_samples, channels = 1.0, 0, 1

    def __init__(self, rate_hz: int, hop_samples: int) -> None:
        self.rate_hz, self.hop_samples = rate_hz, hop_samples

    def process(self, samples: np.ndarray, mix: np.ndarray) -> None:
        """The same."""
        mix[:] = samples

    def skip(self, count: int) -> None:
        """Nothing to leave out."""

    def warm_up(self) -> None:
        """Nothing to warm up."""


def level_and_rest_db(adapter: RateAdapter, frequency_hz: float) -> tuple[float, float]:
    """Level of a sine that passed, and of all that is not the sine below it."""
    hop, rate_hz = adapter.hop_samples, adapter.rate_hz
    turns = 2 * np.pi * frequency_hz * np.arange(rate_hz // hop * hop) / rate_hz
    samples = np.sin(turns)[:, None].astype(np.float32)
    heard = np.empty_like(samples)
    for start in range(0, len(samples), hop):
        adapter.process(samples[start : start + hop], heard[start : start + hop])
    late = slice(len(samples) // 2, None)
    basis = np.stack([np.cos(turns[late]), np.sin(turns[late])], 1)
    found = np.linalg.lstsq(basis, heard[late, 0].astype(np.float64), rcond=None)[0]
    rest = heard[late, 0] - basis @ found
    return 20 * np.log10(np.hypot(*found)), 10 * np.log10(2 * np.mean(rest**2))


def owed_ms(from_hz: int, to_hz: int, quality: str) -> float:
    """Most that a constant-ratio resampler has taken and not given, in ms."""
    count = max(1, 256 * from_hz // 48000)
    stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=quality)
    given, worst = 0, 0.0
    for call in range(1, 2000):
        worst = max(worst, call * count / from_hz - given / to_hz)
        given += len(stream.resample_chunk(np.zeros(count, np.float32)))
    return 1e3 * (worst - count / from_hz)


def main() -> None:
    """Print both tables."""
    print("| device Hz | model Hz | hop | delay of the adapter | at 1 kHz | at 0.8 of the lower half rate |")
    print("|---|---|---|---|---|---|")
    for rate_hz in DEVICE_HZ:
        model_hz = model_rate_for(rate_hz, NATIVE_HZ)
        adapter = RateAdapter(Through(model_hz, 256), rate_hz)
        levels = (level_and_rest_db(adapter, hz) for hz in (1000, 0.4 * min(rate_hz, model_hz)))
        shown = (f"{level:+.4f} dB, rest {rest:.0f} dB" for level, rest in levels)
        delay = f"{adapter.adaptation_samples} ({1e3 * adapter.adaptation_samples / rate_hz:.1f} ms)"
        print(f"| {rate_hz} | {model_hz} | {adapter.hop_samples} | {delay} | {' | '.join(shown)} |")
    print(f"\n| device Hz | {' | '.join(f'{quality}, there + back' for quality in QUALITIES)} |")
    print("|---" * (1 + len(QUALITIES)) + "|")
    for rate_hz in DEVICE_HZ:
        model_hz = model_rate_for(rate_hz, NATIVE_HZ)
        both = (
            f"{owed_ms(rate_hz, model_hz, quality):.1f} + {owed_ms(model_hz, rate_hz, quality):.1f} ms"
            for quality in QUALITIES
        )
        print(f"| {rate_hz} | {' | '.join(both)} |")


if __name__ == "__main__":
    main()
