"""What a column of the spectrograms shows, from what the network saw and did in one hop.

The engine's ring of columns holds ln(1 + scale * m) of mid and side and the masks of the first source in the left
and the right channel. Phases are not in it, so left and right cannot be had again, but their mean square can:
|L|² + |R|² = 2 (|M|² + |S|²). A column is therefore, for every band,

    mixture         sqrt(M² + S²), the root mean square of both channels' magnitudes (mono: the magnitude);
    first source    mixture * mean of the channels' masks;
    second source   mixture * (1 - that mean), so that the two add up to the mixture;

in dB of a sine at full scale in both channels whose frequency is a bin's: 0 dB. Between two bins a sine shows up to
2 dB less, and in a band of n bins, whose magnitudes are averaged, about 20 lg n less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from ..realtime.model import read_model_spec
from ..realtime.registry import find_model
from ..realtime.spec import SignalSpec
from ..realtime.telemetry import Layout, Telemetry
from ..realtime.telemetry_rings import RingReader
from ..realtime.windows import analysis_window

PICTURES = 3  # mixture, first source, second source
FLOOR_DB = -160.0
_MOST_FRAMES = 1024  # of a read


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns without a gap.

    Attributes:
        position: of the first, in hops; see `Ring`. Where it is behind the end of those before, some were lost.
        levels_db: float32 [picture, frame, band] of mixture, first and second source; `FLOOR_DB` or more.
        estimates: float32 [source, frame, band], mean of both channels' magnitudes as well as it can be told, masked:
            what critics see.
    """

    position: int
    levels_db: NDArray[np.float32]
    estimates: NDArray[np.float32]


class ColumnDecoder:
    """Frames of the ring to columns, for one signal path.

    With look-ahead the mask in a frame is for the features some frames before it; these wait here.

    Args:
        signal: of the model that plays.
    """

    def __init__(self, signal: SignalSpec) -> None:
        self._signal = signal
        window = analysis_window(signal.window_samples, signal.synthesis_samples, signal.taper_samples)
        self._full_scale = float(window.sum()) / 2
        self._waiting: NDArray[np.float32] = np.zeros((0, signal.channels, signal.bands), np.float32)
        self._end = -1

    def decode(self, position: int, data: NDArray[np.float32]) -> Columns | None:
        """Columns of the next frames.

        Args:
            position: of the first frame.
            data: float32 [frame, 2 * channel * band], features then masks.

        Returns:
            None while all of them wait for their masks.
        """
        signal, late = self._signal, self._signal.lookahead_frames
        both = data.reshape(len(data), 2, signal.channels, signal.bands)
        if position != self._end:
            self._waiting = self._waiting[:0]
        before = len(self._waiting)
        features = np.concatenate([self._waiting, both[:, 0]])
        self._waiting, self._end = features[len(features) - min(late, len(features)) :].copy(), position + len(data)
        count = len(features) - late
        if count <= 0:
            return None
        masks = both[len(data) - count :, 1].mean(1)
        magnitudes = (np.expm1(features[:count]) / signal.feature_scale).astype(np.float32, copy=False)
        mixture = np.sqrt((magnitudes**2).sum(1))
        shares = np.stack([np.ones_like(masks), masks, 1 - masks])
        floor = np.float32(self._full_scale * 10 ** (FLOOR_DB / 20))
        levels_db = 20 * np.log10(np.maximum(mixture * shares, floor) / np.float32(self._full_scale))
        estimates = mean_magnitude(magnitudes) * shares[1:]
        return Columns(position - before, levels_db.astype(np.float32, copy=False), estimates)


def mean_magnitude(magnitudes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of |L| and |R| from |M| and |S| whose angle is unknown: its mean over all angles, to 2 %.

    Args:
        magnitudes: [frame, channel, band] of mid and side, or of the one channel.

    Returns:
        [frame, band].
    """
    if magnitudes.shape[1] == 1:
        return magnitudes[:, 0]
    large, small = magnitudes.max(1), magnitudes.min(1)
    return large + small**2 / np.maximum(4 * large, np.float32(1e-20))


class ColumnFollower:
    """New columns of whatever plays; takes notice when that is something else.

    Args:
        signal_of: the signal path of a layout; None where it cannot be had (yet).

    Attributes:
        layout: what the columns are of; None before the first.
        changes: counts the times that columns went over to another layout, and positions began anew.
        lost: columns that were overwritten before they were read.
    """

    def __init__(self, signal_of: Callable[[Layout], SignalSpec | None]) -> None:
        self._signal_of = signal_of
        self._telemetry: Telemetry | None = None
        self._reader: RingReader | None = None
        self._decoder: ColumnDecoder | None = None
        self.layout: Layout | None = None
        self.changes, self.lost = 0, 0

    def read(self, telemetry: Telemetry | None) -> list[Columns]:
        """What was written since the last call; of the present layout only.

        Args:
            telemetry: of the engine there is now; None: there is none.
        """
        if telemetry is not self._telemetry:
            self._telemetry, self._decoder, self.layout = telemetry, None, None
            self._reader = None if telemetry is None else RingReader(telemetry, "columns")
        found = list[Columns]()
        while self._reader is not None and (frames := self._reader.read(_MOST_FRAMES)) is not None:
            if self.layout is None or not same_columns(frames.layout, self.layout):
                self._decoder, self.layout = None, None
                found.clear()
            if self._decoder is None and not self._take_up(frames.layout):
                continue
            assert self._decoder is not None
            columns = self._decoder.decode(frames.position, frames.data)
            if columns is not None:
                found.append(columns)
        self.lost = 0 if self._reader is None else self._reader.lost
        return found

    def _take_up(self, layout: Layout) -> bool:
        signal = self._signal_of(layout)
        if signal is None:
            return False
        self._decoder, self.layout = ColumnDecoder(signal), layout
        self.changes += 1
        return True


class SignalFinder:
    """The signal path behind a layout, from the file of the model that is asked for.

    Attributes:
        error: why it cannot be had, in words; empty where it can.
    """

    def __init__(self) -> None:
        self._known: tuple[str, SignalSpec, str] | None = None
        self._failed = ""
        self.error = ""

    def find(self, layout: Layout, model: str) -> SignalSpec | None:
        """The signal path of a layout.

        Args:
            layout: that plays.
            model: name or path of the model that is asked for.

        Returns:
            None while another model plays than is asked for, or where its file cannot be read: see `error`.
        """
        if (self._known is None or self._known[0] != model) and self._failed != model:
            try:
                spec = read_model_spec(find_model(model))
                self._known, self._failed, self.error = (model, spec.signal, spec.name), "", ""
            except AdvsepError as error:
                self._known, self._failed, self.error = None, model, str(error)
        if self._known is None or self._known[2] != layout.model:
            return None
        signal = self._known[1]
        return signal if fits(signal, layout) else None


def fits(signal: SignalSpec, layout: Layout) -> bool:
    """Whether columns of a layout are those of a signal path."""
    own = (signal.window_samples, signal.hop_samples, signal.channels, signal.band_edges_bins, signal.sample_rate_hz)
    sent = (layout.window_samples, layout.hop_samples, layout.channels, layout.band_edges_bins, layout.model_rate_hz)
    return own == sent and layout.rate_hz in signal.native_rates_hz


def same_columns(one: Layout, other: Layout) -> bool:
    """Whether columns of both mean the same, and their positions go on."""
    sizes = ("channels", "rate_hz", "hop_samples", "window_samples", "model_rate_hz", "band_edges_bins")
    keys = ("model", *sizes, "columns_start")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def column_s(layout: Layout) -> float:
    """Seconds from a column to the next."""
    return layout.hop_samples / layout.rate_hz
