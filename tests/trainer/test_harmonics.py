"""Beside each band what lies at multiples of its frequency, against reading one band at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from advsep.realtime.bands import band_centres
from advsep.realtime.spec import SignalSpec
from advsep.trainer.config import SignalConfig
from advsep.trainer.harmonics import Harmonics, ratios_of

RATIOS = (0.5, 2.0, 3.0, 1 / 3)
SPECS = [
    SignalConfig(window_samples=256, hop_samples=64, synthesis_samples=128, bands=32, single_bins=16).spec(),
    SignalConfig(window_samples=4096, bands=192, single_bins=144).spec(),
]


@pytest.mark.parametrize("spec", SPECS)
def test_every_band_is_read_where_its_multiple_lies(spec: SignalSpec) -> None:
    features = torch.rand(2, 2, 3, spec.bands)
    read = Harmonics(spec, RATIOS)(features)
    assert read.shape == (2, 10, 3, spec.bands)
    assert torch.equal(read[:, :2], features)
    centres = band_centres(spec)
    for channel in range(2):
        for number, ratio in enumerate(RATIOS):
            rows = features[:, channel].reshape(6, -1)
            wanted = np.stack([np.interp(ratio * centres, centres, row, left=0, right=0) for row in rows])
            found = read[:, 2 + channel * len(RATIOS) + number].reshape(6, -1).numpy()
            assert np.abs(found - wanted).max() < 1e-5


def test_a_tone_and_its_octave_meet() -> None:
    """A 500 Hz tone with partials at 1000 and 1500 Hz: at its band the ratios 2 and 3 read both."""
    spec = SPECS[1]
    hz = band_centres(spec) * spec.sample_rate_hz / spec.window_samples
    bands = [int(np.abs(hz - at).argmin()) for at in (500, 1000, 1500)]
    features = torch.zeros(1, 2, 1, spec.bands)
    for partial, band in enumerate(bands):
        features[0, :, 0, band - 1 : band + 2] = partial + 1
    read = Harmonics(spec, (0.5, 2.0, 3.0))(features)[0, :, 0]
    assert read[2:5, bands[0]].tolist() == pytest.approx([0, 2, 3], abs=0.01)  # mid: half, twice, three times
    assert read[2:5, bands[1]].tolist() == pytest.approx([1, 0, 0], abs=0.01)
    assert not read[3:5, hz > 22050 / 2].any()  # nothing is read beyond the last band


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("precision", [np.float32, np.float16])
def test_ratios_are_found_again_in_the_tables(spec: SignalSpec, precision: type) -> None:
    made = Harmonics(spec, (0.5, 2.0, 3.0, 0.333))
    shares = np.stack([made.lower_share.numpy(), made.upper_share.numpy()]).astype(precision).astype(np.float32)
    bands = np.stack([made.lower.numpy(), made.upper.numpy()])
    assert ratios_of(spec, shares, bands) == (0.5, 2.0, 3.0, 0.333)
