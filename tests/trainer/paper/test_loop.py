"""The schedule: it learns, stops and goes on as if nothing had happened, and ends where the paper says."""

from __future__ import annotations

import math
import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer.paper import loop
from advsep.trainer.paper.checkpoint import PaperCheckpoint, load_paper_checkpoint, save_paper_checkpoint
from advsep.trainer.paper.config import PaperConfig
from advsep.trainer.paper.loop import PaperStoppedError, PaperTrainer, StepReport
from advsep.trainer.paper.songs import stems_of, unpaired_songs
from advsep.trainer.paper_unet import PaperUnet
from advsep.trainer.tracks import Track

from .conftest import TINY, song
from .test_objective import magnitudes, separated

MakeConfig = Callable[..., PaperConfig]


class KilledError(Exception):
    """Stands for SIGKILL: nothing is saved on the way out."""


def train(
    config: PaperConfig,
    songs: list[Track],
    folder: Path,
    start: PaperCheckpoint | None = None,
    at_step: Callable[[StepReport], None] = lambda now: None,
) -> list[StepReport]:
    folder.mkdir(exist_ok=True)
    steps: list[StepReport] = []
    trainer = PaperTrainer(config, songs, songs[1:], unpaired_songs(songs), folder, start, workers=0)
    trainer.run(lambda now: (steps.append(now), at_step(now))[0])
    return steps


def assert_same(one: object, other: object) -> None:
    """Bit for bit, through dicts, lists and tensors."""
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert list(one) == list(other)
        for key, value in one.items():
            assert_same(value, other[key])
    elif isinstance(one, list | tuple):
        assert isinstance(other, list | tuple)
        assert len(one) == len(other)
        for value, theirs in zip(one, other, strict=True):
            assert_same(value, theirs)
    else:
        assert one == other


def assert_same_runs(one: Path, other: Path) -> None:
    for name in ("last.ckpt", "best.ckpt"):
        a, b = load_paper_checkpoint(one / name), load_paper_checkpoint(other / name)
        for field in PaperCheckpoint.__dataclass_fields__:
            assert_same(getattr(a, field), getattr(b, field))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps of `semi` without a break; two epochs."""
    folder = tmp_path_factory.mktemp("whole")
    steps = train(TINY, [song(60, 1), song(40, 2)], folder)
    assert [now.step for now in steps] == [1, 2, 3, 4]
    assert [now.validation_loss is not None for now in steps] == [False, True, False, True]
    assert all(math.isfinite(now.supervised + now.unpaired + now.additive) for now in steps)
    assert set(steps[0].distances) == {"voice", "accompaniment"}
    return folder


def test_killed_at_a_random_step_and_resumed_is_uninterrupted(
    whole: Path, songs: list[Track], tiny: MakeConfig, tmp_path: Path
) -> None:
    """First with a checkpoint an epoch, then with one a step: what came after it is done again."""
    folder, killed = tmp_path / "run", random.randint(3, 4)

    def kill(now: StepReport) -> None:
        if now.step == killed:
            raise KilledError

    with pytest.raises(KilledError):
        train(tiny(checkpoint_steps=99), songs, folder, at_step=kill)
    start = load_paper_checkpoint(folder / "last.ckpt")
    assert (start.step, start.validated_step) == (2, 2), killed
    start = replace(start, config=tiny())
    with pytest.raises(KilledError):
        train(start.config, songs, folder, start, at_step=kill)
    start = replace(load_paper_checkpoint(folder / "last.ckpt"), config=tiny())
    assert start.step == killed - 1
    assert [now.step for now in train(start.config, songs, folder, start)] == list(range(killed, 5))
    # Where the best is of the first part it still holds the one setting that was meant to differ.
    best = load_paper_checkpoint(folder / "best.ckpt")
    save_paper_checkpoint(replace(best, config=tiny()), folder / "best.ckpt")
    assert_same_runs(whole, folder)


def test_ctrl_c_waits_for_the_step_and_is_made_up_for(
    whole: Path, songs: list[Track], tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once after a step, and once between two tracks of a validation."""

    def press(now: StepReport | None = None) -> None:
        if now is None or now.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    before, folder = signal.getsignal(signal.SIGINT), tmp_path / "run"
    with pytest.raises(PaperStoppedError):
        train(tiny(), songs, folder, at_step=press)
    assert signal.getsignal(signal.SIGINT) is before
    start = load_paper_checkpoint(folder / "last.ckpt")
    assert start.step == 1

    real = loop.validation_frames
    monkeypatch.setattr(loop, "validation_frames", lambda *given: (press(), real(*given))[1])
    trainer = PaperTrainer(tiny(), songs, [songs[1]] * 2, unpaired_songs(songs), folder, start, workers=0)
    with pytest.raises(PaperStoppedError):
        trainer.run(lambda now: None)
    monkeypatch.undo()
    start = load_paper_checkpoint(folder / "last.ckpt")
    assert (start.step, start.validated_step, start.best_loss) == (2, 0, None)
    steps = train(tiny(), songs, folder, start)
    assert [now.step for now in steps] == [2, 3, 4]
    assert math.isnan(steps[0].supervised)
    assert_same_runs(whole, folder)


@pytest.mark.parametrize("mode", ["supervised", "semi"])
def test_one_batch_is_overfitted(tiny: MakeConfig, tmp_path: Path, mode: str) -> None:
    """A song as long as one excerpt is the same batch at every step."""
    one = song(18, 1)
    config = tiny(mode=mode, critic_steps=1, steps=22, epoch_steps=22, checkpoint_steps=99, learning_rate=2e-3)
    steps: list[StepReport] = []
    trainer = PaperTrainer(config, [one], [one], unpaired_songs([one]), tmp_path, workers=0)
    trainer.run(steps.append)
    assert steps[-1].supervised < 0.3 * steps[0].supervised
    assert trainer.best_loss == pytest.approx(steps[-1].supervised, rel=0.3)  # it is what validation hears
    assert bool(steps[-1].distances) == (mode == "semi")
    assert math.isnan(steps[-1].unpaired) == (mode == "supervised")


def test_validation_is_the_mean_over_all_excerpts(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    """Done again an excerpt at a time, with the slow transform."""
    config = tiny(mode="supervised", batch_examples=2, steps=1, epoch_steps=1)
    trainer = PaperTrainer(config, songs, songs, None, tmp_path, workers=0)
    trainer.run(lambda now: None)
    network = PaperUnet().double()
    network.load_state_dict(load_paper_checkpoint(tmp_path / "last.ckpt").network)
    losses: list[float] = []
    for track in songs:
        voice, band = (np.pad(stem.read(), 60 * 256) for stem in stems_of(track))
        for first in range(0, len(track.vocals) // 256 + 1 - 17, 18):
            start = (60 + first - 46) * 256 - 256
            parts = [torch.from_numpy(x[start : start + 109 * 256 + 512])[None] for x in (voice, band)]
            with torch.no_grad():
                found = separated(network, magnitudes(parts[0] + parts[1], 257))[0]
            true = [torch.log1p(magnitudes(part, 258))[0, 0, :, 46:64] for part in parts]
            losses.append(sum(float(((found[n] - true[n]) ** 2).mean()) for n in range(2)))
    assert len(losses) == 3 + 2
    assert trainer.best_loss == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], Iterator[float]]:
    """Validation losses as a test wants them."""

    def script(losses: list[float]) -> Iterator[float]:
        left = iter(losses)
        monkeypatch.setattr(PaperTrainer, "_validation", lambda *_: next(left))
        return left

    return script


@pytest.mark.parametrize(
    ("losses", "patience", "steps", "best"),
    [
        ([3.0, 2.0, 2.5], 1, 3, 2),
        ([3.0, 3.0], 1, 2, 1),  # no better is worse
        ([3.0, 4.0, 2.0, 2.1, 2.2], 2, 5, 3),
        ([3.0, 2.0, 1.0, 0.5, 0.4, 0.3], 1, 6, 6),  # ended by `steps`
    ],
)
def test_the_first_epoch_without_improvement_is_the_last(
    songs: list[Track],
    tiny: MakeConfig,
    tmp_path: Path,
    scripted: Callable[[list[float]], Iterator[float]],
    losses: list[float],
    patience: int,
    steps: int,
    best: int,
) -> None:
    left = scripted(losses)
    config = tiny(mode="supervised", batch_examples=1, epoch_steps=1, steps=6, patience_epochs=patience)
    done = train(config, songs, tmp_path / "run")
    assert [now.best for now in done].count(True) == sum(x < min([9.0, *losses[:n]]) for n, x in enumerate(losses))
    assert len(done) == steps
    assert next(left, None) is None
    assert load_paper_checkpoint(tmp_path / "run" / "last.ckpt").step == steps
    saved = load_paper_checkpoint(tmp_path / "run" / "best.ckpt")
    assert (saved.step, saved.best_loss) == (best, min(losses))


def test_the_end_within_an_epoch_is_no_epoch(
    songs: list[Track], tiny: MakeConfig, tmp_path: Path, scripted: Callable[[list[float]], Iterator[float]]
) -> None:
    scripted([3.0, 4.0, 2.0])
    config = tiny(mode="supervised", batch_examples=1, steps=3, patience_epochs=1)
    train(config, songs, tmp_path / "run")
    start = load_paper_checkpoint(tmp_path / "run" / "last.ckpt")
    assert (start.step, start.validation_loss, start.best_loss, start.worse_epochs) == (3, 4.0, 3.0, 0)
    more = replace(config, steps=4)
    train(more, songs, tmp_path / "run", replace(start, config=more))
    assert load_paper_checkpoint(tmp_path / "run" / "best.ckpt").step == 4


def test_a_loss_that_is_no_number_ends_the_run(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    config = tiny(mode="supervised", batch_examples=1, learning_rate=1e25)
    with pytest.raises(AdvsepError, match=r"loss (nan|inf) at step \d: train anew with a lower learning_rate"):
        train(config, songs, tmp_path / "run")


def test_what_is_missing_is_said(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    for config, tracks, says in (
        (tiny(), ([], songs), "no tracks to learn from"),
        (tiny(), (songs, []), "no tracks to validate on"),
        (tiny(), (songs, songs), "needs unpaired mixtures"),
    ):
        with pytest.raises(AdvsepError, match=says):
            PaperTrainer(config, *tracks, None, tmp_path)


def test_a_validation_that_is_no_number_ends_the_run_too(songs: list[Track], tiny: MakeConfig, tmp_path: Path) -> None:
    """One step that is far too long: the next loss is the validation's."""
    config = tiny(mode="supervised", epoch_steps=1, learning_rate=0.5)
    with pytest.raises(AdvsepError, match=r"validation loss (nan|inf) at step \d: train anew"):
        train(config, songs, tmp_path / "run")
    assert not (tmp_path / "run" / "best.ckpt").exists()


@pytest.mark.parametrize("damage", ["gone", "cut", "other", "version", "keys"])
def test_a_bad_checkpoint_is_one_sentence(whole: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "last.ckpt"
    good = (whole / "last.ckpt").read_bytes()
    says = {
        "gone": "no such checkpoint; expected last.ckpt or best.ckpt of a run folder of advsep-train paper",
        "cut": "not a checkpoint of advsep-train paper, or damaged",
        "other": "expected a checkpoint of advsep-train paper of version 1, found no version",
        "version": "found version 7",
        "keys": "checkpoint keys differ: step",
    }
    if damage == "cut":
        path.write_bytes(good[: len(good) // 2])
    elif damage != "gone":
        data = torch.load(whole / "last.ckpt", weights_only=True)
        if damage == "other":
            data = {"advsep_checkpoint": 2}
        elif damage == "version":
            data["advsep_paper_checkpoint"] = 7
        else:
            del data["step"]
        torch.save(data, path)
    with pytest.raises(AdvsepError, match=says[damage]):
        load_paper_checkpoint(path)
