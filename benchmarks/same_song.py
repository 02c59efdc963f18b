"""Is a model as good at 48 kHz as at 44.1, and in the fifth minute as in the first?

    python benchmarks/same_song.py DATA [--models live-12 studio] [--split valid]

For each test track of DATA/paired (DATA/splits.json): the stems resampled to 44.1 and to 48 kHz, separated at either
rate without resampling inside, vocal SDR of both, of the whole track; and its 20 seconds with the loudest voice again
and again for five minutes, vocal SDR of their second round against the last.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soxr
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import find_model, model_names
from advsep.realtime.source import ArraySource
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream
from advsep.trainer.decoded import read_stem
from advsep.trainer.eval_tracks import TrackChoice
from advsep.trainer.validation import sdr_db
from numpy.typing import NDArray

TAKEN_S, PLAYED_S = 20, 300
RATES_HZ = (44100, 48000)

Sound = NDArray[np.float32]


def separated(model: ModelSession, mixture: Sound, rate_hz: int) -> Sound:
    """The voice [sample, channel]."""
    model.reset()
    stream = StemStream(ArraySource(mixture, rate_hz, "song"), model, HOPS_AT_ONCE)
    return stream.read_all().stems[model.spec.sources[0]]


def loudest(voice: Sound, rate_hz: int) -> slice:
    """Where most of the voice is, some seconds long."""
    power = np.square(voice, dtype=np.float64).mean(1)
    per_second = power[: len(power) // rate_hz * rate_hz].reshape(-1, rate_hz).sum(1)
    windows = np.convolve(per_second, np.ones(TAKEN_S), "valid") if len(per_second) > TAKEN_S else np.zeros(1)
    start = int(windows.argmax()) * rate_hz
    return slice(start, start + TAKEN_S * rate_hz)


def fifth_minute_db(model: ModelSession, voice: Sound, band: Sound, rate_hz: int) -> float:
    """How much better the last round is than the second when the same is played for five minutes."""
    times = PLAYED_S // TAKEN_S
    long = separated(model, np.tile(voice + band, (times, 1)), rate_hz)
    second, last = (long[i * len(voice) : (i + 1) * len(voice)] for i in (1, times - 1))
    return sdr_db(voice, last) - sdr_db(voice, second)


def main() -> None:
    """A line a model and track, then the largest differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=model_names(), help="bundled models or .onnx files")
    parser.add_argument("--split", default="test", help="which tracks of DATA/splits.json (default: test)")
    asked = parser.parse_args()
    tracks = TrackChoice([asked.data / "paired"], asked.data / "splits.json", asked.split).find()
    for name in asked.models:
        model = ModelSession(find_model(name), HOPS_AT_ONCE)
        rates: list[float] = []
        rounds: list[float] = []
        for files in tracks:
            at: list[float] = []
            (sung, hz), (played, _) = read_stem(files.vocals), read_stem(files.accompaniment)
            for rate_hz in RATES_HZ:
                voice, band = (soxr.resample(stem, hz, rate_hz) for stem in (sung, played))
                at.append(sdr_db(voice, separated(model, voice + band, rate_hz)))
                if rate_hz == RATES_HZ[0]:
                    taken = loudest(voice, rate_hz)
                    rounds.append(fifth_minute_db(model, voice[taken], band[taken], rate_hz))
            rates.append(at[1] - at[0])
            told = f"{at[0]:.2f} dB, at 48 kHz {rates[-1]:+.2f}, fifth minute {rounds[-1]:+.3f}"
            print(f"{name}, {files.corpus}/{files.name}: {told}", flush=True)
        print(
            f"{name}: 48 kHz {np.mean(rates):+.3f} dB on the mean, {min(rates):+.2f} to {max(rates):+.2f}; "
            f"after {PLAYED_S // 60} minutes {np.mean(rounds):+.4f} dB, {min(rounds):+.3f} to {max(rounds):+.3f}"
        )


if __name__ == "__main__":
    main()
