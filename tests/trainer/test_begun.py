"""Runs that begin with trained weights: the average between old and new ones, norms that stay, other latencies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer.begun import Average, begun_network, widened
from advsep.trainer.checkpoint import load_checkpoint
from advsep.trainer.config import TrainConfig, config_toml
from advsep.trainer.live_unet import LiveUnet, LiveUnetConfig
from advsep.trainer.loop import Trainer, TrainingStoppedError
from advsep.trainer.pool import Sources
from advsep.trainer.pretrained import begun_config, load_pretrained
from advsep.trainer.progress import Progress
from advsep.trainer.tracks import Track
from random_models import write_random_model
from torch import nn


@pytest.fixture
def model(tiny: Callable[..., TrainConfig], tmp_path: Path) -> Path:
    write_random_model(tiny(), tmp_path / "shipped.onnx")
    return tmp_path / "shipped.onnx"


def begun(tiny: Callable[..., TrainConfig], model: Path, **more: object) -> TrainConfig:
    """Of a short run that began with a model."""
    weights = load_pretrained(str(model))
    own = begun_config(weights, str(model), None, [], None)
    return tiny(begun_from=own.begun_from, begun_from_sha256=own.begun_from_sha256, network=own.network, **more)


def test_the_average_of_old_and_new_is_the_one_on_paper(tiny: Callable[..., TrainConfig], model: Path) -> None:
    config = begun(tiny, model, begun_share=0.3, optimiser={"ema_decay": 0.9})
    kept, first, now = (nn.Linear(3, 2) for _ in range(3))
    paper = kept.weight.detach().clone()
    average = Average(kept, config, first)
    for step in (1, 2, 3):
        with torch.no_grad():
            now.weight += torch.randn(2, 3)
        average.follow(now, step)
        paper = 0.9 * paper + 0.1 * (0.3 * first.weight + 0.7 * now.weight)
    assert torch.allclose(kept.weight, paper, atol=1e-6)


def test_random_weights_are_forgotten_faster_than_trained_ones(tiny: Callable[..., TrainConfig], model: Path) -> None:
    slow = {"optimiser": {"ema_decay": 0.995}}
    for config, decay in ((tiny(**slow), 2 / 11), (begun(tiny, model, **slow), 0.995)):
        kept, now = nn.Linear(1, 1), nn.Linear(1, 1)
        before = float(kept.weight.detach())
        Average(kept, config, None).follow(now, 1)
        expected = decay * before + (1 - decay) * float(now.weight.detach())
        assert float(kept.weight.detach()) == pytest.approx(expected, rel=1e-5)


def statistics(state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [value for name, value in state.items() if "running" in name]


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_norms_keep_their_statistics(
    tiny: Callable[..., TrainConfig], make_track: Callable[..., Track], model: Path, tmp_path: Path, *, frozen: bool
) -> None:
    config = begun(tiny, model, steps=3, validate_every=3, frozen_norms=frozen)
    trainer = Trainer(config, Sources([make_track()]), [], tmp_path, workers=0, weights=load_pretrained(str(model)))
    before = [value.clone() for value in statistics(trainer.network.state_dict())]
    first = trainer.network.state_dict()["squeeze.weight"].clone()
    trainer.run(lambda _: None)
    after = statistics(load_checkpoint(tmp_path / "last.ckpt").averaged)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)) == frozen
    assert not torch.equal(trainer.network.state_dict()["squeeze.weight"], first)


def test_a_resumed_run_knows_what_it_began_with(
    tiny: Callable[..., TrainConfig], make_track: Callable[..., Track], model: Path, tmp_path: Path
) -> None:
    """Stopped after two steps and resumed: the same bits as in one go."""
    config = begun(tiny, model, steps=5, validate_every=5, begun_share=0.4)
    weights, sources = load_pretrained(str(model)), Sources([make_track()])

    def stop(now: Progress) -> None:
        if now.step == 2:
            raise KeyboardInterrupt

    for name in ("whole", "halves"):
        (tmp_path / name).mkdir()
    Trainer(config, sources, [], tmp_path / "whole", workers=0, weights=weights).run(lambda _: None)
    with pytest.raises(TrainingStoppedError):
        Trainer(config, sources, [], tmp_path / "halves", workers=0, weights=weights).run(stop)
    start = load_checkpoint(tmp_path / "halves" / "last.ckpt")
    Trainer(config, sources, [], tmp_path / "halves", start, 0, weights=weights).run(lambda _: None)
    whole, halves = (load_checkpoint(tmp_path / name / "last.ckpt").averaged for name in ("whole", "halves"))
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_what_needs_trained_weights_says_so(tiny: Callable[..., TrainConfig]) -> None:
    with pytest.raises(AdvsepError, match="begun_share and frozen_norms need trained weights: give --from"):
        tiny(frozen_norms=True)
    with pytest.raises(AdvsepError, match=r"begun_share must be 0 to below 1, got 1\.0"):
        tiny(begun_share=1.0, begun_from="x")


def test_a_preset_may_give_weights_another_latency(
    tiny: Callable[..., TrainConfig], model: Path, tmp_path: Path
) -> None:
    weights = load_pretrained(str(model))
    plain = tiny()
    hop = plain.signal.hop_samples // 2
    other = tiny(
        name="quicker",
        signal=dataclasses.replace(
            plain.signal, hop_samples=hop, synthesis_samples=2 * hop, crossfade_samples=hop // 2
        ),
        network=LiveUnetConfig(
            **(dataclasses.asdict(weights.network) | {"dilations": (2,) * len(weights.network.channels)})
        ),
    )
    (tmp_path / "quicker.toml").write_text(config_toml(other))
    config = begun_config(weights, str(model), str(tmp_path / "quicker.toml"), [], None)
    assert (config.name, config.signal, config.network) == ("quicker", other.signal, other.network)
    assert config.begun_from == str(model.resolve())


def test_complex_masks_begin_as_the_ratios_that_they_were(
    tiny: Callable[..., TrainConfig], make_track: Callable[..., Track], model: Path, tmp_path: Path
) -> None:
    weights, plain = load_pretrained(str(model)), tiny()
    turning = tiny(name="turning", signal=dataclasses.replace(plain.signal, mask="complex"), network=weights.network)
    (tmp_path / "turning.toml").write_text(config_toml(turning))
    config = begun_config(weights, str(model), str(tmp_path / "turning.toml"), [], None)
    assert config.signal.mask == "complex"
    features = 2 * torch.rand(2, 1, 30, 32)
    before, after = (
        begun_network(each, each.signal.spec(), weights, lambda: features).eval() for each in (plain, config)
    )
    with torch.no_grad():
        ratios = before(features, *before.initial_states(2))[0]
        real, imaginary = after(features, *after.initial_states(2))[0].split(1, 1)
    assert float(ratios.std()) > 0.01
    assert torch.equal(real, ratios)
    assert not imaginary.any()

    # And they learn to turn: what is exported of the run is not that any more, nor can it become ratios again.
    folder = tmp_path / "run"
    folder.mkdir()
    Trainer(config, Sources([make_track()]), [], folder, workers=0, weights=weights).run(lambda _: None)
    learnt = load_pretrained(str(folder))
    network = LiveUnet(learnt.signal.spec(), learnt.network)
    network.load_state_dict(learnt.weights)
    with torch.no_grad():
        masks = network.eval()(features, *network.initial_states(2))[0]
    assert masks[:, 1].any()
    (tmp_path / "back.toml").write_text(config_toml(dataclasses.replace(config, signal=plain.signal, begun_from="")))
    with pytest.raises(AdvsepError, match="its bands or network are not those of"):
        begun_config(learnt, str(folder), str(tmp_path / "back.toml"), [], None)


@pytest.mark.parametrize(
    "larger", [{"recurrent_size": 9}, {"channels": (3, 7)}, {"channels": (5, 6), "recurrent_size": 11}]
)
def test_a_wider_network_begins_as_the_same_function(
    tiny: Callable[..., TrainConfig], tmp_path: Path, larger: dict[str, object]
) -> None:
    """Of masks and of what is carried, with norms that have seen something."""
    sizes: dict[str, object] = {"channels": (3, 4), "recurrent_size": 6, "kernel_bands": 3}
    plain, wide = tiny(network=sizes), tiny(name="wide", network=sizes | larger)
    (tmp_path / "wide.toml").write_text(config_toml(wide))
    write_random_model(plain, tmp_path / "small.onnx")
    weights = load_pretrained(str(tmp_path / "small.onnx"))
    config = begun_config(weights, "small", str(tmp_path / "wide.toml"), [], None)
    assert config.network == wide.network
    features = 2 * torch.rand(2, 1, 30, 32)
    small = LiveUnet(plain.signal.spec(), plain.network).eval()
    small.load_state_dict(weights.weights)
    for norm in (each for each in small.modules() if isinstance(each, nn.BatchNorm2d)):
        assert norm.running_mean is not None
        norm.running_mean.normal_(0, 0.1)
    large = LiveUnet(config.signal.spec(), config.network).eval()
    large.load_state_dict(widened(large, small.state_dict()))
    with torch.no_grad():
        masks, *states = small(features, *small.initial_states(2))
        found, *carried = large(features, *large.initial_states(2))
    assert float(masks.std()) > 0.01
    assert torch.allclose(found, masks, atol=1e-6)
    for few, many in zip(states, carried, strict=True):
        axis = 2 if few is states[-1] else 1
        assert torch.allclose(many.narrow(axis, 0, few.shape[axis]), few, atol=1e-6)


def test_weights_do_not_become_fewer(tiny: Callable[..., TrainConfig], model: Path, tmp_path: Path) -> None:
    weights = load_pretrained(str(model))
    for smaller in (
        {"recurrent_size": weights.network.recurrent_size - 1},
        {"channels": weights.network.channels[:-1]},
    ):
        network = LiveUnetConfig(**(dataclasses.asdict(weights.network) | smaller))
        (tmp_path / "small.toml").write_text(config_toml(tiny(name="small", network=network)))
        with pytest.raises(AdvsepError, match="or choose a preset that differs in latency only, has more maps"):
            begun_config(weights, str(model), str(tmp_path / "small.toml"), [], None)


@pytest.mark.parametrize("damage", ["lacks", "has another", "is longer"])
def test_weights_that_do_not_fit_are_refused(tiny: Callable[..., TrainConfig], model: Path, damage: str) -> None:
    weights, config = load_pretrained(str(model)), tiny()
    changed = dict(weights.weights)
    bias = changed.pop("squeeze.bias")
    if damage != "lacks":
        changed |= (
            {"squeeze.bias": bias, "another": bias} if damage == "has another" else {"squeeze.bias": bias.repeat(2)}
        )
    broken = dataclasses.replace(weights, weights=changed)
    with pytest.raises(AdvsepError, match="weights do not fit"):
        begun_network(config, config.signal.spec(), broken, lambda: torch.rand(2, 1, 30, 32))
