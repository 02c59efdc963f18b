"""Seeking, pausing and looping, to the sample: what is heard is computed from the song alone, and nothing clicks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from advsep.realtime.engine import Engine
from advsep.realtime.engine_settings import EngineError, EngineSettings
from advsep.realtime.exchange import ENDS_AT, MISSED_HOPS, PLAYED, STARVED_FRAMES, WANTED, Deck
from advsep.realtime.feeder import SourceFeeder
from advsep.realtime.source import ArraySource, SourceError
from advsep.realtime.tape import Loop
from advsep.realtime.transport import Transport, loop_of
from waiting import until

RATE_HZ, LATE = 44100, 300
FADE = 441  # 10 ms, of a seam and of the gate
Samples = np.ndarray


def chirp(seconds: float, rate_hz: int = RATE_HZ) -> Samples:
    """Every place sounds different, no sample is 0, and nothing moves fast."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.stack([0.3 + 0.2 * np.sin(2 * np.pi * (40 + sign * 3 * t) * t) for sign in (1, -1)], 1).astype(np.float32)


def seam(before: Samples, after: Samples) -> Samples:
    share = np.sin(np.pi / 2 * (np.arange(len(before)) + 0.5) / len(before))[:, None] ** 2
    return (1 - share) * before + share * after


class Rig:
    """A song on a deck whose callback the test calls, never before the worker is through."""

    def __init__(
        self, source: Any, late: Any, hand: Any, period: int = 128, begin_s: float = 0.0, **settings: Any
    ) -> None:
        asked = EngineSettings(input="song.wav", start_s=begin_s, **settings)
        self.deck, self.period, self.resets = Deck(1 << 16, 2, 2), period, 0
        self.engine = Engine(self.deck, late(), fed=True, holds=True)
        loop = loop_of(source, asked.loop)
        longest_s = asked.seconds
        self.feeder = SourceFeeder(
            source, self.deck, RATE_HZ, self.engine, begin_s=begin_s, longest_s=longest_s, loop=loop
        )
        self.engine.feeder = self.feeder
        self.transport = Transport(self.engine, self.deck, self.feeder, source, self.reset, asked)
        self.card = hand(self.deck)
        self.heard: list[Samples] = []
        self.answers: dict[int, str | None] = {}
        self.engine.arm(period)

    def reset(self) -> None:
        self.resets += 1

    def block(self) -> None:
        self.answers |= dict(self.transport.advance())
        until(self._is_ahead)
        self.heard.append(self.card.block(self.period))

    def _is_ahead(self) -> bool:
        assert self.engine.error is None
        words, end = self.deck.words, int(self.deck.words[ENDS_AT])
        wanted = int(words[PLAYED]) + self.period
        return self.transport.stands or self.deck.outputs.written >= (wanted if end < 0 else min(wanted, end))

    def play(self, samples: int) -> None:
        for _ in range(-(-samples // self.period)):
            self.block()

    def answer(self, request: int) -> str | None:
        """Play on until it comes."""
        until(lambda: self.block() or request in self.answers)
        return self.answers[request]

    def stand(self) -> None:
        self.transport.set_paused(True)
        until(lambda: self.block() or self.transport.stands)

    def go_on(self) -> None:
        self.transport.set_paused(False)
        until(lambda: bool(self.transport.advance()) or bool(self.deck.words[WANTED]))

    def end(self) -> Samples:
        self.engine.disarm(0.0)
        assert self.deck.count(MISSED_HOPS) == 0
        assert self.deck.count(STARVED_FRAMES) == 0
        assert self.feeder.error is None
        heard = np.concatenate(self.heard)
        sounding = heard[LATE + FADE : np.flatnonzero(heard.any(1))[-1] + 1]  # the song's own end may be one
        assert np.abs(np.diff(sounding, 2, axis=0)).max() < 0.0025  # a step would be up to 0.4
        return heard


@pytest.mark.parametrize("target_s", [4.321, 0.0, 0.004, 1.1, 4.999])
@pytest.mark.parametrize("period", [128, 1024])
def test_a_seek_fades_into_the_new_place_to_the_sample(target_s: float, period: int, late: Any, hand: Any) -> None:
    song, target = chirp(5.0), round(target_s * RATE_HZ)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand, period)
    rig.play(RATE_HZ)
    rig.transport.seek(7, target_s)
    before = sum(map(len, rig.heard))
    assert rig.answer(7) is None
    passed = rig.feeder.position_s - target_s
    rig.play(3000)
    position_s = rig.feeder.position_s
    heard = rig.end()[LATE:]
    # Where the seam is, is the worker's affair; that the song is whole on both sides is not.
    ahead = np.concatenate([np.repeat(song[:1], FADE, 0), song, np.zeros((5000, 2), np.float32)])
    ends = range(before, min(before + 8000, len(heard)))
    at = max(i for i in ends if np.allclose(heard[i - 20 : i], song[i - 20 : i], atol=1e-6))
    starts = [
        start
        for start in range(at - 40, at + 1)
        if np.allclose(
            heard[start : start + FADE], seam(song[start : start + FADE], ahead[target : target + FADE]), atol=2e-6
        )
    ]
    assert starts
    landed = starts[0] + FADE
    np.testing.assert_allclose(heard[FADE : landed - FADE], song[FADE : landed - FADE], atol=1e-6)
    left = min(len(heard) - landed, len(song) - target)
    np.testing.assert_allclose(heard[landed : landed + left], song[target : target + left], atol=1e-6)
    assert position_s == pytest.approx(min((target + len(heard) - landed) / RATE_HZ, 5.0), abs=1e-9)
    assert 0 <= passed < 2 * period / RATE_HZ + 0.001
    assert rig.resets == 0


@pytest.mark.parametrize("period", [64, 441, 1024])
def test_a_pause_loses_and_repeats_no_sample(period: int, late: Any, hand: Any) -> None:
    song = chirp(4.0)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand, period)
    expected, open_at = [np.zeros(LATE)], 0
    for _ in range(4):
        rig.play(20_000)
        rig.stand()
        stood_at = int(rig.deck.words[PLAYED])
        position_s = rig.feeder.position_s
        rig.play(3 * period)
        assert rig.deck.words[PLAYED] == stood_at
        assert rig.feeder.position_s == position_s
        gate = np.minimum(np.arange(1, stood_at - open_at + 1) / FADE, 1.0)
        gate[-FADE:] = np.arange(FADE - 1, -1, -1) / FADE
        expected.append(gate)
        open_at = stood_at
        rig.go_on()
    heard = rig.end()
    gate = np.concatenate(expected)[LATE:, None]
    delayed = np.concatenate([np.zeros((LATE, 2), np.float32), song])[: len(gate)]
    sounding = heard[: len(heard)][np.abs(heard).sum(1) > 0]
    wanted = (gate * delayed)[(gate * delayed).sum(1) > 0]
    np.testing.assert_allclose(sounding, wanted, atol=1e-6)
    assert open_at > 70_000


def test_a_seek_while_paused_stays_silent_and_goes_on_there(late: Any, hand: Any) -> None:
    song = chirp(10.0)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand)
    rig.play(30_000)
    rig.stand()
    for number, place_s in enumerate((7.5, 2.25, 8.0)):
        stood = sum(map(len, rig.heard))
        rig.transport.seek(number, place_s)
        assert rig.answer(number) is None
        assert rig.feeder.position_s == place_s
        assert rig.resets == number + 1
        assert not np.concatenate(rig.heard)[stood:].any()
    began = sum(map(len, rig.heard))
    rig.go_on()
    rig.play(4000)
    heard = rig.end()[began:]
    gate = np.minimum(np.arange(1, len(heard) + 1) / FADE, 1.0)[:, None]
    np.testing.assert_allclose(heard, gate * song[8 * RATE_HZ : 8 * RATE_HZ + len(heard)], atol=1e-6)


def test_a_pause_right_after_a_seek_stands_at_the_new_place(late: Any, hand: Any) -> None:
    song = chirp(6.0)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand)
    rig.play(30_000)
    rig.transport.seek(1, 4.0)
    rig.transport.set_paused(True)
    assert rig.answer(1) is None
    assert rig.feeder.position_s == 4.0
    rig.go_on()
    began = len(rig.heard) * rig.period
    rig.play(2000)
    heard = rig.end()[began + FADE :]
    np.testing.assert_allclose(heard, song[4 * RATE_HZ + FADE :][: len(heard)], atol=1e-6)


@pytest.mark.parametrize("begin_s", [0.0, 0.3, 0.001, 0.795])
def test_a_loop_goes_round_with_its_period_to_the_sample(begin_s: float, late: Any, hand: Any) -> None:
    song, a, b = chirp(3.0), round(0.3 * RATE_HZ), round(0.8 * RATE_HZ)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand, begin_s=begin_s, loop=(0.3, 0.8))
    start = round(begin_s * RATE_HZ) if begin_s != 0.795 else a  # too late for a seam: from the begin
    rig.play(LATE + 5 * (b - a) + 20_000)
    position_s = rig.feeder.position_s
    heard = rig.end()[LATE:]
    rounds = np.concatenate([song[a : b - FADE], seam(song[b - FADE : b], song[a - FADE : a])])
    wanted = np.concatenate([song[start : b - FADE], rounds[-FADE:], *[rounds] * 7])[: len(heard)]
    np.testing.assert_allclose(heard[FADE:], wanted[FADE:], atol=2e-6)
    done = len(heard) - (b - start)
    assert position_s == pytest.approx((a + done % (b - a)) / RATE_HZ, abs=1e-9)


def test_a_loop_at_another_rate_keeps_its_period(late: Any, hand: Any) -> None:
    source = ArraySource(chirp(2.0, 22050), 22050, "song")
    rig = Rig(source, late, hand, loop=(0.5, 0.9))
    rig.play(3 * RATE_HZ)
    heard, period = rig.end()[LATE:], round(0.4 * RATE_HZ)
    first = round(0.9 * RATE_HZ)
    for number in range(1, 4):
        shifted = heard[first + number * period : first + (number + 1) * period]
        np.testing.assert_allclose(shifted, heard[first : first + len(shifted)], atol=1e-4)


def test_a_loop_set_and_left_while_it_plays_and_one_that_is_over(late: Any, hand: Any) -> None:
    song = chirp(12.0)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand)
    rig.play(RATE_HZ // 2)
    rig.transport.set_loop(1, (0.2, 1.0))  # the feeder has read beyond its end long ago
    assert rig.answer(1) is None
    before = np.concatenate(rig.heard)[LATE:]
    np.testing.assert_allclose(before[FADE:], song[FADE : len(before)], atol=1e-6)  # to stay is no seam
    rig.play(2 * RATE_HZ)
    assert 0.2 <= rig.feeder.position_s < 1.0
    rig.transport.set_loop(2, None)
    assert rig.answer(2) is None
    rig.play(2 * RATE_HZ)
    assert rig.feeder.position_s > 1.9
    rig.transport.set_loop(3, (0.2, 1.0))
    assert rig.answer(3) is None
    assert rig.feeder.position_s == pytest.approx(0.2, abs=0.01)
    rig.transport.seek(4, 5.0)  # behind its end a loop is none
    assert rig.answer(4) is None
    rig.play(RATE_HZ)
    assert rig.feeder.position_s > 5.9
    rig.end()


def test_a_song_at_its_end_waits_there_and_can_be_gone_back_in(late: Any, hand: Any) -> None:
    song = chirp(1.0)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand, hold_at_end=True)
    until(lambda: rig.block() or rig.transport.paused)
    rig.play(5000)
    assert rig.feeder.position_s == 1.0
    rig.transport.seek(1, 0.5)
    assert rig.answer(1) is None
    assert (rig.transport.paused, rig.feeder.position_s) == (True, 0.5)
    rig.go_on()
    began = len(rig.heard) * rig.period
    until(lambda: rig.block() or rig.transport.paused)
    np.testing.assert_allclose(
        np.concatenate(rig.heard)[began + FADE : began + RATE_HZ // 2], song[RATE_HZ // 2 + FADE :], atol=1e-6
    )
    rig.transport.set_paused(False)  # from the end: from the start
    until(lambda: rig.block() or rig.feeder.position_s < 0.5)
    rig.play(5000)
    assert not rig.transport.paused
    rig.engine.disarm(0.0)


def test_seconds_count_what_is_heard_whatever_the_place(late: Any, hand: Any) -> None:
    rig = Rig(ArraySource(chirp(9.0), RATE_HZ, "song"), late, hand, seconds=1.5, loop=(0.2, 0.5))
    rig.play(RATE_HZ)
    rig.transport.seek(1, 6.0)
    assert rig.answer(1) is None
    until(lambda: rig.block() or rig.engine.ended)
    assert rig.feeder.played_samples == round(1.5 * RATE_HZ)
    assert rig.feeder.position_s == pytest.approx(6.4, abs=0.2)
    assert rig.feeder.end_s == rig.feeder.position_s
    rig.end()


def test_many_seeks_at_once_and_another_processor_meanwhile(late: Any, hand: Any) -> None:
    """Only the last place counts, and one that is on its way when the engine stops is gone to when it starts."""
    song = chirp(30.0)
    rig = Rig(ArraySource(song, RATE_HZ, "song"), late, hand)
    rng = np.random.default_rng(5)
    for request in range(12):
        for number in range(3):
            rig.transport.seek(3 * request + number, float(rng.uniform(0, 29)))
        place_s = float(rng.uniform(0, 29))
        rig.transport.seek(1000 + request, place_s)
        if request % 3 == 0:
            rig.engine.disarm(0.0)
            rig.engine.arm(rig.period)
        if request % 5 == 0:
            rig.play(500)
        assert rig.answer(1000 + request) is None
        assert rig.feeder.position_s == pytest.approx(place_s, abs=0.01)
    assert len(rig.answers) == 48
    rig.engine.disarm(0.0)
    assert rig.deck.count(MISSED_HOPS) == rig.deck.count(STARVED_FRAMES) == 0


class Damaged(ArraySource):
    def seek(self, position: int) -> None:
        if 3 * RATE_HZ <= position < 4 * RATE_HZ:
            raise SourceError("song: cannot go to 3.50 s (bad frame); start at the beginning")
        super().seek(position)


def test_a_place_that_cannot_be_had_leaves_everything_as_it_was(late: Any, hand: Any) -> None:
    song = chirp(5.0)
    rig = Rig(Damaged(song, RATE_HZ, "song"), late, hand)
    rig.play(30_000)
    rig.transport.seek(1, 3.5)
    assert rig.answer(1) == "song: cannot go to 3.50 s (bad frame); start at the beginning"
    rig.play(100_000)
    heard = rig.end()[LATE:]
    np.testing.assert_allclose(heard[FADE:], song[FADE : len(heard)], atol=1e-6)
    with pytest.raises(EngineError, match=r"song: a place to go to: expected at most 5.00 s, its end, found 5.50 s"):
        rig.transport.seek(2, 5.5)
    with pytest.raises(EngineError, match=r"song: a loop: expected an end at 5.00 s, the song's, or before, found 6"):
        rig.transport.set_loop(3, (1.0, 6.0))


def test_a_loop_in_samples() -> None:
    assert loop_of(ArraySource(chirp(1.0), RATE_HZ, "song"), (0.25, 1.0)) == Loop(11025, 44100)
