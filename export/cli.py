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
    from ..realtime.spec import ModelSpec, StateSpec
    from ..trainer.checkpoint import Checkpoint

HELP = """Turn a checkpoint of advsep-train into one .onnx file that advsep-live plays.

The file is written only if the network at once, in chunks, in ONNX Runtime and through the live path agrees,
on more than a minute of music and on a second input.

\b
Examples:
  advsep-export runs/live-12/best.ckpt -o live-12.onnx
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
) -> None:
    """See HELP, which typer shows."""
    if output.suffix != ".onnx":
        raise AdvsepError(f"{output}: expected a file name that ends in .onnx")
    require_training_extra()
    from ..trainer.checkpoint import averaged_network, load_checkpoint
    from .graph import write_onnx
    from .verify import verify

    loaded = load_checkpoint(checkpoint)
    network = averaged_network(loaded)
    spec = model_spec(loaded, network.states, checkpoint, licence)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            partial = Path(folder) / output.name
            write_onnx(network, spec, partial)
            print("verifying on two minutes of sound…", file=sys.stderr)
            for result in verify(network, spec.signal, partial):
                print(
                    f"  {result.name:6} {result.seconds:.0f} s: torch in chunks {result.torch_chunks:.1e}, "
                    f"ONNX Runtime {result.onnx_chunks:.1e}, sound {result.sound_db:.0f} dB"
                )
            os.replace(partial, output)
    except OSError as error:
        raise AdvsepError(f"{output}: cannot be written: {error.strerror or error}") from None
    print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB, {spec.name}, step {loaded.step})")


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


def main() -> None:
    """Entry point of `advsep-export`."""
    run_program("advsep-export", app)
