"""Each metric by its textbook formula, on noise and on cases whose answer is known."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from advsep.trainer import metrics
from advsep.trainer.bss_eval import frame_ratios, track_ratios
from advsep.trainer.metrics import METRICS, Metrics, leak_db, level_dbfs, measure, si_sdr_db
from advsep.trainer.validation import sdr_db

RATE_HZ = 8192


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_si_sdr_by_projection_on_the_unit_vector() -> None:
    reference, estimate = noise(500, 2), noise(500, 2, seed=1) + 2 * noise(500, 2)
    r, e = reference.astype(float).ravel(), estimate.astype(float).ravel()
    unit = r / math.sqrt(sum(x * x for x in r))
    target = (unit @ e) * unit
    wanted = 10 * math.log10((target @ target) / ((e - target) @ (e - target)))
    assert si_sdr_db(reference, estimate) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("gain", [-3.0, 1e-3, 0.5, 40.0])
def test_a_gain_changes_sdr_but_not_si_sdr(gain: float) -> None:
    reference = noise(1000, 1)
    estimate = reference + 0.3 * noise(1000, 1, seed=1)
    assert si_sdr_db(reference, np.float32(gain) * estimate) == pytest.approx(si_sdr_db(reference, estimate), abs=1e-4)
    assert abs(sdr_db(reference, np.float32(gain) * estimate) - sdr_db(reference, estimate)) > 3


def test_known_noise_has_a_known_ratio() -> None:
    reference = np.tile(np.array([[1.0], [1.0], [-1.0], [-1.0]], np.float32), (64, 1))
    orthogonal = np.tile(np.array([[1.0], [-1.0], [1.0], [-1.0]], np.float32), (64, 1))
    estimate = reference + np.float32(0.1) * orthogonal
    assert sdr_db(reference, estimate) == pytest.approx(20.0, abs=1e-4)
    assert si_sdr_db(reference, estimate) == pytest.approx(20.0, abs=1e-4)
    assert si_sdr_db(reference, orthogonal) == pytest.approx(-200.0)
    assert si_sdr_db(reference, reference) == pytest.approx(200.0)
    assert math.isnan(si_sdr_db(np.zeros_like(reference), estimate))
    # The balance of the channels is not forgiven: 1 and 0 of 1 and 1 is half of each, |r/2|^2 / |r/2|^2.
    stereo = np.repeat(reference, 2, 1)
    assert si_sdr_db(stereo, stereo * np.array([1, 0], np.float32)) == pytest.approx(0.0, abs=1e-6)


def test_levels_and_leaks() -> None:
    tone = np.sin(2 * np.pi * np.arange(800) / 8).astype(np.float32)[:, None]
    assert level_dbfs(tone) == pytest.approx(-3.0103, abs=1e-3)
    assert level_dbfs(np.zeros((9, 2), np.float32)) == -math.inf
    assert leak_db(tone * np.float32(0.1), tone) == pytest.approx(-20.0, abs=1e-4)
    assert leak_db(0 * tone, tone) == pytest.approx(-200.0)
    assert math.isnan(leak_db(tone, 0 * tone))


def test_everything_of_a_track(monkeypatch: pytest.MonkeyPatch) -> None:
    for ratios in (frame_ratios, track_ratios):  # shorter filters are found sooner
        monkeypatch.setattr(metrics, ratios.__name__, partial(ratios, taps=16))
    references = noise(2, 3 * RATE_HZ + 100, 2) * np.float32(0.1)
    estimates = references + np.float32(0.02) * noise(*references.shape, seed=1)
    mixture = references.sum(0)
    found = measure(references, {"model": estimates, "mixture": np.stack([mixture, mixture])}, RATE_HZ, bss=True)
    assert list(found) == ["model", "mixture"]
    frames = frame_ratios(references, estimates[None], RATE_HZ, RATE_HZ, 16)
    track = track_ratios(references.mean(2), estimates.mean(2)[None], 16)
    for j in range(2):
        ours = found["model"][j]
        assert ours.sdr_db == sdr_db(references[j], estimates[j])
        assert ours.si_sdr_db == si_sdr_db(references[j], estimates[j])
        assert found["mixture"][j].sdr_db == pytest.approx(sdr_db(references[j], mixture))
        assert ours.museval_sdr_db == pytest.approx(np.sort(frames.sdr_db[0, j])[1])  # the middle one of three
        assert ours.museval_isr_db == pytest.approx(np.sort(frames.isr_db[0, j])[1])
        assert ours.museval_sir_db == pytest.approx(np.sort(frames.sir_db[0, j])[1])
        assert ours.museval_sar_db == pytest.approx(np.sort(frames.sar_db[0, j])[1])
        # At the paper's own rate nothing is resampled, only mixed down.
        assert ours.paper_sdr_db == pytest.approx(track.sdr_db[0, j], abs=1e-3)
        assert ours.paper_sir_db == pytest.approx(track.sir_db[0, j], abs=1e-3)
        assert ours.paper_sar_db == pytest.approx(track.sar_db[0, j], abs=1e-3)
        assert math.isnan(ours.leak_db)


def test_the_paper_hears_nothing_above_its_rate() -> None:
    rate_hz = 32768
    time_s = np.arange(rate_hz) / rate_hz
    voice, band = (
        np.sum([np.sin(2 * np.pi * f * time_s + f) for f in range(first, 3500, 97)], 0)[:, None].astype(np.float32) / 20
        for first in (200, 240)
    )
    references = np.stack([voice, band])
    hiss = np.float32(0.3) * np.sin(2 * np.pi * 12000 * time_s)[:, None].astype(np.float32)
    noisy, clean = (measure(references, {"m": x}, rate_hz, bss=True)["m"][0] for x in (references + hiss, references))
    assert noisy.sdr_db < 10
    assert clean.sdr_db == pytest.approx(200)
    assert noisy.paper_sdr_db > 40


def test_a_silent_reference_has_a_leak_and_nothing_else() -> None:
    references = noise(2, RATE_HZ, 1) * np.float32(0.1)
    references[0] *= np.float32(0.009)  # -60.9 dBFS
    mixture = references.sum(0)
    estimates = np.stack([np.float32(0.1) * mixture, np.float32(0.9) * mixture])
    vocals, band = measure(references, {"model": estimates}, RATE_HZ, bss=True)["model"]
    assert vocals.leak_db == pytest.approx(-20.0, abs=1e-3)
    assert [name for name in METRICS.values() if math.isfinite(getattr(vocals, name))] == ["leak_db"]
    assert [name for name in METRICS.values() if math.isfinite(getattr(band, name))] == ["sdr_db", "si_sdr_db"]
    references[0] *= np.float32(1.2)  # -59.3 dBFS: it counts
    vocals, band = measure(references, {"model": estimates}, RATE_HZ, bss=True)["model"]
    assert math.isnan(vocals.leak_db)
    assert math.isfinite(vocals.sdr_db)
    assert math.isfinite(band.museval_sdr_db)


def test_bss_eval_can_be_left_out() -> None:
    references = noise(2, 1000, 1)
    (vocals, _) = measure(references, {"model": references * np.float32(0.5)}, RATE_HZ, bss=False)["model"]
    assert vocals.sdr_db == pytest.approx(20 * math.log10(2), abs=1e-4)
    assert math.isnan(vocals.museval_sdr_db)
    assert math.isnan(vocals.paper_sdr_db)


def test_every_metric_has_a_name() -> None:
    assert sorted(METRICS.values()) == sorted(Metrics.__dataclass_fields__)
    assert list(METRICS.values()) == list(Metrics.__dataclass_fields__)  # a table's columns are in this order
