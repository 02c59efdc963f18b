"""The training loop: one class, resumable at any step, stopped cleanly by Ctrl-C."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ..realtime.errors import AdvsepError
from .adversary import Adversary
from .balancer import backward
from .begun import Average, begun_network
from .checkpoint import Checkpoint, code_commit, load_weights, save_checkpoint
from .config import OptimiserConfig, TrainConfig
from .interrupt import DeferredInterrupt
from .live_unet import LiveUnet
from .losses import sound_loss, truncated_mean
from .masked_sound import masked_sound
from .muon import Optimisers
from .pool import Sources
from .pretrained import Pretrained
from .progress import Progress
from .remix import Batch, Remixer, batches
from .shard_reader import ShardReader
from .signal import SignalPath
from .streamed import StreamedRemixer, streamed_batches
from .team import Team, make_fabric
from .tracks import Track
from .unpaired import UnpairedBatch, UnpairedExamples, UnpairedRecordings
from .validation import TrackScore, mean_gain_db, score_track


class TrainingStoppedError(KeyboardInterrupt):
    """Ctrl-C came and `last.ckpt` was saved."""


def learning_rate(step: int, total: int, config: OptimiserConfig) -> float:
    """Linear warm-up, constant, linear decay to zero over the last `decay_fraction` of the steps."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    decay_steps = max(1, round(config.decay_fraction * total))
    return config.learning_rate * min(warm, max(0.0, (total - step) / decay_steps), 1.0)


class Trainer:
    """Training of a `LiveUnet` on remixed excerpts with carried state and, by the mode, against critics.

    Args:
        config: the resolved configuration.
        sources: what is learnt from.
        valid: validation tracks; may be empty, then the last weights count as the best.
        run_folder: receives `last.ckpt` and `best.ckpt`.
        start: checkpoint to go on from, else None.
        workers: processes that make examples.
        unpaired: recordings for the critics; None where the mode has none.
        weights: to begin with, or that a run with `start` began with; None: random ones, or they are not needed.
        fabric: started; None: one process on what is there.
        shards: folder that `shards.write_shards` filled, in place of `sources`.

    Attributes:
        network: as the optimiser sees it.
        averaged: the moving average of its weights; what is validated and exported.
        path: the signal path.
        adversary: the critics, None where the mode has none.
        best_step: that `best.ckpt` was written after; None: not since this start.
        team: the processes of the run.
    """

    def __init__(
        self,
        config: TrainConfig,
        sources: Sources,
        valid: list[Track],
        run_folder: Path,
        start: Checkpoint | None = None,
        workers: int = 1,
        unpaired: UnpairedRecordings | None = None,
        weights: Pretrained | None = None,
        fabric: Fabric | None = None,
        shards: Path | None = None,
    ) -> None:
        learns = config.mode != "critics"
        if learns and shards is None and not sources.pools(config.remix, config.signal.sample_rate_hz):
            raise AdvsepError("no tracks to learn from: every track is held out; check the splits file")
        self.config, self.run_folder = config, run_folder
        self._valid, self._workers = valid, workers
        self._spec = config.signal.spec()
        self._fabric = fabric or make_fabric(config.precision)
        self.team = Team(self._fabric)
        lanes = self.team.share(config.lanes, "lanes")
        self._remixer = self._examples(sources, lanes, shards)
        self._paths = [SignalPath(self._spec, hz).to(self._fabric.device) for hz in self._spec.rates_hz]
        self.path = self._paths[0]
        torch.manual_seed(config.seed)
        begun: LiveUnet | None = None
        if weights is not None and (start is None or config.begun_share > 0):
            begun = begun_network(config, self._spec, weights, self._first_features)
        self.network = copy.deepcopy(begun) if begun else LiveUnet(self._spec, config.network)
        if start is not None:
            load_weights(self.network, start.network)
        self.averaged = copy.deepcopy(self.network).eval()
        if start is not None:
            load_weights(self.averaged, start.averaged)
        self.team.synchronise_norms(self.network)
        # Channels last: a processor's convolutions are fastest so (docs/experiments.md).
        self.network.to(device=self._fabric.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._average = Average(self.averaged.to(self._fabric.device), config, begun and begun.to(self._fabric.device))
        self._optimisers = Optimisers(self.network, config.optimiser)
        if start is not None:
            self._optimisers.set_state(start.optimiser)
        carried = self.network.initial_states(config.lanes) if start is None else start.carried
        places = slice(lanes.start, lanes.stop)
        self._carried = [
            (state[places] if axis == 0 else state[:, places]).to(self._fabric.device)
            for state, axis in zip(carried, _lane_axes(carried), strict=True)
        ]
        self._step = 0 if start is None else start.step
        self._best_gain_db = None if start is None else start.best_gain_db
        self._gain_db = None if start is None else start.validation_gain_db
        self.best_step: int | None = None
        self._stale = 0 if start is None else start.stale_validations
        self._audio_seconds = 0.0 if start is None else start.audio_seconds
        before = start.corpora if start is not None else weights.corpora if weights is not None else ()
        self._corpora = tuple(sorted({*before, *sources.corpora}))
        self._commit = code_commit()
        self.adversary: Adversary | None = None
        self._unpaired: UnpairedExamples | None = None
        self._unpaired_batches: Iterator[UnpairedBatch] = iter(())
        if config.uses_critics:
            self.adversary = Adversary(self._spec, config, self.path, self.team)
            shared = self.team.share(config.adversarial.lanes, "adversarial.lanes")
            recordings = unpaired or UnpairedRecordings([], [], [])
            self._unpaired = UnpairedExamples(recordings, self._spec, config, shared)
            if start is not None:
                self.adversary.set_state(start.critics)

    def _examples(self, sources: Sources, lanes: range, shards: Path | None) -> Remixer | StreamedRemixer:
        if shards is None:
            return Remixer(sources, self._spec, self.config, lanes)
        rate_hz = self._spec.sample_rate_hz
        reader = ShardReader(shards, rate_hz, seed=self.config.seed, rank=self.team.rank, ranks=self.team.size)
        return StreamedRemixer(reader, self._spec, self.config, lanes, self._workers)

    def _batches(self) -> Iterator[Batch]:
        if isinstance(self._remixer, StreamedRemixer):
            return streamed_batches(self._remixer, self.config.steps, self._step, self._workers)
        return batches(self._remixer, self.config.steps, self._step, self._workers)

    def _first_features(self) -> Tensor:
        """Of the first batch."""
        batch = self._remixer[0]
        with torch.no_grad():
            spectra = self.path.analyse((batch.vocals + batch.accompaniment).to(self._fabric.device))
            return self.path.features(spectra).cpu()

    def run(self, on_step: Callable[[Progress], None]) -> None:
        """Train to the configured number of steps.

        Ctrl-C takes effect after the step, or the validation track, that it fell into; a second Ctrl-C at once
        and without saving. A validation that was cut short is made up for when the run is resumed.

        Args:
            on_step: called after each step.

        Raises:
            TrainingStoppedError: after Ctrl-C, or KeyboardInterrupt from `on_step`; `last.ckpt` is saved.
            AdvsepError: a checkpoint cannot be written, or loss or gradient are not finite.
        """
        with DeferredInterrupt() as interrupt:
            try:
                self._run(on_step, interrupt)
            except _StepDoneInterrupt:
                self._save("last.ckpt")
                raise TrainingStoppedError from None

    def _run(self, on_step: Callable[[Progress], None], interrupt: DeferredInterrupt) -> None:
        began, waited, learnt = time.perf_counter(), 0.0, 0.0
        smooth: float | None = None
        if self._owes_validation():
            self._report(on_step, Progress(self._step, math.nan, 0.0, 0.0, 0.0, self._validate(interrupt)), interrupt)
        source = iter(()) if self.config.mode == "critics" else self._batches()
        if self._unpaired is not None:
            first = self._step * self.config.adversarial.critic_steps
            self._unpaired_batches = batches(self._unpaired, len(self._unpaired), first, self._workers)
        batch_seconds = (
            self.config.lanes * self.config.segment_frames * self._spec.hop_samples / self._spec.sample_rate_hz
        )
        while self._step < self.config.steps and not self.stopped_early:
            rate = learning_rate(self._step, self.config.steps, self.config.optimiser)
            if self.config.mode == "critics":
                loss = self._critics_step()
            else:
                asked = time.perf_counter()
                batch = next(source)
                waited += time.perf_counter() - asked
                loss = self._train_step(batch, rate)
            self._step += 1
            self._gain_db = None
            self._audio_seconds += batch_seconds
            learnt += batch_seconds
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            elapsed = time.perf_counter() - began
            scores = self._validate(interrupt) if self._validation_due() else None
            distances = {} if self.adversary is None else dict(self.adversary.distances)
            now = Progress(self._step, smooth, rate, learnt / elapsed, waited / elapsed, scores, distances)
            self._report(on_step, now, interrupt)

    def _report(self, on_step: Callable[[Progress], None], now: Progress, interrupt: DeferredInterrupt) -> None:
        try:
            on_step(now)
        except KeyboardInterrupt:
            raise _StepDoneInterrupt from None
        complete = now.scores is not None and (now.step == self.config.steps or self.stopped_early)
        if self.team.any(interrupt.asked) and not complete:
            raise _StepDoneInterrupt

    @property
    def stopped_early(self) -> bool:
        """Whether `patience_validations` ended the run."""
        return 0 < self.config.patience_validations <= self._stale

    def _owes_validation(self) -> bool:
        """Before a step: what Ctrl-C cut short, or that of trained weights, so that `best.ckpt` is no worse."""
        begun = bool(self.config.begun_from) and self.config.mode != "critics"
        due = self._validation_due() if self._step else begun
        return due and self._gain_db is None and bool(self._valid) and not self.stopped_early

    def _validation_due(self) -> bool:
        return self._step == self.config.steps or self._step % self.config.validate_every == 0

    def _train_step(self, batch: Batch, rate: float) -> float:
        self._optimisers.set_rate(rate)
        device = self._fabric.device
        vocals, accompaniment = batch.vocals.to(device), batch.accompaniment.to(device)
        ahead, frames = self._spec.lookahead_frames, self.config.segment_frames
        with torch.no_grad():
            spectra = self.path.analyse(vocals + accompaniment)
            features = self._by_rate(batch, lambda path, lanes: path.features(spectra[lanes, :, ahead:]))
        mixtures = self._teach_critics(batch, vocals, accompaniment)
        keep = (~batch.fresh).float().to(device)
        axes = _lane_axes(self._carried)
        states = [_scaled(state, keep, axis) for state, axis in zip(self._carried, axes, strict=True)]
        masks, *states = self._separate(features, *states)
        # With look-ahead the mask that comes out with frame t is for frame t - ahead.
        estimate = self._by_rate(
            batch, lambda path, lanes: masked_sound(masks[lanes], spectra[lanes, :, :frames], path)
        )
        losses = self._losses(estimate, vocals, accompaniment, batch.bandwidth_hz.to(device))
        supervised = truncated_mean(losses, self.config.truncated_fraction)
        self._optimisers.zero_grad()
        unpaired = None if mixtures is None or self.adversary is None else self._unpaired_loss(mixtures)
        norm = backward(self.network, supervised, unpaired, self.config, self.team)
        total = float(supervised.detach()) + (0.0 if unpaired is None else float(unpaired.detach()))
        self._check_finite(total, norm)
        self._optimisers.step()
        # Copies: a view would keep, and a checkpoint would hold, all that it is cut from.
        self._carried = [state.detach().float().clone() for state in states]
        self._average.follow(self.network, self._step)
        return self.team.mean(float(supervised.detach()))

    def _by_rate(self, batch: Batch, work: Callable[[SignalPath, Tensor], Tensor]) -> Tensor:
        """Joined in the order of lanes: `work` on the lanes of each rate, since bins lie elsewhere at another."""
        lanes = [(batch.rate_hz == hz).nonzero()[:, 0] for hz in self._spec.rates_hz]
        parts = [work(path, of_rate) for path, of_rate in zip(self._paths, lanes, strict=True) if len(of_rate)]
        return torch.cat(parts)[torch.cat(lanes).argsort()]

    def _losses(self, estimate: Tensor, vocals: Tensor, accompaniment: Tensor, bandwidth_hz: Tensor) -> Tensor:
        """Of each lane: what is heard of the voice, against waveforms with the past before them."""
        first = self.path.history_samples
        voice, band = (each[..., first : first + estimate.shape[-1]] for each in (vocals, accompaniment))
        return sound_loss(estimate, voice, voice + band, bandwidth_hz, self._spec, self.config.phase_weight)

    def _critics_step(self) -> float:
        """Critics alone learn; returns the negative of the mean distance that they see."""
        assert self.adversary is not None
        for _ in range(self.config.adversarial.critic_steps):
            self.adversary.teach(next(self._unpaired_batches), self.averaged, self.averaged, None)
        distances = list(self.adversary.distances.values())
        self._check_finite(sum(distances), 0.0)
        return -sum(distances) / len(distances)

    def _separate(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The network as it is called in training."""
        with self._fabric.autocast():
            return self.network.train(not self.config.frozen_norms)(*inputs)

    def _unpaired_loss(self, mixtures: UnpairedBatch) -> Tensor:
        assert self.adversary is not None
        return self.adversary.loss(mixtures, self.network, self._separate)

    def _teach_critics(self, batch: Batch, vocals: Tensor, accompaniment: Tensor) -> UnpairedBatch | None:
        """Their steps; returns the batch that the separator meets them with."""
        if self.adversary is None:
            return None
        pairs: Tensor | None = None
        if self.config.mode == "joint":
            true = batch.paired.to(vocals.device)
            if bool(true.any()):
                voices, bands = (self.path.analyse(each[true]) for each in (vocals, accompaniment))
                pairs = self.adversary.pairs(voices, bands, batch.bandwidth_hz[batch.paired])
        unpaired: UnpairedBatch | None = None
        for _ in range(self.config.adversarial.critic_steps):
            unpaired = next(self._unpaired_batches)
            self.adversary.teach(unpaired, self.network, self._separate, pairs)
        return unpaired

    def _check_finite(self, loss: float, gradient_norm: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            raise AdvsepError(
                f"loss {loss:g}, gradient norm {gradient_norm:g} at step {self._step}: train anew with a lower "
                f"learning_rate, or go on from {self.run_folder / 'last.ckpt'} with other examples (--resume --seed)"
            )

    def _validate(self, interrupt: DeferredInterrupt) -> list[TrackScore] | None:
        """Scores of the held-out tracks, and checkpoints; None where Ctrl-C cut it short."""
        scores: list[TrackScore] = []
        cut_short = False
        for track in self._valid[self.team.rank :: self.team.size]:
            cut_short = interrupt.asked
            if cut_short:
                break
            scores.append(score_track(self.averaged, self.path, track, self.config.validation_seconds))
        if self.team.any(cut_short):
            return None
        scores = self.team.gather(scores)
        gain_db = mean_gain_db(scores)
        # Where no held-out track has a voice there is nothing to compare: the latest weights are the best.
        self._gain_db = gain_db if math.isfinite(gain_db) else None
        best = self._gain_db is None or self._best_gain_db is None or self._gain_db > self._best_gain_db
        best = best or self.config.mode == "critics"  # the model stays what it is, and its critics have learnt more
        self._stale = 0 if best else self._stale + 1
        if best:
            self._best_gain_db, self.best_step = self._gain_db, self._step
        self._save("last.ckpt")
        if best:
            self._save("best.ckpt")
        return scores

    def _save(self, name: str) -> None:
        carried = self.team.join_lanes(self._carried, _lane_axes(self._carried))
        if not self.team.leads:
            return
        checkpoint = Checkpoint(
            config=self.config,
            network=self.network.state_dict(),
            averaged=self.averaged.state_dict(),
            optimiser=self._optimisers.state(),
            carried=carried,
            step=self._step,
            audio_seconds=self._audio_seconds,
            best_gain_db=self._best_gain_db,
            validation_gain_db=self._gain_db,
            stale_validations=self._stale,
            corpora=self._corpora,
            commit=self._commit,
            critics={} if self.adversary is None else self.adversary.state(),
        )
        save_checkpoint(checkpoint, self.run_folder / name)


class _StepDoneInterrupt(KeyboardInterrupt):
    """An interruption at a moment when the state is that after a whole step."""


def _lane_axes(states: list[Tensor]) -> list[int]:
    """Where each state has its lanes: the GRU's, the last, has them second."""
    return [0] * (len(states) - 1) + [1]


def _scaled(state: Tensor, keep: Tensor, axis: int) -> Tensor:
    shape = [1] * state.dim()
    shape[axis] = len(keep)
    return state * keep.reshape(shape)


def resumed(checkpoint: Checkpoint, steps: int | None) -> Checkpoint:
    """A checkpoint with another total of steps."""
    return checkpoint if steps is None else replace(checkpoint, config=replace(checkpoint.config, steps=steps))
