"""Whether examples are made faster than live-12 learns from them.

    python benchmarks/loader.py [--steps 4] [--batches 16] [--lanes 16]

On twelve minutes of synthetic stereo at 44.1 kHz: seconds of sound a second that `Remixer` and `UnpairedExamples` make
with 0, 1 and 2 worker processes when nobody else computes, then real training steps of live-12 with 1 worker, their
pace and the share of it that was spent waiting. A ratio above 1 means that the network is what is waited for.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from advsep.trainer.config import TrainConfig, load_preset
from advsep.trainer.loop import Trainer
from advsep.trainer.memory import keep_freed_memory
from advsep.trainer.pool import Sources
from advsep.trainer.progress import Progress
from advsep.trainer.recordings import Recording
from advsep.trainer.remix import Remixer, batches
from advsep.trainer.tracks import Track, TrackFiles
from advsep.trainer.unpaired import UnpairedExamples, UnpairedRecordings
from hop_cost import machine
from numpy.typing import NDArray

RATE_HZ = 44100
SONGS, SONG_S = 12, 60
AHEAD = 4  # batches that a worker holds ready


def song(number: int) -> Track:
    """A minute of a tone with vibrato, and of noise."""
    rng = np.random.default_rng(number)
    time_s = np.arange(SONG_S * RATE_HZ) / RATE_HZ
    voice = 0.2 * np.sin(2 * np.pi * (200 + 20 * number) * time_s + 3 * np.sin(2 * np.pi * 5 * time_s))
    band = 0.1 * rng.standard_normal(len(time_s))
    stems = [np.repeat((samples * 32767).astype(np.int16)[:, None], 2, 1) for samples in (voice, band)]
    files = TrackFiles(str(number), "made", Path("vocals.wav"), Path("accompaniment.wav"))
    return Track(files, stems[0], stems[1], 20000.0, 20000.0)


def pace(make: Callable[[int], Iterator[Any]], batch_s: float, count: int, workers: int) -> float:
    """Seconds of sound a second, after the batches that were made ahead."""
    first = AHEAD * workers + 2
    source = make(first + count)
    for _ in range(first):
        next(source)
    began = time.perf_counter()
    for _ in range(count):
        next(source)
    return batch_s * count / (time.perf_counter() - began)


def learnt(config: TrainConfig, tracks: list[Track], unpaired: UnpairedRecordings | None) -> Progress:
    """What the loop says after its last step."""
    told: list[Progress] = []
    with tempfile.TemporaryDirectory() as folder:
        Trainer(config, Sources(tracks), [], Path(folder), workers=1, unpaired=unpaired).run(told.append)
    return told[-1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batches", type=int, default=16)
    parser.add_argument("--lanes", type=int, default=16)
    asked = parser.parse_args()
    keep_freed_memory()  # as advsep-train does
    # As many threads as in training: all that OMP_NUM_THREADS allows.
    print(f"{date.today()} · {machine()} · {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    config = dataclasses.replace(load_preset("live-12"), steps=asked.steps, lanes=asked.lanes, validate_every=10**6)
    spec = config.signal.spec()
    tracks = [song(number) for number in range(SONGS)]
    recordings = UnpairedRecordings(
        *([Recording(Path(f"{t.files.name}.wav"), stem(t), 20000.0) for t in tracks] for stem in (_band, _voice, _band))
    )
    hop_s, critics = spec.hop_samples / RATE_HZ, config.adversarial
    step_s = config.lanes * config.segment_frames * hop_s
    unpaired_s = critics.lanes * (critics.patch_frames + critics.warm_frames) * hop_s
    endless = dataclasses.replace(config, steps=10**6)
    remixer, unpaired = Remixer(Sources(tracks), spec, endless), UnpairedExamples(recordings, spec, endless)
    made: dict[tuple[str, int], float] = {}
    for workers in (0, 1, 2):
        made["paired", workers] = pace(lambda n, w=workers: batches(remixer, n, 0, w), step_s, asked.batches, workers)
        made["unpaired", workers] = pace(
            lambda n, w=workers: batches(unpaired, n, 0, w), unpaired_s, asked.batches, workers
        )
        told = " · ".join(f"{kind} {made[kind, workers]:7.1f}" for kind in ("paired", "unpaired"))
        print(f"made with {workers} workers, s of sound a second: {told}", flush=True)
    for mode in ("supervised", "semi"):
        now = learnt(dataclasses.replace(config, mode=mode), tracks, recordings if mode == "semi" else None)
        ratio = made["paired", 1] / now.audio_speed
        print(
            f"learnt, {mode}: {now.audio_speed:.1f} s a second, {100 * now.waiting:.1f} % of it waiting; "
            f"one worker makes {ratio:.1f} times as much",
            flush=True,
        )
        if mode == "semi":
            wanted = now.audio_speed / step_s * critics.critic_steps * unpaired_s
            print(f"  and {made['unpaired', 1] / wanted:.1f} times the unpaired sound that is asked for")


def _voice(track: Track) -> NDArray[np.int16]:
    return track.vocals


def _band(track: Track) -> NDArray[np.int16]:
    return track.accompaniment


if __name__ == "__main__":
    main()
