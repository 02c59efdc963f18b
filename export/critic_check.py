"""The proof of a file of critics: ONNX Runtime against autograd in float64, on two kinds of patches."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..realtime.critic_map import CriticSession, CriticSpec
from ..trainer.critic import Critic
from .verify import VerificationError

TOLERANCE = 1e-5  # float32's own rounding is about 5e-7 here, a wrong graph is off by 1e-2
DRAWS, PATCHES = 12, 4
BATCHES = (slice(0, 1), slice(1, 4))


@dataclass(frozen=True, slots=True)
class CriticAgreement:
    """Largest differences found for one critic.

    Attributes:
        source: what it judges.
        scores: relative to what the critic could find in so loud a patch: its steepness times the patch's norm.
        gradients: relative to the steepest slope of the same patch.
    """

    source: str
    scores: float
    gradients: float


def verify_critics(critics: dict[str, Critic], path: Path) -> list[CriticAgreement]:
    """Compare score and gradient of every critic with autograd's.

    Args:
        critics: as trained, by source.
        path: the ONNX file made of them.

    Raises:
        VerificationError: some difference is above the tolerance; the message says which.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        session = CriticSession(path)
        return [_compare(source, critic, session) for source, critic in critics.items()]
    finally:
        torch.set_num_threads(threads)


def proof_patches(spec: CriticSpec) -> dict[str, NDArray[np.float32]]:
    """Two kinds of band magnitudes [draw, 1, frame, band]: noise of many levels, and gliding harmonics over it."""
    rng, bands, frames = np.random.default_rng(20182), spec.signal.bands, spec.frames
    shape = (DRAWS, 1, frames, bands)
    noise = rng.exponential(1.0, shape) * 10 ** rng.uniform(-1, 1.5, (DRAWS, 1, 1, 1))
    pitch = rng.uniform(0.03, 0.1, (DRAWS, 1, 1, 1)) * bands + 0.05 * np.arange(frames)[:, None]
    harmonics = 30.0 * np.cos(np.pi * np.arange(bands) / pitch) ** 20 * np.exp(-3 * np.arange(bands) / bands)
    return {"noise": noise.astype(np.float32), "harmonics": (harmonics + 0.01 * noise).astype(np.float32)}


def _compare(source: str, critic: Critic, session: CriticSession) -> CriticAgreement:
    exact = copy.deepcopy(critic).double().requires_grad_(False)
    scores, gradients = 0.0, 0.0
    for name, magnitudes in proof_patches(session.spec).items():
        drawn = session.patches(magnitudes)
        patches = drawn[clearest(exact, torch.from_numpy(drawn).double(), PATCHES)]
        for part in BATCHES:
            found = session.judge(source, patches[part])
            wanted, slopes = autograd(exact, torch.from_numpy(patches[part]).double())
            steepest = np.abs(slopes).max((1, 2, 3), keepdims=True)
            reach = _norms(slopes) * _norms(patches[part])
            if not np.all(steepest > 0):  # NaN must fail too
                raise VerificationError(
                    f"refused: on {name} the {source} critic has no slope; train again, or export with --no-critics"
                )
            # np.maximum, unlike max, keeps nan.
            scores = float(np.maximum(scores, (np.abs(found.scores - wanted) / reach).max()))
            gradients = float(np.maximum(gradients, (np.abs(found.gradients - slopes) / steepest).max()))
        for what, value in (("score", scores), ("gradient", gradients)):
            if not value <= TOLERANCE:
                raise VerificationError(
                    f"refused: on {name} the {source} critic's {what} in ONNX Runtime differs from autograd's by "
                    f"{value:.3g} (relative), allowed is {TOLERANCE:g}; export with --no-critics, and please report it"
                )
    return CriticAgreement(source, scores, gradients)


def _norms(x: NDArray[Any]) -> NDArray[np.float64]:
    return np.sqrt(np.square(x, dtype=np.float64).sum((1, 2, 3)))


def autograd(critic: nn.Module, patches: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores and gradients by the patch, as torch differentiates."""
    patches = patches.detach().clone().requires_grad_()
    scores: Tensor = critic(patches)
    (gradients,) = torch.autograd.grad(scores.sum(), patches)
    return scores.detach().numpy(), gradients.numpy()


@torch.no_grad()
def clearest(critic: Critic, patches: Tensor, count: int) -> NDArray[np.int64]:
    """Which patches keep farthest from the kinks of LeakyReLU, where a rounding error turns a slope over.

    A patch passes 100,000 kinks and more, the nearest of which is 1e-5 of the layer's RMS away; of patches closer
    than float32's rounding two correct computations give two gradients.
    """
    nearest = torch.full((len(patches),), torch.inf, dtype=patches.dtype)

    def measure(_layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        flat = output.flatten(1).abs()
        # An exact zero, as from empty bands without bias, is one everywhere.
        away = torch.where(flat > 0, flat / flat.square().mean(1, keepdim=True).sqrt(), torch.inf)
        torch.minimum(nearest, away.amin(1), out=nearest)

    hooks = [layer.register_forward_hook(measure) for layer in (*critic.convolutions, critic.dense)]
    try:
        critic(patches)
    finally:
        for hook in hooks:
            hook.remove()
    return nearest.argsort(descending=True)[:count].numpy()
