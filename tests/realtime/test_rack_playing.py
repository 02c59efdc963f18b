"""The rack where it plays: in an engine's worker, in an engine's process, on the way from file to files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from advsep.realtime.engine import Engine
from advsep.realtime.engine_settings import EngineError, EngineSettings
from advsep.realtime.exchange import DELAY, ENDS_AT, Deck
from advsep.realtime.live_path import LivePath
from advsep.realtime.model import ModelSession
from advsep.realtime.process import EngineProcess
from advsep.realtime.rack_text import parse_rack
from numpy.typing import NDArray
from waiting import until

pytestmark = pytest.mark.live

RATE_HZ, PERIOD = 44100, 128
LATE = "vocals: limiter(ceiling_db=0)"  # far above what comes: only its look-ahead is heard
Samples = NDArray[np.float32]


def sine(seconds: float, level: float = 0.2) -> Samples:
    t = np.arange(round(seconds * RATE_HZ))[:, None] / RATE_HZ
    return (level * np.sin(2 * np.pi * 220 * t) * np.ones(2)).astype(np.float32)


def delayed(samples: Samples, count: int) -> Samples:
    return np.concatenate([np.zeros((count, 2), np.float32), samples])[: len(samples)]


class Live:
    """An engine whose callback the test calls, a hop at a time, in step with the worker."""

    def __init__(self, path: LivePath, hand: Any) -> None:
        self.deck, self.path = Deck(1 << 16, 2, 2), path
        self.hand, self.engine = hand(self.deck, captures=True), Engine(self.deck, path)
        self.engine.arm(PERIOD)
        self.heard: list[Samples] = []
        self.hops = 0

    def play(self, samples: Samples) -> None:
        for start in range(0, len(samples) - PERIOD + 1, PERIOD):
            self.heard.append(self.hand.block(PERIOD, samples[start : start + PERIOD]))
            done = len(self.heard) * PERIOD // 256 * 256 + int(self.deck.words[DELAY])
            while self.deck.outputs.written < done and self.engine.error is None:
                time.sleep(1e-4)
            assert self.engine.error is None


def test_plugins_that_come_and_go_move_the_latency_and_nothing_clicks(make_model: Any, hand: Any) -> None:
    """Masks of 1: all is voice. The declared latency is the one that is heard, before, with, and after."""
    path = LivePath(ModelSession(make_model()), RATE_HZ)
    path.warm_up()
    live = Live(path, hand)
    song, third = sine(3.0), RATE_HZ // PERIOD * PERIOD
    plain = live.engine.latency_samples
    latencies = [plain]
    live.play(song[:third])
    for number, text in enumerate((LATE, ""), 1):
        change = path.builder.plan(parse_rack(text))
        live.engine.call(lambda change=change: path.builder.apply(change))
        live.play(song[number * third : (number + 1) * third])
        latencies.append(live.engine.latency_samples)
    live.engine.disarm()
    lookahead = latencies[1] - plain
    assert latencies == [plain, plain + lookahead, plain]
    assert 20 < lookahead < 400
    heard = np.concatenate(live.heard)
    own = np.abs(np.diff(song, axis=0)).max()
    assert np.abs(np.diff(heard[1000:], axis=0)).max() < own + 2 * 0.4 / (0.015 * RATE_HZ)
    for number, latency in enumerate(latencies):
        part = slice(number * third + 12_000, (number + 1) * third)
        np.testing.assert_allclose(heard[part], delayed(song, latency)[part], atol=2e-6)


def test_a_plugin_that_breaks_while_it_plays_is_left_out_and_told(
    make_model: Any, hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = LivePath(ModelSession(make_model()), RATE_HZ, parse_rack("vocals: gain(db=-6)"))
    path.warm_up()
    live = Live(path, hand)
    live.play(sine(0.5))
    monkeypatch.setattr(path.rack.slots("vocals")[0].plugin, "process", lambda _: 1 / 0)
    live.play(sine(1.0))
    live.engine.disarm()
    assert path.rack.failures == ("vocals: gain: ZeroDivisionError: division by zero",)
    assert np.abs(live.heard[-20:]).max() == pytest.approx(0.2, abs=1e-3)


def test_the_end_comes_as_much_later_as_the_plugins_are_late(make_model: Any, hand: Any) -> None:
    path = LivePath(ModelSession(make_model()), RATE_HZ)
    path.warm_up()
    live = Live(path, hand)
    live.engine.end_at(RATE_HZ)
    change = path.builder.plan(parse_rack(LATE))
    live.play(sine(0.2))
    live.engine.call(lambda: path.builder.apply(change))
    live.play(sine(0.2))
    assert live.deck.words[ENDS_AT] == RATE_HZ + live.engine.latency_samples
    live.engine.disarm()


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    samples = (0.1 * np.random.default_rng(1).standard_normal((RATE_HZ * 60, 2))).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, RATE_HZ, subtype="FLOAT")
    return tmp_path / "noise.wav"


def test_an_engines_process_takes_up_other_racks_and_says_why_not(noise: Path) -> None:
    with EngineProcess(
        EngineSettings(input=str(noise), output="null", rack=parse_rack("vocals: gain(db=-3)"))
    ) as engine:
        until(lambda: engine.status().position_s > 0.3)
        before = engine.status()
        assert "plugins" not in before.latency_parts
        engine.set_rack(parse_rack("vocals: gain(db=-90); accompaniment: gain(db=-90); master: limiter")).result(30)
        until(lambda: engine.status().latency_parts.get("plugins", 0) > 0)
        after = engine.status()
        assert after.latency_samples == before.latency_samples + after.latency_parts["plugins"]
        until(lambda: engine.status().levels["output"].rms_dbfs < -100)
        for text, words in {
            "vocals: gain(db=99)": "strip 'vocals': gain: db=99.0: expected -120 to 24 dB",
            "vocals: none": "no plugin 'none'",
            "drums: gain": "strip 'drums': it is none of",
        }.items():
            with pytest.raises(EngineError) as error:
                engine.set_rack(parse_rack(text)).result(30)
            assert words in str(error.value)
        assert engine.settings.rack == parse_rack("vocals: gain(db=-90); accompaniment: gain(db=-90); master: limiter")
        # A level that is set while another rack is on its way outlasts it, and both outlast the process.
        future = engine.set_rack(parse_rack("vocals: gain(db=0)"))
        engine.set_gain_db("accompaniment", -60.0)
        future.result(30)
        assert engine.settings.rack == parse_rack("vocals: gain(db=0); accompaniment[gain_db=-60]:")
        until(lambda: engine.status().gains_db["accompaniment"] == -60.0)
        until(lambda: "plugins" not in engine.status().latency_parts)
        assert engine.status().restarts == 0
        assert engine.status().plugin_failures == ()


def test_a_rack_that_cannot_be_built_keeps_an_engine_from_starting(noise: Path) -> None:
    engine = EngineProcess(EngineSettings(input=str(noise), output="null", rack=parse_rack("vocals: eqq")))
    with pytest.raises(EngineError, match="no plugin 'eqq': did you mean eq"):
        engine.start()


def test_files_are_in_place_however_late_the_plugins_are(tmp_path: Path, live: Callable[..., Any], noise: Path) -> None:
    song, _ = soundfile.read(noise, dtype="float32", frames=RATE_HZ * 3)
    soundfile.write(tmp_path / "song.wav", song, RATE_HZ, subtype="FLOAT")
    chain = "vocals: limiter(ceiling_db=0), limiter(ceiling_db=0); master: limiter(ceiling_db=0)"
    ended = live("-i", tmp_path / "song.wav", "-o", tmp_path / "mix.wav", "--record", tmp_path, "--chain", chain)
    assert ended.code == 0
    parts = [
        soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0] for name in ("vocals", "accompaniment", "mix")
    ]
    for part in parts:
        assert part.shape == song.shape
    np.testing.assert_allclose(parts[0] + parts[1], song, atol=1e-5)
    np.testing.assert_allclose(parts[2], song, atol=1e-5)


def test_presets_chains_and_levels_go_together(tmp_path: Path, live: Callable[..., Any], noise: Path) -> None:
    def level_db(*options: str) -> float:
        ended = live("-i", noise, "-o", tmp_path / "out.wav", "--seconds", "2", "--json", *options)
        assert ended.code == 0, ended.err
        assert ended.json["files"] == [str(tmp_path / "out.wav")]
        mix, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
        return 10 * float(np.log10(np.mean(np.square(mix, dtype=np.float64)) + 1e-20))

    assert level_db() == pytest.approx(-20, abs=0.1)
    assert level_db("--preset", "bypass", "--chain", "master: gain(db=-50)") == pytest.approx(-20, abs=0.1)
    assert level_db("--chain", "master: gain(db=-50)") == pytest.approx(-70, abs=0.1)
    assert level_db("--chain", "master: !gain(db=-50)") == pytest.approx(-20, abs=0.1)
    silent = ("--preset", "karaoke", "--accompaniment-gain-db", "-100")
    assert level_db(*silent) < -110
    (tmp_path / "mine.toml").write_text("[strip.master]\ngain_db = -30\n")
    assert level_db("--preset", str(tmp_path / "mine.toml")) == pytest.approx(-50, abs=0.1)
    for options, words in {
        ("--preset", "none"): "no preset 'none'",
        ("--chain", "vocals gate"): "expected ':' at character 8",
        ("--chain", "vocals: gain(db=x)"): "strip 'vocals': gain: db=x: expected a number",
    }.items():
        ended = live("-i", noise, "-o", tmp_path / "none.wav", *options)
        assert ended.code == 2
        assert words in ended.err
        assert not (tmp_path / "none.wav").exists()
