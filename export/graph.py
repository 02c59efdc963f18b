"""A trained network as one ONNX file: dynamic number of frames, named states, the contract inside."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..realtime.spec import METADATA_KEY, ModelSpec
from ..trainer.live_unet import LiveUnet
from .onnx_file import quiet_exporter, write_program

OPSET = 20
EXAMPLE_FRAMES = 3  # not 1: torch.export would take a 1 for a constant


class OnnxGru(nn.Module):
    """A one-layer `nn.GRU` as the single ONNX operator GRU.

    torch.export unrolls a GRU over the frames of the example, which fixes their number.
    """

    input_weight: Tensor
    recurrent_weight: Tensor
    bias: Tensor

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self._size = gru.hidden_size
        weights = dict(gru.named_parameters())
        parts = {
            "input_weight": _zrn(weights["weight_ih_l0"]),
            "recurrent_weight": _zrn(weights["weight_hh_l0"]),
            "bias": torch.cat([_zrn(weights["bias_ih_l0"]), _zrn(weights["bias_hh_l0"])]),
        }
        for name, part in parts.items():
            self.register_buffer(name, part[None].clone())

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, frame, feature] and [1, batch, size], as `nn.GRU` with batch_first."""
        batch, frames, _ = x.shape
        weights = (self.input_weight, self.recurrent_weight, self.bias)
        outputs: Any = torch.onnx.ops.symbolic_multi_out(
            "GRU",
            (x.transpose(0, 1), *weights, None, state),
            # torch's GRU applies the reset gate after the recurrent product.
            attrs={"hidden_size": self._size, "linear_before_reset": 1},
            dtypes=(x.dtype, x.dtype),
            shapes=((frames, 1, batch, self._size), (1, batch, self._size)),
            version=OPSET,
        )
        sequence, last = outputs
        return sequence[:, 0].transpose(0, 1), last


def _zrn(weight: Tensor) -> Tensor:
    """Gates from torch's order (reset, update, new) to that of ONNX (update, reset, new)."""
    reset, update, new = weight.detach().chunk(3)
    return torch.cat([update, reset, new])


def write_onnx(network: LiveUnet, spec: ModelSpec, path: Path) -> None:
    """Write the network as one ONNX file with its contract.

    Args:
        network: in evaluation mode.
        spec: goes into `metadata_props` under `METADATA_KEY`.
        path: the file.
    """
    network = copy.deepcopy(network)
    network.gru = OnnxGru(network.gru)  # type: ignore[assignment]
    example = torch.rand(1, spec.signal.feature_maps, EXAMPLE_FRAMES, network.bands)
    states = network.initial_states(1)
    names = [state.name for state in spec.states]
    frames = torch.export.Dim("frames", min=1, max=1 << 20)
    with quiet_exporter():
        program = torch.onnx.export(
            network,
            (example, *states),
            input_names=["features", *names],
            output_names=["masks", *(f"{name}_next" for name in names)],
            dynamic_shapes=({2: frames}, tuple({} for _ in states)),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    write_program(program, path, METADATA_KEY, spec.to_json(), spec.commit)
