"""A microphone beside a song, through the compiled callback: its latency, levels, and takes that fit the song."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.engine import Engine
from advsep.realtime.exchange import Deck
from advsep.realtime.feeder import SourceFeeder
from advsep.realtime.karaoke.backing import BackingPlayer
from advsep.realtime.karaoke.guide import guide_of, with_guide
from advsep.realtime.karaoke.karaoke_path import HOP_SAMPLES, TRACKS, KaraokePath
from advsep.realtime.karaoke.take import TakeRecorder
from advsep.realtime.karaoke.take_details import TakeDetails
from advsep.realtime.karaoke.take_start import late_samples
from advsep.realtime.rack_spec import RackSpec
from advsep.realtime.rack_text import parse_rack
from advsep.realtime.ring import Ring
from advsep.realtime.source import ArraySource
from advsep.realtime.status import EngineStatus
from waiting import until

RATE_HZ = 44100
Samples = np.ndarray


class Stage:
    """An engine that sings along; the test is the sound card, and never calls before the worker is through."""

    def __init__(self, hand: Any, song: Samples, rack: RackSpec, period: int = 128, ring: Ring | None = None) -> None:
        self.deck, self.period = Deck(1 << 15, 1, 2), period
        self.player = BackingPlayer(4, HOP_SAMPLES, RATE_HZ)
        self.path = KaraokePath(self.player, RATE_HZ, rack)
        self.path.watch(ring)
        self.engine = Engine(self.deck, self.path)
        self.feeder = SourceFeeder(ArraySource(song, RATE_HZ, "song"), self.player.deck, RATE_HZ, self.player)
        self.feeder.start()
        self.card = hand(self.deck, captures=True)
        self.card.block(period, np.zeros((period, 1)))  # before it is armed
        self.engine.arm(period)
        self.captured = 0
        until(lambda: self.player.deck.inputs.written > 8192 or self.feeder.ended)

    def block(self, voice: Samples) -> Samples:
        heard = self.card.block(len(voice), voice.reshape(-1, 1))
        self.captured += len(voice)
        hops = self.captured // HOP_SAMPLES
        until(lambda: self.engine.times.hops >= hops or self.engine.error is not None)
        assert self.engine.error is None
        return heard

    def sing(self, voice: Samples) -> Samples:
        return np.concatenate([self.block(voice[at : at + self.period]) for at in range(0, len(voice), self.period)])

    def end(self) -> None:
        self.engine.disarm(0.0)
        self.feeder.stop()


SILENT_SONG = np.zeros((RATE_HZ, 4), np.float32)


@pytest.mark.parametrize("period", [64, 128, 256])
@pytest.mark.parametrize("rack", ["", "master: limiter(lookahead_s=0.003)"])
def test_a_voice_is_heard_at_the_declared_latency_and_is_not_separated(hand: Any, period: int, rack: str) -> None:
    stage = Stage(hand, SILENT_SONG, parse_rack(rack) if rack else RackSpec(), period)
    voice = (0.1 * np.random.default_rng(1).standard_normal(64 * period)).astype(np.float32)
    heard = stage.sing(voice)
    late = stage.engine.latency_samples
    stage.end()
    assert late == max(HOP_SAMPLES, period) + stage.path.rack.latency_samples
    assert (stage.path.rack.latency_samples > 100) == bool(rack)
    first = late + 1024  # behind the gate's fade
    assert np.abs(heard[first:, 0] - voice[1024 : len(voice) - late]).max() < 1e-6
    assert np.array_equal(heard[:, 0], heard[:, 1])


@pytest.mark.parametrize(("share", "gain_db"), [(0.0, None), (0.5, -6.02), (1.0, 0.0)])
def test_the_guide_is_as_loud_as_it_was_asked_to_be(hand: Any, share: float, gain_db: float | None) -> None:
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    song = np.zeros((len(t), 4), np.float32)
    song[:, 2:] = 0.2 * np.sin(2 * np.pi * 440 * t)[:, None]
    stage = Stage(hand, song, with_guide(RackSpec(), share))
    heard = stage.sing(np.zeros(RATE_HZ, np.float32))[RATE_HZ // 2 :]
    stage.end()
    level = np.sqrt(np.mean(heard**2))
    if gain_db is None:
        assert level == 0
    else:
        assert 20 * np.log10(level / (0.2 / 2**0.5)) == pytest.approx(gain_db, abs=0.01)
    assert guide_of(with_guide(RackSpec(), share)) == pytest.approx(share)


def test_a_take_fits_the_song_when_the_delay_is_known(hand: Any, tmp_path: Path) -> None:
    """What is heard comes back into the microphone 23.4 ms later, as through the air."""
    delay_s = 0.0234
    delay = round(delay_s * RATE_HZ)
    song = np.zeros((3 * RATE_HZ, 4), np.float32)
    claps = [round(place_s * RATE_HZ) for place_s in (0.5, 1.1, 1.9)]
    song[claps, :2] = 0.5
    ring = Ring(1 << 18, 2 * len(TRACKS))
    rack = parse_rack("microphone: limiter(lookahead_s=0.002), gain(db=-20); master: limiter(lookahead_s=0.003)")
    stage = Stage(hand, song, rack, ring=ring)
    status = EngineStatus(state="playing", rate_hz=RATE_HZ, latency_samples=stage.engine.latency_samples)
    late = late_samples(status, stage.path.rack.stems_latency_samples, delay_s)
    details = TakeDetails(name="take", song="song")
    take = TakeRecorder(ring, tmp_path / "take", details, TRACKS, RATE_HZ, late_samples=late)
    take.start(0)
    air = np.zeros(delay, np.float32)
    for _ in range(round(2.6 * RATE_HZ / 128)):
        heard = stage.block(air[:128])
        air = np.concatenate([air[128:], heard[:, 0]])
    time.sleep(0.1)
    take.finish()
    stage.end()
    assert take.error is None
    tracks = {path.stem: soundfile.read(path)[0][:, 0] for path in (tmp_path / "take").glob("*.wav")}
    assert len({len(track) for track in tracks.values()}) == 1

    def peaks(track: Samples) -> list[int]:
        return [int(np.argmax(np.abs(track[clap - 3000 : clap + 8000]))) + clap - 3000 for clap in claps]

    band = peaks(tracks["accompaniment"])
    assert band == [clap + stage.path.rack.stems_latency_samples for clap in claps]
    assert peaks(tracks["microphone raw"]) == band
    assert peaks(tracks["microphone"]) == band
    assert peaks(tracks["mixdown"]) == band
    at = band[1]
    mixed = tracks["accompaniment"][at] + tracks["microphone"][at]
    assert tracks["mixdown"][at] == pytest.approx(mixed, abs=1e-4)
    assert tracks["microphone raw"][at] == pytest.approx(0.5, abs=0.06)
