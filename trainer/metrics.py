"""What is measured of separated stems: how near they are to the true ones, and what leaks where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from .bss_eval import frame_ratios, track_ratios
from .validation import sdr_db

Stems = NDArray[np.float32]

SILENT_DBFS = -60.0  # over a whole track; Opus and dither leave something in a silent stem
PAPER_RATE_HZ = 8192
STEM_NAMES = ("vocals", "accompaniment")

METRICS = {
    "sdr": "sdr_db",
    "si-sdr": "si_sdr_db",
    "museval": "museval_sdr_db",
    "museval-isr": "museval_isr_db",
    "museval-sir": "museval_sir_db",
    "museval-sar": "museval_sar_db",
    "paper": "paper_sdr_db",
    "paper-sir": "paper_sir_db",
    "paper-sar": "paper_sar_db",
    "leak": "leak_db",
}
"""What a metric is called, and its attribute of `Metrics`."""
LESS_IS_BETTER = ("leak",)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Of one stem of one track, in dB; nan: does not exist or was not asked for. More is better, but for `leak_db`.

    Attributes:
        sdr_db: signal to distortion over the whole song, all channels together (see `sdr_db`).
        si_sdr_db: the same with the best gain forgiven.
        museval_sdr_db: BSS Eval v4, median of frames of 1 s; also its ISR, SIR and SAR.
        paper_sdr_db: BSS Eval v3 over the whole track, mono, at 8192 Hz; also its SIR and SAR.
        leak_db: energy of the estimate to that of the mixture, only where the reference is silent.
    """

    sdr_db: float = float("nan")
    si_sdr_db: float = float("nan")
    museval_sdr_db: float = float("nan")
    museval_isr_db: float = float("nan")
    museval_sir_db: float = float("nan")
    museval_sar_db: float = float("nan")
    paper_sdr_db: float = float("nan")
    paper_sir_db: float = float("nan")
    paper_sar_db: float = float("nan")
    leak_db: float = float("nan")


def si_sdr_db(reference: Stems, estimate: Stems) -> float:
    """Scale-invariant SDR, 10 log10(|a r|^2 / |a r - e|^2) with a = <e, r> / |r|^2 (Le Roux et al. 2019, eq. 3).

    One gain for all samples and channels; no mean is taken off. At most 200, at least -200 dB; nan where the
    reference is silent.
    """
    r, e = reference.astype(np.float64), estimate.astype(np.float64)
    power = float(np.sum(r * r))
    if power == 0.0:
        return float("nan")
    target = (float(np.sum(e * r)) / power) * r
    return _ratio_db(float(np.sum(target**2)), float(np.sum((target - e) ** 2)))


def level_dbfs(samples: Stems) -> float:
    """Root mean square over all samples and channels; full scale is 1. -inf for digital silence."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def leak_db(estimate: Stems, mixture: Stems) -> float:
    """Energy of the estimate relative to the mixture's, at least -200 dB; nan where the mixture is silent."""
    power = float(np.sum(np.square(mixture, dtype=np.float64)))
    if power == 0.0:
        return float("nan")
    energy = float(np.sum(np.square(estimate, dtype=np.float64)))
    return float(10 * np.log10(max(energy / power, 1e-20)))


def measure(references: Stems, signals: Mapping[str, Stems], rate_hz: int, *, bss: bool) -> dict[str, list[Metrics]]:
    """All metrics of several separations of one track.

    A stem whose reference is below `SILENT_DBFS` has `leak_db` and nothing else. BSS Eval compares sources
    with each other, so that it says nothing of the other stem either.

    Args:
        references: [source, sample, channel] in ±1; their sum is the mixture.
        signals: of each separation its estimates, shaped like the references.
        rate_hz: of all of them.
        bss: whether to take the time for BSS Eval.

    Returns:
        for each separation one `Metrics` a source.
    """
    mixture = references.sum(0)
    silent = [level_dbfs(reference) < SILENT_DBFS for reference in references]
    evaluated: dict[str, list[dict[str, float]]] = {name: [{} for _ in references] for name in signals}
    if bss and not any(silent):
        of_signals = _bss_metrics(references, list(signals.values()), rate_hz)
        for name, of_sources in zip(signals, of_signals, strict=True):
            evaluated[name] = of_sources
    measured: dict[str, list[Metrics]] = {}
    for name, estimates in signals.items():
        measured[name] = [
            Metrics(leak_db=leak_db(estimate, mixture))
            if is_silent
            else Metrics(sdr_db=sdr_db(reference, estimate), si_sdr_db=si_sdr_db(reference, estimate), **more)
            for reference, estimate, is_silent, more in zip(references, estimates, silent, evaluated[name], strict=True)
        ]
    return measured


def _bss_metrics(references: Stems, estimates: list[Stems], rate_hz: int) -> list[list[dict[str, float]]]:
    """[estimate][source] of estimates [source, sample, channel]."""
    frames = frame_ratios(references, estimates, rate_hz, rate_hz)
    mono = [_paper_sound(stems, rate_hz) for stems in (references, *estimates)]
    track = track_ratios(mono[0], mono[1:])
    return [
        [
            {
                "museval_sdr_db": _median(frames.sdr_db[k, j]),
                "museval_isr_db": _median(frames.isr_db[k, j]),
                "museval_sir_db": _median(frames.sir_db[k, j]),
                "museval_sar_db": _median(frames.sar_db[k, j]),
                "paper_sdr_db": float(track.sdr_db[k, j]),
                "paper_sir_db": float(track.sir_db[k, j]),
                "paper_sar_db": float(track.sar_db[k, j]),
            }
            for j in range(len(references))
        ]
        for k in range(len(estimates))
    ]


def _paper_sound(stems: Stems, rate_hz: int) -> Stems:
    """[source, sample]: mono, at the paper's rate."""
    mono = np.ascontiguousarray(stems.mean(2).T)
    resampled: Stems = soxr.resample(mono, rate_hz, PAPER_RATE_HZ, quality="HQ")
    return resampled.T


def _median(values: NDArray[np.float64]) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else float("nan")


def _ratio_db(signal: float, rest: float) -> float:
    floor = 1e-20 * max(signal, rest, 1e-280)
    return float(10 * np.log10(max(signal, floor) / max(rest, floor)))
