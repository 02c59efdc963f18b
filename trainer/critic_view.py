"""What critics ask of a separator: an estimate as they see it, and how their score changes with each point of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .adversary import ACCOMPANIMENT, BOTH, VOICE, Adversary
from .board_excerpts import Excerpt
from .config import TrainConfig
from .critic import Critic
from .live_unet import LiveUnet
from .signal import SignalPath


@dataclass(frozen=True, slots=True)
class CriticView:
    """One patch of one critic, float32 [map, band, frame].

    Attributes:
        estimate: log1p magnitudes; a map, or voice and accompaniment.
        gradient: of the critic's score; above 0 where more sound would look more like a recording.
        score: of the estimate.
    """

    estimate: NDArray[np.float32]
    gradient: NDArray[np.float32]
    score: float


def critic_views(
    adversary: Adversary, config: TrainConfig, network: LiveUnet, path: SignalPath, excerpt: Excerpt
) -> Mapping[str, CriticView]:
    """The loudest patch of a separated excerpt in the eyes of each critic, by its name.

    Args:
        adversary: whose critics are copied, so that looking teaches them nothing.
        config: of the run.
        network: in evaluation mode.
        path: its signal path.
        excerpt: as long as a patch at least; else there is nothing to see.
    """
    frames = config.adversarial.patch_frames
    with torch.no_grad():
        voice, accompaniment = _separated_spectra(network, path, excerpt)
        if voice.shape[2] < frames:
            return {}
        last = _loudest_end(voice, frames)
        hz = torch.tensor([excerpt.bandwidth_hz])
        patch = adversary.pairs(voice[:, :, :last], accompaniment[:, :, :last], hz)
    maps = {VOICE: slice(0, 1), ACCOMPANIMENT: slice(1, 2), BOTH: slice(0, 2)}
    views: dict[str, CriticView] = {}
    for name, state in adversary.state().items():
        seen = patch[:, maps[name]].detach().clone().requires_grad_()
        critic = Critic(seen.shape[2], frames, seen.shape[1], config.adversarial.critic_width).to(seen.device)
        critic.load_state_dict(state["critic"])
        with torch.enable_grad():
            score = critic(seen).sum()
            (gradient,) = torch.autograd.grad(score, seen)
        views[name] = CriticView(_plain(seen), _plain(gradient), float(score.detach()))
    return views


def _separated_spectra(network: LiveUnet, path: SignalPath, excerpt: Excerpt) -> tuple[Tensor, Tensor]:
    """Spectra of both estimates [1, channel, frame, bin]; the last `lookahead_frames` of the excerpt are left out."""
    waveform = torch.from_numpy(excerpt.mixture)[None].to(path.analysis.device)
    spectra = path.analyse(torch.nn.functional.pad(waveform, (path.history_samples, 0)))
    masks, *_ = network(path.features(spectra), *network.initial_states(1))
    # With look-ahead the mask that comes out with frame t is for frame t - ahead.
    ahead = path.spec.lookahead_frames
    masks, spectra = path.bin_masks(masks[:, :, ahead:].float()), spectra[:, :, : spectra.shape[2] - ahead]
    return masks * spectra, (1 - masks) * spectra


def _loudest_end(spectra: Tensor, frames: int) -> int:
    """One behind the last of the `frames` frames that hold most."""
    power = spectra.abs().square().sum((0, 1, 3)).double()
    sums = torch.cat([power.new_zeros(1), power.cumsum(0)])
    return int((sums[frames:] - sums[:-frames]).argmax()) + frames


def _plain(patch: Tensor) -> NDArray[np.float32]:
    return patch[0].detach().cpu().float().numpy()
