"""Critics beside what plays: which there are, what they are given, and what becomes of what they say.

They are given the estimates of the engine's columns. On two stereo songs these differ from training's patches by 0.02
on average (of 1.2 to 2.4, in ln(1 + scale * m)) and give maps that correlate with training's at 0.98; the stems,
analysed again, differ by 0.08 to 0.13 and correlate at 0.9, before any fader or plugin has changed them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..realtime.critic_map import critics_path
from ..realtime.errors import AdvsepError
from ..realtime.registry import find_model
from ..realtime.spec import SignalSpec
from .columns import Columns
from .critic_worker import CriticWorker, Patch, Verdict, source_name

MAPS_PER_S = 15.0
_SCALE_PERCENTILE, _SCALE_STEP, _SCALE_MEMORY = 99.0, 1.5, 0.97


class CriticView:
    """Feeds the newest estimates to a worker and hands on what it says.

    Args:
        clock: seconds; decides when the next map is due.

    Attributes:
        worker: the thread's.
        words: why there are no maps, and how to get them; empty where there are.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.worker = CriticWorker()
        self.words = ""
        self._clock = clock
        self._due_s = 0.0
        self._path: Path | None = None
        self._given: Path | None = None
        self._signal: SignalSpec | None = None
        self._frames = 0
        self._held: NDArray[np.float32] = np.zeros((2, 0, 0), np.float32)
        self._end = -1
        self._usual = [0.0, 0.0]  # strength of each source's maps
        self._full_scales = [1.0, 1.0]

    @property
    def path(self) -> Path | None:
        """The critics that are asked for."""
        return self._path

    def set_file(self, path: Path | None, model: str) -> None:
        """Have the critics of a file; None: those beside the model, where there are any.

        Args:
            path: a `.critics.onnx` file.
            model: name or path of the model.
        """
        self._given = path
        self.set_model(model)

    def set_model(self, model: str) -> None:
        """Another model is asked for: its own critics, unless others were given."""
        path = self._given
        if path is None:
            try:
                path = critics_path(find_model(model))
            except AdvsepError as error:
                path = None
                self.words = f"no critics: {error}"
            if path is not None and not path.is_file():
                self.words = (
                    f"no critics beside {path.name.replace('.critics', '')}: advsep-export writes {path.name} "
                    "with the model; put it there, or drop one here"
                )
                path = None
        if path is not None:
            self.words = f"{path.name} is being opened"
        if path != self._path:
            self._path = path
            self._forget()
            self.worker.open(path)

    def set_signal(self, signal: SignalSpec | None) -> None:
        """Another signal path plays."""
        self._signal = signal
        self._forget()

    def add(self, columns: Columns) -> None:
        """Take the newest estimates; a gap before them starts anew."""
        if self._frames == 0:
            return
        new = columns.estimates[:, -self._frames :]
        if columns.position != self._end or self._held.shape[2] != new.shape[2]:
            self._held = new.copy()
        else:
            self._held = np.concatenate([self._held, new], 1)[:, -self._frames :]
        self._end = columns.position + columns.estimates.shape[1]

    def turn(self) -> list[Verdict]:
        """Hand in what is due and take what is done; to be called with every frame of the window."""
        self._frames = self._check()
        now_s = self._clock()
        if self._frames and self._held.shape[1] == self._frames and now_s >= self._due_s:
            self._due_s = max(self._due_s + 1 / MAPS_PER_S, now_s)
            self.worker.submit(Patch(self._end, self._held))
        return [verdict for verdict in self.worker.take() if self._frames and verdict.path == self._path]

    def full_scale(self, source: int) -> float:
        """Gradient of the strongest colours; follows what critics say, in steps, so that colours seldom jump."""
        return self._full_scales[source]

    def follow_strength(self, source: int, gradients: NDArray[np.float32]) -> None:
        """Fit the colours to gradients that are shown [column, band]."""
        strength = float(np.nanpercentile(np.abs(gradients), _SCALE_PERCENTILE))
        usual = self._usual[source]
        usual = _SCALE_MEMORY * usual + (1 - _SCALE_MEMORY) * strength if usual else strength
        self._usual[source] = usual
        ratio = usual / self._full_scales[source]
        if usual > 0 and not 1 / _SCALE_STEP < ratio < _SCALE_STEP:
            self._full_scales[source] = usual

    def close(self) -> None:
        """End the thread."""
        self.worker.close()

    def _check(self) -> int:
        """Frames of a patch, or 0 and why not in `words`."""
        opened = self.worker.opened
        if self._path is None or opened is None:
            return 0
        if opened.spec is None:
            self.words = opened.error
            return 0
        if self._signal is None:
            self.words = ""
            return 0
        if not opened.spec.signal.sounds_like(self._signal):
            self.words = (
                f"{opened.path.name}: critics of {opened.spec.name}, whose signal path is another than that of the "
                "model that plays; give the critics that were exported with it"
            )
            return 0
        missing = [("voice", "accompaniment")[i] for i in (0, 1) if source_name(opened.spec, i) is None]
        self.words = f"{opened.path.name} has no critic of: {', '.join(missing)}" if missing else ""
        return opened.spec.frames

    def _forget(self) -> None:
        self._held, self._end = np.zeros((2, 0, 0), np.float32), -1
        self._usual, self._full_scales = [0.0, 0.0], [1.0, 1.0]
