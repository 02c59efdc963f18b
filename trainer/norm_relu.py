"""Batch norm, ReLU and what joins their result, in two passes over it instead of six, for processors that learn.

Convolutions here are followed by a batch norm and a ReLU, and the result is laid behind past frames or beside the maps
of another level. Done one after another these move more memory than the convolutions do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..realtime.jit import jit
from .side_by_side import side_by_side
from .synced_norm import SyncedBatchNorm, follow_statistics, process_count, process_mean

BLOCK_ROWS = 128  # summed in single precision; blocks are summed in double
NOTHING = np.zeros(0, np.float32)


def normed_behind(norm: nn.Module, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
    """`relu(norm(x))` and past frames before it.

    Args:
        norm: a `BatchNorm2d` or what takes its place.
        x: [batch, channel, frame, band].
        past: [batch, channel, any, band], or none.

    Returns:
        Both together, [batch, channel, any + frame, band], and `relu(norm(x))` alone, which may lie within the former.
    """
    if _is_compiled(norm, x):
        return _Normed.apply(x, norm.weight, norm.bias, past, None, norm)  # pyright: ignore[reportReturnType]
    y = torch.relu(norm(x))
    return (y if past is None else torch.cat([past, y], 2)), y


def normed_beside(norm: nn.Module, x: Tensor, skip: Tensor) -> Tensor:
    """`relu(norm(x))` and another level's maps beside it.

    Args:
        norm: a `BatchNorm2d` or what takes its place.
        x: [batch, channel, frame, band].
        skip: [batch, other channel, frame, band].

    Returns:
        [batch, channel + other channel, frame, band].
    """
    if _is_compiled(norm, x):
        joined: Tensor = _Normed.apply(x, norm.weight, norm.bias, None, skip, norm)[0]  # pyright: ignore[reportOptionalSubscript]
        return joined
    return torch.cat([torch.relu(norm(x)), skip], 1)


def _is_compiled(norm: nn.Module, x: Tensor) -> bool:
    known = type(norm) in (nn.BatchNorm2d, SyncedBatchNorm) and norm.training
    return known and x.device.type == "cpu" and x.dtype == torch.float32 and torch.is_grad_enabled()


def _rows(x: Tensor) -> NDArray[np.float32]:
    """[batch, channel, frame, band] as [batch, frame * band, channel], a view where channels are last in memory."""
    laid = x.detach().contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    return laid.reshape(len(x), -1, x.shape[1]).numpy()


def _empty(batch: int, channels: int, frames: int, bands: int) -> Tensor:
    return torch.empty(batch, channels, frames, bands, memory_format=torch.channels_last)


class _Normed(torch.autograd.Function):
    """Rows are places (frame and band) of one lane, columns are channels; an offset says where a result begins."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        past: Tensor | None,
        skip: Tensor | None,
        norm: nn.BatchNorm2d,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        batch, channels, frames, bands = x.shape
        rows = _rows(x)
        mean, variance = _statistics(rows, norm)
        inverse = 1 / np.sqrt(variance + norm.eps)
        scale = (weight.detach().numpy() * inverse).astype(np.float32)
        shift = (bias.detach().numpy() - mean * scale).astype(np.float32)
        before, more = 0 if past is None else past.shape[2], 0 if skip is None else skip.shape[1]
        out, first = _empty(batch, channels + more, before + frames, bands), before * bands
        if past is not None:
            out[:, :, :before] = past
        if skip is not None:
            out[:, channels:] = skip
        into = _rows(out)
        side_by_side(lambda lane: _apply(rows[lane], scale, shift, into[lane], first), batch)
        ctx.save_for_backward(x)
        ctx.fitted, ctx.norm = (mean, inverse, scale, shift, first), norm
        return out, out[:, :channels, before:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (x,) = ctx.saved_tensors
        mean, inverse, scale, shift, first = ctx.fitted
        batch, channels, frames, bands = x.shape
        of_out = gradients[0]
        if of_out is None:
            of_out = torch.zeros(batch, channels, frames + first // bands, bands)
        rows, fitted = _rows(x), (scale, shift, mean.astype(np.float32))
        # What comes back along the skip is added where it is needed, and nowhere before.
        of_y = gradients[1]
        (lines, step), (others, other_step) = (
            _lines(of_out, first),
            _lines(of_y, 0) if of_y is not None else ([NOTHING] * batch, 0),
        )
        sums, dots = np.empty((2, batch, channels))

        def add_up(lane: int) -> None:
            _gradient_sums(rows[lane], lines[lane], step, others[lane], other_step, *fitted, sums[lane], dots[lane])

        side_by_side(add_up, batch)
        total, dot = sums.sum(0), dots.sum(0)
        # The batches of all processes made the statistics, so what each of them passes back counts.
        means = process_mean(ctx.norm, torch.from_numpy(np.stack([total, dot]) / (batch * rows.shape[1]))).numpy()
        level, slope = means[0].astype(np.float32), (means[1] * inverse**2).astype(np.float32)
        of_x = _empty(batch, channels, frames, bands)
        into = _rows(of_x)

        def pass_back(lane: int) -> None:
            _gradient(rows[lane], lines[lane], step, others[lane], other_step, *fitted, level, slope, into[lane])

        side_by_side(pass_back, batch)
        of_weight, of_bias = torch.from_numpy((dot * inverse).astype(np.float32)), torch.from_numpy(total).float()
        of_past = of_out[:, :, :-frames] if ctx.needs_input_grad[3] else None
        of_skip = of_out[:, channels:] if ctx.needs_input_grad[4] else None
        return of_x, of_weight, of_bias, of_past, of_skip, None


def _lines(gradient: Tensor, first: int) -> tuple[list[NDArray[np.float32]], int]:
    """Of each lane [channel, frame, band] all that is in memory from place `first` on, and the step between places.

    A place is a band of a frame; its channels lie side by side.
    """
    batch, channels, frames, bands = gradient.shape
    places = frames * bands
    step = gradient.stride(3)
    if min(frames, bands) == 1 or gradient.stride(1) != 1 or gradient.stride(2) != bands * step:
        gradient = torch.empty_like(gradient, memory_format=torch.channels_last).copy_(gradient)
        step = channels
    lane_step = gradient.stride(0) if batch > 1 else 0
    count, start = (places - first - 1) * step + channels, gradient.storage_offset() + first * step
    starts = [start + lane * lane_step for lane in range(batch)]
    return [gradient.detach().as_strided((count,), (1,), each).numpy() for each in starts], step


def _statistics(rows: NDArray[np.float32], norm: nn.BatchNorm2d) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each channel over all lanes of all processes; evaluation will know of them."""
    lanes, places, channels = rows.shape
    means, squares = np.zeros((2, lanes, channels))
    side_by_side(lambda lane: _moments(rows[lane], means[lane], squares[lane]), lanes)
    mean = means.mean(0)
    power = squares.sum(0) / (lanes * places) + np.square(means - mean).mean(0) + mean**2
    mean, power = process_mean(norm, torch.from_numpy(np.stack([mean, power])))
    variance = (power - mean**2).clamp(min=0)
    follow_statistics(norm, mean, variance, lanes * places * process_count(norm))
    return mean.numpy(), variance.numpy()


@jit
def _moments(rows: NDArray[np.float32], mean: NDArray[np.float64], squares: NDArray[np.float64]) -> None:
    """Mean and summed squared distance from it, a column; blocks are joined after Chan et al. (1983)."""
    places, channels = rows.shape
    total, distance = np.empty((2, channels), np.float32)
    for start in range(0, places, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, places)
        total[:] = 0
        distance[:] = 0
        for row in range(start, stop):
            for c in range(channels):
                total[c] += rows[row, c]
        for c in range(channels):
            total[c] /= np.float32(stop - start)
        for row in range(start, stop):
            for c in range(channels):
                away = rows[row, c] - total[c]
                distance[c] += away * away
        share = (stop - start) / stop
        for c in range(channels):
            change = total[c] - mean[c]
            mean[c] += change * share
            squares[c] += distance[c] + change * change * start * share


@jit
def _apply(
    rows: NDArray[np.float32],
    scale: NDArray[np.float32],
    shift: NDArray[np.float32],
    out: NDArray[np.float32],
    first: int,
) -> None:
    """Into `out` from its row `first` on, from its first column on."""
    places, channels = rows.shape
    for row in range(places):
        for c in range(channels):
            value = rows[row, c] * scale[c] + shift[c]
            out[first + row, c] = np.float32(0) if value < 0 else value  # what is not a number stays so


@jit
def _gradient_sums(
    rows: NDArray[np.float32],
    of_out: NDArray[np.float32],
    out_step: int,
    of_skip: NDArray[np.float32],
    skip_step: int,
    scale: NDArray[np.float32],
    shift: NDArray[np.float32],
    mean: NDArray[np.float32],
    sums: NDArray[np.float64],
    dots: NDArray[np.float64],
) -> None:
    """Sums of the gradient behind the ReLU, and of its product with the distance from the mean, a column."""
    places, channels = rows.shape
    total, dot = np.empty((2, channels), np.float32)
    sums[:] = 0
    dots[:] = 0
    has_skip = len(of_skip) > 0
    if out_step < 0 or skip_step < 0:
        return  # never; but the compiler then knows that no index is, and these loops take a quarter of the time
    for start in range(0, places, BLOCK_ROWS):
        total[:] = 0
        dot[:] = 0
        for row in range(start, min(start + BLOCK_ROWS, places)):
            for c in range(channels):
                passed = of_out[row * out_step + c]
                if has_skip:
                    passed += of_skip[row * skip_step + c]
                passed = passed if rows[row, c] * scale[c] + shift[c] > 0 else np.float32(0)
                total[c] += passed
                dot[c] += passed * (rows[row, c] - mean[c])
        for c in range(channels):
            sums[c] += total[c]
            dots[c] += dot[c]


@jit
def _gradient(
    rows: NDArray[np.float32],
    of_out: NDArray[np.float32],
    out_step: int,
    of_skip: NDArray[np.float32],
    skip_step: int,
    scale: NDArray[np.float32],
    shift: NDArray[np.float32],
    mean: NDArray[np.float32],
    level: NDArray[np.float32],
    slope: NDArray[np.float32],
    of_rows: NDArray[np.float32],
) -> None:
    """Of the rows, once the sums over all of them are known."""
    places, channels = rows.shape
    has_skip = len(of_skip) > 0
    if out_step < 0 or skip_step < 0:
        return  # as above
    for row in range(places):
        for c in range(channels):
            passed = of_out[row * out_step + c]
            if has_skip:
                passed += of_skip[row * skip_step + c]
            passed = passed if rows[row, c] * scale[c] + shift[c] > 0 else np.float32(0)
            of_rows[row, c] = scale[c] * (passed - level[c] - (rows[row, c] - mean[c]) * slope[c])
