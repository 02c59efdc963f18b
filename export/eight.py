"""Matrices stored with 8 bits: files of half the size once more, the arithmetic stays that of 32 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .half import SMALLEST, write_with

SUFFIX = ".eight"
LARGEST = 127


def store_eight(path: Path) -> None:
    """Round the matrices of linear and recurrent layers to 8 bits, in place: whole numbers, with a scale an output.

    Before each use stand a cast and a product, under the weight's old name; ONNX Runtime does these once, when it loads
    the file. Convolutions, which are small, are left. What rounding does to the sound is for `verify` to find out.

    Args:
        path: of an .onnx file with its weights inside.
    """
    model = onnx.load(path)
    made: list[onnx.NodeProto] = []
    scales: list[onnx.TensorProto] = []
    axes = {
        node.input[place]: axis
        for node in model.graph.node
        for kind, place, axis in (("MatMul", 1, 0), ("GRU", 1, 2), ("GRU", 2, 2))  # where the inputs of a layer lie
        if node.op_type == kind
    }
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in axes or values.dtype != np.float32 or values.size < SMALLEST:
            continue
        name = tensor.name
        whole, scale = rounded(values, axes[name])
        tensor.CopyFrom(numpy_helper.from_array(whole, name + SUFFIX))
        scales.append(numpy_helper.from_array(scale, name + ".scale"))
        made.append(helper.make_node("Cast", [name + SUFFIX], [name + ".whole"], to=TensorProto.FLOAT))
        made.append(helper.make_node("Mul", [name + ".whole", name + ".scale"], [name]))
    model.graph.initializer.extend(scales)
    write_with(model, made, path)


def rounded(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers and their scales: the largest value along `axis` becomes 127."""
    scale = np.abs(values).max(axis, keepdims=True) / np.float32(LARGEST)
    scale = np.where(scale > 0, scale, np.float32(1)).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale
