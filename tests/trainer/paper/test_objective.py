"""One step of the whole experiment, done again by hand: every loss, the penalty, and what Adam was given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from advsep.trainer.critic import Critic, initialise
from advsep.trainer.paper.checkpoint import PaperCheckpoint, load_paper_checkpoint
from advsep.trainer.paper.config import PaperConfig
from advsep.trainer.paper.critics import make_critics
from advsep.trainer.paper.examples import PairedExamples, UnpairedExamples
from advsep.trainer.paper.loop import PaperTrainer, StepReport
from advsep.trainer.paper.objective import estimate, supervised_loss
from advsep.trainer.paper.songs import unpaired_songs
from advsep.trainer.paper_unet import PaperUnet
from advsep.trainer.tracks import Track
from torch import Tensor

from .conftest import song
from .test_spectra import slow_magnitudes

MakeConfig = Callable[..., PaperConfig]
ALPHA, BETA, LAMBDA = 0.25, 0.5, 10.0  # large enough to be seen beside L_s


def magnitudes(excerpts: Tensor, rows: int) -> Tensor:
    """Linear magnitudes [example, 1, rows, frame] of excerpts, silence in the rows above the 257."""
    frames = (excerpts.shape[1] - 512) // 256 + 1
    found = np.zeros((len(excerpts), 1, rows, frames))
    for place, samples in zip(found, excerpts.double().numpy(), strict=True):
        place[0, :257] = slow_magnitudes(samples, 1, frames)
    return torch.from_numpy(found)


def separated(network: PaperUnet, linear: Tensor) -> Tensor:
    heard = torch.zeros(len(linear), 1, 350, linear.shape[3], dtype=torch.float64)
    heard[:, :, 46:303] = torch.log(1 + linear[:, :, :257])
    return network(heard)


@pytest.fixture(scope="module")
def config() -> PaperConfig:
    sizes = {"batch_examples": 3, "patch_frames": 16, "critic_width": 2, "critic_steps": 1}
    run = {"steps": 1, "epoch_steps": 9, "learning_rate": 1e-3, "checkpoint_steps": 1}
    return PaperConfig(**sizes, **run, unpaired_weight=ALPHA, additive_weight=BETA, penalty_weight=LAMBDA)


@pytest.fixture(scope="module")
def step(
    config: PaperConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Track], PaperTrainer, PaperCheckpoint, StepReport, dict[str, Tensor]]:
    """A step of `semi`, its report, its checkpoint and the weights before it."""
    tracks, folder = [song(60, 1), song(40, 2)], tmp_path_factory.mktemp("step")
    trainer = PaperTrainer(config, tracks, tracks[1:], unpaired_songs(tracks), folder, workers=0)
    make_ready({name: each.network for name, each in trainer._critics.items()})
    before = {name: weight.clone() for name, weight in trainer._network.state_dict().items()}
    reports: list[StepReport] = []
    trainer.run(reports.append)
    return tracks, trainer, load_paper_checkpoint(folder / "last.ckpt"), reports[0], before


def make_ready(critics: dict[str, Critic]) -> None:
    """Lift what begins at zero, and make the voice's critic steep.

    Where there is silence a unit without a bias stands at the bend of its activation, and which side it is on is left
    to a processor's rounding. As it begins a critic is less steep than the penalty allows, which would be nothing.
    """
    with torch.no_grad():
        for critic in critics.values():
            for name, weight in critic.named_parameters():
                if name.endswith("bias"):
                    weight.add_(0.05)
        for weight in critics["voice"].parameters():
            weight.mul_(2.5)


def untaught(config: PaperConfig) -> dict[str, Critic]:
    """The critics as they began: behind the separator's weights in the same row of draws."""
    torch.manual_seed(config.seed)
    initialise(PaperUnet())
    critics = {name: each.network for name, each in make_critics(config, torch.device("cpu")).items()}
    make_ready(critics)
    return {name: critic.double() for name, critic in critics.items()}


def first_moments(state: dict, network: torch.nn.Module) -> dict[str, Tensor]:
    """What Adam holds of the gradients, divided by what it took of them."""
    names = [name for name, _ in network.named_parameters()]
    return {name: state["state"][index]["exp_avg"].double() / 0.1 for index, name in enumerate(names)}


def assert_gradients(found: dict[str, Tensor], network: torch.nn.Module) -> None:
    for name, weight in network.named_parameters():
        assert weight.grad is not None
        scale = float(weight.grad.abs().max())
        assert torch.allclose(found[name], weight.grad, rtol=1e-3, atol=2e-4 * scale + 1e-7), name


def test_the_critics_step(config: PaperConfig, step: tuple) -> None:
    """E D(fake) - E D(real) + 10 E max(|slope| - 1, 0)^2, a sample at a time, with the network as it was."""
    tracks, _, after, report, before = step
    network = PaperUnet().double()
    network.load_state_dict(before)
    batch = UnpairedExamples(unpaired_songs(tracks), config)[0]
    with torch.no_grad():
        estimates = separated(network, magnitudes(batch.mixtures, 257))
    recorded = {"voice": batch.voices, "accompaniment": batch.accompaniments}
    for number, (name, critic) in enumerate(untaught(config).items()):
        # The middle 256 bins and 16 frames: without the lowest bin, the silent row and a frame at each end.
        fake = estimates[:, number : number + 1, 1:257, 1:17]
        real = torch.log(1 + magnitudes(recorded[name], 257))[:, :, 1:257, 1:17]
        draws = torch.Generator().manual_seed(config.seed + 1000 * (number + 1))
        order, share = torch.randperm(3, generator=draws), torch.rand(3, 1, 1, 1, generator=draws).double()
        penalty = torch.zeros((), dtype=torch.float64)
        for i in range(3):
            between = share[i] * real[i] + (1 - share[i]) * fake[order[i]]
            between = between[None].clone().requires_grad_()
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            penalty = penalty + torch.relu(slope.norm() - 1) ** 2 / 3
        assert (float(penalty.detach()) > 0.1) == (name == "voice")
        distance = critic(real).mean() - critic(fake).mean()
        assert report.distances[name] == pytest.approx(float(distance.detach()), rel=1e-3, abs=1e-5)
        (LAMBDA * penalty - distance).backward()
        assert_gradients(first_moments(after.critics[name]["optimiser"], critic), critic)


def test_the_separators_step(config: PaperConfig, step: tuple) -> None:
    """L_s on the pairs in log1p; L_u and, in linear magnitudes, L_add on the unpaired batch behind the critics'."""
    tracks, _, after, report, before = step
    network = PaperUnet().double()
    network.load_state_dict(before)
    pairs = PairedExamples(tracks, config)[0]
    voice, band = (magnitudes(each, 258) for each in (pairs.voices, pairs.accompaniments))
    estimates = separated(network, magnitudes(pairs.voices + pairs.accompaniments, 257))
    true = [torch.log(1 + each[:, 0, :, 46:64]) for each in (voice, band)]
    supervised = sum(((estimates[:, n] - true[n]) ** 2).sum() / (3 * 258 * 18) for n in range(2))

    unpaired = UnpairedExamples(unpaired_songs(tracks), config)[1]
    mixture = magnitudes(unpaired.mixtures, 258)
    fakes = separated(network, mixture)
    left = mixture[:, 0, :, 46:64] - (torch.exp(fakes) - 1).sum(1)
    additive = (left**2).sum() / (3 * 258 * 18)
    adversarial = torch.zeros((), dtype=torch.float64)
    for number, name in enumerate(("voice", "accompaniment")):
        critic = Critic(256, 16, width=2).double()
        critic.load_state_dict(after.critics[name]["critic"])  # after its step
        adversarial = (
            adversarial - sum(critic(fakes[i : i + 1, number : number + 1, 1:257, 1:17]) for i in range(3)) / 3
        )
    assert report.supervised == pytest.approx(float(supervised.detach()), rel=1e-4)
    assert report.additive == pytest.approx(float(additive.detach()), rel=1e-4)
    assert report.unpaired == pytest.approx(float(adversarial.detach()), rel=1e-3, abs=1e-5)
    (supervised + ALPHA * adversarial.sum() + BETA * additive).backward()
    found = first_moments(after.optimiser, network)
    assert_gradients(found, network)
    # And Adam's first step is one of learning_rate against the gradient's sign.
    for name, weight in before.items():
        moved = (after.network[name] - weight).double()
        expected = -config.learning_rate * found[name] / (found[name].abs() + 1e-8)
        assert torch.allclose(moved, expected, atol=2e-3 * config.learning_rate), name


def test_l_s_is_the_sum_of_two_means() -> None:
    rng = np.random.default_rng(4)
    one, other = rng.random((3, 2, 258, 66)), rng.random((3, 2, 258, 66))
    by_hand = np.mean((one[:, 0] - other[:, 0]) ** 2) + np.mean((one[:, 1] - other[:, 1]) ** 2)
    assert float(supervised_loss(torch.from_numpy(one), torch.from_numpy(other))) == pytest.approx(by_hand)


def test_sizes_are_the_papers() -> None:
    config = PaperConfig()
    assert (config.input_frames, config.output_frames) == (158, 66)
    critics = make_critics(config, torch.device("cpu"))
    for critic in critics.values():
        assert sum(weight.numel() for weight in critic.network.parameters()) == 1_869_344
    network = PaperUnet()
    assert sum(weight.numel() for weight in network.parameters()) == 958_596
    with torch.no_grad():
        found = estimate(network, torch.zeros(1, 157 * 256 + 512))
    assert found.sources.shape == (1, 2, 258, 66)
    assert found.mixture.shape == (1, 1, 258, 66)
    patches = found.patches(64)
    assert {name: patch.shape for name, patch in patches.items()} == dict.fromkeys(critics, (1, 1, 256, 64))
    assert not make_critics(PaperConfig(mode="supervised"), torch.device("cpu"))
