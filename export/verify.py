"""The proof that what plays is what was trained: the network offline, in chunks, in ONNX Runtime, and as sound."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..realtime.demo import demo_song
from ..realtime.errors import AdvsepError
from ..realtime.model import ModelSession
from ..realtime.separator import StreamSeparator
from ..realtime.spec import SignalSpec
from ..trainer.live_unet import LiveUnet
from ..trainer.signal import SignalPath
from ..trainer.validation import separate

SECONDS = 62.0
CHUNKINGS_FRAMES = ((1,), (13, 64, 1))  # one frame at a time, and sizes that change in mid-stream
BLOCK_SIZES = (1000, 256, 37, 4096)
COMPLEX_RANGE = 3.0  # the real part of a complex mask is in -1…2


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a file may be from the network: its masks (as a share of their range), its last states, and the sound
    relative to the mixture.
    """

    masks: float
    states: float
    sound_db: float


# A unit of the GRU that only counts drifts with rounding, for minutes, and is not heard; nor is a mask that rounding
# moves in one place (6.5e-4 was seen, where the sound differed by -118 dB): 1e-4 everywhere would be -80 dB.
EXACT = Tolerances(masks=1e-3, states=1e-3, sound_db=-80.0)
# Of weights that were rounded, in a graph that was proven before: where states end says nothing more.
ROUNDED = Tolerances(masks=0.02, states=math.inf, sound_db=-60.0)
# To 8 bits: a stem at 15 dB SDR loses 0.005 dB by what is 45 dB below the mixture.
ROUNDED_TO_EIGHT = Tolerances(masks=0.1, states=math.inf, sound_db=-45.0)


class VerificationError(AdvsepError):
    """A model whose ways of running do not agree."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Largest differences found for one input.

    Attributes:
        name: of the input.
        seconds: its length.
        torch_chunks: of the masks, torch in chunks against torch at once.
        onnx_chunks: likewise, ONNX Runtime in chunks against torch at once.
        states: of the last states of both.
        sound_db: of the voice, the live path against the trainer's, relative to the mixture.
        mask_spread: standard deviation of the masks; 0 would mean that nothing was compared.
    """

    name: str
    seconds: float
    torch_chunks: float
    onnx_chunks: float
    states: float
    sound_db: float
    mask_spread: float


def proof_inputs(spec: SignalSpec) -> dict[str, NDArray[np.float32]]:
    """Two different inputs [sample, channel]: music, and noise in bursts whose spectrum moves."""
    rate_hz, count = spec.sample_rate_hz, round(SECONDS * spec.sample_rate_hz)
    song = demo_song(rate_hz, SECONDS, spec.channels).mixture[:count]
    rng = np.random.default_rng(20181)
    noise = rng.standard_normal((count, spec.channels)).astype(np.float32)
    time_s = np.arange(count, dtype=np.float64) / rate_hz
    swell = 0.2 * np.abs(np.sin(2 * np.pi * 0.37 * time_s)) ** 3
    tone = np.sin(2 * np.pi * (200 * time_s + 30 * time_s**2))
    bursts = (noise * 0.5 + tone[:, None]) * swell[:, None]
    return {"music": np.ascontiguousarray(song), "noise": bursts.astype(np.float32)}


@dataclass(frozen=True, slots=True)
class _Truth:
    """What the network makes of one input: at once, and how far from that in chunks."""

    samples: NDArray[np.float32]
    features: torch.Tensor
    masks: torch.Tensor
    states: list[torch.Tensor]
    voice: NDArray[np.float32]
    torch_chunks: float
    torch_states: float


class Proof:
    """What is to come of a network, against which files of it are held.

    Args:
        network: as trained, in evaluation mode.
        spec: its signal path.
    """

    def __init__(self, network: LiveUnet, spec: SignalSpec) -> None:
        self._network, self._spec = network, spec
        self._truths: dict[str, _Truth] = {}

    def check(self, path: Path, allowed: Tolerances = EXACT) -> list[Agreement]:
        """Compare all ways of running on all inputs.

        Args:
            path: an ONNX file made of the network.
            allowed: how far it may be off.

        Raises:
            VerificationError: some difference is above its tolerance; the message says which.
        """
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # a frame is too little work to share: waking a second thread costs more
        try:
            results: list[Agreement] = []
            for name, samples in proof_inputs(self._spec).items():
                if name not in self._truths:
                    self._truths[name] = _truth(self._network, self._spec, samples)
                results.append(_compare(self._truths[name], self._spec, path, name))
                _check(results[-1], allowed, COMPLEX_RANGE if self._spec.mask == "complex" else 1.0)
        finally:
            torch.set_num_threads(threads)
        return results


def _check(result: Agreement, allowed: Tolerances, mask_range: float) -> None:
    found = {
        "torch in chunks differs from torch at once by": (result.torch_chunks, EXACT.masks * mask_range),
        "ONNX Runtime differs from torch by": (result.onnx_chunks, allowed.masks * mask_range),
        "the last states differ by": (result.states, allowed.states),
        "the live path's voice differs from the trainer's by (dB)": (result.sound_db, allowed.sound_db),
    }
    for what, (value, limit) in found.items():
        if not value <= limit:  # NaN must fail too
            raise VerificationError(f"refused: on {result.name} {what} {value:.3g}, allowed is {limit:g}")
    if not result.mask_spread > 1e-6:
        raise VerificationError(f"refused: on {result.name} the masks do not move at all; was the network trained?")


@torch.no_grad()
def _truth(network: LiveUnet, spec: SignalSpec, samples: NDArray[np.float32]) -> _Truth:
    signal = SignalPath(spec)
    mixture = torch.from_numpy(samples.T.copy())[None]
    frames = mixture.shape[-1] // spec.hop_samples
    whole = mixture[..., : frames * spec.hop_samples]
    features = signal.features(signal.analyse(torch.nn.functional.pad(whole, (signal.history_samples, 0))))
    masks, *states = network(features, *network.initial_states(1))
    voice = separate(network, signal, mixture)[0].numpy().T
    return _Truth(samples, features, masks, states, voice, *_torch_difference(network, features, masks, states))


def _compare(truth: _Truth, spec: SignalSpec, path: Path, name: str) -> Agreement:
    runs = [_onnx_difference(path, truth, sizes) for sizes in CHUNKINGS_FRAMES]
    return Agreement(
        name,
        truth.features.shape[2] * spec.hop_samples / spec.sample_rate_hz,
        truth.torch_chunks,
        float(np.max([masks for masks, _ in runs])),  # unlike max, keeps nan
        float(np.max([truth.torch_states, *(of_states for _, of_states in runs)])),
        _sound_difference_db(truth, path),
        float(truth.masks.std()),
    )


def _torch_difference(
    network: LiveUnet, features: torch.Tensor, reference: torch.Tensor, last: list[torch.Tensor]
) -> tuple[float, float]:
    """Of the masks and of the last states."""
    states, worst = network.initial_states(1), 0.0
    for start, stop in _chunks(features.shape[2], CHUNKINGS_FRAMES[-1]):
        masks, *states = network(features[:, :, start:stop], *states)
        worst = _worse(worst, (masks - reference[:, :, start:stop]).numpy())
    return worst, _state_difference([state.numpy() for state in states], last)


def _onnx_difference(path: Path, truth: _Truth, sizes: tuple[int, ...]) -> tuple[float, float]:
    """Of the masks and of the last states."""
    session, worst = ModelSession(path, max(sizes)), 0.0
    for start, stop in _chunks(truth.features.shape[2], sizes):
        session.features(stop - start)[:] = truth.features[0, :, start:stop].numpy()
        masks = session.run(stop - start)
        worst = _worse(worst, masks - truth.masks[0, :, start:stop].numpy())
    return worst, _state_difference(session.states, truth.states)


def _state_difference(states: Sequence[NDArray[np.float32]], last: list[torch.Tensor]) -> float:
    worst = 0.0
    for state, wanted in zip(states, last, strict=True):
        worst = _worse(worst, state - wanted.numpy())
    return worst


def _chunks(frames: int, sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    start = 0
    for size in itertools.cycle(sizes):
        stop = min(frames, start + size)
        if start == stop:
            return
        yield start, stop
        start = stop


def _worse(worst: float, difference: NDArray[np.float32]) -> float:
    # np.maximum, unlike max, keeps nan.
    return float(np.maximum(worst, np.abs(difference).max()))


def _sound_difference_db(truth: _Truth, path: Path) -> float:
    samples = truth.samples
    separator = StreamSeparator(ModelSession(path, 8), 8)
    late = separator.latency_samples
    padded = np.concatenate([samples, np.zeros((late, samples.shape[1]), np.float32)])
    voice, through = np.empty_like(padded), np.empty_like(padded)
    start, turn = 0, 0
    while start < len(padded):
        stop = min(len(padded), start + BLOCK_SIZES[turn % len(BLOCK_SIZES)])
        separator.process(padded[start:stop], voice[start:stop], through[start:stop])
        start, turn = stop, turn + 1
    error = float(np.sum(np.square(voice[late:] - truth.voice, dtype=np.float64)))
    power = float(np.sum(np.square(samples, dtype=np.float64)))
    return 10 * np.log10(max(error, 1e-30) / power)
