"""A recording whose length nobody knew, given the header that its length needs."""

from __future__ import annotations

import os
import struct
from pathlib import Path

LONGEST_SAMPLES = 1 << 40  # for a recorder that must be ready for anything: it writes RF64
_HEADER_BYTES = 4096
_UNSET = b"\xff\xff\xff\xff"


def shorten_header(path: Path) -> None:
    """Make an RF64 file of less than 4 GiB a plain WAV, which more programs read; leave any other as it is.

    Only bytes of the header change, as EBU Tech 3306 lays it out: RF64 becomes RIFF, the chunk of
    64-bit sizes becomes JUNK, and the sizes move to their places.

    Raises:
        OSError: the file cannot be changed; it is still a whole RF64.
    """
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        size = os.fstat(file.fileno()).st_size
        data = header.find(b"data" + _UNSET)
        if not header.startswith(b"RF64") or header[12:16] != b"ds64" or data < 0 or size > 0xFFFFFFFF:
            return
        (data_bytes,) = struct.unpack_from("<Q", header, 28)
        changed = bytearray(header)
        changed[:8] = b"RIFF" + struct.pack("<I", size - 8)
        changed[12:16] = b"JUNK"
        changed[data + 4 : data + 8] = struct.pack("<I", data_bytes)
        file.seek(0)
        file.write(changed)
