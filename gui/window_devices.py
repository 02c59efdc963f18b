"""Which sound devices there are, asked of a short-lived process: the window's own never loads PortAudio."""

from __future__ import annotations

import json
import sys
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal

from ..realtime.errors import AdvsepError

_ASK = """
import dataclasses, json
from advsep.realtime.device import list_devices
from advsep.realtime.errors import AdvsepError
try:
    print(json.dumps([{**dataclasses.asdict(one), "label": one.label} for one in list_devices()]))
except AdvsepError as error:
    print(json.dumps(str(error)))
"""


class DeviceFinder(QObject):
    """Looks for devices; a new process sees those that came meanwhile, too.

    Attributes:
        found: with labels of inputs and of outputs, as `open_input` and `open_output` take them.
        failed: with words.
    """

    found = Signal(list, list)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def look(self) -> None:
        """Begin, unless it is looking already; the answer comes by signal."""
        if self._process is not None:
            return
        self._process = process = QProcess(self)
        process.setStandardErrorFile(QProcess.nullDevice())
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        process.start(sys.executable, ["-c", _ASK])

    def close(self) -> None:
        """Stop looking; nothing is left behind."""
        if self._process is not None:
            process, self._process = self._process, None
            process.finished.disconnect()
            process.errorOccurred.disconnect()
            process.kill()
            process.waitForFinished(1000)

    def _on_finished(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        text = bytes(process.readAllStandardOutput().data())
        process.deleteLater()
        try:
            inputs, outputs = read_answer(text)
        except AdvsepError as error:
            self.failed.emit(str(error))
        else:
            self.found.emit(inputs, outputs)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process.deleteLater()
            self._process = None
            self.failed.emit(f"sound devices cannot be listed: {sys.executable} does not start; give one by its name")


def read_answer(text: bytes) -> tuple[list[str], list[str]]:
    """Labels of inputs and of outputs.

    Raises:
        AdvsepError: in the words of the process, or that it had none.
    """
    try:
        answer: Any = json.loads(text)
    except ValueError:
        raise AdvsepError("sound devices cannot be listed: PortAudio ended; see advsep-live --list-devices") from None
    if isinstance(answer, str):
        raise AdvsepError(answer)
    inputs, outputs = (
        [str(one["label"]) for one in answer if one[channels]] for channels in ("input_channels", "output_channels")
    )
    return inputs, outputs
