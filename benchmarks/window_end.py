"""How much of a steady tone is heard at the end of a long window when a mask lets only the bins around it through.

A tone between two bins of 4096 samples at 44.1 kHz, heard by the synthesis window's S samples at the end of the frame:
SDR in dB where the mask is 1 in so many bins and 0 elsewhere, and with the best complex numbers there are for those
bins (least squares over all phases, of any size: what no network will reach). With --quick the windows that live
presets have: heard are the first 5/8 of the S samples, the others are look-ahead.

    python benchmarks/window_end.py [--quick]
"""

from __future__ import annotations

import argparse

import numpy as np
from advsep.realtime.windows import analysis_window, synthesis_window
from numpy.typing import NDArray

WINDOW_SAMPLES = 4096
PHASES = np.linspace(0, 2 * np.pi, 8, endpoint=False)
PLACES_BINS = np.linspace(28, 29, 6)
SYNTHESIS_SAMPLES = (128, 256, 512, 1024, 2048)
SIDE_BINS = (1, 2, 4)


Windows = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of the analysis and of the synthesis."""


def windows_of(size: int, quick: bool) -> Windows:
    """Those of S samples."""
    crossfade, taper = (size // 8, size // 4) if quick else (None, None)
    back = synthesis_window(WINDOW_SAMPLES, size // 2, size, crossfade, taper)
    return analysis_window(WINDOW_SAMPLES, size, taper), back


def heard(tone: NDArray[np.float64], bins: NDArray[np.int64], windows: Windows, factor: complex) -> NDArray[np.float64]:
    """The end of what each bin of a tone adds, turned by `factor`: [sample, bin]."""
    there, back = windows
    spectrum = np.fft.rfft(tone * there)
    alone = np.zeros((len(bins), len(spectrum)), complex)
    alone[np.arange(len(bins)), bins] = spectrum[bins] * factor
    return (np.fft.irfft(alone, WINDOW_SAMPLES)[:, -len(back) :] * back).T


def errors(place_bins: float, side: int, windows: Windows) -> tuple[float, float]:
    """Relative to the tone's power: of an open mask, and of the best complex one."""
    there, back = windows
    bins = round(place_bins) + np.arange(-side, side + 1)
    angles = 2 * np.pi * place_bins * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES
    tones = [np.cos(angles + phase) for phase in PHASES]
    wanted = np.concatenate([(tone * there)[-len(back) :] * back for tone in tones])
    real, turned = (np.concatenate([heard(tone, bins, windows, factor) for tone in tones]) for factor in (1, 1j))
    both = np.hstack([real, turned])
    best = both @ np.linalg.lstsq(both, wanted, rcond=None)[0]
    power = np.sum(wanted**2)
    return float(np.sum((real.sum(1) - wanted) ** 2) / power), float(np.sum((best - wanted) ** 2) / power)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="windows of the live presets")
    quick = parser.parse_args().quick
    print("| S | latency | " + " | ".join(f"{2 * side + 1} bins: open / best complex" for side in SIDE_BINS) + " |")
    print("|---" * (len(SIDE_BINS) + 2) + "|")
    for size in SYNTHESIS_SAMPLES:
        cells, windows = list[str](), windows_of(size, quick)
        for side in SIDE_BINS:
            of_all = np.mean([errors(place, side, windows) for place in PLACES_BINS], 0)
            cells.append(" / ".join(f"{-10 * np.log10(each):.1f} dB" for each in of_all))
        print(f"| {size} | {size / 44.1:.1f} ms | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
