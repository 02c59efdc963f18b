"""Levels settle in time, move without a click, and the mix is the sum of the scaled stems."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.mixer import SMOOTHING_S, StemMixer
from numpy.typing import NDArray

NAMES = ("vocals", "accompaniment")


def gains_over(mixer: StemMixer, samples: int, channels: int = 2) -> list[NDArray[np.float32]]:
    """The gain of each stem over time: what the mixer makes of a stem of ones."""
    stems = [np.ones((samples, channels), np.float32) for _ in NAMES]
    mix = np.empty((samples, channels), np.float32)
    mixer.process(stems, mix)
    np.testing.assert_allclose(mix, stems[0] + stems[1], atol=1e-6)
    assert all((stem == stem[:, :1]).all() for stem in stems)
    return [stem[:, 0] for stem in stems]


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
def test_a_mute_settles_in_time_and_never_jumps(rate_hz: int) -> None:
    mixer, settled = StemMixer(NAMES, rate_hz), round(SMOOTHING_S * rate_hz)
    assert not gains_over(mixer, 100)[0].min() < 1.0
    mixer.set_muted("vocals", True)
    vocals, band = gains_over(mixer, 2 * settled)
    assert vocals[settled // 2] == pytest.approx(0.5, abs=0.02)
    assert not vocals[settled + 1 :].any()
    assert np.abs(np.diff(vocals, prepend=1.0)).max() <= 1.01 / (SMOOTHING_S * rate_hz)
    assert (band == 1.0).all()
    mixer.set_muted("vocals", False)
    vocals, _ = gains_over(mixer, 2 * settled)
    assert (vocals[settled + 1 :] == 1.0).all()


def test_a_change_goes_on_over_the_border_of_blocks() -> None:
    mixer, whole = StemMixer(NAMES, 44100), StemMixer(NAMES, 44100)
    for each in (mixer, whole):
        each.set_gain_db("accompaniment", -20)
    parts = np.concatenate([gains_over(mixer, size)[1] for size in (1, 99, 256, 700)])
    np.testing.assert_array_equal(parts, gains_over(whole, 1056)[1])
    assert parts[-1] == pytest.approx(0.1)


def test_jump_takes_the_levels_at_once_and_mute_keeps_them() -> None:
    mixer = StemMixer(NAMES, 44100)
    mixer.set_gain_db("vocals", 6.0)
    mixer.set_muted("vocals", True)
    mixer.jump()
    assert mixer.is_muted("vocals")
    assert not mixer.is_muted("accompaniment")
    assert not gains_over(mixer, 10)[0].any()
    mixer.set_muted("vocals", False)
    mixer.jump()
    np.testing.assert_allclose(gains_over(mixer, 10)[0], 10 ** (6 / 20), rtol=1e-6)


def test_a_stem_is_scaled_in_place_sample_for_sample() -> None:
    mixer, rng = StemMixer(NAMES, 44100), np.random.default_rng(0)
    stems = [rng.standard_normal((500, 1)).astype(np.float32) for _ in NAMES]
    plain = [stem.copy() for stem in stems]
    mixer.set_gain_db("vocals", -6.0)
    mixer.jump()
    mix = np.empty((500, 1), np.float32)
    mixer.process(stems, mix)
    np.testing.assert_allclose(stems[0], plain[0] * 10 ** (-6 / 20), rtol=1e-6)
    np.testing.assert_array_equal(stems[1], plain[1])
    np.testing.assert_allclose(mix, stems[0] + stems[1], atol=1e-6)
