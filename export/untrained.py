"""Models that nobody has trained: masks that move, for tests, and for what a preset costs before it has learnt."""

from __future__ import annotations

from pathlib import Path

import torch

from ..realtime.spec import ModelSpec, SignalSpec, TrainingSummary
from ..trainer.config import TrainConfig
from ..trainer.live_unet import LiveUnet, LiveUnetConfig
from ..trainer.tracks import STEMS
from .graph import write_onnx

GAIN = 1.5  # of a layer: with 1 the past is soon forgotten, with 2 most masks are 0 or 1
DEVIATION = 0.5  # of biases and of the norms' weights, which have no inputs to count


def untrained_network(spec: SignalSpec, config: LiveUnetConfig, seed: int = 0) -> LiveUnet:
    """A network in evaluation mode with random weights, whose masks depend on what it hears and on every state.

    One fresh from its constructor has masks near a half and norms that do nothing.

    Args:
        spec: as of `LiveUnet`.
        config: likewise.
        seed: of the weights.

    Raises:
        FormatError: sizes that do not fit together.
    """
    network, random = LiveUnet(spec, config), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = GAIN / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else DEVIATION
            parameter.normal_(0, scale, generator=random)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.2, generator=random)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2, generator=random)
    return network.eval()


def write_untrained(config: TrainConfig, path: Path) -> None:
    """Write an `untrained_network` as a model file, without the proof that `advsep-export` asks for.

    Args:
        config: names the model and sizes it.
        path: the `.onnx` file.
    """
    signal = config.signal.spec()
    network = untrained_network(signal, config.network)
    spec = ModelSpec(
        name=config.name,
        kind="live-unet",
        sources=STEMS,
        signal=signal,
        states=network.states,
        latency_samples=signal.latency_samples,
        training=TrainingSummary(corpora=(), steps=0, audio_hours=0.0, validation_sdr_gain_db=None),
        weights_licence="CC0-1.0",
        commit="",
        checkpoint_sha256="",
    )
    write_onnx(network, spec, path)
