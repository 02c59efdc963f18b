"""What a running engine says of itself: one picture of a moment, the same for a panel, a window and `--json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

EngineState = Literal["starting", "playing", "waiting", "ended", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Of one strip, since the status before: highest magnitude and root mean square in dBFS (-inf: silence)."""

    peak_dbfs: float
    rms_dbfs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """A moment of an engine.

    Attributes:
        state: `waiting`: the device is gone and looked for; `ended`: the source is over; `failed`: see `note`.
        note: in words, for `waiting` and `failed`.
        model: name of the model.
        device: where sound comes from and goes to.
        rate_hz: of the device.
        period_samples: of the device, as measured.
        latency_samples: what the engine adds, from input to output; exact.
        latency_parts: what that is made of, name to samples; sums to `latency_samples`.
        device_latency_s: what the device itself adds, as it says; None where nothing is known.
        position_s: of what is heard now, from the start of the source.
        heard_s: how much was heard since the process began, jumps and rounds of a loop included.
        length_s: of the source, None where it has no end.
        paused: whether it stands still, as it was told or because the song is at its end.
        tempo: of a song that is sung to, beside its own.
        key_semitones: by how much it is higher than it was recorded.
        tracks_position: in telemetry's ring of stems.
        tracks_place_s: of the song that is sung to, what lies there.
        counting_in: whether clicks are heard before it goes on.
        loop: places in the source, in seconds, between which it goes round; None: to the end.
        hops: processed so far.
        load: share of a hop's duration that processing takes, mean.
        hop_s_p50: and so on: times of a hop, percentiles.
        misses: hops that came late and were replaced by the mixture.
        skipped_hops: of these, hops that were not computed.
        device_xruns: overflows and underflows that the device reported.
        starved_s: time in which a feeder had nothing to give.
        clipped_samples: output values beyond full scale.
        restarts: how often the engine was started again.
        realtime: whether the system granted real-time scheduling.
        levels: of `input`, each source and `output`.
        gains_db: of each source.
        muted: sources that are silent.
        plugin_failures: why plugins are not run any more, in words.
        bypassed: whether the mixture goes through as it came.
    """

    state: EngineState
    note: str = ""
    model: str = ""
    device: str = ""
    rate_hz: int = 0
    period_samples: int = 0
    latency_samples: int = 0
    latency_parts: dict[str, int] = field(default_factory=dict)
    device_latency_s: float | None = None
    position_s: float = 0.0
    heard_s: float = 0.0
    length_s: float | None = None
    paused: bool = False
    tempo: float = 1.0
    key_semitones: float = 0.0
    tracks_position: int = 0
    tracks_place_s: float = 0.0
    counting_in: bool = False
    loop: tuple[float, float] | None = None
    hops: int = 0
    load: float = 0.0
    hop_s_p50: float = 0.0
    hop_s_p99: float = 0.0
    hop_s_p99_9: float = 0.0
    hop_s_max: float = 0.0
    misses: int = 0
    skipped_hops: int = 0
    device_xruns: int = 0
    starved_s: float = 0.0
    clipped_samples: int = 0
    restarts: int = 0
    realtime: bool = False
    levels: dict[str, Level] = field(default_factory=dict)
    gains_db: dict[str, float] = field(default_factory=dict)
    muted: tuple[str, ...] = ()
    bypassed: bool = False
    plugin_failures: tuple[str, ...] = ()
