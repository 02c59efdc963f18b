"""Scores of model files: errors that name the track, and a table without silent references in its means."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.export.cli import model_spec
from advsep.export.graph import write_onnx
from advsep.realtime.errors import AdvsepError
from advsep.realtime.model import ModelSession
from advsep.realtime.stems import HOPS_AT_ONCE
from advsep.trainer.checkpoint import Checkpoint, averaged_network, save_checkpoint
from advsep.trainer.config import TrainConfig
from advsep.trainer.evaluation import markdown_table, score_model
from advsep.trainer.live_unet import LiveUnet
from advsep.trainer.signal import SignalPath
from advsep.trainer.tracks import find_tracks, load_tracks
from advsep.trainer.validation import TrackScore, score_track


@pytest.fixture
def checkpoint(tiny: Callable[..., TrainConfig]) -> Checkpoint:
    config = tiny()
    spec = config.signal.spec()
    weights = LiveUnet(spec.bands, spec.channels, config.network).state_dict()
    nothing = {"audio_seconds": 0.0, "best_gain_db": None, "validation_gain_db": None, "corpora": (), "commit": "", "critics": {}}
    return Checkpoint(config=config, network=weights, averaged=weights, optimiser={}, carried=[], step=1, **nothing)


@pytest.fixture
def model(checkpoint: Checkpoint, tmp_path: Path) -> ModelSession:
    save_checkpoint(checkpoint, tmp_path / "x.ckpt")
    network = averaged_network(checkpoint)
    write_onnx(network, model_spec(checkpoint, network.states, tmp_path / "x.ckpt", None), tmp_path / "x.onnx")
    return ModelSession(tmp_path / "x.onnx", HOPS_AT_ONCE)


def test_a_file_scores_what_the_checkpoint_scored(
    checkpoint: Checkpoint, model: ModelSession, tmp_path: Path, write_track: Callable[..., Path]
) -> None:
    write_track(tmp_path / "c" / "song")
    (files,) = find_tracks([tmp_path / "c"])
    (track,) = load_tracks([files], 8000, tmp_path / "cache")
    wanted = score_track(averaged_network(checkpoint), SignalPath(checkpoint.config.signal.spec()), track, 100.0)
    for _ in range(2):  # nothing is carried from track to track
        found = score_model(model, files)
        assert (found.name, found.corpus) == (wanted.name, wanted.corpus)
        for name in ("vocals_db", "accompaniment_db", "mixture_vocals_db", "mixture_accompaniment_db"):
            assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=0.01)


@pytest.mark.parametrize(
    ("band", "says"),
    [
        (np.zeros(15000), "found 16000 x 1 at 8000 Hz and 15000 x 1 at 8000 Hz; convert one"),
        (np.zeros((16000, 2)), "found 16000 x 1 at 8000 Hz and 16000 x 2 at 8000 Hz"),
        (np.full(16000, np.nan), "sample 0 .* is not a finite number"),
    ],
)
def test_stems_that_do_not_fit_are_named(
    model: ModelSession, tmp_path: Path, write_track: Callable[..., Path], band: np.ndarray, says: str
) -> None:
    write_track(tmp_path / "c" / "song", band=band)
    with pytest.raises(AdvsepError, match=says) as caught:
        score_model(model, find_tracks([tmp_path / "c"])[0])
    assert str(tmp_path / "c" / "song") in str(caught.value)


def test_the_table_leaves_silent_references_out_of_its_means() -> None:
    scores = [
        TrackScore("a", "x", 6.0, 10.0, 1.0, 4.0),
        TrackScore("b", "x", 8.0, 12.0, 2.0, 6.0),
        TrackScore("c", "x", math.nan, 20.0, math.nan, 20.0),
        TrackScore("d", "y", math.nan, math.nan, math.nan, math.nan),
    ]
    lines = markdown_table(scores).splitlines()
    assert lines[2] == "| x / a | 6.00 (1.00) | +5.00 | 10.00 (4.00) | +6.00 |"
    assert lines[6] == "| **x**, mean of 3 | 7.00 (1.50) | +5.50 | 14.00 (10.00) | +4.00 |"
    assert lines[7].startswith("| **y**, mean of 1 | nan (nan)")
