"""The bundled model on real songs it never learnt from, through the live path; skipped where there are none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import find_model
from advsep.realtime.source import ArraySource
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream

DATA = Path(os.environ.get("ADVSEP_DATA", Path(__file__).parents[3] / "shared" / "data")) / "paired"
SECONDS = 45.0

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no recordings: set ADVSEP_DATA to their folder")


# Whole-track gains are in the model card; these excerpts start at a quarter of the song, bounds are about 2 dB below.
@pytest.mark.parametrize(
    ("track", "least_gain_db"),
    [
        ("mixing-secrets/john-mckay-daisy-daisy", 7.0),
        ("mir1k/kenshin-1", 3.0),
        ("cc0-electronic/caesium", 0.0),
    ],
)
def test_the_voice_is_nearer_to_the_truth_than_the_mixture(track: str, least_gain_db: float) -> None:
    folder = DATA / track
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    vocals, band, rate_hz = excerpt(folder)
    mixture = vocals + band
    model = ModelSession(find_model("live-12"), HOPS_AT_ONCE)
    stems = StemStream(ArraySource(mixture, rate_hz, track), model, HOPS_AT_ONCE).read_all().stems
    estimate, rest = stems["vocals"], stems["accompaniment"]
    assert estimate.shape == mixture.shape
    assert np.abs(estimate + rest - mixture).max() < 1e-6
    # The error of the mixture taken for the voice is the band.
    gain_db = 10 * np.log10(np.sum(band**2) / np.sum((vocals - estimate) ** 2))
    assert gain_db > least_gain_db


def excerpt(folder: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Vocals and accompaniment [sample, channel] and their rate."""
    stems = []
    rate_hz = 0
    for name in ("vocals", "accompaniment"):
        with soundfile.SoundFile(next(folder.glob(f"{name}.*"))) as file:
            rate_hz = file.samplerate
            file.seek(file.frames // 4)
            stems.append(file.read(round(SECONDS * rate_hz), dtype="float32", always_2d=True))
    return stems[0], stems[1], rate_hz
