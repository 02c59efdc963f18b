"""Unpaired learning: examples, what critics see, what the separator is told, and going on after a stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer.adversary import Adversary, as_loud_as, level_held
from advsep.trainer.checkpoint import load_checkpoint
from advsep.trainer.config import TrainConfig
from advsep.trainer.excerpts import past_samples
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.loop import Progress, Trainer, TrainingStoppedError
from advsep.trainer.pool import Sources
from advsep.trainer.recordings import Recording, find_recordings, load_recordings
from advsep.trainer.signal import SignalPath
from advsep.trainer.team import Team, make_fabric
from advsep.trainer.tracks import Track
from advsep.trainer.unpaired import UnpairedExamples, UnpairedRecordings

MakeConfig = Callable[..., TrainConfig]
ADVERSARIAL = {"lanes": 4, "patch_frames": 8, "warm_frames": 4, "critic_width": 4, "highest_hz": 3000.0}


@pytest.fixture
def recordings(make_stems: Callable[..., tuple[np.ndarray, np.ndarray]]) -> UnpairedRecordings:
    found: list[list[Recording]] = [[], [], []]
    for seed in range(2):
        voice, band = make_stems(3.0, seed=seed + 5)
        for place, samples in zip(found, (voice + band, voice, band), strict=True):
            samples16 = (samples / 2 * 32767).astype(np.int16)
            place.append(Recording(Path(f"{seed}.wav"), samples16, 3900.0 - 100 * len(place)))
    return UnpairedRecordings(*found)


@pytest.fixture
def semi(tiny: MakeConfig) -> Callable[..., TrainConfig]:
    def make(**changes: object) -> TrainConfig:
        adversarial = ADVERSARIAL | dict(changes.pop("adversarial", {}))  # type: ignore[call-overload]
        return tiny(**({"mode": "semi"} | changes), adversarial=adversarial)

    return make


def test_examples_follow_from_seed_and_number(semi: MakeConfig, recordings: UnpairedRecordings) -> None:
    config = semi(steps=10, adversarial={"critic_steps": 3})
    spec = config.signal.spec()
    examples = UnpairedExamples(recordings, spec, config)
    assert len(examples) == 30
    batch, past = examples[7], past_samples(spec)
    assert batch.mixtures.shape == (4, 1, past + 12 * 64)
    assert batch.vocals.shape == batch.accompaniment.shape == (4, 1, past + 8 * 64)
    again, other = UnpairedExamples(recordings, spec, config)[7], examples[8]
    for name in ("mixtures", "vocals", "accompaniment", "bandwidth_hz"):
        assert torch.equal(getattr(batch, name), getattr(again, name))
        assert not torch.equal(getattr(batch, name), getattr(other, name))
    assert 0.9 * 3800 <= batch.bandwidth_hz.min() <= batch.bandwidth_hz.max() <= 1.11 * 3900
    # Levels: -30 to -14 dBFS times 0.2 to 1.2, the past counting as well.
    rms_db = 20 * torch.log10(batch.mixtures.square().mean((1, 2)).sqrt())
    assert -44.1 < rms_db.min() < rms_db.max() < -12.3


def test_critics_see_nothing_above_what_all_hear(semi: MakeConfig, recordings: UnpairedRecordings) -> None:
    config = semi()
    spec = config.signal.spec()
    path, batch = SignalPath(spec), UnpairedExamples(recordings, spec, config)[0]
    adversary = Adversary(spec, config, path, Team(make_fabric("32-true", accelerator="cpu")))
    patches = adversary.pairs(path.analyse(batch.vocals), path.analyse(batch.accompaniment), batch.bandwidth_hz)
    assert patches.shape == (4, 2, 32, 8)
    edges_hz = np.array(spec.band_edges_bins) * spec.sample_rate_hz / spec.window_samples
    below = edges_hz[1:] <= 3000
    assert (patches[:, :, ~below][:, :, 1:] == 0).all()
    assert (patches[:, :, : int(below.sum()) - 1] > 0).any(3).all()
    # By hand: log1p of the scale times the mean magnitude of a band.
    spectrum = path.analyse(batch.vocals)[1, 0, -1].abs().numpy()
    for band in (0, 7, 15, 20):
        low, high = spec.band_edges_bins[band : band + 2]
        expected = np.log1p(spec.feature_scale * spectrum[low:high].mean())
        assert patches[1, 0, band, -1].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("lookahead_frames", [0, 2])
def test_a_step_along_the_loss_raises_the_critics_scores(
    semi: MakeConfig, recordings: UnpairedRecordings, lookahead_frames: int
) -> None:
    config = semi(signal={"lookahead_frames": lookahead_frames})
    spec = config.signal.spec()
    torch.manual_seed(0)
    network, path = LiveUnet(spec, config.network), SignalPath(spec)
    adversary = Adversary(spec, config, path, Team(make_fabric("32-true", accelerator="cpu")))
    examples = UnpairedExamples(recordings, spec, config)
    for number in range(5):
        adversary.teach(examples[number], network, network, None)
    assert set(adversary.distances) == {"voice", "accompaniment"}
    before = adversary.loss(examples[5], network, network)
    before.backward()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.grad is not None:
                weight.sub_(1e-3 * weight.grad / (weight.grad.norm() + 1e-12))
    assert adversary.loss(examples[5], network, network) < before


def test_with_a_perfect_separation_patches_are_those_of_the_recordings(
    semi: MakeConfig, recordings: UnpairedRecordings
) -> None:
    """Masks of 1 make the mixture the voice; what a critic sees of it is what it would see of a recording."""
    config = semi()
    spec = config.signal.spec()
    path, batch = SignalPath(spec), UnpairedExamples(recordings, spec, config)[0]
    adversary = Adversary(spec, config, path, Team(make_fabric("32-true", accelerator="cpu")))
    seen: list[torch.Tensor] = []

    def all_voice(features: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        seen.append(features)
        return (torch.ones_like(features), *states)

    network = LiveUnet(spec, config.network)
    estimates, heard = adversary._estimates(batch, network, all_voice)
    mixture = path.analyse(batch.mixtures)
    torch.testing.assert_close(estimates[:, :1], adversary.pairs(mixture, mixture, batch.bandwidth_hz)[:, :1])
    assert not estimates[:, 1].any()
    assert heard.tolist() == [[1.0, 0.0]] * 4  # no accompaniment is left to show
    assert seen[0].shape[2] == 12


@pytest.mark.parametrize(("share_db", "shown"), [(-19.0, True), (-21.0, False)])
def test_where_nobody_sings_no_critic_asks_for_a_voice(
    semi: MakeConfig, recordings: UnpairedRecordings, share_db: float, shown: bool
) -> None:
    """Mixtures have such places and solo recordings do not: the critic of the voice is not asked there, nor taught."""
    config = semi()
    spec = config.signal.spec()
    path, batch = SignalPath(spec), UnpairedExamples(recordings, spec, config)[0]
    adversary = Adversary(spec, config, path, Team(make_fabric("32-true", accelerator="cpu")))
    share, tilt = 10 ** (share_db / 20), torch.zeros((), requires_grad=True)

    def faint_voice(features: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ramp = torch.linspace(-1, 1, spec.bands)
        return (share * (1 + tilt * ramp).expand_as(features), *states)

    network = LiveUnet(spec, config.network)
    _, heard = adversary._estimates(batch, network, faint_voice)
    assert heard.tolist() == [[float(shown), 1.0]] * 4
    before = adversary.state()["voice"]["critic"]["dense.weight"].clone()
    adversary.teach(batch, network, faint_voice, None)
    assert (adversary.state()["voice"]["critic"]["dense.weight"] != before).any() == shown
    (of_both,) = torch.autograd.grad(adversary.loss(batch, network, faint_voice), tilt)
    (fake, _), critic = adversary._estimates(batch, network, faint_voice), adversary._critics["accompaniment"]
    (of_accompaniment,) = torch.autograd.grad(-critic.scores(level_held(fake[:, 1:])).mean(), tilt)
    assert bool(torch.isclose(of_both, of_accompaniment, rtol=1e-5)) != shown


def train(
    config: TrainConfig, songs: list[Track], folder: Path, recordings: UnpairedRecordings | None, **more: object
) -> list[Progress]:
    folder.mkdir(exist_ok=True)
    steps: list[Progress] = []
    Trainer(config, Sources(songs), songs[:1], folder, workers=0, unpaired=recordings, **more).run(steps.append)  # type: ignore[arg-type]
    return steps


@pytest.mark.parametrize("mode", ["semi", "joint"])
def test_every_mode_learns_one_song(
    mode: str, semi: MakeConfig, make_track: Callable[..., Track], recordings: UnpairedRecordings, tmp_path: Path
) -> None:
    config = semi(
        mode=mode,
        steps=100,
        validate_every=1000,
        segment_frames=32,
        lanes=4,
        optimiser={"learning_rate": 0.02},
        remix={"pair_probability": 1.0, "no_voice_probability": 0.0, "no_band_probability": 0.0},
    )
    steps = train(config, [make_track(seed=1)], tmp_path / "run", recordings)
    assert steps[-1].loss < 0.4 * steps[0].loss
    names = {"voice", "accompaniment"} | ({"both"} if mode == "joint" else set())
    assert set(steps[-1].distances) == names
    assert all(np.isfinite(list(step.distances.values())).all() for step in steps)


def test_the_critics_weight_decides_how_much_they_say(
    semi: MakeConfig, make_track: Callable[..., Track], recordings: UnpairedRecordings, tmp_path: Path
) -> None:
    songs = [make_track(seed=1)]
    weights: dict[str, dict[str, torch.Tensor]] = {}
    for name, config in {
        "silent": semi(adversarial={"unpaired_weight": 0.0}),
        "said": semi(adversarial={"unpaired_weight": 0.1}),
    }.items():
        train(config, songs, tmp_path / name, recordings)
        weights[name] = load_checkpoint(tmp_path / name / "last.ckpt").network
    assert not torch.equal(weights["silent"]["squeeze.weight"], weights["said"]["squeeze.weight"])


@pytest.mark.parametrize("mode", ["semi", "joint"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    mode: str, semi: MakeConfig, make_track: Callable[..., Track], recordings: UnpairedRecordings, tmp_path: Path
) -> None:
    songs = [make_track(seed=seed, name=f"song{seed}") for seed in range(2)]
    config = semi(mode=mode, adversarial={"critic_steps": 2})
    train(config, songs, tmp_path / "whole", recordings)
    (tmp_path / "parts").mkdir()

    def stop(now: Progress) -> None:
        if now.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStoppedError):
        Trainer(config, Sources(songs), songs[:1], tmp_path / "parts", workers=0, unpaired=recordings).run(stop)
    start = load_checkpoint(tmp_path / "parts" / "last.ckpt")
    assert start.step == 2
    train(config, songs, tmp_path / "parts", recordings, start=start)
    whole, parts = (load_checkpoint(tmp_path / name / "last.ckpt") for name in ("whole", "parts"))
    for name, weight in whole.network.items():
        assert torch.equal(weight, parts.network[name]), name
    assert set(whole.critics) == {"voice", "accompaniment"} | ({"both"} if mode == "joint" else set())
    for name, critic in whole.critics.items():
        for weight_name, weight in critic["critic"].items():
            assert torch.equal(weight, parts.critics[name]["critic"][weight_name]), (name, weight_name)
        assert torch.equal(critic["generator"], parts.critics[name]["generator"])


def test_without_recordings_it_does_not_begin(
    semi: MakeConfig, make_track: Callable[..., Track], recordings: UnpairedRecordings, tmp_path: Path
) -> None:
    with pytest.raises(AdvsepError, match="unpaired learning needs --mixtures"):
        train(semi(), [make_track()], tmp_path / "run", None)
    none = UnpairedRecordings(recordings.mixtures, [], recordings.accompaniment)
    with pytest.raises(AdvsepError, match="needs --voices"):
        train(semi(), [make_track()], tmp_path / "run", none)


def test_recordings_are_found_and_decoded_once(tmp_path: Path, write_track: Callable[..., Path]) -> None:
    write_track(tmp_path / "solos" / "deep", seconds=1.0)
    paths = find_recordings([tmp_path / "solos"])
    assert [path.name for path in paths] == ["accompaniment.wav", "vocals.wav"]
    told: list[Path] = []
    found = load_recordings(paths, 8000, tmp_path / "cache", told.append)
    assert told == paths
    assert all(len(each.samples) == 8000 and each.samples.dtype == np.int16 for each in found)
    made = sorted((tmp_path / "cache").iterdir())
    load_recordings(paths, 8000, tmp_path / "cache")
    assert sorted((tmp_path / "cache").iterdir()) == made
    for folder, words in {"none": "no such folder", "empty": "no recordings; expected files such as .wav"}.items():
        if folder == "empty":
            (tmp_path / folder).mkdir()
        with pytest.raises(AdvsepError, match=words):
            find_recordings([tmp_path / folder])


def test_the_command_line_takes_them(
    program: Callable[..., object], song_folder: Path, tiny_toml: Path, tmp_path: Path, write_track: Callable[..., Path]
) -> None:
    write_track(tmp_path / "solos", seconds=1.0)
    with tiny_toml.open("a") as file:
        file.write("[adversarial]\nlanes = 2\npatch_frames = 8\nwarm_frames = 4\ncritic_width = 2\n")
    out = tmp_path / "run"
    options = ("--preset", tiny_toml, "--out", out, "--cache", tmp_path / "cache", "--workers", "0", "--mode", "semi")
    ended = program("advsep-train", song_folder, *options)
    assert ended.code == 2  # type: ignore[attr-defined]
    assert "unpaired learning needs --mixtures" in ended.err  # type: ignore[attr-defined]
    unpaired = [word for name in ("--mixtures", "--voices", "--accompaniments") for word in (name, tmp_path / "solos")]
    ended = program("advsep-train", song_folder, *options, *unpaired)
    assert ended.code == 0  # type: ignore[attr-defined]
    assert '"distances": {"voice": ' in (out / "log.jsonl").read_text()
    assert load_checkpoint(out / "best.ckpt").config.mode == "semi"


def test_critics_alone_learn_and_the_model_stays(
    semi: Callable[..., TrainConfig], make_track: Callable[..., Track], recordings: UnpairedRecordings, tmp_path: Path
) -> None:
    """Also killed and resumed; the last critics are the best, for the model is always the same."""
    config = semi(mode="critics", steps=4, validate_every=2, adversarial={"critic_steps": 2})
    song, kept = make_track(), []
    for name, stops_at in (("whole", 9), ("parts", 3)):
        folder = tmp_path / name
        folder.mkdir()

        def stop(now: Progress, last: int = stops_at) -> None:
            if now.step == last:
                raise KeyboardInterrupt

        trainer = Trainer(config, Sources([]), [song], folder, workers=0, unpaired=recordings)
        first = {key: value.clone() for key, value in trainer.averaged.state_dict().items()}
        try:
            trainer.run(stop)
        except TrainingStoppedError:
            start = load_checkpoint(folder / "last.ckpt")
            Trainer(config, Sources([]), [song], folder, start, workers=0, unpaired=recordings).run(lambda _: None)
        kept.append(load_checkpoint(folder / "best.ckpt"))
        assert all(torch.equal(first[key], value) for key, value in kept[-1].averaged.items())
    assert kept[0].step == kept[1].step == 4
    for name, state in kept[0].critics.items():
        for key, weight in state["critic"].items():
            assert torch.equal(weight, kept[1].critics[name]["critic"][key]), (name, key)


@pytest.mark.parametrize("maps", [1, 2])
def test_recordings_are_as_loud_as_what_stands_beside_them(maps: int) -> None:
    torch.manual_seed(0)
    levels = torch.tensor([1.0, 9.0, 0.01, 0.0])[:, None, None, None]
    sounds, outputs = 3 * torch.rand(4, maps, 6, 5), levels * torch.rand(4, maps, 6, 5)
    sounds[2] = 0.0
    shown = torch.expm1(as_loud_as(torch.log1p(sounds), torch.log1p(outputs)))
    assert shown.isfinite().all()
    for lane in (0, 1):
        assert float(shown[lane].norm()) == pytest.approx(float(outputs[lane].norm()), rel=1e-4)
        wanted = sounds[lane] / sounds[lane].max()
        torch.testing.assert_close(shown[lane] / shown[lane].max(), wanted, rtol=1e-4, atol=1e-5)
    assert not shown[2:].any()  # silence has no level to be given, and beside silence nothing is left


def test_a_critic_does_not_ask_for_more_or_less_of_the_same() -> None:
    torch.manual_seed(1)
    patches = torch.log1p(3 * torch.rand(3, 1, 6, 5)).requires_grad_()
    patches.data[2] = 0.0
    torch.testing.assert_close(level_held(patches), patches)
    weight = torch.randn(3, 1, 6, 5)
    (gradient,) = torch.autograd.grad((weight * level_held(patches)).sum(), patches)
    louder = 1 - torch.exp(-patches.detach())  # of log1p(g m) by g, at 1
    plain = (weight * louder).sum((1, 2, 3))
    assert (plain[:2].abs() > 0.01).all()
    assert ((gradient * louder).sum((1, 2, 3)).abs() < 1e-4).all()
    assert gradient.isfinite().all()
