"""Pictures of spectrograms and of critics' gradients, as arrays of colours [row, column, 3]."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .critic_view import CriticView
from .signal import SignalPath

Picture = NDArray[np.uint8]
RANGE_DB = 70.0
SHORTEST_SIDE, WIDEST = 160, 860
LABEL_ROWS, GAP = 18, 6

# Anchors of matplotlib's magma, and of its RdBu turned round: blue below zero, white, red above.
DARK_TO_LIGHT = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
BLUE_TO_RED = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))


def spectrogram_picture(sounds: Mapping[str, NDArray[np.float32]], path: SignalPath) -> Picture:
    """Sounds below each other, the model's bands upwards and time to the right, 70 dB below the loudest of all.

    Args:
        sounds: [channel, sample] of one length, by what is written above them.
        path: whose windows and bands are used.
    """
    levels = {name: _levels_db(samples, path) for name, samples in sounds.items()}
    top_db = max(float(each.max()) for each in levels.values())
    rows = [
        _labelled(name, _sized(_coloured((each - top_db) / RANGE_DB + 1, DARK_TO_LIGHT)))
        for name, each in levels.items()
    ]
    return _stacked(rows)


def gradient_picture(view: CriticView) -> Picture:
    """An estimate beside the gradient of its score: red wants more, blue less, white does not mind."""
    largest = float(np.abs(view.gradient).max())
    rows: list[Picture] = []
    names = ("voice", "accompaniment") if len(view.estimate) > 1 else ("estimate",)
    for name, estimate, gradient in zip(names, view.estimate, view.gradient, strict=True):
        top = max(float(estimate.max()), 1e-9)
        seen = _labelled(name, _sized(_coloured(estimate / top, DARK_TO_LIGHT)))
        wanted = _coloured(0.5 + 0.5 * gradient / max(largest, 1e-30), BLUE_TO_RED)
        asked = _labelled(f"gradient, red: more, to {largest:.2g}", _sized(wanted))
        rows.append(_beside(seen, asked))
    return _stacked(rows)


def _levels_db(samples: NDArray[np.float32], path: SignalPath) -> NDArray[np.float32]:
    """Mean power of the channels in each band, in dB: [band, frame]."""
    waveform = torch.from_numpy(samples)[None].to(path.analysis.device)
    with torch.no_grad():
        spectra = path.analyse(torch.nn.functional.pad(waveform, (path.history_samples, 0)))
        power = spectra.abs().square().mean(1)[0, :, : path.average.shape[0]].matmul(path.average)
        return (10 * torch.log10(power + 1e-12)).T.cpu().float().numpy()


def _coloured(values: NDArray[np.float32], anchors: tuple[tuple[int, int, int], ...]) -> Picture:
    """Values of 0…1 [band, frame], the lowest band at the bottom."""
    places = np.linspace(0, 1, len(anchors))
    colours = np.array(anchors, np.float64)
    clipped = np.clip(values[::-1], 0, 1)
    return np.stack([np.interp(clipped, places, colours[:, i]) for i in range(3)], -1).round().astype(np.uint8)


def _sized(picture: Picture) -> Picture:
    """Every point as large as it must be to be seen, or narrower by leaving frames out."""
    height, width = picture.shape[:2]
    picture = np.repeat(picture, -(-SHORTEST_SIDE // height), 0)
    if width > WIDEST:
        return picture[:, np.linspace(0, width - 1, WIDEST).astype(int)]
    return np.repeat(picture, max(1, -(-SHORTEST_SIDE // width)), 1)


def _labelled(text: str, picture: Picture) -> Picture:
    """With a white strip above that says what it is."""
    image: Any = importlib.import_module("PIL.Image")
    draw: Any = importlib.import_module("PIL.ImageDraw")
    width = max(picture.shape[1], 8 + round(draw.Draw(image.new("RGB", (1, 1))).textlength(text)))
    strip = image.new("RGB", (width, LABEL_ROWS), "white")
    draw.Draw(strip).text((3, 2), text, fill="black")
    return np.concatenate([np.asarray(strip, np.uint8), _widened(picture, width)])


def _widened(picture: Picture, width: int) -> Picture:
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0)), constant_values=255)


def _stacked(rows: list[Picture]) -> Picture:
    width = max(row.shape[1] for row in rows)
    return np.concatenate([_widened(row, width) for row in rows])


def _beside(left: Picture, right: Picture) -> Picture:
    gap = np.full((len(left), GAP, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], 1)


def png_bytes(picture: Picture) -> bytes:
    """As a PNG file."""
    image: Any = importlib.import_module("PIL.Image")
    made = io.BytesIO()
    image.fromarray(picture).quantize(192).save(made, "PNG")  # a third of the size, and no difference to be seen
    return made.getvalue()
