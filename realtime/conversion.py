"""A song turned into files as fast as the machine can: opened, separated, finished and summed up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any

from .engine_settings import PIPE
from .errors import AdvsepError
from .model import ModelSession
from .options import LiveOptions, is_mix_file, refuse_overwriting
from .page import clock
from .pipe import PipeSink
from .player import Destinations, Player
from .rack_builder import RackBuilder
from .rack_stream import BLOCK_SAMPLES, RackStream
from .recorder import AudioRecorder, StemRecorder
from .registry import find_model
from .ring_recorder import LONGEST_SAMPLES
from .song import open_song
from .source import FileSource
from .stems import HOPS_AT_ONCE, StemStream


class Conversion:
    """Opens what the options name, separates it from start to end, and leaves whole files or none.

    Use as a context: leaving it by an exception removes what was being written.

    Raises:
        AdvsepError: anything the options name cannot be used.
    """

    def __init__(self, options: LiveOptions) -> None:
        self.written: list[Path] = []
        self._nothing_left, self._destinations = False, Destinations()
        self._began_s = self._ended_s = time.perf_counter()
        self._model = ModelSession(find_model(options.model_name), HOPS_AT_ONCE)
        self._rack = options.whole_rack
        self._rack.check(self._model.spec.sources)
        self._source = open_song(options.source, accept_damaged=options.accept_damaged)
        with self._discarding():
            self._source.skip(round(options.start_s * self._source.rate_hz))
            self._stream = StemStream(self._source, self._model, HOPS_AT_ONCE)
            self._builder = self._build_rack(options.bypassed)
            longest = None if options.seconds is None else max(1, round(options.seconds * self._source.rate_hz))
            self._total = self._expected_samples(options, longest)
            self._open_destinations(options)
        stream = RackStream(self._stream, self._builder.rack, self._source.channels)
        self._player = Player(stream, self._destinations, longest)

    def __enter__(self) -> Conversion:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self._player.stop()
            self._player.wait()
            self._destinations.discard()
        self._builder.close()
        self._source.close()

    def start(self) -> None:
        """Warm up, then begin."""
        self._stream.warm_up()
        self._began_s = time.perf_counter()
        self._player.start()

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self._player.running

    def wait(self, timeout_s: float) -> None:
        """Until the end, or the time is over."""
        self._player.wait(timeout_s)

    def stop(self) -> None:
        """End after the present block."""
        self._player.stop()
        self._player.wait()

    def finish(self, *, interrupted: bool) -> None:
        """Complete the files; after an interruption there are none.

        Raises:
            AdvsepError: what ended the worker, or a file that cannot be completed.
        """
        self._ended_s = time.perf_counter()
        if self._player.error is not None:
            raise self._player.error
        if interrupted:
            self._destinations.discard()
            self._nothing_left = True
            return
        with self._discarding():
            self._destinations.finish()
        if self._destinations.stems is not None:
            self.written += self._destinations.stems.paths
        if isinstance(self._destinations.mix, AudioRecorder):
            self.written.append(self._destinations.mix.path)

    def status_line(self) -> str:
        """Load, speed and position, for a display that is drawn anew all the time."""
        played_s = self._player.played_samples / self._source.rate_hz
        passed_s = (self._ended_s if self._ended_s > self._began_s else time.perf_counter()) - self._began_s
        of = "" if self._total is None else f"/{clock(self._total / self._source.rate_hz)}"
        speed = f"{played_s / passed_s:.0f} times as fast as it plays · " if passed_s > 0.5 else ""
        return f"{self._model.spec.name} · {speed}{clock(played_s)}{of}"

    def warnings(self) -> list[str]:
        """What the listener should know after the end."""
        found = ["stopped: nothing was written"] if self._nothing_left else []
        found += [f"{failure}; it was left out from there on" for failure in self._builder.rack.failures]
        if isinstance(self._source, FileSource) and self._source.repaired_samples:
            found.append(
                f"{self._source.name}: {self._source.repaired_samples} values were NaN or out of range: silenced"
            )
        return found

    def summary(self) -> dict[str, Any]:
        """The run in numbers, as `--json` prints it.

        Times are of one hop, all its computing included; `load` is their mean over the hop's
        duration; `real_time_factor` is clock time over sound time (below 1: faster than real time).
        """
        times, spec = self._stream.times, self._model.spec
        played_s = self._player.played_samples / self._source.rate_hz
        milliseconds = {f"hop_ms_p{p:g}".replace(".", "_"): 1e3 * times.percentile_s(p) for p in (50, 99, 99.9)}
        return {
            "model": spec.name,
            "rate": self._source.rate_hz,
            "model_rate": self._stream.model_rate_hz,
            "channels": self._source.channels,
            "seconds": played_s,
            "latency_samples": self._stream.latency_samples,
            "latency_ms": 1e3 * self._stream.latency_samples / self._stream.model_rate_hz,
            "hops": times.hops,
            "load": self._load(),
            **milliseconds,
            "hop_ms_max": 1e3 * times.max_s,
            "hops_at_once": HOPS_AT_ONCE,
            "real_time_factor": (self._ended_s - self._began_s) / played_s if played_s else None,
            "files": [str(path) for path in self.written],
        }

    def _load(self) -> float:
        times, hop_s = self._stream.times, self._model.spec.signal.hop_samples / self._stream.model_rate_hz
        return times.total_s / (times.hops * hop_s) if times.hops else 0.0

    def _build_rack(self, bypassed: bool) -> RackBuilder:
        source = self._source
        builder = RackBuilder(self._model.spec.sources, source.rate_hz, BLOCK_SAMPLES, source.channels)
        builder.apply(builder.plan(self._rack))
        builder.rack.set_levels(self._rack, bypassed=bypassed)
        builder.rack.reset()
        return builder

    def _expected_samples(self, options: LiveOptions, longest: int | None) -> int | None:
        if self._source.samples is None:
            return longest
        left = self._source.samples - round(options.start_s * self._source.rate_hz)
        if left <= 0:
            length_s = self._source.samples / self._source.rate_hz
            raise AdvsepError(
                f"--start {options.start_s:g}: {self._source.name} is {length_s:.1f} s long; start earlier"
            )
        return left if longest is None else min(longest, left)

    def _open_destinations(self, options: LiveOptions) -> None:
        to, source, output = self._destinations, self._source, Path(options.output)
        mix = output if is_mix_file(options.output) else None
        if mix is None and options.record is not None:
            raise AdvsepError("--record goes with playing; with -o FOLDER the stems are written there already")
        folder = output if mix is None else options.record
        silent = self._rack.silent(self._model.spec.sources)
        audible = tuple(name for name in self._model.spec.sources if name not in silent)
        if folder is not None and not audible:
            raise AdvsepError("every source is muted: no stem is left to write; leave out one --mute")
        stems = [] if folder is None else [folder / f"{name}.wav" for name in audible]
        piped = options.output == PIPE
        refuse_overwriting(options.source, [*stems] if mix is None or piped else [*stems, mix])
        expected = LONGEST_SAMPLES if self._total is None else self._total
        if piped:
            to.mix = PipeSink(source.rate_hz, source.channels)
        elif mix is not None:
            to.mix = AudioRecorder(mix, source.rate_hz, source.channels, expected)
        if folder is not None:
            to.stems = StemRecorder(folder, audible, source.rate_hz, source.channels, expected)

    @contextlib.contextmanager
    def _discarding(self) -> Generator[None]:
        """Remove what is being written when the body fails."""
        try:
            yield
        except BaseException:
            self._destinations.discard()
            self._source.close()
            raise
