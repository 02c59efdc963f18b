"""What the ear hears lies where it was sung: in the song's time, at every tempo and delay."""

from __future__ import annotations

import numpy as np
import pytest
from advsep.realtime.karaoke.ear import Ear
from advsep.realtime.karaoke.karaoke_path import CHANNELS, HOP_SAMPLES, SOURCES, TRACKS
from advsep.realtime.ring import ring_write
from advsep.realtime.status import EngineStatus
from advsep.realtime.telemetry import Telemetry
from advsep.realtime.telemetry_rings import lay_out, layout_of_tracks

RATE_HZ = 44100


@pytest.mark.parametrize(("tempo", "delay_s"), [(1.0, 0.0), (0.8, 0.0234), (1.5, 0.1)])
def test_a_note_is_heard_where_it_was_sung(tempo: float, delay_s: float) -> None:
    """A voice begins as it hears the song's 40th second, and comes in as late as engine and device are."""
    telemetry = Telemetry.create()
    try:
        late = 200
        layout = layout_of_tracks(SOURCES, TRACKS, CHANNELS, RATE_HZ, HOP_SAMPLES, late)
        ring, _ = lay_out(telemetry, layout)
        ear = Ear(telemetry, layout)
        ear.hear(EngineStatus(state="playing"), 0.0)  # takes notice of where now is
        latency, begins = 600, round(1.0 * RATE_HZ)  # the frame at which the voice comes in
        t = np.arange(2 * RATE_HZ) / RATE_HZ
        voice = sum(np.sin(2 * np.pi * 220 * n * t) / n for n in range(1, 8)) * 0.1 * (t >= begins / RATE_HZ)
        sung_at = begins - (latency + round(delay_s * RATE_HZ) - late)  # what lay in the ring when it was heard
        heard = []
        for at in range(0, len(t), 4410):
            frames = np.zeros((4410, CHANNELS * len(TRACKS)), np.float32)
            frames[:, :CHANNELS] = voice[at : at + 4410, None]
            ring_write(ring.words, ring.data, frames)
            place_s = 40.0 + (ring.written - sung_at) / RATE_HZ * tempo
            status = EngineStatus(
                state="playing",
                rate_hz=RATE_HZ,
                latency_samples=latency,
                tempo=tempo,
                tracks_position=ring.written,
                tracks_place_s=place_s,
            )
            found = ear.hear(status, delay_s)
            assert found is not None
            heard.append(found.final)
        times_s = np.concatenate([trace.times_s for trace in heard])
        pitch = np.concatenate([trace.pitch_midi for trace in heard])
        assert times_s[np.isfinite(pitch)][0] == pytest.approx(40.0, abs=0.02)
        assert np.nanmedian(pitch) == pytest.approx(57.0, abs=0.1)
        assert np.diff(times_s) == pytest.approx(0.016 * tempo, abs=1e-6)
        assert ear.hear(EngineStatus(state="playing", paused=True), delay_s) is None
    finally:
        telemetry.unlink()
        telemetry.close()
