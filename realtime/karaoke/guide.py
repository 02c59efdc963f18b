"""The song's own voice as a guide: from nothing to as loud as it was."""

from __future__ import annotations

import math
from dataclasses import replace

from ..rack_spec import RackSpec
from .karaoke_path import VOCALS

SILENT_BELOW = 0.001  # -60 dB


def with_guide(rack: RackSpec, share: float) -> RackSpec:
    """A rack with the voice at a share of its amplitude: 1 as in the song, 0.5 is -6 dB, 0 silent."""
    silent = share < SILENT_BELOW
    gain_db = 0.0 if silent else 20 * math.log10(share)
    return rack.with_strip(VOCALS, replace(rack.named(VOCALS), gain_db=gain_db, muted=silent))


def guide_of(rack: RackSpec) -> float:
    """The share at which a rack has the voice."""
    strip = rack.named(VOCALS)
    return 0.0 if strip.muted else 10 ** (strip.gain_db / 20)
