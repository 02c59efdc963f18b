"""Weights to begin from: those of a run's checkpoint, or of an exported model, the shipped ones included."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..realtime.errors import AdvsepError
from ..realtime.model import ModelError, read_model_spec
from ..realtime.registry import find_model
from ..realtime.spec import SignalSpec, geometric_band_edges
from .adaptation import own_folders
from .checkpoint import file_sha256, load_checkpoint
from .config import SignalConfig, TrainConfig, load_preset, preset_names
from .harmonics import ratios_of
from .live_unet import LiveUnetConfig
from .overrides import Override, overridden, typed_override

LATENCY_KEYS = (
    "hop_samples",
    "synthesis_samples",
    "crossfade_samples",
    "taper_samples",
    "lookahead_frames",
    "coherence_frames",
)
"""What of a signal path no weight's shape depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """A network that has learnt.

    Attributes:
        source: its file.
        sha256: of the file.
        name: of the model.
        signal: that it was made for.
        network: its size.
        weights: as `LiveUnet.state_dict` names them.
        folded: whether its batch norms lie within its convolutions, as in an exported model; see `settled`.
        licence: of the weights.
        corpora: names of the corpora that it learnt from.
        config: of the run, None for an exported model.
    """

    source: Path
    sha256: str
    name: str
    signal: SignalConfig
    network: LiveUnetConfig
    weights: dict[str, Tensor]
    folded: bool
    licence: str
    corpora: tuple[str, ...]
    config: TrainConfig | None


def load_pretrained(source: str) -> Pretrained:
    """Read what `--from` names.

    Args:
        source: a run folder (its `best.ckpt`), a checkpoint, an `.onnx` file, or a bundled model's name.

    Raises:
        AdvsepError: it is none of these, cannot be read, or is damaged.
    """
    path = Path(source)
    if path.is_dir():
        path = path / "best.ckpt"
    if path.suffix == ".ckpt":
        return _of_checkpoint(path)
    return _of_model(find_model(source))


def begun_config(
    weights: Pretrained, source: str, preset: str | None, overrides: Sequence[Override], adapt: Path | None
) -> TrainConfig:
    """The configuration of a run that begins with trained weights: its signal and network are theirs.

    A preset may give them another latency: hop, windows of the way back, look-ahead and dilations change no weight's
    shape. It may turn ratio masks to complex ones, and have more maps and units, see `begun`.

    Args:
        weights: to begin with.
        source: how they were named.
        preset: that was asked for; None: as the weights' own run, or the preset of their name.
        overrides: of the command line.
        adapt: folder of one's own recordings, if that is what is wanted.

    Raises:
        AdvsepError: another signal or network is asked for.
    """
    fixed = [each.label for each in overrides if each.key.startswith(("signal.", "network."))]
    if fixed:
        raise AdvsepError(f"{' '.join(fixed)}: with --from these are the trained model's; leave that away")
    if preset is None and weights.config is not None:
        config = weights.config
    else:
        named = weights.name if weights.name in preset_names() else "live-12"
        config = load_preset(preset or named)
    signal, network, name = weights.signal, weights.network, weights.name
    if preset is not None and (config.signal, config.network) != (signal, network):
        if not _can_begin(config, weights):
            raise AdvsepError(
                f"--preset {preset}: its bands or network are not those of {source}; leave it away, or choose a preset "
                "that differs in latency only, has more maps or units, or complex masks where it has ratios"
            )
        signal, network, name = config.signal, config.network, config.name
    config = replace(
        config,
        name=name,
        signal=signal,
        network=network,
        weights_licence=weights.licence,
        begun_from=str(weights.source.resolve()),
        begun_from_sha256=weights.sha256,
    )
    typed = [typed_override(TrainConfig, key, value, f"--adapt ({key})") for key, value in _own(adapt).items()]
    return overridden(config, [*typed, *overrides])


def _can_begin(config: TrainConfig, weights: Pretrained) -> bool:
    """Whether a preset differs from trained weights in its latency at most, or is more of the same."""
    theirs, ours = dataclasses.asdict(weights.signal), dataclasses.asdict(config.signal)
    same = all(theirs[name] == ours[name] for name in ours if name not in (*LATENCY_KEYS, "mask"))
    same = same and (theirs["mask"] == ours["mask"] or ours["mask"] == "complex")
    compared = len(theirs["coherence_frames"])
    same = same and compared in (0, len(ours["coherence_frames"]))
    small, large = weights.network, config.network
    wider = len(large.channels) == len(small.channels) and large.recurrent_size >= small.recurrent_size
    wider = wider and all(more >= fewer for more, fewer in zip(large.channels, small.channels, strict=True))
    sizes = {"channels": large.channels, "recurrent_size": large.recurrent_size, "dilations": large.dilations}
    return same and wider and replace(small, **sizes) == large


def _own(adapt: Path | None) -> dict[str, Any]:
    return {} if adapt is None else own_folders(adapt).settings


def _of_checkpoint(path: Path) -> Pretrained:
    checkpoint = load_checkpoint(path)
    config = checkpoint.config
    return Pretrained(
        source=path,
        sha256=file_sha256(path),
        name=config.name,
        signal=config.signal,
        network=config.network,
        weights=checkpoint.averaged,
        folded=False,
        licence=config.weights_licence,
        corpora=checkpoint.corpora,
        config=config,
    )


def _of_model(path: Path) -> Pretrained:
    spec = read_model_spec(path)
    if spec.kind != "live-unet":
        raise ModelError(f"{path}: expected a live-unet to train on, found a {spec.kind}; name another model")
    try:
        weights, network = _unpacked(path, spec.signal)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(
            f"{path}: expected the graph that advsep-export writes, found another ({error}); begin from its checkpoint"
        ) from None
    return Pretrained(
        source=path,
        sha256=file_sha256(path),
        name=spec.name,
        signal=_signal_config(spec.signal, path),
        network=network,
        weights=weights,
        folded=True,
        licence=spec.weights_licence,
        corpora=spec.training.corpora,
        config=None,
    )


def _signal_config(spec: SignalSpec, path: Path) -> SignalConfig:
    """The choice that `spec` followed from."""
    edges = spec.band_edges_bins
    singles = sum(1 for low, high in itertools.pairwise(edges) if high - low == 1)
    for count in range(singles, -1, -1):
        if geometric_band_edges(spec.window_samples // 2, spec.bands, count) == edges:
            plain = dataclasses.asdict(spec)
            del plain["band_edges_bins"]
            return SignalConfig(**plain, bands=spec.bands, single_bins=count)
    raise ModelError(f"{path}: its bands are none that a preset can ask for; begin from its checkpoint")


def _unpacked(path: Path, spec: SignalSpec) -> tuple[dict[str, Tensor], LiveUnetConfig]:
    """An exported graph's weights by the names of `LiveUnet`, batch norms that only add a bias, and its size."""
    import onnx
    from onnx import numpy_helper

    graph: Any = onnx.load(str(path)).graph
    held = {item.name: torch.from_numpy(np.array(numpy_helper.to_array(item))) for item in graph.initializer}
    for node in graph.node:  # weights stored with 16 bits, or as whole numbers and scales
        if node.op_type == "Cast" and node.input[0] in held:
            held[node.output[0]] = held[node.input[0]].float()
        elif node.op_type == "Mul" and all(name in held for name in node.input):
            held[node.output[0]] = held[node.input[0]] * held[node.input[1]]
    weights, dilations = _convolutions(graph, held)
    makers = {output: node for node in graph.node for output in node.output if output not in held}
    for layer in ("squeeze", "expand"):
        (adder,) = (node for node in graph.node if f"{layer}.bias" in node.input)
        (product,) = (makers[name] for name in adder.input if name in makers)
        weights[f"{layer}.bias"] = held[f"{layer}.bias"]
        weights[f"{layer}.weight"] = held[product.input[1]].T.contiguous()
    gates = {"weight_ih_l0": held["gru.input_weight"][0], "weight_hh_l0": held["gru.recurrent_weight"][0]}
    gates["bias_ih_l0"], gates["bias_hh_l0"] = held["gru.bias"][0].chunk(2)
    weights |= {f"gru.{name}": _rzn(weight) for name, weight in gates.items()}
    return weights, replace(_size_of(weights, dilations), harmonics=_harmonics(graph, held, makers, spec))


def _convolutions(graph: Any, held: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Weights of the convolutions and what stands for their batch norms; and along time the dilation of each layer."""
    weights: dict[str, Tensor] = {}
    dilations: dict[str, int] = {}
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            layer = node.input[1].removesuffix(".convolution.weight")
            (along,) = (each.ints for each in node.attribute if each.name == "dilations")
            dilations[layer] = along[0]
            weights[f"{layer}.convolution.weight"] = held[node.input[1]]
            bias = held[node.input[2]]
            if node.input[2].endswith(".convolution.bias"):
                weights[f"{layer}.convolution.bias"] = bias
            else:
                weights |= _adding_norm(f"{layer}.norm", bias)
    return weights, dilations


def _harmonics(graph: Any, held: dict[str, Tensor], makers: dict[str, Any], spec: SignalSpec) -> tuple[float, ...]:
    """Ratios of the network's `Harmonics`; none where the graph has no such part."""
    shares, bands = list[Any](), list[Any]()
    for table in ("harmonics.lower_share", "harmonics.upper_share"):
        for product in [node for node in graph.node if table in node.input][:1]:
            (read,) = (makers[name] for name in product.input if name in makers)
            shares.append(held[table].numpy())
            bands.append(held[read.input[1]].numpy())
    return ratios_of(spec, np.stack(shares), np.stack(bands)) if shares else ()


def _rzn(weight: Tensor) -> Tensor:
    """Gates from ONNX's order (update, reset, new) to that of torch (reset, update, new)."""
    update, reset, new = weight.chunk(3)
    return torch.cat([reset, update, new])


def _adding_norm(name: str, bias: Tensor) -> dict[str, Tensor]:
    """A batch norm that, in evaluation, adds `bias` and does nothing else."""
    ones = torch.ones_like(bias)
    return {
        f"{name}.weight": ones * math.sqrt(1 + nn.BatchNorm2d(1).eps),
        f"{name}.bias": bias,
        f"{name}.running_mean": torch.zeros_like(bias),
        f"{name}.running_var": ones,
        f"{name}.num_batches_tracked": torch.tensor(0),
    }


def _size_of(weights: dict[str, Tensor], dilations: dict[str, int]) -> LiveUnetConfig:
    encoders = sorted(name for name in weights if name.startswith("encoders.") and name.endswith("convolution.weight"))
    dilated = tuple(dilations[name.removesuffix(".convolution.weight")] for name in encoders)
    shapes = [tuple(weights[name].shape) for name in encoders]
    return LiveUnetConfig(
        channels=tuple(shape[0] for shape in shapes),
        kernel_frames=shapes[0][2],
        kernel_bands=shapes[0][3],
        recurrent_size=weights["gru.weight_hh_l0"].shape[1],
        dilations=dilated if max(dilated) > 1 else (),
    )
