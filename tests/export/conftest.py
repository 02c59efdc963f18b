"""A tiny network whose masks move, its contract, and a checkpoint of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from advsep.export.cli import model_spec
from advsep.export.untrained import untrained_network
from advsep.realtime.spec import ModelSpec
from advsep.trainer.checkpoint import Checkpoint, save_checkpoint
from advsep.trainer.config import SignalConfig, TrainConfig
from advsep.trainer.live_unet import LiveUnet, LiveUnetConfig

CONFIG = TrainConfig(
    name="tiny",
    signal=SignalConfig(
        sample_rate_hz=8000,
        native_rates_hz=(8000,),
        window_samples=512,
        hop_samples=128,
        synthesis_samples=256,
        channels=2,
        bands=32,
        single_bins=16,
    ),
    network=LiveUnetConfig(channels=(4, 8), kernel_bands=3, recurrent_size=8),
    lanes=2,
    weights_licence="CC0-1.0",
)


def network_of(config: TrainConfig) -> LiveUnet:
    return untrained_network(config.signal.spec(), config.network)


@pytest.fixture
def network() -> LiveUnet:
    return network_of(CONFIG)


def checkpoint_of(network: LiveUnet, config: TrainConfig) -> Checkpoint:
    return Checkpoint(
        config=config,
        network={name: weight * 0 for name, weight in network.state_dict().items()},  # not what is exported
        averaged=network.state_dict(),
        optimiser={},
        carried=network.initial_states(config.lanes),
        step=1234,
        audio_seconds=7200.0,
        best_gain_db=4.5,
        validation_gain_db=4.25,
        stale_validations=0,
        corpora=("one", "two"),
        commit="0123456789ab+",
        critics={},
    )


@pytest.fixture
def checkpoint_file(network: LiveUnet, tmp_path: Path) -> Path:
    path = tmp_path / "best.ckpt"
    save_checkpoint(checkpoint_of(network, CONFIG), path)
    return path


@pytest.fixture
def spec(network: LiveUnet, checkpoint_file: Path) -> ModelSpec:
    return model_spec(checkpoint_of(network, CONFIG), network.states, checkpoint_file, None)


@pytest.fixture
def lookahead() -> tuple[LiveUnet, TrainConfig]:
    config = dataclasses.replace(CONFIG, signal=dataclasses.replace(CONFIG.signal, lookahead_frames=3))
    return network_of(config), config
