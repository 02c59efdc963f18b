"""A plugin under test: prepared as a host prepares it, and watched while it processes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plugin import MOVING_SAMPLES, Plugin, start

Samples = NDArray[np.float32]

RATE_HZ, MAX_BLOCK, CHANNELS = 44100, 512, 2  # where a check does not vary them
LOUDEST_FACTOR = 1000.0  # 60 dB: what an effect may add to the peak of its input
_SETTINGS = 3  # the defaults and two others
_GUARD = 8  # frames on both sides of a block that a plugin must leave alone
_UNTOUCHED = np.float32(1234.5)


class Failed(Exception):  # noqa: N818
    """What a plugin did wrong: what was expected, what was found, and where."""


class Trial:
    """One plugin, prepared.

    Args:
        plugin: with its parameters and state set.
        rate_hz: sample rate.
        max_block: most frames of a block.
        channels: 1 or 2.

    Attributes:
        latency_samples: as declared after `prepare`.
        tail_samples: the same.

    Raises:
        Failed: `prepare` raises, or declares what cannot be.
    """

    def __init__(self, plugin: Plugin, rate_hz: int, max_block: int, channels: int) -> None:
        self.plugin, self.rate_hz, self.max_block, self.channels = plugin, rate_hz, max_block, channels
        self.where = f"at {rate_hz} Hz, {channels} channel{'s' if channels > 1 else ''}"
        self._room: Samples = np.zeros((max_block + 2 * _GUARD, channels), np.float32)
        self.prepare(rate_hz, max_block, channels)

    def prepare(self, rate_hz: int, max_block: int, channels: int) -> None:
        """Prepare it, as it was or for something else."""
        self.rate_hz, self.max_block, self.channels = rate_hz, max_block, channels
        self.where = f"at {rate_hz} Hz, {channels} channel{'s' if channels > 1 else ''}"
        self._room = np.zeros((max_block + 2 * _GUARD, channels), np.float32)
        with failing(f"prepare({rate_hz}, {max_block}, {channels})"):
            start(self.plugin, rate_hz, max_block, channels)
        self.latency_samples = _whole(self.plugin.latency_samples, "latency_samples")
        tail = self.plugin.tail_samples
        self.tail_samples = None if tail is None else _whole(tail, "tail_samples")

    def play(self, given: Samples, sizes: int | Iterable[int] = MAX_BLOCK, *, finite: bool = True) -> Samples:
        """What comes out of `given` [frame, channel], in blocks of these sizes, over and over.

        Raises:
            Failed: it raises, returns something, changes the block's form or what lies beside it, gives no sound.
        """
        heard = np.empty_like(given)
        at, blocks = 0, itertools.repeat(sizes) if isinstance(sizes, int) else itertools.cycle(sizes)
        while at < len(given):
            frames = min(next(blocks), len(given) - at)
            block = self._room[_GUARD : _GUARD + frames]
            block[:] = given[at : at + frames]
            self._room[_GUARD - 1] = self._room[_GUARD + frames] = _UNTOUCHED
            self.process(block)
            if (self._room[_GUARD - 1] != _UNTOUCHED).any() or (self._room[_GUARD + frames] != _UNTOUCHED).any():
                raise Failed(f"writes outside its block of {frames} frames {self.where}")
            if finite and not np.isfinite(block).all():
                self._tell_damage(block, at)
            heard[at : at + frames] = block
            at += frames
        if self.plugin.latency_samples != self.latency_samples:
            now = self.plugin.latency_samples
            raise Failed(f"latency_samples goes from {self.latency_samples} to {now} while it plays; expected constant")
        return heard

    def process(self, block: Samples) -> None:
        """One block in place, split while a parameter moves: `plugin.run`, watched."""
        done, values = 0, self.plugin.values
        while done < len(block):
            most = MOVING_SAMPLES if values.moving else len(block)
            part = block[done : done + most]
            frames = len(part)
            values.advance(frames)
            with failing(f"process, {self.where}, block of {frames}"):
                returned: Any = self.plugin.process(part)
            if returned is not None:
                raise Failed(f"process returns {described(returned)}: expected None, and the block changed in place")
            if part.shape != (frames, self.channels) or part.dtype != np.float32:
                raise Failed(f"changes the block's form to {described(part)}: it was float32 {(frames, self.channels)}")
            done += frames

    def reset(self) -> None:
        """As a host does it: parameters are where they were going."""
        self.plugin.values.jump()
        with failing("reset"):
            self.plugin.reset()

    def _tell_damage(self, block: Samples, at: int) -> None:
        frame, channel = np.argwhere(~np.isfinite(block))[0].tolist()
        found = f"{block[frame, channel]} in frame {at + frame}, channel {channel}"
        raise Failed(f"gives {found} {self.where}, block of {len(block)}; expected finite samples")


class Bench:
    """Where one check makes its plugins.

    Args:
        kind: the plugin's class.

        announce: told where each plugin is prepared, for the case that it crashes.

    Attributes:
        warnings: what is no failure and still worth a line.
    """

    def __init__(self, kind: type[Plugin], announce: Callable[[str], None]) -> None:
        self.kind, self._announce = kind, announce
        self.warnings: list[str] = []

    def make(self, values: Mapping[str, float] | None = None, state: Mapping[str, Any] | None = None) -> Plugin:
        """A plugin, not prepared; whoever asks closes it."""
        with failing("making it"):
            plugin = self.kind()
        if state is not None:
            with failing("set_state"):
                plugin.set_state(state)
        for name, value in (values or {}).items():
            with failing(f"set({name!r}, {value!r})"):
                plugin.set(name, value)
        return plugin

    def try_out(self, plugin: Plugin, rate_hz: int, max_block: int, channels: int) -> Trial:
        """A plugin that was made, prepared; whoever asks closes it."""
        self._announce(f"{rate_hz} Hz, {channels} channel{'s' if channels > 1 else ''}, blocks up to {max_block}")
        return Trial(plugin, rate_hz, max_block, channels)

    @contextlib.contextmanager
    def trial(
        self,
        values: Mapping[str, float] | None = None,
        *,
        rate_hz: int = RATE_HZ,
        max_block: int = MAX_BLOCK,
        channels: int = CHANNELS,
        state: Mapping[str, Any] | None = None,
    ) -> Generator[Trial]:
        """A prepared plugin, closed at the end."""
        plugin = self.make(values, state)
        try:
            yield self.try_out(plugin, rate_hz, max_block, channels)
        finally:
            with failing("close"):
                plugin.close()


def at_settings(check: Callable[[Bench, Mapping[str, float]], None]) -> Callable[[Bench], None]:
    """Make a check at the defaults, at which many a plugin does nothing, and at values amid the ranges."""

    def made(bench: Bench) -> None:
        for seed in range(_SETTINGS if bench.kind.parameters else 1):
            rng = np.random.default_rng(seed)
            values = {each.name: each.at(float(rng.uniform(0.2, 0.8))) for each in bench.kind.parameters}
            with telling_values(values if seed else {}):
                check(bench, values if seed else {})

    return made


@contextlib.contextmanager
def telling_values(values: Mapping[str, float]) -> Generator[None]:
    """Add to a failure's words with which values it happened."""
    try:
        yield
    except Failed as failed:
        words = ", ".join(f"{name}={value:.6g}" for name, value in values.items())
        raise Failed(f"{failed}; with {words}" if words else str(failed)) from failed


@contextlib.contextmanager
def failing(what: str) -> Generator[None]:
    """Turn whatever a plugin raises, `sys.exit` too, into `Failed`."""
    try:
        yield
    except Failed:
        raise
    except (Exception, SystemExit) as error:
        raise Failed(f"{what}: {raised(error)}") from error


def raised(error: BaseException) -> str:
    """An error in words, with the line that it came from."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        place = ""
    else:
        place = f" ({last.tb_frame.f_code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{last.tb_lineno})"
    if isinstance(error, SystemExit):
        return f"calls sys.exit({error}){place}"
    return f"raises {type(error).__name__}: {error}{place}"


def described(found: Any) -> str:
    """An object in a word or two."""
    if isinstance(found, np.ndarray):
        return f"a {found.dtype} array {found.shape}"
    return f"{type(found).__name__} {found!r}"[:60]


def noise(frames: int, channels: int = CHANNELS, seed: int = 1, level: float = 0.25) -> Samples:
    """White noise in ±2 `level`, partly the same in both channels."""
    rng = np.random.default_rng(seed)
    common, own = rng.uniform(-1, 1, (frames, 1)), rng.uniform(-1, 1, (frames, channels))
    return (level * (common + own)).astype(np.float32)


def sine(frames: int, rate_hz: int = RATE_HZ, channels: int = CHANNELS, pitch_hz: float = 220.0) -> Samples:
    """At half of full scale, from phase 0; the second channel is less and turned round, for what works on the sides."""
    wave = 0.5 * np.sin(2 * np.pi * pitch_hz / rate_hz * np.arange(frames))
    return (wave[:, None] * np.array([1.0, -0.6])[:channels]).astype(np.float32)


def peak(samples: Samples) -> float:
    """The greatest magnitude, 0 of nothing."""
    return float(np.abs(samples).max(initial=0.0))


def expect_same(found: Samples, expected: Samples, what: str, tolerance: float = 0.0) -> None:
    """Refuse a difference above `tolerance` times the peak.

    Raises:
        Failed: where the first difference is.
    """
    allowed = tolerance * max(peak(expected), 1e-3)
    difference = np.abs(found - expected)
    if difference.max(initial=0.0) <= allowed:
        return
    frame, channel = np.argwhere(~(difference <= allowed))[0].tolist()
    one, other = found[frame, channel], expected[frame, channel]
    where = f"from frame {frame}, channel {channel} on ({one:.6g} instead of {other:.6g})"
    worst = f"most {difference.max():.2g}, expected at most {allowed:.2g}"
    raise Failed(f"{what}: differs {where}; {worst}")


def expect_bounded(heard: Samples, given: Samples, what: str) -> None:
    """Refuse what is more than 60 dB above its input's peak.

    Raises:
        Failed: how loud it was.
    """
    most, found = LOUDEST_FACTOR * max(peak(given), 1e-3), peak(heard)
    if not found <= most:
        raise Failed(f"{what}: a peak of {found:.3g} from an input of {peak(given):.3g}; expected at most 60 dB more")


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise Failed(f"{name} is {described(value)}: expected a whole number of samples, 0 or more")
    return int(value)
