"""What plays, without a process around it: two devices with clocks of their own, taken as one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.clock_stream import ClockStream
from advsep.realtime.engine_io import EngineIO
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.model import ModelSession
from advsep.realtime.playing import Playing
from advsep.realtime.telemetry import Telemetry
from numpy.typing import NDArray

pytestmark = pytest.mark.live


def test_two_devices_with_their_own_clocks_play_as_one(bundled_model: Path) -> None:
    generator = np.random.default_rng(1)

    def noise(played: NDArray[np.float32], captured: NDArray[np.float32]) -> None:
        captured[:] = 0.1 * generator.standard_normal(captured.shape)

    capture = ClockStream(48000, 96, rate_error_ppm=200.0, cable=noise)
    played: list[NDArray[np.float32]] = []
    stream = ClockStream(44100, 128, cable=lambda block, _: played.append(block.copy()))
    telemetry = Telemetry.create()
    playing = Playing(
        EngineSettings(), ModelSession(bundled_model), EngineIO(stream, None, "a to b", capture), telemetry
    )
    try:
        # A machine that stands still for a moment interrupts the capture, and the bridge begins anew.
        deadline_s = time.monotonic() + 20
        time.sleep(3)
        while abs((status := playing.describe()).levels["output"].rms_dbfs + 20) > 1.5:
            assert time.monotonic() < deadline_s, status
            time.sleep(0.2)
        assert playing.io.lost() is None
        assert status.latency_samples == sum(status.latency_parts.values()) > 512
        assert status.latency_parts["two clocks"] > 96
        capture.close()
        time.sleep(0.8)
        assert playing.io.lost() is not None
    finally:
        playing.end()
        telemetry.unlink()
        telemetry.close()
    assert np.concatenate(played).std() > 0.03
