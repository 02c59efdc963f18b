"""Event files as TensorBoard reads them: records, each with its length and two checksums.

TensorBoard's own writer takes half a second of Python for the checksum of ten seconds of sound, and its thread loses
events and prints a traceback where the disk is full.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..realtime.jit import jit

_POLYNOMIAL = 0x82F63B78  # CRC-32C, lowest bit first


class EventFile:
    """A new file of a folder, written at once and not by a thread.

    Args:
        folder: made where it is missing.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names.
        self._file = (folder / f"events.out.tfevents.{time.time_ns():020d}.{socket.gethostname()}").open("xb")

    def write(self, event: bytes) -> None:
        """One record, a serialised `Event`, to the end of the file; raises OSError."""
        header = struct.pack("<Q", len(event))
        self._file.write(header + _checksum(header) + event + _checksum(event))
        self._file.flush()

    def close(self) -> None:
        """After a failed write too."""
        with contextlib.suppress(OSError):  # which tries once more to write what is left
            self._file.close()


def _checksum(data: bytes) -> bytes:
    """CRC-32C, turned and shifted as in TFRecord files."""
    crc = int(_crc32c(np.frombuffer(data, np.uint8), _TABLE))
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@jit
def _crc32c(data: NDArray[np.uint8], table: NDArray[np.uint32]) -> int:
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = table[(crc ^ byte) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return int(crc ^ np.uint32(0xFFFFFFFF))


def _table() -> NDArray[np.uint32]:
    table = np.zeros(256, np.uint32)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table[byte] = crc
    return table


_TABLE = _table()
