"""The status of an engine as flat numbers for scripts, as `--json` prints it."""

from __future__ import annotations

import math
import re
from typing import Any

from .status import EngineStatus


def summary(status: EngineStatus, *, hop_samples: int = 0) -> dict[str, Any]:
    """The status as a flat dict that is valid JSON; what is not known, and silence in dB, is None.

    Args:
        status: of the engine.
        hop_samples: length of a hop; 0: unknown.

    Returns:
        state, note: as in `EngineStatus`.
        model, device: names.
        rate: of the device, in Hz.
        seconds: position of what is heard; `length_seconds`: of the source, None where it has no end.
        period_samples: of the device. `hop_samples`: of the model.
        latency_samples, latency_ms: what the engine adds; `latency_samples_NAME`: each part of it.
        device_latency_ms: what the device adds, as it says; `total_latency_ms`: both.
        hops: processed; `load`: mean share of a hop's duration that its processing takes.
        hop_ms_p50, hop_ms_p99, hop_ms_p99_9, hop_ms_max: times of a hop.
        misses, skipped_hops, device_xruns, clipped_samples, restarts: counts.
        starved_seconds: time without input.
        realtime, bypassed: truths. `plugin_failures`: why plugins are not run any more.
        NAME_gain_db, NAME_muted: of each source.
        NAME_peak_dbfs, NAME_rms_dbfs: of `input`, each source and `output`, over the last hop.
    """
    engine_ms = None
    if status.rate_hz and (status.latency_samples or status.latency_parts):
        engine_ms = 1e3 * status.latency_samples / status.rate_hz
    device_ms = None if status.device_latency_s is None else 1e3 * status.device_latency_s
    started = status.state != "starting"
    found: dict[str, Any] = {
        "state": status.state,
        "note": status.note,
        "model": status.model or None,
        "device": status.device or None,
        "rate": status.rate_hz or None,
        "seconds": status.position_s if started else None,
        "length_seconds": status.length_s,
        "period_samples": status.period_samples or None,
        "hop_samples": hop_samples or None,
        "latency_samples": None if engine_ms is None else status.latency_samples,
        "latency_ms": engine_ms,
        **{f"latency_samples_{_key(name)}": samples for name, samples in status.latency_parts.items()},
        "device_latency_ms": device_ms,
        "total_latency_ms": None if engine_ms is None or device_ms is None else engine_ms + device_ms,
        "hops": status.hops,
        **_times(status),
        "misses": status.misses,
        "skipped_hops": status.skipped_hops,
        "device_xruns": status.device_xruns,
        "starved_seconds": status.starved_s,
        "clipped_samples": status.clipped_samples,
        "restarts": status.restarts,
        "realtime": status.realtime if started else None,
        "bypassed": status.bypassed,
        "plugin_failures": "; ".join(status.plugin_failures) or None,
        **_strips(status),
    }
    return {key: _finite(value) for key, value in found.items()}


def _times(status: EngineStatus) -> dict[str, float | None]:
    seconds = {"p50": status.hop_s_p50, "p99": status.hop_s_p99, "p99_9": status.hop_s_p99_9, "max": status.hop_s_max}
    times = {f"hop_ms_{name}": 1e3 * time_s if status.hops else None for name, time_s in seconds.items()}
    return {"load": status.load if status.hops else None, **times}


def _strips(status: EngineStatus) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dict.fromkeys([*status.gains_db, *status.muted]):
        found[f"{_key(name)}_gain_db"] = status.gains_db.get(name)
        found[f"{_key(name)}_muted"] = name in status.muted
    for name, level in status.levels.items():
        found[f"{_key(name)}_peak_dbfs"], found[f"{_key(name)}_rms_dbfs"] = level.peak_dbfs, level.rms_dbfs
    return found


def _key(name: str) -> str:
    """A name without anything that a script would have to quote."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
