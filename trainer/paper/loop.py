"""The paper's schedule: critics, separator, epochs, and an end when validation no longer improves."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from ...realtime.errors import AdvsepError
from ..checkpoint import code_commit
from ..critic import initialise
from ..interrupt import DeferredInterrupt
from ..paper_unet import CONTEXT, PaperUnet
from ..remix import batches
from ..tracks import Track
from .checkpoint import BEST_FILE, LAST_FILE, PaperCheckpoint, save_paper_checkpoint
from .config import PaperConfig
from .critics import make_critics
from .examples import PairedBatch, PairedExamples, UnpairedBatch, UnpairedExamples, cut, validation_frames
from .objective import estimate, recorded_patches, supervised_loss_of, unpaired_losses
from .songs import UnpairedSongs, stems_of


class PaperStoppedError(KeyboardInterrupt):
    """Ctrl-C came and `last.ckpt` was saved."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step did.

    Attributes:
        step: steps of the separator done.
        supervised: L_s; nan where a resumed run first makes up for a validation.
        unpaired: L_u, and `additive` L_add; nan in `supervised`.
        distances: between recordings and estimates as each critic saw them (Wasserstein), by source.
        validation_loss: L_s on the held-out tracks, where there was a validation.
        best: whether that was the lowest so far.
    """

    step: int
    supervised: float
    unpaired: float
    additive: float
    distances: dict[str, float]
    validation_loss: float | None = None
    best: bool = False


class PaperTrainer:
    """A run of the paper's experiment.

    Args:
        config: the resolved configuration.
        train: tracks with both stems.
        valid: tracks that end the run.
        unpaired: what the critics hear; None in `supervised`.
        run_folder: receives `last.ckpt` and `best.ckpt`.
        start: checkpoint to go on from, else None.
        workers: processes that make examples, of each kind.

    Raises:
        AdvsepError: there are no tracks to learn from or to validate on, or no unpaired recordings where they are
            needed.
    """

    def __init__(
        self,
        config: PaperConfig,
        train: Sequence[Track],
        valid: Sequence[Track],
        unpaired: UnpairedSongs | None,
        run_folder: Path,
        start: PaperCheckpoint | None = None,
        workers: int = 1,
    ) -> None:
        self._examples = PairedExamples(train, config)
        if not valid:
            raise AdvsepError(
                "no tracks to validate on, which end the run: give more tracks, or a --partition with a share valid"
            )
        self.config, self.run_folder = config, run_folder
        self._valid, self._workers = list(valid), workers
        self._unpaired: UnpairedExamples | None = None
        if config.mode == "semi":
            self._unpaired = UnpairedExamples(unpaired or UnpairedSongs([], [], []), config)
        self._device = Fabric(accelerator="auto", devices=1).device
        torch.manual_seed(config.seed)
        self._network = PaperUnet()
        initialise(self._network)
        self._network.to(self._device)
        self._optimiser = torch.optim.Adam(self._network.parameters(), config.learning_rate)
        self._critics = make_critics(config, self._device)
        self._step = self._validated_step = self._worse_epochs = 0
        self._validation_loss: float | None = None
        self._best_loss: float | None = None
        self._corpora = tuple(sorted({track.files.corpus for track in train}))
        self._commit = code_commit()
        if start is not None:
            self._take_up(start)

    def _take_up(self, start: PaperCheckpoint) -> None:
        self._network.load_state_dict(start.network)
        # A copy, since Adam writes into it.
        self._optimiser.load_state_dict(copy.deepcopy(start.optimiser))
        for name, critic in self._critics.items():
            critic.set_state(start.critics[name])
        self._step, self._validated_step = start.step, start.validated_step
        self._validation_loss, self._best_loss = start.validation_loss, start.best_loss
        self._worse_epochs = start.worse_epochs

    @property
    def ended_early(self) -> bool:
        """Whether validation has ended the run."""
        return self._worse_epochs >= self.config.patience_epochs

    @property
    def best_loss(self) -> float | None:
        """The lowest L_s of a validation so far."""
        return self._best_loss

    def run(self, on_step: Callable[[StepReport], None]) -> None:
        """Train until validation no longer improves, or to the configured number of steps.

        Ctrl-C takes effect after the step, or the validation track, that it fell into; a second Ctrl-C at once
        and without saving. A validation that was cut short is made up for when the run is resumed.

        Args:
            on_step: called after each step.

        Raises:
            PaperStoppedError: after Ctrl-C; `last.ckpt` is saved.
            AdvsepError: a checkpoint cannot be written, or a loss is not finite.
        """
        with DeferredInterrupt() as interrupt:
            if self._step > 0 and self._validation_due():
                self._validate_and_report(_made_up_for(self._step), on_step, interrupt)
            paired, unpaired = self._sources()
            while self._step < self.config.steps and not self.ended_early:
                report = self._train_step(next(paired), unpaired)
                self._step += 1
                if self._validation_due():
                    self._validate_and_report(report, on_step, interrupt)
                    continue
                on_step(report)  # before it is saved: what is done again is then reported once
                if self._step % self.config.checkpoint_steps == 0:
                    self._save(LAST_FILE)
                self._stop_if_asked(interrupt)

    def _sources(self) -> tuple[Iterator[PairedBatch], Iterator[UnpairedBatch]]:
        paired = batches(self._examples, len(self._examples), self._step, self._workers)
        if self._unpaired is None:
            return paired, iter(())
        first = self._step * (self.config.critic_steps + 1)
        return paired, batches(self._unpaired, len(self._unpaired), first, self._workers)

    def _train_step(self, batch: PairedBatch, unpaired: Iterator[UnpairedBatch]) -> StepReport:
        config, distances = self.config, dict[str, float]()
        for _ in range(config.critic_steps if self._critics else 0):
            distances = self._teach_critics(self._unpaired_here(next(unpaired)))
        batch = PairedBatch(batch.voices.to(self._device), batch.accompaniments.to(self._device))
        loss = supervised = supervised_loss_of(self._network, batch, config.output_frames)
        adversarial = additive = torch.tensor(math.nan)
        if self._critics:
            mixtures = self._unpaired_here(next(unpaired))
            adversarial, additive = unpaired_losses(self._network, mixtures, self._critics, config.patch_frames)
            loss = supervised + config.unpaired_weight * adversarial + config.additive_weight * additive
        self._optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.get_total_norm([w.grad for w in self._network.parameters() if w.grad is not None])
        self._check_finite(float(loss.detach() + 0 * norm), "loss")  # nan where the gradient has no norm
        self._optimiser.step()
        return StepReport(
            self._step + 1,
            float(supervised.detach()),
            float(adversarial.detach()),
            float(additive.detach()),
            distances,
        )

    def _teach_critics(self, batch: UnpairedBatch) -> dict[str, float]:
        """One step of each."""
        with torch.no_grad():
            fake = estimate(self._network, batch.mixtures).patches(self.config.patch_frames)
            real = recorded_patches(batch, self.config.patch_frames)
        return {name: critic.learn(real[name], fake[name]) for name, critic in self._critics.items()}

    def _unpaired_here(self, batch: UnpairedBatch) -> UnpairedBatch:
        device = self._device
        return UnpairedBatch(batch.mixtures.to(device), batch.voices.to(device), batch.accompaniments.to(device))

    def _check_finite(self, loss: float, name: str) -> None:
        if not math.isfinite(loss):
            raise AdvsepError(
                f"{name} {loss:g} at step {self._step}: train anew with a lower learning_rate, or go on from "
                f"{self.run_folder / LAST_FILE} (--resume)"
            )

    def _validation_due(self) -> bool:
        ends = self._step % self.config.epoch_steps == 0 or self._step == self.config.steps
        return ends and self._validated_step != self._step

    def _validate_and_report(
        self, report: StepReport, on_step: Callable[[StepReport], None], interrupt: DeferredInterrupt
    ) -> None:
        loss = self._validation(interrupt)
        best = False
        if loss is not None:
            best = self._best_loss is None or loss < self._best_loss
            self._validated_step, self._validation_loss = self._step, loss
            if self._step % self.config.epoch_steps == 0:  # --steps that end within an epoch say nothing of it
                self._worse_epochs = 0 if best else self._worse_epochs + 1
            self._best_loss = loss if best else self._best_loss
        on_step(replace(report, validation_loss=loss, best=best))
        if best:
            self._save(BEST_FILE)
        self._save(LAST_FILE)
        complete = loss is not None and (self.ended_early or self._step >= self.config.steps)
        if not complete:
            self._stop_if_asked(interrupt)

    @torch.no_grad()
    def _validation(self, interrupt: DeferredInterrupt) -> float | None:
        """Mean L_s over all excerpts of the held-out tracks; None where Ctrl-C cut it short."""
        frames, at_once = self.config.output_frames, self.config.batch_examples
        total, count = 0.0, 0
        for track in self._valid:
            if interrupt.asked:
                return None
            stems = stems_of(track)
            firsts = validation_frames(stems[0], self.config)
            for k in range(0, len(firsts), at_once):
                places = firsts[k : k + at_once]
                voices, accompaniments = (
                    torch.stack([torch.from_numpy(cut(s, p - CONTEXT, self.config.input_frames)) for p in places])
                    for s in stems
                )
                batch = PairedBatch(voices.to(self._device), accompaniments.to(self._device))
                total += len(places) * float(supervised_loss_of(self._network, batch, frames))
                count += len(places)
        self._check_finite(total / count, "validation loss")
        return total / count

    def _stop_if_asked(self, interrupt: DeferredInterrupt) -> None:
        if interrupt.asked:
            self._save(LAST_FILE)
            raise PaperStoppedError

    def _save(self, name: str) -> None:
        checkpoint = PaperCheckpoint(
            config=self.config,
            network=self._network.state_dict(),
            optimiser=self._optimiser.state_dict(),
            critics={name: critic.state() for name, critic in self._critics.items()},
            step=self._step,
            validated_step=self._validated_step,
            validation_loss=self._validation_loss,
            best_loss=self._best_loss,
            worse_epochs=self._worse_epochs,
            corpora=self._corpora,
            commit=self._commit,
        )
        save_paper_checkpoint(checkpoint, self.run_folder / name)


def _made_up_for(step: int) -> StepReport:
    return StepReport(step, math.nan, math.nan, math.nan, {})
