"""BSS Eval against museval's numbers and against least squares written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from advsep.trainer import bss_eval as module
from advsep.trainer.bss_eval import frame_ratios, track_ratios


def song(samples: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Two references [source, sample, channel], the second coloured, and filtered, leaking, noisy estimates."""
    rng = np.random.default_rng(0)
    references = rng.standard_normal((2, samples, channels))
    references[1, 1:] += 0.9 * references[1, :-1]
    noise = rng.standard_normal(references.shape)
    first = references[0] + 0.3 * np.roll(references[0], 2, 0) + 0.1 * references[1]
    return references, np.stack([first, references[1] + 0.2 * references[0]]) + 0.1 * noise


# museval 0.4.1, metrics.bss_eval(*song(6000, channels), window=w, hop=w): SDR, ISR, SIR, SAR [source][frame].
MUSEVAL = {
    (2, 2000): [
        [[9.339544, 9.239381, 9.254358], [15.508364, 15.520285, 15.495591]],
        [[10.306447, 10.254204, 10.202647], [23.482373, 23.225268, 23.282987]],
        [[17.968134, 18.047119, 17.840497], [16.910108, 16.922125, 16.913423]],
        [[21.703417, 21.648274, 21.362406], [23.754089, 23.757805, 24.088178]],
    ],
    (1, 2500): [  # 1000 samples are left over
        [[9.218949, 9.380891], [15.922106, 15.470318]],
        [[10.317742, 10.387202], [26.554237, 26.535422]],
        [[17.623599, 17.925126], [17.220881, 16.673043]],
        [[21.082285, 21.123532], [23.743307, 22.959806]],
    ],
}


@pytest.mark.parametrize(("channels", "window"), list(MUSEVAL))
def test_version_4_gives_what_museval_gives(channels: int, window: int) -> None:
    references, estimates = song(6000, channels)
    found = frame_ratios(references, np.stack([references * 0.5, estimates]), window, window)
    ratios = (found.sdr_db, found.isr_db, found.sir_db, found.sar_db)
    for ratio, wanted in zip(ratios, MUSEVAL[channels, window], strict=True):
        assert ratio[1] == pytest.approx(np.array(wanted), abs=2e-6)
    assert found.sdr_db[0] == pytest.approx(20 * math.log10(2))  # the other estimates did not mix with these


def test_version_3_gives_what_museval_gives() -> None:
    """museval 0.4.1, metrics.bss_eval_sources(*song(30000, 1), compute_permutation=False)."""
    references, estimates = song(30000, 1)
    found = track_ratios(references[..., 0], estimates[None, ..., 0])
    assert found.sdr_db[0] == pytest.approx([15.953164, 15.652712], abs=2e-6)
    assert found.sir_db[0] == pytest.approx([17.843815, 16.605423], abs=2e-6)
    assert found.sar_db[0] == pytest.approx([20.546750, 22.802469], abs=2e-6)


def delayed(signals: np.ndarray, taps: int) -> np.ndarray:
    """[sample + taps - 1, signal * tap]: every row of `signals` at every delay, one column each."""
    return np.stack([np.pad(row, (d, taps - 1 - d)) for row in signals for d in range(taps)], 1)


def least_squares(inputs: np.ndarray, output: np.ndarray, taps: int) -> np.ndarray:
    """Filters, by the full design matrix."""
    return np.linalg.lstsq(delayed(inputs, taps), np.pad(output, (0, taps - 1)), rcond=None)[0]


def db(signal: np.ndarray, rest: np.ndarray) -> float:
    return 10 * math.log10(np.sum(signal**2) / np.sum(rest**2))


@pytest.mark.parametrize("block", [32, 16384])
def test_version_4_by_the_full_design_matrix(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(module, "FFT_SAMPLES", block)
    taps, window, hop = 7, 100, 60
    references, estimates = song(300, 2)
    found = frame_ratios(references, estimates[None], window, hop, taps)
    assert found.sdr_db.shape == (1, 2, 4)
    inputs = np.concatenate([references[0].T, references[1].T])
    for j in range(2):
        own_filters = [least_squares(references[j].T, out, taps) for out in estimates[j].T]
        all_filters = [least_squares(inputs, out, taps) for out in estimates[j].T]
        for number, start in enumerate(range(0, 201, hop)):
            part = slice(start, start + window)
            tail = ((0, taps - 1), (0, 0))
            true, made = np.pad(references[j, part], tail), np.pad(estimates[j, part], tail)
            own = delayed(references[j, part].T, taps) @ np.stack(own_filters, 1)
            every = delayed(inputs[:, part], taps) @ np.stack(all_filters, 1)
            assert found.sdr_db[0, j, number] == pytest.approx(db(true, made - true), abs=1e-6)
            assert found.isr_db[0, j, number] == pytest.approx(db(true, own - true), abs=1e-6)
            assert found.sir_db[0, j, number] == pytest.approx(db(own, every - own), abs=1e-6)
            assert found.sar_db[0, j, number] == pytest.approx(db(every, made - every), abs=1e-6)


def test_version_3_by_the_full_design_matrix() -> None:
    taps = 9
    references, estimates = (x[..., 0] for x in song(400, 1))
    found = track_ratios(references, np.stack([estimates, estimates[::-1]]), taps)
    for k, of in enumerate((estimates, estimates[::-1])):
        for j in range(2):
            made = np.pad(of[j], (0, taps - 1))
            own = delayed(references[j : j + 1], taps) @ least_squares(references[j : j + 1], of[j], taps)
            every = delayed(references, taps) @ least_squares(references, of[j], taps)
            assert found.sdr_db[k, j] == pytest.approx(db(own, made - own), abs=1e-6)
            assert found.sir_db[k, j] == pytest.approx(db(own, every - own), abs=1e-6)
            assert found.sar_db[k, j] == pytest.approx(db(every, made - every), abs=1e-6)


def test_version_3_forgives_a_filter_and_version_4_does_not() -> None:
    references, _ = song(4000, 1)
    echo = references + 0.5 * np.pad(references, ((0, 0), (3, 0), (0, 0)))[:, :-3]
    echo[:, -3:] = references[:, -3:]
    assert track_ratios(references[..., 0], echo[None, ..., 0], 64).sdr_db.min() > 20
    assert frame_ratios(references, echo[None], 4000, 4000, 64).sdr_db == pytest.approx(6.0, abs=0.1)


def test_a_frame_in_which_any_source_is_silent_has_no_ratio() -> None:
    references, estimates = song(500, 1)
    references[0, 100:200] = 0
    estimates[1, 300:400] = 0
    found = frame_ratios(references, np.stack([estimates, references + 1.0]), 100, 100, 4)
    wanted = [[False, True, False, True, False], [False, True, False, False, False]]
    for ratio in (found.sdr_db, found.isr_db, found.sir_db, found.sar_db):
        assert np.isnan(ratio).tolist() == [[row, row] for row in wanted]
    references[0] = 0
    assert np.isnan(frame_ratios(references, estimates[None], 100, 100, 4).sdr_db).all()
    assert np.isnan(track_ratios(references[..., 0], estimates[None, ..., 0], 4).sar_db).all()


def test_a_track_shorter_than_a_frame_is_one_frame() -> None:
    references, estimates = song(80, 2)
    found = frame_ratios(references, estimates[None], 1000, 1000, 4)
    assert found.sdr_db.shape == (1, 2, 1)
    assert found.sdr_db[0, 0, 0] == pytest.approx(db(references[0], references[0] - estimates[0]))


def test_equal_channels_give_what_one_gives() -> None:
    """Their equations have no single solution."""
    references, estimates = song(3000, 1)
    mono = frame_ratios(references, estimates[None], 1000, 1000, 32)
    stereo = frame_ratios(references.repeat(2, 2), estimates[None].repeat(2, 3), 1000, 1000, 32)
    for name in ("sdr_db", "isr_db", "sir_db", "sar_db"):
        assert getattr(stereo, name) == pytest.approx(getattr(mono, name), abs=1e-4)


def test_a_perfect_estimate_is_finite() -> None:
    references, _ = song(1000, 1)
    assert frame_ratios(references, references[None], 500, 500, 8).sdr_db == pytest.approx(150.0)
    assert 80 < track_ratios(references[..., 0], references[None, ..., 0], 8).sdr_db.min() <= 150.0


def test_samples_in_float32_are_computed_in_float64() -> None:
    references, estimates = (x.astype(np.float32) for x in song(3000, 1))
    narrow = frame_ratios(references, estimates[None], 1000, 1000, 32)
    wide = frame_ratios(references.astype(float), estimates[None].astype(float), 1000, 1000, 32)
    assert narrow.sar_db == pytest.approx(wide.sar_db, abs=1e-9)


def test_sizes_of_transforms() -> None:
    for least in (1, 2, 7, 45, 512, 44611, 48511):
        size = rest = module._fft_size(least)
        assert size >= least
        assert size % 2 == 0
        assert size <= max(2, 1.07 * least + 2)
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        assert rest == 1
