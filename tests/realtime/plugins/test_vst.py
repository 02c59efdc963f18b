"""Foreign plugins: what pedalboard does in one go, block by block and in time; and what is told when it cannot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.realtime.parameter import ParameterError
from advsep.realtime.plugin import run, start
from advsep.realtime.plugins import vst
from advsep.realtime.plugins.vst import CHUNK, Vst
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def made(state: dict[str, Any], rate_hz: int = 44100, channels: int = 2) -> Vst:
    plugin = Vst()
    plugin.set_state(state)
    start(plugin, rate_hz, 8193, channels)
    return plugin


def play(plugin: Vst, samples: Samples, block: int = 512) -> Samples:
    heard = samples.copy()
    for at in range(0, len(heard), block):
        run(plugin, heard[at : at + block])
    return heard


def noise(frames: int = 20000, channels: int = 2) -> Samples:
    return 0.2 * np.random.default_rng(1).standard_normal((frames, channels)).astype(np.float32)


def vst3(name: str) -> str:
    """A plugin that is installed, of Debian's package zam-plugins."""
    for folder in (Path("/usr/lib/vst3"), Path.home() / ".vst3"):
        if (folder / f"{name}.vst3").exists():
            return str(folder / f"{name}.vst3")
    pytest.skip(f"{name}.vst3 is not installed")


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (44100, 2), (192000, 2)])
@pytest.mark.parametrize(
    "state",
    [
        {"builtin": "Chorus", "rate_hz": 3.0, "mix": 0.7},
        {"builtin": "Reverb", "room_size": 0.8},
        {"builtin": "HighpassFilter", "parameters": {"cutoff_frequency_hz": 300.0}},
    ],
)
def test_it_sounds_as_in_one_go(state: dict[str, Any], rate_hz: int, channels: int) -> None:
    pedalboard = pytest.importorskip("pedalboard")
    given, plugin = noise(channels=channels), made(state, rate_hz, channels)
    settings = {key: value for key, value in state.items() if key not in ("builtin", "parameters")}
    whole = getattr(pedalboard, state["builtin"])(**settings, **state.get("parameters", {}))
    expected = whole.process(given.T.copy(), rate_hz, buffer_size=CHUNK).T
    late = plugin.latency_samples
    assert late == CHUNK
    for block in (1, 63, 64, 65, 512, 513, 8193):
        plugin.reset()
        heard = play(plugin, given, block)
        np.testing.assert_allclose(heard[late:], expected[:-late], atol=1e-6)
        assert not heard[:late].any()


@pytest.mark.parametrize("builtin", ["Resample", "MP3Compressor", "Gain"])
def test_it_is_as_late_as_declared(builtin: str) -> None:
    """Also where pedalboard keeps sound back at first: correlated with what went in."""
    pytest.importorskip("pedalboard")
    given, plugin = noise(40000), made({"builtin": builtin})
    heard = play(plugin, given)
    n = 1 << 17
    match = np.fft.irfft(np.fft.rfft(heard[:, 0], n) * np.conj(np.fft.rfft(given[:, 0], n)))
    assert np.argmax(match) == plugin.latency_samples >= CHUNK
    plugin.reset()
    np.testing.assert_array_equal(play(plugin, given, 65), heard)


def test_a_real_vst3() -> None:
    pytest.importorskip("pedalboard")
    plugin = made({"path": vst3("ZaMaximX2"), "threshold_db": -12.0, "output_ceiling_db": -6.0})
    given = 0.9 * np.sin(2 * np.pi * 441 / 44100 * np.arange(44100))[:, None] * np.ones(2)
    heard = play(plugin, given.astype(np.float32))
    assert np.abs(heard[20000:]).max() == pytest.approx(10 ** (-6 / 20), rel=0.05)
    assert plugin.latency_samples > CHUNK


def test_a_mono_vst3_runs_twice() -> None:
    pytest.importorskip("pedalboard")
    state = {"path": vst3("ZamDelay"), "delaytime_ms": 100.0, "dry_wet": 1.0, "output_gain_db": 0.0}
    plugin, given = made(state), np.zeros((20000, 2), np.float32)
    given[0], given[1000, 1] = (0.5, 0.0), 0.5
    heard = play(plugin, given)
    left, right = np.argmax(np.abs(heard), axis=0)
    assert right - left == 1000


def test_nothing_named_nothing_changed() -> None:
    plugin, given = Vst(), noise()
    plugin.set_state({"path": "", "plugin": "", "builtin": ""})
    start(plugin, 44100, 8193, 2)
    np.testing.assert_array_equal(play(plugin, given), given)
    assert (plugin.latency_samples, plugin.tail_samples, plugin.state()) == (0, 0, {})


def test_state_comes_back() -> None:
    pytest.importorskip("pedalboard")
    state = {"builtin": "Phaser", "rate_hz": 2.0, "depth": 0.9}
    again = Vst()
    again.set_state(made({"builtin": "Phaser", "parameters": {"rate_hz": 2.0, "depth": 0.9}}).state())
    assert again.state() == state
    start(again, 44100, 8193, 2)
    np.testing.assert_array_equal(play(again, noise()), play(made(state), noise()))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"builtin": "Nothing"}, "no such effect"),
        ({"builtin": "load_plugin"}, "no such effect"),
        ({"builtin": "Convolution"}, "cannot be made"),
        ({"builtin": "Chorus", "mud": 1}, "no setting 'mud': there are centre_delay_ms, depth, feedback, mix, rate_hz"),
        ({"builtin": "Chorus", "rate_hz": 1e9}, "rate_hz=1000000000.0: Rate must be"),
        ({"path": "/nowhere/x.vst3"}, "/nowhere/x.vst3: no such file"),
        ({"path": __file__}, "cannot be loaded"),
        ({"path": "x", "builtin": "Chorus"}, "expected one of path"),
        ({"rate_hz": 1.0}, "expected one of path"),
    ],
)
def test_what_cannot_be_is_told(state: dict[str, Any], told: str) -> None:
    pytest.importorskip("pedalboard")
    with pytest.raises(ParameterError, match=told):
        Vst().set_state(state)


def test_without_pedalboard_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pedalboard", None)
    with pytest.raises(AdvsepError, match=r'pip install "advsep\[vst\]"'):
        Vst().set_state({"builtin": "Chorus"})


class Hoarder:
    """Gives nothing for a while, then in bursts, as codecs do; never more than it got at once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.kept, self.got = np.zeros((2, 0), np.float32), 0

    def process(self, samples: Samples, rate_hz: float, buffer_size: int, reset: bool) -> Samples:
        self.kept = np.concatenate([self.kept, samples], axis=1)
        self.got += samples.shape[1]
        count = min(samples.shape[1], self.kept.shape[1]) if self.got > 700 and self.got % 640 else 0
        out, self.kept = self.kept[:, :count], self.kept[:, count:]
        return out


def test_what_comes_in_bursts_goes_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vst, "_load", lambda _: Hoarder())
    with pytest.raises(ParameterError, match="gives less sound than it gets"):
        made({"builtin": "Hoarder"})  # a tenth of it never comes
    monkeypatch.setattr(Hoarder, "process", lambda self, samples, *_, **__: burst(self, samples))
    plugin, given = made({"builtin": "Hoarder"}), noise()
    heard = play(plugin, given)
    late = plugin.latency_samples
    assert CHUNK < late < 3000
    np.testing.assert_array_equal(heard[late:], given[:-late])


def burst(hoarder: Hoarder, samples: Samples) -> Samples:
    """Nothing in one of three calls, but all of it in the end: the others give more."""
    hoarder.kept = np.concatenate([hoarder.kept, samples], axis=1)
    hoarder.got += 1
    count = 0 if hoarder.got % 3 else 3 * CHUNK
    out, hoarder.kept = hoarder.kept[:, :count], hoarder.kept[:, count:]
    return out
