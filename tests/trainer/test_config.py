"""Presets: typed, strict, and a typo is answered with what was meant."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
from advsep.realtime.errors import AdvsepError
from advsep.realtime.strict import from_plain
from advsep.trainer.config import TrainConfig, config_toml, load_preset, preset_names, resumed_config
from advsep.trainer.overrides import parse_override


def test_every_preset_loads_and_makes_a_contract() -> None:
    assert preset_names() == ["live-3", "live-6", "live-12", "live-23", "studio"]
    for name in preset_names():
        config = load_preset(name)
        assert config.name == name
        assert config.signal.spec().bands == config.signal.bands


@pytest.mark.parametrize(("name", "latency"), [("live-3", 128), ("live-6", 256), ("live-12", 512), ("live-23", 1024)])
def test_a_preset_differs_from_live_12_in_its_windows_and_frames_alone_and_live_3_in_size(
    name: str, latency: int
) -> None:
    config, other = load_preset(name), load_preset("live-12")
    signal = config.signal.spec()
    assert signal.latency_samples == latency
    assert (signal.window_samples, signal.hop_samples, signal.sample_rate_hz) == (4096, latency // 2, 44100)
    assert config.segment_frames * signal.hop_samples == 65536  # 1.49 s
    assert f"live-{signal.latency_samples / 44.1:.0f}" == name
    assert (signal.crossfade_samples, signal.taper_samples) == (latency // 8, latency // 4)
    windows = {"hop_samples": 256, "synthesis_samples": 512, "crossfade_samples": 64, "taper_samples": 128}
    compared = {"coherence_frames": other.signal.coherence_frames}
    at_live_12 = dataclasses.replace(config.signal, **windows, **compared)
    network = dataclasses.replace(config.network, dilations=other.network.dilations)
    if name == "live-3":  # whose hop is too short for a network of that size
        small = {"channels": (16, 24, 32, 48), "recurrent_size": 128, "harmonics": ()}
        assert config.network == dataclasses.replace(config.network, **small)
        network = other.network
    compared_ms = [frames * signal.hop_samples / 44.1 for frames in signal.coherence_frames]
    assert compared_ms == ([] if name == "live-3" else pytest.approx([23.2, 46.4, 92.9], abs=0.1))
    assert dataclasses.replace(config, name="live-12", signal=at_live_12, network=network, segment_frames=256) == other
    # The network looks back as far, in time: 16 hops of live-12, or a hop of live-23 more.
    assert (1 + sum(config.network.past_frames)) * signal.hop_samples == pytest.approx(16 * 256, abs=512)


def test_studio_looks_ahead_and_sees_fine_bands_farther_up() -> None:
    signal, live = load_preset("studio").signal.spec(), load_preset("live-12").signal.spec()
    assert signal.latency_samples == 4096 + 8 * 1024
    assert load_preset("studio").network.past_frames[0] == signal.lookahead_frames
    assert signal.window_samples == live.window_samples
    assert (signal.band_edges_bins[192], live.band_edges_bins[144]) == (192, 144)  # every band below is one bin wide
    assert live.band_edges_bins[160] > 160


@pytest.mark.parametrize("name", preset_names())
def test_a_configuration_survives_its_own_toml(name: str, tmp_path: Path) -> None:
    licence = 'a "quoted" # licence,\n[table]\n    ["x",\n] \\ 音'
    config = dataclasses.replace(load_preset(name), weights_licence=licence)
    text = config_toml(config)
    (tmp_path / "config.toml").write_text(text, "utf-8")
    assert load_preset(str(tmp_path / "config.toml")) == config
    plain = json.loads(json.dumps(dataclasses.asdict(config)))
    plain["signal"] = {key: value for key, value in plain["signal"].items() if value is not None}
    assert tomllib.loads(text) == plain
    assert "native_rates_hz = [44100, 48000]\n" in text


def test_long_lists_keep_a_line_an_item() -> None:
    config = load_preset("live-12")
    many = dataclasses.replace(config, network=dataclasses.replace(config.network, channels=tuple(range(1000, 1030))))
    assert "channels = [\n    1000,\n    1001,\n" in config_toml(many)


def test_a_configuration_survives_json(tiny_toml: Path) -> None:
    config = load_preset(str(tiny_toml), steps=9, seed=3)
    assert (config.steps, config.seed, config.network.channels) == (9, 3, (4, 8))
    plain = json.loads(json.dumps(dataclasses.asdict(config)))
    assert from_plain(TrainConfig, plain, "config") == config


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\nstep = 3', r"unknown key 'step' \(did you mean 'steps'\?\)"),
        ('name = "x"\n[network]\nrecurent_size = 3', r"network has an unknown key .*did you mean 'recurrent_size'"),
        ('name = "x"\n[optimiser]\nlearning_rate = "fast"', r"optimiser\.learning_rate must be of type float"),
        ('name = "x"\nsteps = 1.5', "steps must be of type int"),
        ('name = "x"\nprecision = "16"', "precision must be one of auto, 32-true, bf16-mixed"),
        ("steps = 3", "lacks the key 'name'"),
        ("name = ", "not TOML"),
        ('name = "x"\nsteps = 0', "steps must be 1 or more, got 0"),
        ('name = "x"\nvalidate_every = 0', "validate_every must be 1 or more"),
        ('name = "x"\nseed = -1', "seed must be 0 or more"),
        ('name = "x"\n[remix]\nspeed_range = [1.2, 0.9]', "speed_range must be two rising positive speeds"),
        ('name = "x"\n[remix]\npair_probability = 2', r"remix\.pair_probability must be 0 to 1"),
        (
            'name = "x"\n[optimiser]\nsteps = 9',
            r"optimiser has an unknown key 'steps' \(did you mean 'steps' above the first \[table\]\?\)",
        ),
        ('name = "x"\n[remix]\nlanes = 9', r"remix has an unknown key 'lanes' \(did you mean 'lanes' above the"),
        ('name = "x"\nlearning_rate = 1.0', r"unknown key .* \(did you mean 'optimiser\.learning_rate'\?\)"),
        ('name = "x"\n[optimizer]', r"unknown key 'optimizer'"),
        ('name = "x"\noptimiser = 3', r"optimiser must be a table of keys"),
        ('name = "x"\nphase_weight = inf', "phase_weight must be finite"),
        ('name = "x"\n[remix]\nvoice_to_band_db = [nan, 1.0]', r"remix\.voice_to_band_db must be finite"),
        ('name = "x"\n[signal]\nhop_samples = 100', "hop_samples a divisor of"),
        ('name = "x"\n[optimiser]\nlearning_rate = 0.0', r"optimiser\.learning_rate must be positive"),
    ],
)
def test_a_bad_preset_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(AdvsepError, match=says) as caught:
        load_preset(str(path))
    assert str(caught.value).startswith(str(path))


def test_a_preset_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        AdvsepError, match=r"no preset 'live-13': choose one of live-3, live-6, live-12, live-23, studio or"
    ):
        load_preset("live-13")
    with pytest.raises(AdvsepError, match="cannot read the preset: No such file"):
        load_preset(str(tmp_path / "gone.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AdvsepError, match="not TOML"):
        load_preset(str(tmp_path / "binary.toml"))


def test_a_resumed_run_may_change_what_its_tensors_do_not_know() -> None:
    before = load_preset("live-12")
    free = [parse_override(TrainConfig, text) for text in ("optimiser.learning_rate=3e-4", "steps=9000", "lanes=8")]
    assert resumed_config(before, free) == dataclasses.replace(
        before, steps=9000, optimiser=dataclasses.replace(before.optimiser, learning_rate=3e-4)
    )
    others = ("network.recurrent_size=8", "signal.bands=224", "lanes=3", "mode=semi")
    for text in (*others, "optimiser.weight_decay=0.1", "optimiser.matrix_factor=0"):
        fixed = parse_override(TrainConfig, text)
        with pytest.raises(AdvsepError, match=rf"^--set {text}: a resumed run keeps its {fixed.key}; leave that away"):
            resumed_config(before, [*free[:2], fixed])
