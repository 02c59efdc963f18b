"""Critics as one ONNX file: for each source a score and its gradient by the patch, which needs no torch to be shown.

ONNX Runtime differentiates nothing, so the reverse pass is written out. All sources share one graph, in parts that
touch nowhere: one file to carry and one session to open, and a source whose batch is empty costs nothing.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..realtime.critic_map import CRITIC_KEY, CriticSpec
from ..realtime.errors import AdvsepError
from ..trainer.critic import SLOPE, Critic
from .graph import OPSET
from .onnx_file import quiet_exporter, write_program

if TYPE_CHECKING:
    from ..trainer.checkpoint import Checkpoint

MOST_PATCHES = 1 << 16


class CriticWithGradient(nn.Module):
    """A critic and dD/dx, computed without autograd.

    Args:
        critic: of patches [batch, 1, band, frame]; its weights are shared, not copied.
    """

    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [batch] and their gradients by the patch, shaped as the patches."""
        x, steps = patches, list[tuple[nn.Conv2d, Tensor, tuple[slice, slice]]]()
        for layer in self.critic.convolutions:
            assert isinstance(layer, nn.Conv2d)
            left, right, top, bottom = _same_pads(x, layer)
            inside = slice(top, top + x.shape[2]), slice(left, left + x.shape[3])
            padded = functional.pad(x, (left, right, top, bottom))
            x = functional.conv2d(padded, layer.weight, layer.bias, layer.stride)
            slope = _slope(x)
            x = x * slope
            steps.append((layer, slope, inside))
        dense = self.critic.dense(x.flatten(1))
        slope = _slope(dense)
        scores = self.critic.score(dense * slope)[:, 0]
        gradient = ((self.critic.score.weight * slope) @ self.critic.dense.weight).unflatten(1, x.shape[1:])
        for layer, slope, (rows, columns) in reversed(steps):
            gradient = functional.conv_transpose2d(gradient * slope, layer.weight, stride=layer.stride)
            gradient = gradient[:, :, rows, columns]  # what padding added is cut off again
        return scores, gradient


def _slope(x: Tensor) -> Tensor:
    """Of LeakyReLU at x: that below zero at zero itself too, as autograd has it."""
    below, above = (torch.full((), value, dtype=x.dtype) for value in (SLOPE, 1.0))
    return torch.where(x > 0, above, below)


def _same_pads(x: Tensor, layer: nn.Conv2d) -> list[int]:
    """Left, right, top, bottom, so that a side n becomes n / stride, rounded up; the odd row goes behind."""
    pads: list[int] = []
    for side, kernel, stride in zip(x.shape[2:], layer.kernel_size, layer.stride, strict=True):
        total = (-(-side // stride) - 1) * stride + kernel - side
        pads = [total // 2, total - total // 2, *pads]
    return pads


class _Together(nn.Module):
    """Several critics side by side: their patches in, score and gradient of each in turn out."""

    def __init__(self, critics: list[Critic]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(CriticWithGradient(critic) for critic in critics)

    def forward(self, *patches: Tensor) -> tuple[Tensor, ...]:
        return tuple(out for part, each in zip(self.parts, patches, strict=True) for out in part(each))


def critics_of(checkpoint: Checkpoint) -> dict[str, Critic]:
    """A checkpoint's critics of one source, by its name; the one of both sources together has no place in a map.

    Raises:
        AdvsepError: their weights are those of critics of another layout.
    """
    from ..trainer.adversary import ACCOMPANIMENT, VOICE  # costs seconds, which a run without critics must not pay

    config, critics = checkpoint.config, dict[str, Critic]()
    for source in (VOICE, ACCOMPANIMENT):
        if source not in checkpoint.critics:
            continue
        critic = Critic(
            config.signal.bands, config.adversarial.patch_frames, width=config.adversarial.critic_width
        ).requires_grad_(False)
        try:
            critic.load_state_dict(checkpoint.critics[source]["critic"])
        except (RuntimeError, KeyError, TypeError) as error:
            why = str(error).splitlines()[-1].strip()
            raise AdvsepError(
                f"the checkpoint's critic of {source} does not fit its own configuration: {why}; "
                "export with --no-critics or train again"
            ) from None
        critics[source] = critic.eval()
    return critics


def write_critics(critics: dict[str, Critic], spec: CriticSpec, path: Path) -> None:
    """Write critics as one ONNX file with its contract.

    Args:
        critics: by source, those and in the order of the contract.
        spec: goes into `metadata_props` under `CRITIC_KEY`.
        path: the file.
    """
    sources = list(critics)
    if tuple(sources) != spec.sources:
        raise ValueError(f"critics of {sources} under a contract of {spec.sources}")
    network = _Together([copy.deepcopy(critic).requires_grad_(False) for critic in critics.values()]).eval()
    # Neither 1, which torch.export would take for a constant, nor the same for all, which it would take for one size.
    examples = tuple(torch.rand(2 + i, 1, spec.signal.bands, spec.frames) for i in range(len(sources)))
    batches = tuple({0: torch.export.Dim(f"{source}_batch", min=1, max=MOST_PATCHES)} for source in sources)
    with quiet_exporter():
        program = torch.onnx.export(
            network,
            examples,
            input_names=sources,
            output_names=[f"{source}_{what}" for source in sources for what in ("score", "gradient")],
            dynamic_shapes=(batches,),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    write_program(program, path, CRITIC_KEY, spec.to_json(), spec.commit)
