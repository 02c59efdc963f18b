"""Scores of model files beside floor and ceiling, errors that name the track, no silent reference in a mean."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from advsep.export.untrained import untrained_network
from advsep.realtime.errors import AdvsepError
from advsep.realtime.model import ModelSession
from advsep.realtime.source import ArraySource
from advsep.realtime.spec import ModelSpec
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream
from advsep.trainer.config import TrainConfig
from advsep.trainer.evaluation import IdealMasks, evaluate_track, markdown_table, score_model, track_scores
from advsep.trainer.report import ORACLE
from advsep.trainer.signal import SignalPath
from advsep.trainer.tracks import find_tracks, load_tracks
from advsep.trainer.validation import TrackScore, score_track, sdr_db
from random_models import write_random_model

Stems = Callable[..., tuple[np.ndarray, np.ndarray]]
WRITTEN: list[bytes] = []  # exporting takes longer than all else here


@pytest.fixture
def model(tiny: Callable[..., TrainConfig], tmp_path: Path) -> ModelSession:
    path = tmp_path / "x.onnx"
    if not WRITTEN:
        write_random_model(tiny(), path)
        WRITTEN.append(path.read_bytes())
    path.write_bytes(WRITTEN[0])
    return ModelSession(path, HOPS_AT_ONCE)


def test_a_file_scores_what_its_network_scores(
    tiny: Callable[..., TrainConfig], model: ModelSession, tmp_path: Path, write_track: Callable[..., Path]
) -> None:
    write_track(tmp_path / "c" / "song")
    (files,) = find_tracks([tmp_path / "c"])
    (track,) = load_tracks([files], 8000, tmp_path / "cache")
    signal = tiny().signal.spec()
    network = untrained_network(signal, tiny().network)
    wanted = score_track(network, SignalPath(signal), track, 100.0)
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


@pytest.fixture
def spec(tiny: Callable[..., TrainConfig], model: ModelSession) -> Callable[..., ModelSpec]:
    """The tiny model's contract with another signal."""

    def make(**changes: int) -> ModelSpec:
        signal = tiny(signal=changes).signal.spec()
        return dataclasses.replace(model.spec, signal=signal, latency_samples=signal.latency_samples)

    return make


def ideal_voice(spec: ModelSpec, references: np.ndarray, rate_hz: int = 8000) -> np.ndarray:
    masks = IdealMasks(spec, references, rate_hz)
    return StemStream(ArraySource(references.sum(0), rate_hz, "x"), masks, HOPS_AT_ONCE).read_all().stems["vocals"]


def test_ideal_masks_by_numpy(spec: Callable[..., ModelSpec], make_stems: Stems) -> None:
    """Spectra of whole stems, ratios band by band, bins between bands by np.interp, and torch's overlap-add."""
    contract = spec(channels=2)
    signal, path = contract.signal, SignalPath(contract.signal)
    voice, band = make_stems(1.0, channels=2)
    band[:, 1] *= 0.2  # left and right differ: so must their masks
    padding = (path.history_samples, 2 * signal.hop_samples)
    padded = [torch.nn.functional.pad(torch.from_numpy(x.T.copy())[None], padding) for x in (voice, band)]
    spectra = [path.analyse(x).numpy() for x in padded]
    ranges = list(itertools.pairwise(signal.band_edges_bins))
    loud = [np.stack([np.abs(s[..., low:high]).mean(-1) for low, high in ranges], -1) for s in spectra]
    ratios = loud[0] / (loud[0] + loud[1] + 1e-12)
    centres = [(low + high - 1) / 2 for low, high in ranges]
    masks = np.apply_along_axis(lambda row: np.interp(np.arange(signal.bins), centres, row), -1, ratios)
    made = path.synthesise(torch.from_numpy(masks * (spectra[0] + spectra[1])).to(torch.complex64))[0].numpy()
    delay = signal.synthesis_samples - signal.hop_samples
    found = ideal_voice(contract, np.stack([voice, band]))
    assert np.abs(found - made.T[delay : delay + len(voice)]).max() < 2e-5
    assert sdr_db(voice, found) > 10


def test_ideal_masks_are_in_time_with_look_ahead(spec: Callable[..., ModelSpec], make_stems: Stems) -> None:
    references = np.stack(make_stems(1.0))
    wanted = ideal_voice(spec(), references)
    for frames in (1, 5):
        assert np.abs(ideal_voice(spec(lookahead_frames=frames), references) - wanted).max() < 1e-6


def test_ideal_masks_at_another_rate(spec: Callable[..., ModelSpec], make_stems: Stems) -> None:
    """Heard by the model at 8 kHz: what lies above belongs to the accompaniment."""
    voice, band = make_stems(1.0, rate_hz=16000)
    found = ideal_voice(spec(), np.stack([voice, band]), 16000)
    assert found.shape == voice.shape
    assert sdr_db(voice, found) > 10
    assert sdr_db(voice, voice + band) < 0


def test_a_track_beside_its_floor_and_its_ceiling(
    model: ModelSession, tmp_path: Path, write_track: Callable[..., Path], make_stems: Stems
) -> None:
    write_track(tmp_path / "c" / "song")
    (files,) = find_tracks([tmp_path / "c"])
    scores = evaluate_track(model, files, bss=False)
    assert [(s.signal, s.stem) for s in scores] == [
        (signal, stem) for signal in ("model", "mixture", "oracle") for stem in ("vocals", "accompaniment")
    ]
    assert {(s.model, s.corpus, s.track) for s in scores} == {("tiny", "c", "song")}
    voice, band = (x.astype(np.float64) for x in make_stems(2.0))
    floor = 10 * math.log10(np.sum(voice**2) / np.sum(band**2))
    assert scores[2].metrics.sdr_db == pytest.approx(floor, abs=1e-3)
    assert scores[3].metrics.sdr_db == pytest.approx(-floor, abs=1e-3)
    assert scores[4].metrics.sdr_db > floor + 8
    assert math.isnan(scores[0].metrics.museval_sdr_db)
    assert track_scores(scores) == [score_model(model, files)]
    assert ORACLE not in {s.signal for s in evaluate_track(model, files, bss=False, oracle=False)}


def test_a_silent_voice_is_measured_by_what_leaks(
    model: ModelSession, tmp_path: Path, write_track: Callable[..., Path]
) -> None:
    write_track(tmp_path / "c" / "song", voice=1e-4 * np.sin(np.arange(16000)))  # -83 dBFS
    scores = evaluate_track(model, find_tracks([tmp_path / "c"])[0])
    vocals, band = scores[0].metrics, scores[1].metrics
    assert vocals.leak_db < 0
    assert math.isnan(vocals.sdr_db)
    assert math.isnan(vocals.museval_sdr_db)
    assert math.isfinite(band.sdr_db)
    assert scores[2].metrics.leak_db == pytest.approx(0.0)  # of the mixture everything leaks
    assert scores[4].metrics.leak_db < -20
    assert math.isnan(track_scores(scores)[0].gain_db)
