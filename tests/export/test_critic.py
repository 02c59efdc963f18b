"""Critics' maps: the written-out reverse pass against autograd and finite differences, and the file against both."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from advsep.export import cli, graph
from advsep.export import critic as module
from advsep.export import verify as verify_module
from advsep.export.critic import CriticWithGradient
from advsep.export.critic_check import clearest, verify_critics
from advsep.export.untrained import untrained_network
from advsep.export.verify import VerificationError
from advsep.realtime.bands import band_average_matrix
from advsep.realtime.critic_map import CRITIC_KEY, CriticSession, read_critic_spec
from advsep.trainer.adversary import Adversary
from advsep.trainer.checkpoint import Checkpoint, save_checkpoint
from advsep.trainer.config import AdversarialConfig, load_preset
from advsep.trainer.critic import Critic, initialise
from advsep.trainer.live_unet import LiveUnetConfig
from advsep.trainer.signal import SignalPath
from advsep.trainer.team import Team, make_fabric
from onnx import helper, numpy_helper

Run = Callable[..., Any]
SOURCES = ("voice", "accompaniment")


def random_critic(seed: int, bins: int, frames: int, channels: int = 1, width: int = 4) -> Critic:
    """With biases, which a fresh one has not, and scores of all sizes."""
    critic, random = Critic(bins, frames, channels, width), torch.Generator().manual_seed(seed)
    for weight in critic.parameters():
        weight.data.normal_(0, 1.5 / weight[0].numel() ** 0.5 if weight.dim() > 1 else 0.3, generator=random)
    return critic.requires_grad_(False).eval()


def by_autograd(critic: Critic, patches: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    patches = patches.clone().requires_grad_()
    scores = critic(patches)
    scores.sum().backward()
    return scores.detach().numpy(), patches.grad.numpy()


BANDS = load_preset("live-12").signal.bands
SIZES = [(256, 64, 1), (33, 17, 1), (20, 12, 2), (4, 4, 1), (5, 9, 1), (16, 40, 1)]


@pytest.mark.parametrize(("bins", "frames", "channels"), SIZES)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_reverse_pass_is_autograds(bins: int, frames: int, channels: int, seed: int) -> None:
    critic = random_critic(0, bins, frames, channels).double()
    random = torch.Generator().manual_seed(seed)
    for batch in (1, 2, 5):
        x = 3 * torch.rand(batch, channels, bins, frames, generator=random, dtype=torch.float64)
        wanted_scores, wanted = by_autograd(critic, x)
        scores, gradient = CriticWithGradient(critic)(x)
        np.testing.assert_allclose(scores.numpy(), wanted_scores, rtol=1e-12)
        assert np.abs(gradient.numpy() - wanted).max() < 1e-12 * np.abs(wanted).max()


@pytest.mark.parametrize(("bins", "frames", "channels"), SIZES)
def test_the_reverse_pass_is_what_the_score_does_when_a_cell_moves(bins: int, frames: int, channels: int) -> None:
    critic = random_critic(7, bins, frames, channels).double()
    rng = np.random.default_rng(3)
    x = torch.from_numpy(rng.uniform(0, 3, (1, channels, bins, frames)))
    gradient = CriticWithGradient(critic)(x)[1]
    corners = [(0, 0, 0), (channels - 1, bins - 1, frames - 1), (0, 0, frames - 1), (0, bins - 1, 0)]
    inside = [tuple(rng.integers(0, (channels, bins, frames))) for _ in range(12)]
    for c, b, f in corners + inside:
        scores = []
        for step in (1e-7, -1e-7):  # so small that hardly a kink lies between
            moved = x.clone()
            moved[0, c, b, f] += step
            scores.append(float(critic(moved)))
        slope = (scores[0] - scores[1]) / 2e-7
        assert float(gradient[0, c, b, f]) == pytest.approx(slope, abs=1e-6 * float(gradient.abs().max()) + 1e-7)


def test_at_a_kink_the_slope_is_autograds() -> None:
    """Silence meets a critic without biases at zero everywhere."""
    critic = Critic(32, 16, width=4).double()
    initialise(critic)
    x = torch.zeros(1, 1, 32, 16, dtype=torch.float64)
    gradient = CriticWithGradient(critic)(x)[1].detach().numpy()
    np.testing.assert_allclose(gradient, by_autograd(critic, x)[1], rtol=1e-12, atol=1e-15)
    assert np.abs(gradient).max() > 0


@pytest.fixture(scope="module")
def live_critics() -> dict[str, Critic]:
    return {source: random_critic(seed, BANDS, 64) for seed, source in enumerate(SOURCES)}


@pytest.fixture(scope="module")
def joint(live_critics: dict[str, Critic]) -> Checkpoint:
    """Of a run in the mode `joint`, with live-12's signal, a small network and small critics."""
    config = dataclasses.replace(
        load_preset("live-12"),
        mode="joint",
        network=LiveUnetConfig(channels=(4, 8), kernel_bands=3, recurrent_size=8),
        adversarial=AdversarialConfig(critic_width=4),
    )
    network = untrained_network(config.signal.spec(), config.network)
    critics = {"both": random_critic(2, BANDS, 64, channels=2), **live_critics}
    return Checkpoint(
        config=config,
        network=network.state_dict(),
        averaged=network.state_dict(),
        optimiser={},
        carried=[],
        step=1234,
        audio_seconds=7200.0,
        best_gain_db=None,
        validation_gain_db=None,
        stale_validations=0,
        corpora=("one",),
        commit="0123456789ab+",
        critics={name: {"critic": critic.state_dict(), "optimiser": {}} for name, critic in critics.items()},
    )


@pytest.fixture
def without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_model(monkeypatch)


def skip_model(patch: pytest.MonkeyPatch) -> None:
    """Leave out the model's own export and proof, which `test_cli` tests."""
    patch.setattr(graph, "write_onnx", lambda _network, _spec, path: path.write_bytes(b"model"))
    patch.setattr(verify_module.Proof, "check", lambda *_arguments: [])


@pytest.fixture(scope="module")
def exported(joint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that `advsep-export` wrote, and what it said; once for all, as it takes seconds."""
    folder, said = tmp_path_factory.mktemp("run"), io.StringIO()
    save_checkpoint(joint, folder / "best.ckpt")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        skip_model(patch)
        cli.export(folder / "best.ckpt", folder / "models" / "m.onnx", "CC-BY-4.0")
    return folder / "models", said.getvalue()


@pytest.fixture(scope="module")
def live_file(exported: tuple[Path, str]) -> Path:
    return exported[0] / "m.critics.onnx"


def test_a_run_against_critics_becomes_two_files(exported: tuple[Path, str], joint: Checkpoint) -> None:
    folder, said = exported
    critics = folder / "m.critics.onnx"
    assert sorted(p.name for p in folder.iterdir()) == ["m.critics.onnx", "m.onnx"]
    lines = said.splitlines()
    assert [line.split(" by ")[0] for line in lines[:2]] == [
        f"  critic of {source}: ONNX Runtime differs from autograd" for source in SOURCES
    ]
    assert lines[2].startswith(f"wrote {folder / 'm.onnx'} (")
    assert lines[3:] == [f"wrote {critics} ({critics.stat().st_size / 1e6:.1f} MB, critics of voice and accompaniment)"]
    spec, checkpoint = read_critic_spec(critics), folder.parent / "best.ckpt"
    assert (spec.sources, spec.frames, spec.highest_hz) == (SOURCES, 64, 8000.0)
    model = cli.model_spec(joint, (), checkpoint, "CC-BY-4.0")
    for same in ("name", "signal", "weights_licence", "commit", "checkpoint_sha256"):
        assert getattr(spec, same) == getattr(model, same)
    assert model.checkpoint_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_file_gives_autograds_score_and_gradient(
    live_critics: dict[str, Critic], live_file: Path, batch: int
) -> None:
    session = CriticSession(live_file)
    for source, critic in live_critics.items():
        exact = random_critic(SOURCES.index(source), BANDS, 64).double()
        seen = []
        for seed in (1, 2):
            drawn = 4 * torch.rand(16, 1, BANDS, 64, generator=torch.Generator().manual_seed(seed + 10 * batch))
            x = drawn[clearest(exact, drawn.double(), batch)]
            wanted_scores, wanted = by_autograd(exact, x.double())
            found = session.judge(source, x.numpy())
            assert found.scores.shape == (batch,)
            assert found.gradients.shape == (batch, 1, BANDS, 64)
            # Relative to what the score is the sum of: it may come out near zero.
            reach = np.linalg.norm(wanted.reshape(batch, -1), axis=1) * np.linalg.norm(x.reshape(batch, -1), axis=1)
            assert (np.abs(found.scores - wanted_scores) / reach).max() < 1e-6
            np.testing.assert_allclose(found.scores, wanted_scores, rtol=1e-3)
            steepest = np.abs(wanted).max((1, 2, 3), keepdims=True)
            assert (np.abs(found.gradients - wanted) / steepest).max() < 1e-6
            in_float32 = by_autograd(critic.requires_grad_(False), x)[1]
            assert (np.abs(found.gradients - in_float32) / steepest).max() < 2e-6  # each rounds its own way
            seen.append(found.gradients[0] / steepest[0])
        # Another patch has another gradient: it was not baked in; and of the exported critics, each has its own.
        assert np.abs(seen[0] - seen[1]).max() > 0.1
    x = torch.rand(1, 1, BANDS, 64).numpy()
    voice, rest = (session.judge(source, x) for source in SOURCES)
    assert np.abs(voice.gradients - rest.gradients).max() > 0.1 * np.abs(voice.gradients).max()


def test_a_step_along_the_gradient_pleases_the_critic(live_file: Path) -> None:
    session = CriticSession(live_file)
    x = session.patches(np.random.default_rng(5).exponential(1.0, (3, 2, 64, BANDS)))
    for source in SOURCES:
        before = session.judge(source, x)
        step = 0.01 * before.gradients / np.sqrt(np.sum(before.gradients**2, (1, 2, 3), keepdims=True))
        rise = session.judge(source, x + step).scores - before.scores
        np.testing.assert_allclose(rise, 0.01 * np.sqrt(np.sum(before.gradients**2, (1, 2, 3))), rtol=0.1)


def test_the_file_is_whole_and_holds_its_contract(live_file: Path) -> None:
    model = onnx.load(live_file, load_external_data=False)
    assert all(not onnx.external_data_helper.uses_external_data(t) for t in model.graph.initializer)
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        CRITIC_KEY: read_critic_spec(live_file).to_json()
    }
    assert str(Path(__file__).parents[2]).encode() not in live_file.read_bytes()
    # Forward and reverse pass share their weights.
    weights = sum(weight.numel() for weight in random_critic(0, BANDS, 64).parameters())
    assert live_file.stat().st_size < 2 * 4 * weights + 60_000


def test_what_critics_see_is_what_training_showed_them(live_file: Path, joint: Checkpoint) -> None:
    signal = joint.config.signal.spec()
    path = SignalPath(signal)
    adversary = Adversary(signal, joint.config, path, Team(make_fabric("32-true", accelerator="cpu")))
    waves = 0.3 * torch.randn(2, 2, path.history_samples + 64 * 256, generator=torch.Generator().manual_seed(1))
    spectra = path.analyse(waves)
    wanted = adversary.pairs(spectra, spectra * 0.5, torch.tensor([20000.0, 4000.0])).numpy()
    magnitudes = np.abs(spectra.numpy())[..., : signal.band_edges_bins[-1]] @ band_average_matrix(signal).T
    session = CriticSession(live_file)
    for lane, bandwidth_hz in enumerate((20000.0, 4000.0)):
        for source, gain in enumerate((1.0, 0.5)):
            found = session.patches(gain * magnitudes[lane : lane + 1], bandwidth_hz)
            np.testing.assert_allclose(found[0, 0], wanted[lane, source], atol=1e-5)
            assert found.max() > 1


def test_a_faithful_file_passes(live_critics: dict[str, Critic], live_file: Path) -> None:
    voice, rest = verify_critics(live_critics, live_file)
    assert (voice.source, rest.source) == SOURCES
    for result in (voice, rest):
        assert 0 < result.scores < 1e-6
        assert 0 < result.gradients < 1e-6


def changed_weight(model: onnx.ModelProto) -> None:
    weights = next(t for t in model.graph.initializer if len(t.dims) == 4 and t.dims[1] > 1)
    values = numpy_helper.to_array(weights).copy()
    values[0, 0] += 0.05  # one kernel
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))


def baked_gradient(model: onnx.ModelProto, path: Path) -> None:
    """The gradient of one patch, whatever comes in; the score stays right."""
    first = CriticSession(path).judge("voice", np.ones((1, 1, BANDS, 64), np.float32)).gradients
    (last,) = (node for node in model.graph.node if "voice_gradient" in node.output)
    last.output[:] = ["unused"]
    model.graph.initializer.append(numpy_helper.from_array(first, "first"))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0), "none"))
    model.graph.node.append(helper.make_node("Mul", ["voice", "none"], ["nothing"]))
    model.graph.node.append(helper.make_node("Add", ["nothing", "first"], ["voice_gradient"]))


@pytest.mark.parametrize(
    ("change", "says"),
    [(changed_weight, "voice critic's score"), (baked_gradient, "voice critic's gradient")],
)
def test_a_file_that_is_not_the_critics_is_refused(
    live_critics: dict[str, Critic], live_file: Path, tmp_path: Path, change: Callable[..., None], says: str
) -> None:
    model, path = onnx.load(live_file), tmp_path / "m.critics.onnx"
    change(model, live_file) if change is baked_gradient else change(model)
    onnx.save(model, path)
    with pytest.raises(VerificationError, match=f"refused: on noise the {says} in ONNX Runtime differs from autograd"):
        verify_critics(live_critics, path)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_critics_that_say_nothing_are_refused(live_critics: dict[str, Critic], live_file: Path, value: float) -> None:
    dead = random_critic(0, BANDS, 64)
    dead.score.weight.fill_(value)
    with pytest.raises(VerificationError, match="refused: on noise the voice critic has no slope"):
        verify_critics(live_critics | {"voice": dead}, live_file)


def test_the_clearest_patches_keep_off_the_kinks() -> None:
    critic = Critic(4, 4, width=1).double()  # two dense layers, and nothing before them
    critic.dense.weight.data.zero_()
    critic.dense.bias.data.fill_(1.0)
    critic.dense.weight.data[0, 0] = 1.0
    x = torch.zeros(4, 1, 4, 4, dtype=torch.float64)
    x[:, 0, 0, 0] = torch.tensor([-0.999, 0.5, -1.0001, -0.5])
    assert clearest(critic, x, 3).tolist() == [1, 3, 0]


def test_a_refusal_leaves_what_was_there(
    program: Run,
    joint: Checkpoint,
    live_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_model: None,
) -> None:
    """The same file for a run whose critics are others."""
    exchanged = dict(zip(joint.critics, (joint.critics[name] for name in ("both", *reversed(SOURCES))), strict=True))
    save_checkpoint(dataclasses.replace(joint, critics=exchanged), tmp_path / "other.ckpt")
    monkeypatch.setattr(module, "write_critics", lambda _c, _s, path: path.write_bytes(live_file.read_bytes()))
    models = {tmp_path / "m.onnx": b"older", tmp_path / "m.critics.onnx": b"as old"}
    for path, content in models.items():
        path.write_bytes(content)
    code, out, err = program("advsep-export", tmp_path / "other.ckpt", "-o", tmp_path / "m.onnx")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("advsep-export: refused: on noise the voice critic's score in ONNX Runtime")
    assert {path: path.read_bytes() for path in tmp_path.glob("*.onnx")} == models
    assert len(list(tmp_path.iterdir())) == 3


def test_critics_may_be_left_out(program: Run, joint: Checkpoint, tmp_path: Path, without_model: None) -> None:
    checkpoint, folder = tmp_path / "joint.ckpt", tmp_path / "models"
    save_checkpoint(joint, checkpoint)
    code, out, err = program("advsep-export", checkpoint, "-o", folder / "m.onnx", "--no-critics")
    assert (code, [p.name for p in folder.iterdir()]) == (0, ["m.onnx"])
    assert "critic" not in (out + err).replace(str(tmp_path), "")
    (folder / "m.critics.onnx").write_bytes(b"older")
    code, _, err = program("advsep-export", checkpoint, "-o", folder / "m.onnx", "--no-critics")
    assert code == 0
    assert f"{folder / 'm.critics.onnx'} is left as it was, from an earlier export" in err
    assert (folder / "m.critics.onnx").read_bytes() == b"older"


def test_critics_that_do_not_fit_are_one_line_and_exit_2(program: Run, joint: Checkpoint, tmp_path: Path) -> None:
    wide = dataclasses.replace(joint.config, adversarial=AdversarialConfig(critic_width=8))
    for bad in (dataclasses.replace(joint, config=wide), dataclasses.replace(joint, critics={"voice": {}})):
        save_checkpoint(bad, tmp_path / "bad.ckpt")
        code, out, err = program("advsep-export", tmp_path / "bad.ckpt", "-o", tmp_path / "m.onnx")
        assert (code, out) == (2, "")
        assert err.startswith("advsep-export: the checkpoint's critic of voice does not fit its own configuration: ")
        assert err.count("\n") == 1
        assert "--no-critics" in err
        assert not (tmp_path / "m.onnx").exists()
    save_checkpoint(joint, tmp_path / "good.ckpt")
    (tmp_path / "f.critics.onnx").mkdir()
    code, _, err = program("advsep-export", tmp_path / "good.ckpt", "-o", tmp_path / "f.onnx")
    assert code == 2
    assert f"{tmp_path / 'f.critics.onnx'}: cannot be written: it is a folder" in err
    assert not (tmp_path / "f.onnx").exists()
