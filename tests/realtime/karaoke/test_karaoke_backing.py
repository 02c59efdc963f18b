"""A song's tracks beside live sound: places, pauses, loops and tunes, heard by a worker that the test plays."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from advsep.realtime.engine_settings import Backing, EngineError, EngineSettings
from advsep.realtime.feeder import SourceFeeder
from advsep.realtime.karaoke.backing import BackingPlayer
from advsep.realtime.karaoke.backing_transport import BackingTransport
from advsep.realtime.karaoke.count_in import count_in_clicks
from advsep.realtime.source import ArraySource
from advsep.realtime.transport import loop_of
from advsep.realtime.tune import Tune
from waiting import until

RATE_HZ, HOP = 44100, 128
FADE = 441
Samples = np.ndarray


def ramp(seconds: float) -> Samples:
    """Every place has another value, and channels differ."""
    along = np.arange(round(seconds * RATE_HZ)) / (60 * RATE_HZ) + 0.1
    return np.stack([along, -along, 0.5 * along, -0.5 * along], 1).astype(np.float32)


def place_s(value: float) -> float:
    return (value - 0.1) * 60


class Stage:
    """A player whose hops the test takes, no faster than the feeder gives them."""

    def __init__(self, song: Samples, *, count_in: tuple[int, float] | None = None, **settings: Any) -> None:
        source = ArraySource(song, RATE_HZ, "song.wav")
        asked = EngineSettings(backing=Backing(song="song.wav", count_in=count_in), **settings)
        self.player = BackingPlayer(4, HOP, RATE_HZ)
        self.feeder = SourceFeeder(
            source, self.player.deck, RATE_HZ, self.player, begin_s=asked.start_s, loop=loop_of(source, asked.loop)
        )
        self.transport = BackingTransport(self.player, self.feeder, source, RATE_HZ, asked)
        self.heard: list[Samples] = []
        self.places: list[float] = []
        self.answers: dict[int, str | None] = {}
        self.feeder.start()

    def hop(self) -> Samples:
        self.answers |= dict(self.transport.advance())
        if not self.player.stands and not self.player.counting_in:
            # While a jump waits for its turn nothing more is written.
            until_s = time.monotonic() + (1.0 if self.transport.is_settled else 0.05)
            inputs = self.player.deck.inputs
            while inputs.written - self.player.taken_samples <= 4096 and self.player._end is None:
                if time.monotonic() > until_s:
                    break
                time.sleep(0.0005)
        self.places.append(self.feeder.position_s)
        block = np.zeros((HOP, 4), np.float32)
        self.player.take(block)
        self.heard.append(block)
        return block

    def play(self, seconds: float) -> Samples:
        return np.concatenate([self.hop() for _ in range(round(seconds * RATE_HZ / HOP))])

    def answer(self, request: int) -> str | None:
        until(lambda: self.hop() is None or request in self.answers or time.sleep(0.0005))
        return self.answers[request]

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.heard)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.feeder.stop()


def largest_step(sound: Samples) -> float:
    return float(np.abs(np.diff(sound[:, 0])).max())


def test_the_song_is_heard_whole_after_a_fade_and_ends_to_the_sample() -> None:
    song = ramp(1.5)
    with Stage(song, hold_at_end=True) as stage:
        stage.play(1.6)
        sound = stage.sound
        assert np.array_equal(sound[512 : len(song)], song[512:])
        assert not sound[len(song) :].any()
        assert stage.transport.paused
        assert stage.feeder.position_s == pytest.approx(1.5)
        assert stage.player.starved_samples == 0
        # On from the end is from the start.
        stage.transport.set_paused(False)
        until(lambda: stage.hop().any())
        assert place_s(stage.play(0.2)[-1, 0]) == pytest.approx(0.2, abs=0.02)


def test_a_pause_fades_and_goes_on_with_the_next_sample() -> None:
    with Stage(ramp(2.0)) as stage:
        stage.play(0.5)
        stage.transport.set_paused(True)
        fading = stage.play(0.05)
        assert not fading[4 * HOP :].any()
        stood_at = stage.feeder.position_s
        assert stage.feeder.position_s == stood_at == pytest.approx(0.5 + 4 * HOP / RATE_HZ, abs=HOP / RATE_HZ)
        stage.transport.set_paused(False)
        on = stage.play(0.1)
        assert place_s(on[HOP * 4, 0]) == pytest.approx(stood_at + HOP * 4 / RATE_HZ, abs=1e-4)
        assert largest_step(stage.sound) < 0.6 / FADE * 2


@pytest.mark.parametrize("paused", [False, True])
def test_a_seek_lands_where_it_was_asked_to(paused: bool) -> None:
    with Stage(ramp(8.0), paused=paused) as stage:
        stage.play(0.3)
        stage.transport.seek(1, 5.0)
        assert stage.answer(1) is None
        assert stage.feeder.position_s == pytest.approx(5.0, abs=0.03)
        if paused:
            assert not stage.sound.any()
            stage.transport.set_paused(False)
        heard = stage.play(0.3)
        at = stage.places[-1]
        assert place_s(heard[-HOP, 0]) == pytest.approx(at, abs=1e-4)
        assert 5.25 < at < 5.5
        assert largest_step(stage.sound) < 0.6 / FADE * 2
        with pytest.raises(EngineError, match="at most 8"):
            stage.transport.seek(2, 8.1)


def test_a_loop_goes_round() -> None:
    with Stage(ramp(6.0), start_s=1.0, loop=(1.0, 1.5)) as stage:
        heard = place_s(stage.play(2.3)[::HOP, 0])
        assert heard[20:].min() > 0.98
        assert heard[20:].max() < 1.51
        assert np.sum(np.diff(stage.places) < -0.3) == 4
        off_s = np.abs(heard[20:] - np.array(stage.places)[20:])
        assert np.sum(off_s > 1e-4) <= 4 * 5  # hops within seams


def bursts(every_s: float, seconds: float) -> Samples:
    song = np.zeros((round(seconds * RATE_HZ), 4), np.float32)
    along = np.arange(400) / RATE_HZ
    for n in range(1, round(seconds / every_s)):
        at = round(n * every_s * RATE_HZ) - 200
        song[at : at + 400] = (np.hanning(400) * np.sin(2 * np.pi * 1000 * along))[:, None]
    return song


def test_places_are_right_at_every_tempo() -> None:
    with Stage(bursts(0.25, 30.0)) as stage:
        for number, tune in enumerate((Tune(0.5), Tune(1.5), Tune(1.0, 4.0), Tune(1.0), Tune(0.8, -3.0))):
            stage.play(1.5)
            stage.transport.set_tune(number, tune)
            assert stage.answer(number) is None
        stage.play(1.5)
        sound, places = stage.sound[:, 0], np.repeat(stage.places, HOP) + np.tile(np.arange(HOP), len(stage.places)) * 0
        energy = np.convolve(sound**2, np.ones(400), "same")
        peaks = [
            n
            for n in range(4000, len(energy) - 4000)
            if energy[n] > 1 and energy[n] == energy[n - 3000 : n + 3000].max()
        ]
        assert len(peaks) > 25
        off_s = [abs(places[n] - 0.25 * round(places[n] / 0.25)) for n in peaks]
        assert max(off_s) < 0.02


def test_a_change_of_tune_does_not_click() -> None:
    t = np.arange(20 * RATE_HZ) / RATE_HZ
    song = np.repeat((0.4 * np.sin(2 * np.pi * 220 * t))[:, None], 4, 1).astype(np.float32)
    with Stage(song) as stage:
        for number, tune in enumerate((Tune(0.7), Tune(1.3), Tune(1.0, 2.0), Tune(1.0), Tune(1.0, -2.0))):
            stage.play(0.6)
            stage.transport.set_tune(number, tune)
            assert stage.answer(number) is None
        stage.play(0.6)
        slope = 0.4 * 2 * np.pi * 220 * 2 ** (2 / 12) / RATE_HZ
        assert largest_step(stage.sound) < 1.3 * slope


def test_what_is_not_there_yet_is_silence_that_is_counted() -> None:
    class Slow(ArraySource):
        ready = True

        def wait(self, timeout_s: float) -> bool:
            time.sleep(0.0 if self.ready else timeout_s)
            return self.ready

    song = Slow(ramp(8.0), RATE_HZ, "song.wav")
    player = BackingPlayer(4, HOP, RATE_HZ)
    feeder = SourceFeeder(song, player.deck, RATE_HZ, player)
    feeder.start()
    until(lambda: player.deck.inputs.written >= 32768)
    song.ready = False
    blocks = [np.zeros((HOP, 4), np.float32) for _ in range(round(3.0 * RATE_HZ / HOP))]
    for block in blocks:
        player.take(block)
    sound = np.concatenate(blocks)
    assert largest_step(sound) < 0.6 / FADE * 2  # it faded before it had nothing
    assert player.starved_samples > 1.0 * RATE_HZ
    song.ready = True
    until(lambda: player.deck.inputs.written - player.taken_samples > 8192)
    for block in blocks[:20]:
        player.take(block)
    gap_s = place_s(blocks[10][0, 0]) - place_s(sound[np.flatnonzero(sound[:, 0])[-FADE - HOP], 0])
    assert gap_s < 0.05  # it went on where it was
    feeder.stop()


def test_clicks_come_before_the_song() -> None:
    with Stage(ramp(3.0), paused=True, count_in=(3, 0.25)) as stage:
        stage.play(0.1)
        stage.transport.set_paused(False)
        heard = stage.play(1.0)
        clicks = count_in_clicks(3, 0.25, RATE_HZ)
        assert np.array_equal(heard[: len(clicks)], clicks)
        assert not clicks[:, 2:].any()
        crossings = [np.sum(np.diff(np.sign(clicks[at : at + 1323, 0])) != 0) for at in (0, 11025)]
        assert crossings[0] == pytest.approx(1.5 * crossings[1], abs=2)
        after = heard[len(clicks) + 2 * FADE :, 0]
        assert place_s(after[-1]) == pytest.approx(0.25, abs=0.01)
