"""The training loop: one class, resumable at any step, stopped cleanly by Ctrl-C."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ..realtime.errors import AdvsepError
from .adversary import Adversary
from .checkpoint import Checkpoint, code_commit, load_weights, save_checkpoint
from .config import OptimiserConfig, TrainConfig
from .interrupt import DeferredInterrupt
from .live_unet import LiveUnet
from .losses import mask_loss, mask_statistics
from .remix import Batch, Remixer, batches
from .signal import SignalPath
from .tracks import Track
from .unpaired import UnpairedBatch, UnpairedExamples, UnpairedRecordings
from .validation import TrackScore, mean_gain_db, score_track


class TrainingStoppedError(KeyboardInterrupt):
    """Ctrl-C came and `last.ckpt` was saved."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress display shows after a step.

    Attributes:
        step: optimiser steps done.
        loss: smoothed over about 50 steps; nan where a resumed run first makes up for a validation.
        learning_rate: of this step.
        audio_speed: seconds of audio learnt from per second of the clock, since the start.
        waiting: share of that time spent waiting for examples.
        scores: of a validation, where there was one.
        distances: between recordings and outputs as each critic sees them (Wasserstein), by critic.
    """

    step: int
    loss: float
    learning_rate: float
    audio_speed: float
    waiting: float
    scores: list[TrackScore] | None = None
    distances: dict[str, float] = field(default_factory=dict)


def learning_rate(step: int, total: int, config: OptimiserConfig) -> float:
    """Linear warm-up, constant, linear decay to zero over the last `decay_fraction` of the steps."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    decay_steps = max(1, round(config.decay_fraction * total))
    return config.learning_rate * min(warm, max(0.0, (total - step) / decay_steps), 1.0)


class Trainer:
    """Training of a `LiveUnet` on remixed excerpts with carried state and, by the mode, against critics.

    Args:
        config: the resolved configuration.
        train: training tracks.
        valid: validation tracks; may be empty, then the last weights count as the best.
        run_folder: receives `last.ckpt` and `best.ckpt`.
        start: checkpoint to go on from, else None.
        workers: processes that make examples.
        unpaired: recordings for the critics; None where the mode is `supervised`.
    """

    def __init__(
        self,
        config: TrainConfig,
        train: list[Track],
        valid: list[Track],
        run_folder: Path,
        start: Checkpoint | None = None,
        workers: int = 1,
        unpaired: UnpairedRecordings | None = None,
    ) -> None:
        if not train:
            raise AdvsepError("no tracks to learn from: every track is held out; check the splits file")
        self.config, self.run_folder = config, run_folder
        self._valid, self._workers = valid, workers
        self._spec = config.signal.spec()
        self._fabric = _fabric(config)
        torch.manual_seed(config.seed)
        network = LiveUnet(self._spec.bands, self._spec.channels, config.network)
        optimiser = torch.optim.AdamW(
            network.parameters(), config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay
        )
        if start is not None:
            load_weights(network, start.network)
        self._network = network
        self._averaged = LiveUnet(self._spec.bands, self._spec.channels, config.network).eval()
        load_weights(self._averaged, network.state_dict() if start is None else start.averaged)
        self._wrapped, self._optimiser = self._fabric.setup(network, optimiser)
        if start is not None:
            # After `setup`, so that it lands on the weights' device; a copy, since AdamW writes into it.
            self._optimiser.load_state_dict(copy.deepcopy(start.optimiser))
        self._averaged.to(self._fabric.device)
        self._path = SignalPath(self._spec).to(self._fabric.device)
        self._carried = network.initial_states(config.lanes) if start is None else start.carried
        self._carried = [state.to(self._fabric.device) for state in self._carried]
        self._step = 0 if start is None else start.step
        self._best_gain_db = None if start is None else start.best_gain_db
        self._gain_db = None if start is None else start.validation_gain_db
        self._audio_seconds = 0.0 if start is None else start.audio_seconds
        self._corpora = tuple(sorted({track.files.corpus for track in train}))
        self._commit = code_commit()
        self._remixer = Remixer(train, self._spec, config)
        self._adversary: Adversary | None = None
        self._unpaired: UnpairedExamples | None = None
        self._unpaired_batches: Iterator[UnpairedBatch] = iter(())
        if config.mode != "supervised":
            self._adversary = Adversary(self._spec, config, self._fabric, self._path)
            self._unpaired = UnpairedExamples(unpaired or UnpairedRecordings([], [], []), self._spec, config)
            if start is not None:
                self._adversary.set_state(start.critics)

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
        if self._step > 0 and self._gain_db is None and self._validation_due() and self._valid:
            self._report(on_step, Progress(self._step, math.nan, 0.0, 0.0, 0.0, self._validate(interrupt)), interrupt)
        source = batches(self._remixer, self.config.steps, self._step, self._workers)
        if self._unpaired is not None:
            first = self._step * self.config.adversarial.critic_steps
            self._unpaired_batches = batches(self._unpaired, len(self._unpaired), first, self._workers)
        batch_seconds = (
            self.config.lanes * self.config.segment_frames * self._spec.hop_samples / self._spec.sample_rate_hz
        )
        while self._step < self.config.steps:
            asked = time.perf_counter()
            batch = next(source)
            waited += time.perf_counter() - asked
            rate = learning_rate(self._step, self.config.steps, self.config.optimiser)
            loss = self._train_step(batch, rate)
            self._step += 1
            self._gain_db = None
            self._audio_seconds += batch_seconds
            learnt += batch_seconds
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            elapsed = time.perf_counter() - began
            scores = self._validate(interrupt) if self._validation_due() else None
            distances = {} if self._adversary is None else dict(self._adversary.distances)
            now = Progress(self._step, smooth, rate, learnt / elapsed, waited / elapsed, scores, distances)
            self._report(on_step, now, interrupt)

    def _report(self, on_step: Callable[[Progress], None], now: Progress, interrupt: DeferredInterrupt) -> None:
        try:
            on_step(now)
        except KeyboardInterrupt:
            raise _StepDoneInterrupt from None
        complete = now.step == self.config.steps and now.scores is not None
        if interrupt.asked and not complete:
            raise _StepDoneInterrupt

    def _validation_due(self) -> bool:
        return self._step == self.config.steps or self._step % self.config.validate_every == 0

    def _train_step(self, batch: Batch, rate: float) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        device = self._fabric.device
        with torch.no_grad():
            vocals = self._path.analyse(batch.vocals.to(device))
            accompaniment = self._path.analyse(batch.accompaniment.to(device))
            ahead, frames = self._spec.lookahead_frames, self.config.segment_frames
            features = self._path.features((vocals + accompaniment)[:, :, ahead:])
            # With look-ahead the mask that comes out with frame t is for frame t - ahead.
            statistics = mask_statistics(
                vocals[:, :, :frames], accompaniment[:, :, :frames], batch.bandwidth_hz.to(device), self._spec
            )
        mixtures = self._teach_critics(batch, vocals, accompaniment)
        keep = (~batch.fresh).float().to(device)
        states = [_scaled(state, keep, axis) for state, axis in zip(self._carried, self._batch_axes(), strict=True)]
        self._wrapped.train()
        masks, *states = self._wrapped(features, *states)
        supervised = loss = mask_loss(masks, statistics, self.config.phase_weight)
        if self._adversary is not None and mixtures is not None:
            unpaired = self._adversary.loss(mixtures, self._network, self._wrapped)
            loss = supervised + self.config.adversarial.unpaired_weight * unpaired
        self._optimiser.zero_grad()
        self._fabric.backward(loss)
        norm = self._fabric.clip_gradients(
            self._wrapped, self._optimiser, max_norm=self.config.optimiser.clip_norm, error_if_nonfinite=False
        )
        self._check_finite(float(loss.detach()), math.inf if norm is None else float(norm))
        self._optimiser.step()
        self._carried = [state.detach().float() for state in states]
        self._average()
        return float(supervised.detach())

    def _teach_critics(self, batch: Batch, vocals: Tensor, accompaniment: Tensor) -> UnpairedBatch | None:
        """Their steps; returns the batch that the separator meets them with."""
        if self._adversary is None:
            return None
        pairs: Tensor | None = None
        if self.config.mode == "joint":
            true = batch.paired.to(vocals.device)
            hz = batch.bandwidth_hz[batch.paired]
            pairs = self._adversary.pairs(vocals[true], accompaniment[true], hz) if bool(true.any()) else None
        unpaired: UnpairedBatch | None = None
        self._wrapped.train()
        for _ in range(self.config.adversarial.critic_steps):
            unpaired = next(self._unpaired_batches)
            self._adversary.teach(unpaired, self._network, self._wrapped, pairs)
        return unpaired

    def _check_finite(self, loss: float, gradient_norm: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            raise AdvsepError(
                f"loss {loss:g}, gradient norm {gradient_norm:g} at step {self._step}: train anew with a lower "
                f"learning_rate, or go on from {self.run_folder / 'last.ckpt'} with other examples (--resume --seed)"
            )

    def _batch_axes(self) -> list[int]:
        return [0] * (len(self._carried) - 1) + [1]

    @torch.no_grad()
    def _average(self) -> None:
        # The average forgets the first, untrained weights faster than its final pace would.
        decay = min(self.config.optimiser.ema_decay, (1 + self._step) / (10 + self._step))
        live = self._network.state_dict()
        for name, mean in self._averaged.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(live[name], 1 - decay)
            else:
                mean.copy_(live[name])

    def _validate(self, interrupt: DeferredInterrupt) -> list[TrackScore] | None:
        """Scores of the held-out tracks, and checkpoints; None where Ctrl-C cut it short."""
        scores: list[TrackScore] = []
        for track in self._valid:
            if interrupt.asked:
                return None
            scores.append(score_track(self._averaged, self._path, track, self.config.validation_seconds))
        gain_db = mean_gain_db(scores)
        # Where no held-out track has a voice there is nothing to compare: the latest weights are the best.
        self._gain_db = gain_db if math.isfinite(gain_db) else None
        best = self._gain_db is None or self._best_gain_db is None or self._gain_db > self._best_gain_db
        if best:
            self._best_gain_db = self._gain_db
        self._save("last.ckpt")
        if best:
            self._save("best.ckpt")
        return scores

    def _save(self, name: str) -> None:
        checkpoint = Checkpoint(
            config=self.config,
            network=self._network.state_dict(),
            averaged=self._averaged.state_dict(),
            optimiser=self._optimiser.state_dict(),
            carried=self._carried,
            step=self._step,
            audio_seconds=self._audio_seconds,
            best_gain_db=self._best_gain_db,
            validation_gain_db=self._gain_db,
            corpora=self._corpora,
            commit=self._commit,
            critics={} if self._adversary is None else self._adversary.state(),
        )
        save_checkpoint(checkpoint, self.run_folder / name)


class _StepDoneInterrupt(KeyboardInterrupt):
    """An interruption at a moment when the state is that after a whole step."""


def _fabric(config: TrainConfig) -> Fabric:
    # Fabric says "Using bfloat16 Automatic Mixed Precision (AMP)" on stderr, across a progress bar.
    logger = logging.getLogger("lightning_fabric.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        return Fabric(accelerator="auto", devices=1, precision=config.precision)
    finally:
        logger.setLevel(level)


def _scaled(state: Tensor, keep: Tensor, axis: int) -> Tensor:
    shape = [1] * state.dim()
    shape[axis] = len(keep)
    return state * keep.reshape(shape)


def resumed(checkpoint: Checkpoint, steps: int | None) -> Checkpoint:
    """A checkpoint with another total of steps."""
    return checkpoint if steps is None else replace(checkpoint, config=replace(checkpoint.config, steps=steps))
