"""The critics of a run: one a source, in `joint` one more for both together; taught, and asked, at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..realtime.spec import SignalSpec
from .config import TrainConfig
from .critic import Critic, unpaired_loss
from .live_unet import LiveUnet
from .losses import bins_below
from .signal import SignalPath, mask_magnitudes
from .taught_critic import TaughtCritic
from .team import Team
from .unpaired import UnpairedBatch

VOICE, ACCOMPANIMENT, BOTH = "voice", "accompaniment", "both"
Separate = Callable[..., tuple[Tensor, ...]]


class Adversary:
    """Critics on patches of log1p band magnitudes, all channels' mean: [batch, source, band, frame].

    Bands above the lane's bandwidth, or above `highest_hz`, are empty in recordings and outputs alike: a critic must
    not know a corpus by them.

    Args:
        spec: the model's signal path.
        config: of the run.
        path: of the run, on its device.
        team: the run's processes.

    Attributes:
        distances: of the last step, by critic.
    """

    def __init__(self, spec: SignalSpec, config: TrainConfig, path: SignalPath, team: Team) -> None:
        self._spec, self._config, self._path = spec, config, path
        self._settings, self._device = config.adversarial, path.analysis.device
        names = (VOICE, ACCOMPANIMENT, BOTH) if config.mode == "joint" else (VOICE, ACCOMPANIMENT)
        self._critics: dict[str, TaughtCritic] = {}
        for number, name in enumerate(names):
            maps = 2 if name == BOTH else 1
            self._critics[name] = TaughtCritic(
                Critic(spec.bands, self._settings.patch_frames, maps, self._settings.critic_width),
                self._device,
                config.seed + 1000 * (number + 1),
                learning_rate=self._settings.critic_learning_rate,
                betas=(0.0, 0.9),  # as in Gulrajani et al. (2017): no momentum
                penalty_weight=self._settings.penalty_weight,
                average=team.average,
            )
        self.distances: dict[str, float] = {}

    def state(self) -> dict[str, Any]:
        """Of all critics, by name."""
        return {name: critic.state() for name, critic in self._critics.items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        for name, critic in self._critics.items():
            critic.set_state(state[name])

    def teach(self, batch: UnpairedBatch, network: LiveUnet, separate: Separate, pairs: Tensor | None) -> None:
        """One step of every critic.

        Args:
            batch: of this critic step.
            network: gives its first states.
            separate: the network as it is called in training.
            pairs: real voices and accompaniments together, patches of two maps; None without `joint`.
        """
        with torch.no_grad():
            fake, heard = self._estimates(batch, network, separate)
            real = {
                VOICE: self._patches(self._path.analyse(batch.vocals.to(self._device)), batch),
                ACCOMPANIMENT: self._patches(self._path.analyse(batch.accompaniment.to(self._device)), batch),
            }
        for name, critic in self._critics.items():
            if name == BOTH:
                if pairs is None or len(pairs) < 2:
                    continue  # no lane of this step holds a true pair
                count = min(len(pairs), len(fake))
                recorded = as_loud_as(pairs[:count], fake[:count])
                self.distances[name] = critic.learn(recorded, fake[:count])
            else:
                place = self._map(name)
                recorded = as_loud_as(real[name], fake[:, place])
                self.distances[name] = critic.learn(recorded, fake[:, place], heard[:, place.start])

    def loss(self, batch: UnpairedBatch, network: LiveUnet, separate: Separate) -> Tensor:
        """L_u of the separator on a batch of mixtures."""
        fake, heard = self._estimates(batch, network, separate)
        scores: list[Tensor] = []
        for name, critic in self._critics.items():
            place = self._map(name)
            of_each = critic.scores(level_held(fake[:, place]))
            scores.append(of_each if name == BOTH else heard[:, place.start] * of_each)
        return unpaired_loss(scores)

    def pairs(self, vocals: Tensor, accompaniment: Tensor, bandwidth_hz: Tensor) -> Tensor:
        """Patches of two maps from true spectra [batch, channel, frame, bin], their last frames."""
        inside = self._inside(bandwidth_hz.to(self._device))
        last = slice(-self._settings.patch_frames, None)
        maps = [self._log_magnitudes(self._magnitudes(each[:, :, last]), inside) for each in (vocals, accompaniment)]
        return torch.cat(maps, 1)

    def _estimates(self, batch: UnpairedBatch, network: LiveUnet, separate: Separate) -> tuple[Tensor, Tensor]:
        """What the network makes of the mixtures [lane, source, band, frame]; 1 where not silent [lane, source]."""
        ahead, count = self._spec.lookahead_frames, self._settings.patch_frames
        spectra = self._path.analyse(batch.mixtures.to(self._device))
        masks, *_ = separate(self._path.features(spectra[:, :, ahead:]), *network.initial_states(len(spectra)))
        # With look-ahead the mask that comes out with frame t is for frame t - ahead.
        end = spectra.shape[2] - ahead
        return self.masked(masks[:, :, -count:].float(), spectra[:, :, end - count : end], batch.bandwidth_hz)

    def masked(self, masks: Tensor, spectra: Tensor, bandwidth_hz: Tensor) -> tuple[Tensor, Tensor]:
        """Estimates as critics see them.

        Args:
            masks: of the voice [lane, mask map, frame, band].
            spectra: of the mixture, the same frames [lane, channel, frame, bin].
            bandwidth_hz: [lane].

        Returns:
            Patches [lane, source, band, frame], and 1 where an estimate is not silent [lane, source].
        """
        mixture, inside = self._magnitudes(spectra), self._inside(bandwidth_hz.to(self._device))
        estimates = [each * mixture for each in mask_magnitudes(masks, self._spec)]
        least = 10 ** (self._settings.silent_db / 10) * mixture.square().sum((1, 2, 3))
        heard = torch.stack([each.detach().square().sum((1, 2, 3)) > least for each in estimates], 1)
        return torch.cat([self._log_magnitudes(each, inside) for each in estimates], 1), heard.float()

    def _patches(self, spectra: Tensor, batch: UnpairedBatch) -> Tensor:
        inside = self._inside(batch.bandwidth_hz.to(self._device))
        return self._log_magnitudes(self._magnitudes(spectra[:, :, -self._settings.patch_frames :]), inside)

    def _magnitudes(self, spectra: Tensor) -> Tensor:
        """Mean magnitude of each band [batch, channel, frame, band]."""
        bins = self._path.average.shape[0]
        re, im = spectra.real[..., :bins], spectra.imag[..., :bins]
        return (re * re).addcmul_(im, im).sqrt_().matmul(self._path.average)

    def _log_magnitudes(self, magnitudes: Tensor, inside: Tensor) -> Tensor:
        """As a critic sees them: [batch, channel, frame, band] to [batch, 1, band, frame]."""
        mean = magnitudes.mean(1, keepdim=True) * inside
        return torch.log1p(mean * self._spec.feature_scale).transpose(2, 3)

    def _inside(self, bandwidth_hz: Tensor) -> Tensor:
        """1 for bands that all hear, else 0: [batch, 1, 1, band]."""
        limit_hz = bandwidth_hz.clamp(max=self._settings.highest_hz)
        bin_hz = self._spec.sample_rate_hz / self._spec.window_samples
        share = bins_below(limit_hz, self._path.average.shape[0], bin_hz).matmul(self._path.average)
        return (share > 0.999).float()

    def _map(self, name: str) -> slice:
        return {VOICE: slice(0, 1), ACCOMPANIMENT: slice(1, 2), BOTH: slice(0, 2)}[name]


def level_held(outputs: Tensor) -> Tensor:
    """The same patches [lane, map, band, frame], in whose gradient nothing changes a lane's level.

    Critics that met both kinds at equal levels learnt nothing about level; how their scores change with it is chance.
    """
    magnitudes = torch.expm1(outputs)
    level = magnitudes.square().sum((1, 2, 3), keepdim=True).add(1e-12).sqrt()
    return torch.log1p(magnitudes * (level.detach() / level))


def as_loud_as(recordings: Tensor, outputs: Tensor) -> Tensor:
    """Recordings at the level of the outputs beside them, so that a critic cannot know them by their loudness.

    A critic that can does little else, and asks of a separator for more sound everywhere (docs/experiments.md).

    Args:
        recordings: patches of log1p magnitudes [lane, map, band, frame].
        outputs: as many.
    """
    magnitudes, axes = torch.expm1(recordings), (1, 2, 3)
    wanted = torch.expm1(outputs).square().sum(axes, keepdim=True)
    return torch.log1p(magnitudes * (wanted / (magnitudes.square().sum(axes, keepdim=True) + 1e-12)).sqrt())
