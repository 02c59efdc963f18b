"""Real FFT of one frame inside compiled code, without allocation.

N real samples are taken as N/2 complex ones. Their transform is a self-sorting (Stockham) radix-4
FFT, decimation in frequency, on separate real and imaginary parts, eight butterflies at a time
(P. N. Swarztrauber, "FFT algorithms for vector computers", Parallel Computing 1, 1984); a last
step separates the even from the odd samples. Every pass reads whole vectors; only the order in
which they are written differs: by fours, by quads, then by whole runs.

Lengths from 64 on that are a power of two take this path, about three times as fast as rocket-fft
(DUCC), which takes all others. DUCC keeps a plan from the first transform of a length on; version
0.4.1 of rocket-fft was then seen not to malloc up to 48000 samples, and to do so at 131072.
`benchmarks/stft_speed.py` holds the two against each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rocket_fft import c2r, r2c

from .jit import jit
from .simd import (
    LANES,
    Vector,
    even,
    even_reversed,
    high_halves,
    load,
    low_halves,
    odd,
    odd_reversed,
    reversed_first,
    splat,
    store,
    zip_high,
    zip_low,
)

Floats = NDArray[np.float32]
Pair = tuple[Vector, Vector]

_AXIS = np.zeros(1, np.int64)
_SMALLEST = 64


def fft_tables(window_samples: int) -> tuple[Floats, Floats]:
    """What `forward` and `inverse` need for frames of one length.

    Args:
        window_samples: N, even.

    Returns:
        tables: the twiddle factors, one axis, read only by contract; empty where rocket-fft is used.
        work: [4, N/2 + 8] of scratch, not to be shared between threads.
    """
    n = window_samples
    if n < _SMALLEST or n & (n - 1):
        return np.zeros(0, np.float32), np.zeros((4, 0), np.float32)
    points = n // 2
    parts: list[NDArray[np.float64]] = []
    run, left = 1, points
    while left > 4:
        angles = -2 * np.pi / left * np.arange(1, 4)[:, None] * np.arange(left // 4)
        if run == 4:
            angles = np.repeat(angles, 4, axis=1)
        six = np.stack([np.cos(angles), np.sin(angles)], axis=1).reshape(6, -1)
        # The first two passes load eight neighbouring factors, the later ones six of one butterfly.
        parts.append(np.ravel(six if run <= 4 else six.T))
        run, left = 4 * run, left // 4
    angles = 2 * np.pi / n * np.arange(points)
    # The last step turns by -i/2·exp(-i·angle).
    tables = np.concatenate([*parts, -0.5 * np.sin(angles), -0.5 * np.cos(angles)]).astype(np.float32)
    return tables, np.zeros((4, points + LANES), np.float32)


@jit
def forward(frame: Floats, spectrum: NDArray[np.complex64], tables: Floats, work: Floats) -> None:
    """Unnormalised real FFT: `spectrum` [N/2 + 1] from `frame` [N], both contiguous."""
    if tables.size == 0:
        r2c(frame, spectrum, _AXIS, True, 1.0, 1)
        return
    points = frame.size // 2
    for j in range(0, points, LANES):
        first, second = load(frame, 2 * j), load(frame, 2 * j + LANES)
        store(work[0], j, even(first, second))
        store(work[1], j, odd(first, second))
    row = _transform(work, tables, points)
    _separate(work[row], work[row + 1], tables[tables.size - 2 * points :], spectrum.view(np.float32), points)


@jit
def inverse(spectrum: NDArray[np.complex64], frame: Floats, first_sample: int, tables: Floats, work: Floats) -> None:
    """N times the inverse real FFT: `frame` [N] from `spectrum` [N/2 + 1], both contiguous.

    The samples before `first_sample` are left undefined. Imaginary parts at 0 and N/2 count as zero.
    """
    if tables.size == 0:
        c2r(spectrum, frame, _AXIS, False, 1.0, 1)
        return
    points = frame.size // 2
    # Real and imaginary parts change places: that turns the forward transform into the inverse.
    _join(spectrum.view(np.float32), tables[tables.size - 2 * points :], work[1], work[0], points)
    row = _transform(work, tables, points)
    for j in range(first_sample // (2 * LANES) * LANES, points, LANES):
        real, imag = load(work[row + 1], j), load(work[row], j)
        store(frame, 2 * j, zip_low(real, imag))
        store(frame, 2 * j + LANES, zip_high(real, imag))


@jit
def _transform(work: Floats, tables: Floats, points: int) -> int:
    """Complex FFT of rows 0 and 1 of `work`; returns the row that the result begins at."""
    quarter = points // 4
    _pass_by_fours(work[0], work[1], work[2], work[3], tables, quarter)
    _pass_by_quads(work[2], work[3], work[0], work[1], tables[6 * quarter :], quarter)
    source, table, run, left = 0, 12 * quarter, 16, points // 16
    while left > 1:
        xr, xi, yr, yi = work[source], work[source + 1], work[2 - source], work[3 - source]
        if left == 2:
            _last_pass_of_two(xr, xi, yr, yi, points // 2)
        elif left == 4:
            _last_pass_of_four(xr, xi, yr, yi, quarter)
        else:
            _pass_by_runs(xr, xi, yr, yi, tables[table:], quarter, run)
            table += 6 * (left // 4)
        source, run, left = 2 - source, 4 * run, left // 4
    return source


@jit
def _turn(real: Vector, imag: Vector, by_real: Vector, by_imag: Vector) -> Pair:
    return real * by_real - imag * by_imag, real * by_imag + imag * by_real


@jit
def _butterfly(xr: Floats, xi: Floats, j: int, quarter: int) -> tuple[Pair, Pair, Pair, Pair]:
    ar, ai = load(xr, j), load(xi, j)
    br, bi = load(xr, j + quarter), load(xi, j + quarter)
    cr, ci = load(xr, j + 2 * quarter), load(xi, j + 2 * quarter)
    dr, di = load(xr, j + 3 * quarter), load(xi, j + 3 * quarter)
    sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
    ur, ui, vr, vi = br + dr, bi + di, br - dr, bi - di
    return (sr + ur, si + ui), (tr + vi, ti - vr), (sr - ur, si - ui), (tr - vi, ti + vr)


@jit
def _turned_butterfly(xr: Floats, xi: Floats, j: int, quarter: int, table: Floats) -> tuple[Pair, Pair, Pair, Pair]:
    a, b, c, d = _butterfly(xr, xi, j, quarter)
    b = _turn(b[0], b[1], load(table, j), load(table, quarter + j))
    c = _turn(c[0], c[1], load(table, 2 * quarter + j), load(table, 3 * quarter + j))
    d = _turn(d[0], d[1], load(table, 4 * quarter + j), load(table, 5 * quarter + j))
    return a, b, c, d


@jit
def _pass_by_fours(xr: Floats, xi: Floats, yr: Floats, yi: Floats, table: Floats, quarter: int) -> None:
    for j in range(0, quarter, LANES):
        a, b, c, d = _turned_butterfly(xr, xi, j, quarter, table)
        _store_fours(yr, 4 * j, a[0], b[0], c[0], d[0])
        _store_fours(yi, 4 * j, a[1], b[1], c[1], d[1])


@jit
def _pass_by_quads(xr: Floats, xi: Floats, yr: Floats, yi: Floats, table: Floats, quarter: int) -> None:
    for j in range(0, quarter, LANES):
        a, b, c, d = _turned_butterfly(xr, xi, j, quarter, table)
        _store_quads(yr, 4 * j, a[0], b[0], c[0], d[0])
        _store_quads(yi, 4 * j, a[1], b[1], c[1], d[1])


@jit
def _store_fours(y: Floats, at: int, a: Vector, b: Vector, c: Vector, d: Vector) -> None:
    ac, bd = zip_low(a, c), zip_low(b, d)
    store(y, at, zip_low(ac, bd))
    store(y, at + LANES, zip_high(ac, bd))
    ac, bd = zip_high(a, c), zip_high(b, d)
    store(y, at + 2 * LANES, zip_low(ac, bd))
    store(y, at + 3 * LANES, zip_high(ac, bd))


@jit
def _store_quads(y: Floats, at: int, a: Vector, b: Vector, c: Vector, d: Vector) -> None:
    store(y, at, low_halves(a, b))
    store(y, at + LANES, low_halves(c, d))
    store(y, at + 2 * LANES, high_halves(a, b))
    store(y, at + 3 * LANES, high_halves(c, d))


@jit
def _pass_by_runs(xr: Floats, xi: Floats, yr: Floats, yi: Floats, table: Floats, quarter: int, run: int) -> None:
    for p in range(quarter // run):
        b_real, b_imag = splat(table[6 * p]), splat(table[6 * p + 1])
        c_real, c_imag = splat(table[6 * p + 2]), splat(table[6 * p + 3])
        d_real, d_imag = splat(table[6 * p + 4]), splat(table[6 * p + 5])
        for j in range(run * p, run * (p + 1), LANES):
            a, b, c, d = _butterfly(xr, xi, j, quarter)
            b = _turn(b[0], b[1], b_real, b_imag)
            c = _turn(c[0], c[1], c_real, c_imag)
            d = _turn(d[0], d[1], d_real, d_imag)
            _store_runs(yr, j + 3 * run * p, run, a[0], b[0], c[0], d[0])
            _store_runs(yi, j + 3 * run * p, run, a[1], b[1], c[1], d[1])


@jit
def _store_runs(y: Floats, at: int, run: int, a: Vector, b: Vector, c: Vector, d: Vector) -> None:
    store(y, at, a)
    store(y, at + run, b)
    store(y, at + 2 * run, c)
    store(y, at + 3 * run, d)


@jit
def _last_pass_of_four(xr: Floats, xi: Floats, yr: Floats, yi: Floats, quarter: int) -> None:
    for j in range(0, quarter, LANES):
        a, b, c, d = _butterfly(xr, xi, j, quarter)
        _store_runs(yr, j, quarter, a[0], b[0], c[0], d[0])
        _store_runs(yi, j, quarter, a[1], b[1], c[1], d[1])


@jit
def _last_pass_of_two(xr: Floats, xi: Floats, yr: Floats, yi: Floats, half: int) -> None:
    for j in range(0, half, LANES):
        ar, ai, br, bi = load(xr, j), load(xi, j), load(xr, j + half), load(xi, j + half)
        store(yr, j, ar + br)
        store(yi, j, ai + bi)
        store(yr, j + half, ar - br)
        store(yi, j + half, ai - bi)


@jit
def _separate(zr: Floats, zi: Floats, table: Floats, spectrum: Floats, points: int) -> None:
    """Spectrum of the real frame, interleaved, from the transform of its even + i·odd samples."""
    zr[points], zi[points] = zr[0], zi[0]
    half = splat(np.float32(0.5))
    for k in range(0, points, LANES):
        ar, ai = load(zr, k), load(zi, k)
        mirror = points - k - LANES + 1
        br, bi = load(zr, mirror), load(zi, mirror)
        br, bi = reversed_first(br, br), reversed_first(bi, bi)
        odd_real, odd_imag = _turn(ar - br, ai + bi, load(table, k), load(table, points + k))
        real, imag = (ar + br) * half + odd_real, (ai - bi) * half + odd_imag
        store(spectrum, 2 * k, zip_low(real, imag))
        store(spectrum, 2 * k + LANES, zip_high(real, imag))
    spectrum[1] = spectrum[2 * points + 1] = 0
    spectrum[2 * points] = zr[0] - zi[0]


@jit
def _join(spectrum: Floats, table: Floats, zr: Floats, zi: Floats, points: int) -> None:
    """Twice the transform of even + i·odd samples, from the interleaved spectrum of the real frame."""
    two = splat(np.float32(2))
    for k in range(0, points, LANES):
        first, second = load(spectrum, 2 * k), load(spectrum, 2 * k + LANES)
        ar, ai = even(first, second), odd(first, second)
        mirror = 2 * (points - k - LANES + 1)
        first, second = load(spectrum, mirror), load(spectrum, mirror + LANES)
        br, bi = even_reversed(first, second), odd_reversed(first, second)
        # i·w^-k is twice the conjugate of the table's -i/2·w^k.
        tr, ti = load(table, k), load(table, points + k)
        odd_real, odd_imag = _turn((ar - br) * two, (ai + bi) * two, tr, splat(np.float32(0)) - ti)
        store(zr, k, ar + br + odd_real)
        store(zi, k, ai - bi + odd_imag)
    zr[0] = spectrum[0] + spectrum[2 * points]
    zi[0] = spectrum[0] - spectrum[2 * points]
