"""Processes that train together: who makes which lanes, what is averaged, and who writes.

Lightning Fabric starts them and carries what they tell each other. Gradients are averaged when they are
complete: a wrapper that does so during a backward pass knows neither the penalty's second derivative nor
the two passes through the network that one step with critics takes.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn

from ..realtime.errors import AdvsepError
from .synced_norm import SyncedBatchNorm

T = TypeVar("T")


def make_fabric(precision: str, devices: int = 1, nodes: int = 1, accelerator: str = "auto") -> Fabric:
    """Processes to train in, started; one where `devices` and `nodes` are 1.

    Args:
        precision: as Fabric names it; `auto`: see `native_precision`.
        devices: on each machine: GPUs, or processes where there are none.
        nodes: machines.
        accelerator: `cpu`, `cuda`, `auto`.

    Raises:
        AdvsepError: there are not so many devices.
    """
    several = devices * nodes > 1
    with _quiet():
        try:
            fabric = Fabric(
                accelerator=accelerator,
                devices=devices,
                num_nodes=nodes,
                precision=native_precision(accelerator) if precision == "auto" else precision,  # type: ignore[arg-type]
                strategy="ddp" if several else "auto",
            )
            if several:
                fabric.launch()
        except (RuntimeError, ValueError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise AdvsepError(f"--devices {devices} --nodes {nodes}: cannot be had: {why}; ask for fewer") from None
    return fabric


def native_precision(accelerator: str = "auto") -> Literal["32-true", "bf16-mixed"]:
    """`bf16-mixed` where the processor multiplies such numbers itself: where it does not, they take twice as long."""
    if accelerator != "cpu" and torch.cuda.is_available():
        has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_it = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]
    return "bf16-mixed" if has_it else "32-true"


@contextmanager
def _quiet() -> Generator[None]:
    """Fabric says "Using bfloat16 Automatic Mixed Precision (AMP)" on stderr, across a progress bar."""
    loggers = [logging.getLogger(name) for name in ("lightning_fabric.utilities.rank_zero", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class Team:
    """All processes of a run, from one of them.

    Args:
        fabric: started.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self.rank, self.size = fabric.global_rank, fabric.world_size

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, lanes: int, key: str) -> range:
        """The lanes that this process makes.

        Args:
            lanes: of all processes together.
            key: of the setting, for the message.

        Raises:
            AdvsepError: they cannot be shared evenly.
        """
        if lanes % self.size:
            raise AdvsepError(f"{key}={lanes}: expected a multiple of the {self.size} processes; change it with --set")
        each = lanes // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def average(self, gradients: Iterable[Tensor]) -> None:
        """Replace each by its mean over all processes."""
        held = list(gradients)
        if self.size == 1 or not held:
            return
        flat = torch.cat([each.reshape(-1) for each in held])
        mean = self._fabric.all_reduce(flat, reduce_op="mean")
        assert isinstance(mean, Tensor)
        for each, part in zip(held, mean.split([each.numel() for each in held]), strict=True):
            each.copy_(part.reshape(each.shape))

    def mean(self, value: float) -> float:
        """Over all processes."""
        return value if self.size == 1 else float(self._fabric.all_reduce(torch.tensor(value), reduce_op="mean"))  # type: ignore[arg-type]

    def any(self, asked: bool) -> bool:
        """Whether any process says so."""
        return asked if self.size == 1 else self.mean(float(asked)) > 0

    def gather(self, items: Sequence[T]) -> list[T]:
        """Items dealt out one by one, `items[rank::size]` of each, in their order again."""
        if self.size == 1:
            return list(items)
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, list(items))
        longest = max(len(part) for part in parts)
        return [part[i] for i in range(longest) for part in parts if i < len(part)]

    def join_lanes(self, states: Sequence[Tensor], axes: Sequence[int]) -> list[Tensor]:
        """States of all lanes from those of each process's `share`; `axes` say where a state has its lanes."""
        if self.size == 1:
            return list(states)
        joined: list[Tensor] = []
        for state, axis in zip(states, axes, strict=True):
            whole = self._fabric.all_gather(state.contiguous())
            assert isinstance(whole, Tensor)
            joined.append(torch.cat(list(whole), axis))
        return joined

    def synchronise_norms(self, network: nn.Module) -> None:
        """Have batch norms take their statistics over all processes' lanes, as one process would."""
        if self.size == 1:
            return
        for parent in list(network.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.BatchNorm2d:
                    setattr(parent, name, SyncedBatchNorm.like(child))
