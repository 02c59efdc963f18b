"""The paper's last figure of a whole excerpt: each estimate beside what its critic would change in it."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .critic_map import CriticError
from .critic_maps import CriticPicture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RANGE_DB = 70.0
LOWEST_HZ = 40.0  # of the axis: below there is hardly a band
MOST_COLUMNS = 1600  # more than a screen shows
STEEP_SHARE = 0.995  # of all points; steeper ones are drawn as the colour map's ends
TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)


def require_matplotlib() -> None:
    """Return if matplotlib is installed.

    Raises:
        CriticError: it is not; the message says how to install it.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise CriticError("a picture needs matplotlib: pip install 'advsep[eval]', or name an .npz file")


def draw_picture(picture: CriticPicture) -> bytes:
    """A row a source: the estimate in dB, and the gradient of its critic's score, as PNG.

    Raises:
        CriticError: matplotlib is missing.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(picture.sources)
    figure = Figure(figsize=(13, 0.6 + 3.6 * rows), dpi=130, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes: Any = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    loudest_db = float(_decibels(picture.estimates, picture.feature_scale).max())
    for row, source in enumerate(picture.sources):
        level_db = _decibels(picture.estimates[row], picture.feature_scale) - loudest_db
        left = _show(axes[row, 0], picture, level_db, "magma", -RANGE_DB, 0.0)
        steepest = float(np.quantile(np.abs(picture.gradients[row]), STEEP_SHARE)) or 1.0
        right = _show(axes[row, 1], picture, picture.gradients[row], "RdBu_r", -steepest, steepest)
        figure.colorbar(left, ax=axes[row, 0], label="dB below the loudest", pad=0.01)
        figure.colorbar(right, ax=axes[row, 1], label="red: more would please", pad=0.01, extend="both")
        scores = picture.scores[row]
        axes[row, 0].set_title(f"{source}: estimate")
        axes[row, 1].set_title(
            f"{source}: ∇x D(x), score {scores.mean():.2f} ({scores.min():.2f} to {scores.max():.2f})"
        )
        axes[row, 0].set_ylabel("frequency in Hz")
    for each in axes[-1]:
        each.set_xlabel("time in s")
    file = io.BytesIO()
    canvas.print_png(file)
    return file.getvalue()


def _show(axes: Axes, picture: CriticPicture, values: NDArray[Any], colours: str, lowest: float, highest: float) -> Any:
    """Values [band, frame] on a logarithmic axis."""
    values, edges_s = _fewer(values, picture.times_s)
    edges_hz = np.maximum(picture.band_edges_hz, LOWEST_HZ / 2)
    seen = np.flatnonzero(np.diff(edges_hz) > 0)
    drawn = axes.pcolormesh(
        edges_s, edges_hz[seen[0] :], values[seen], cmap=colours, vmin=lowest, vmax=highest, rasterized=True
    )
    axes.set_yscale("log")
    axes.set_ylim(LOWEST_HZ, float(edges_hz[-1]))
    ticks = [tick for tick in TICKS_HZ if LOWEST_HZ <= tick <= edges_hz[-1]]
    axes.set_yticks(ticks, [f"{tick / 1000:g}k" if tick >= 1000 else str(tick) for tick in ticks])
    axes.minorticks_off()
    return drawn


def _fewer(values: NDArray[Any], times_s: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Means of neighbouring frames where there are more than can be seen, and the edges of what is left, in s."""
    step = float(times_s[1] - times_s[0])
    edges_s = times_s[0] + (np.arange(len(times_s) + 1) - 0.5) * step
    each = -(-values.shape[1] // MOST_COLUMNS)
    starts = np.arange(0, values.shape[1], each)
    counts = np.diff([*starts, values.shape[1]])
    return np.add.reduceat(values, starts, 1) / counts, edges_s[[*starts, values.shape[1]]]


def _decibels(estimates: NDArray[np.float32], feature_scale: float) -> NDArray[np.float64]:
    magnitudes = np.expm1(estimates.astype(np.float64)) / feature_scale
    return 20 * np.log10(np.maximum(magnitudes, 1e-9))
