"""The training loop: one class, resumable at any step, stopped cleanly by Ctrl-C."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ..realtime.errors import AdvsepError
from .checkpoint import Checkpoint, save_checkpoint
from .config import OptimiserConfig, TrainConfig
from .live_unet import LiveUnet
from .losses import mask_loss, mask_statistics
from .remix import Batch, Remixer, batches
from .signal import SignalPath
from .tracks import Track
from .validation import TrackScore, mean_gain_db, score_track


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress display shows after a step.

    Attributes:
        step: optimiser steps done.
        loss: smoothed over about 50 steps.
        learning_rate: of this step.
        audio_speed: seconds of audio learnt from per second of the clock, since the start.
        waiting: share of that time spent waiting for examples.
        scores: of a validation, where there was one.
    """

    step: int
    loss: float
    learning_rate: float
    audio_speed: float
    waiting: float
    scores: list[TrackScore] | None = None


def learning_rate(step: int, total: int, config: OptimiserConfig) -> float:
    """Linear warm-up, constant, linear decay to zero over the last `decay_fraction` of the steps."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    decay_steps = max(1, round(config.decay_fraction * total))
    return config.learning_rate * min(warm, max(0.0, (total - step) / decay_steps), 1.0)


class Trainer:
    """Supervised training of a `LiveUnet` on remixed excerpts with carried state.

    Args:
        config: the resolved configuration.
        train: training tracks.
        valid: validation tracks; may be empty, then the last weights count as the best.
        run_folder: receives `last.ckpt` and `best.ckpt`.
        start: checkpoint to go on from, else None.
        workers: processes that make examples.
    """

    def __init__(
        self,
        config: TrainConfig,
        train: list[Track],
        valid: list[Track],
        run_folder: Path,
        start: Checkpoint | None = None,
        workers: int = 1,
    ) -> None:
        if not train:
            raise AdvsepError("no training tracks: every track is held out by the splits file")
        self.config, self.run_folder = config, run_folder
        self._valid, self._workers = valid, workers
        self._spec = config.signal.spec()
        self._fabric = Fabric(accelerator="auto", devices=1, precision=config.precision)
        torch.manual_seed(config.seed)
        network = LiveUnet(self._spec.bands, self._spec.channels, config.network)
        optimiser = torch.optim.AdamW(
            network.parameters(), config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay
        )
        if start is not None:
            network.load_state_dict(start.network)
            optimiser.load_state_dict(start.optimiser)
        self._network = network
        self._averaged = LiveUnet(self._spec.bands, self._spec.channels, config.network).eval()
        self._averaged.load_state_dict(network.state_dict() if start is None else start.averaged)
        self._wrapped, self._optimiser = self._fabric.setup(network, optimiser)
        self._averaged.to(self._fabric.device)
        self._path = SignalPath(self._spec).to(self._fabric.device)
        self._carried = network.initial_states(config.lanes) if start is None else start.carried
        self._carried = [state.to(self._fabric.device) for state in self._carried]
        self._step = 0 if start is None else start.step
        self._best_gain_db = None if start is None else start.best_gain_db
        self._audio_seconds = 0.0 if start is None else start.audio_seconds
        self._corpora = tuple(sorted({track.files.corpus for track in train}))
        self._commit = _commit()
        self._remixer = Remixer(train, self._spec, config)

    def run(self, on_step: Callable[[Progress], None]) -> None:
        """Train to the configured number of steps.

        A KeyboardInterrupt between two steps saves `last.ckpt` and is raised again.

        Args:
            on_step: called after each step.
        """
        began, waited, learnt = time.perf_counter(), 0.0, 0.0
        smooth: float | None = None
        source = batches(self._remixer, self._step, self._workers)
        batch_seconds = (
            self.config.lanes * self.config.segment_frames * self._spec.hop_samples / self._spec.sample_rate_hz
        )
        try:
            while self._step < self.config.steps:
                asked = time.perf_counter()
                batch = next(source)
                waited += time.perf_counter() - asked
                rate = learning_rate(self._step, self.config.steps, self.config.optimiser)
                loss = self._train_step(batch, rate)
                if not math.isfinite(loss):
                    raise AdvsepError(
                        f"the loss is {loss} at step {self._step}: lower learning_rate and resume from "
                        f"{self.run_folder / 'last.ckpt'}"
                    )
                self._step += 1
                self._audio_seconds += batch_seconds
                learnt += batch_seconds
                smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
                elapsed = time.perf_counter() - began
                done = self._step == self.config.steps
                scores = self._validate() if done or self._step % self.config.validate_every == 0 else None
                on_step(Progress(self._step, smooth, rate, learnt / elapsed, waited / elapsed, scores))
        except KeyboardInterrupt:
            self._save("last.ckpt", None)
            raise

    def _train_step(self, batch: Batch, rate: float) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        device = self._fabric.device
        with torch.no_grad():
            vocals = self._path.analyse(batch.vocals.to(device))
            accompaniment = self._path.analyse(batch.accompaniment.to(device))
            features = self._path.features(vocals + accompaniment)
            statistics = mask_statistics(vocals, accompaniment, batch.bandwidth_hz.to(device), self._spec)
            ahead = self._spec.lookahead_frames
            if ahead:
                raise AdvsepError(f"training with lookahead_frames {ahead} is not supported; set it to 0")
        keep = (~batch.fresh).float().to(device)
        states = [_scaled(state, keep, axis) for state, axis in zip(self._carried, self._batch_axes(), strict=True)]
        self._wrapped.train()
        masks, *states = self._wrapped(features, *states)
        loss = mask_loss(masks, statistics, self.config.phase_weight)
        self._optimiser.zero_grad()
        self._fabric.backward(loss)
        self._fabric.clip_gradients(self._wrapped, self._optimiser, max_norm=self.config.optimiser.clip_norm)
        self._optimiser.step()
        self._carried = [state.detach().float() for state in states]
        self._average()
        return float(loss.detach())

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

    def _validate(self) -> list[TrackScore]:
        scores = [
            score_track(self._averaged, self._path, track, self.config.validation_seconds) for track in self._valid
        ]
        gain_db = mean_gain_db(scores)
        best = not scores or self._best_gain_db is None or gain_db > self._best_gain_db
        if best and scores:
            self._best_gain_db = gain_db
        self._save("last.ckpt", gain_db if scores else None)
        if best:
            self._save("best.ckpt", gain_db if scores else None)
        return scores

    def _save(self, name: str, gain_db: float | None) -> None:
        checkpoint = Checkpoint(
            config=self.config,
            network=self._network.state_dict(),
            averaged=self._averaged.state_dict(),
            optimiser=self._optimiser.state_dict(),
            carried=self._carried,
            step=self._step,
            audio_seconds=self._audio_seconds,
            best_gain_db=self._best_gain_db,
            validation_gain_db=gain_db,
            corpora=self._corpora,
            commit=self._commit,
        )
        save_checkpoint(checkpoint, self.run_folder / name)


def _scaled(state: Tensor, keep: Tensor, axis: int) -> Tensor:
    shape = [1] * state.dim()
    shape[axis] = len(keep)
    return state * keep.reshape(shape)


def _commit() -> str:
    """The commit of the source folder, with `+` where files differ from it; empty outside a checkout."""
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def resumed(checkpoint: Checkpoint, steps: int | None) -> Checkpoint:
    """A checkpoint with another total of steps."""
    return checkpoint if steps is None else replace(checkpoint, config=replace(checkpoint.config, steps=steps))
