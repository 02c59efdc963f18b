"""Draws docs/demo.png: spectrograms of a song, and of the voice and the accompaniment that a model makes of it.

Run `python docs/picture.py [--model live-12]` with the extra `dev` installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from advsep.realtime.demo import demo_song
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import DEFAULT_MODEL, find_model
from advsep.realtime.source import ArraySource
from advsep.realtime.stems import StemStream
from numpy.typing import NDArray

mpl.use("Agg")
from matplotlib import pyplot as plt

WINDOW, HOP, HIGHEST_HZ, FLOOR_DB = 4096, 512, 8000, -70
START_S, STOP_S = 4.0, 16.0


def spectrogram_db(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Magnitudes in dB [bin, frame] of the mean of the channels."""
    mono = samples.mean(1)
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)[::HOP] * np.hanning(WINDOW)
    return 20 * np.log10(np.abs(np.fft.rfft(frames)).T + 1e-6)


def main() -> None:
    """Separate and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    song = demo_song()
    model = ModelSession(find_model(parser.parse_args().model))
    stream = StemStream(ArraySource(song.mixture, song.sample_rate_hz, "demo"), model)
    stems = stream.read_all().stems
    first, second = model.spec.sources
    cut = slice(round(START_S * song.sample_rate_hz), round(STOP_S * song.sample_rate_hz))
    panels = {
        "song": song.mixture,
        f"{first}, as advsep-live hears them": stems[first],
        second: stems[second],
    }
    images = {title: spectrogram_db(samples[cut]) for title, samples in panels.items()}
    top = max(image.max() for image in images.values())
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, constrained_layout=True)
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        axis.imshow(
            image,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top + FLOOR_DB,
            vmax=top,
            extent=(START_S, STOP_S, 0, song.sample_rate_hz / 2000),
        )
        axis.set(title=title, xlabel="time / s", ylim=(0, HIGHEST_HZ / 1000))
    axes[0].set_ylabel("frequency / kHz")
    path = Path(__file__).parent / "demo.png"
    figure.savefig(path, dpi=100)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
