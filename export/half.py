"""Weights stored with 16 bits: files of half the size, the arithmetic stays that of 32 bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ..realtime.errors import AdvsepError

SMALLEST = 256  # numbers; below that a cast takes more room than it saves


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round a network's parameters as `store_half` will round what is made of them, in place."""
    for parameter in network.parameters():
        parameter.copy_(parameter.half().float())


def store_half(path: Path) -> None:
    """Round the weights of a model file to half precision, in place.

    A cast back to single precision stands before each use, under the weight's old name; ONNX Runtime does these casts
    once, when it loads the file. What rounding does to the sound is for `verify` to find out.

    Args:
        path: of an .onnx file with its weights inside.

    Raises:
        AdvsepError: a weight is too large for half precision.
    """
    model = onnx.load(path)
    casts: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST:
            continue
        largest = float(np.abs(values).max())
        if not largest <= float(np.finfo(np.float16).max):
            raise AdvsepError(
                f"{tensor.name}: a weight of {largest:g} is beyond 16 bits; export without --half or --eight"
            )
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    write_with(model, casts, path)


def write_with(model: onnx.ModelProto, before: Sequence[onnx.NodeProto], path: Path) -> None:
    """Write a model with nodes before all others, which make its weights of what is stored; checked."""
    nodes = [*before, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
