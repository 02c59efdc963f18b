"""`advsep-export`: a checkpoint of a training run to one model file, proven before it is written."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..realtime.errors import AdvsepError
from ..realtime.exits import run_program
from ..trainer.extra import require_training_extra

if TYPE_CHECKING:
    from ..realtime.critic_map import CriticSpec
    from ..realtime.spec import ModelSpec, StateSpec
    from ..trainer.checkpoint import Checkpoint
    from ..trainer.critic import Critic
    from ..trainer.live_unet import LiveUnet

HELP = """Turn a checkpoint of advsep-train into one .onnx file that advsep-live plays.

The file is written only if the network at once, in chunks, in ONNX Runtime and through the live path agrees,
on more than a minute of music and on a second input.

A run against critics gives a second file, live-12.critics.onnx, with what they think of a sound and why; written
only if ONNX Runtime and autograd agree.

\b
Examples:
  advsep-export runs/live-12/best.ckpt -o live-12.onnx
  advsep-export runs/semi/best.ckpt -o live-12.onnx --no-critics
  advsep-export runs/live-12/best.ckpt -o live-12.onnx --half
  advsep-live -i song.mp3 -o stems/ --model live-12.onnx
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=HELP)
def export(
    checkpoint: Annotated[Path, typer.Argument(help="A .ckpt file of a run folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file to write.")],
    licence: Annotated[
        str | None, typer.Option(help="Licence of the weights; default: the one from training.", show_default=False)
    ] = None,
    with_critics: Annotated[
        bool, typer.Option("--critics/--no-critics", help="Write the critics of the run too, where it had any.")
    ] = True,
    half: Annotated[
        bool, typer.Option("--half", help="Store weights with 16 bits: half the size, as fast, nearly the same sound.")
    ] = False,
    eight: Annotated[
        bool, typer.Option("--eight", help="Store matrices with 8 bits and the rest with 16: a third of the size.")
    ] = False,
) -> None:
    """See HELP, which typer shows."""
    if output.suffix != ".onnx":
        raise AdvsepError(f"{output}: expected a file name that ends in .onnx")
    require_training_extra()
    from ..realtime.critic_map import critics_path
    from ..trainer.checkpoint import averaged_network, load_checkpoint
    from .critic import critics_of

    loaded = load_checkpoint(checkpoint)
    network = averaged_network(loaded)
    spec = model_spec(loaded, network.states, checkpoint, licence)
    bits = 8 if eight else 16 if half else 32
    critics = critics_of(loaded) if with_critics and loaded.critics else {}
    beside = critics_path(output)
    targets = [beside, output] if critics else [output]
    for target in targets:
        if target.is_dir():
            raise AdvsepError(f"{target}: cannot be written: it is a folder; give another name")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent) as name:
            folder = Path(name)
            _make_model(network, spec, folder / output.name, bits)
            if critics:
                _make_critics(critics, critic_spec(loaded, spec, tuple(critics)), folder / beside.name, half=bits < 32)
            for target in targets:
                os.replace(folder / target.name, target)
    except OSError as error:
        raise AdvsepError(f"{output}: cannot be written: {error.strerror or error}") from None
    print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB, {spec.name}, step {loaded.step})")
    if critics:
        print(f"wrote {beside} ({beside.stat().st_size / 1e6:.1f} MB, critics of {' and '.join(critics)})")
    elif beside.exists():
        print(f"{beside} is left as it was, from an earlier export", file=sys.stderr)


def _make_model(network: LiveUnet, spec: ModelSpec, path: Path, bits: int) -> None:
    """Write it and prove it; with 8 bits what is no matrix has 16."""
    from .eight import store_eight
    from .graph import write_onnx
    from .half import store_half
    from .verify import ROUNDED, ROUNDED_TO_EIGHT, Proof

    write_onnx(network, spec, path)
    print("verifying on two minutes of sound…", file=sys.stderr)
    proof = Proof(network, spec.signal)
    results = proof.check(path)
    if bits == 8:
        store_eight(path)
    if bits < 32:
        store_half(path)
        print(f"verifying again, with weights of {'8 and 16' if bits == 8 else '16'} bits…", file=sys.stderr)
        results = proof.check(path, ROUNDED_TO_EIGHT if bits == 8 else ROUNDED)
    for result in results:
        print(
            f"  {result.name:6} {result.seconds:.0f} s: torch in chunks {result.torch_chunks:.1e}, "
            f"ONNX Runtime {result.onnx_chunks:.1e}, sound {result.sound_db:.0f} dB"
        )


def _make_critics(critics: dict[str, Critic], spec: CriticSpec, path: Path, *, half: bool) -> None:
    from .critic import write_critics
    from .critic_check import verify_critics
    from .half import round_weights, store_half

    if half:
        for critic in critics.values():
            round_weights(critic)
    write_critics(critics, spec, path)
    if half:
        store_half(path)
    for result in verify_critics(critics, path):
        print(
            f"  critic of {result.source}: ONNX Runtime differs from autograd by {result.scores:.1e} (score), "
            f"{result.gradients:.1e} (gradient)"
        )


def model_spec(checkpoint: Checkpoint, states: tuple[StateSpec, ...], path: Path, licence: str | None) -> ModelSpec:
    """The contract of a checkpoint's network, whose states are `states`."""
    from ..realtime.spec import ModelSpec, TrainingSummary
    from ..trainer.checkpoint import file_sha256
    from ..trainer.tracks import STEMS

    config = checkpoint.config
    signal = config.signal.spec()
    return ModelSpec(
        name=config.name,
        kind="live-unet",
        sources=STEMS,
        signal=signal,
        states=states,
        latency_samples=signal.latency_samples,
        training=TrainingSummary(
            corpora=checkpoint.corpora,
            steps=checkpoint.step,
            audio_hours=checkpoint.audio_seconds / 3600,
            validation_sdr_gain_db=checkpoint.validation_gain_db,
        ),
        weights_licence=licence or config.weights_licence,
        commit=checkpoint.commit,
        checkpoint_sha256=file_sha256(path),
    )


def critic_spec(checkpoint: Checkpoint, model: ModelSpec, sources: tuple[str, ...]) -> CriticSpec:
    """The contract of a checkpoint's critics, beside that of its model."""
    from ..realtime.critic_map import CriticSpec

    return CriticSpec(
        name=model.name,
        sources=sources,
        signal=model.signal,
        frames=checkpoint.config.adversarial.patch_frames,
        highest_hz=checkpoint.config.adversarial.highest_hz,
        weights_licence=model.weights_licence,
        commit=model.commit,
        checkpoint_sha256=model.checkpoint_sha256,
    )


def main() -> None:
    """Entry point of `advsep-export`."""
    run_program("advsep-export", app)
