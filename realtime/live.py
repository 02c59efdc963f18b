"""One run of `advsep-live`: options in, everything opened, played, finished and summed up."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import AdvsepError
from .mixer import StemMixer
from .model import ModelSession, read_model_spec
from .output import NullOutput, Output, OutputError, SpeakerOutput, has_output_device
from .player import Destinations, Player
from .recorder import AudioRecorder, StemRecorder
from .registry import DEFAULT_MODEL, find_model, model_names
from .source import ArraySource, FileSource, Source
from .stems import HOPS_AT_ONCE, StemStream

OUTPUT_WORDS = ("auto", "null", "speakers")
OTHER_FORMATS = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".caf", ".w64")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """What the command line says; see `advsep-live --help`."""

    source: str
    output: str = "auto"
    model: str = DEFAULT_MODEL
    gains_db: dict[str, float]
    muted: tuple[str, ...] = ()
    record: Path | None = None
    seconds: float | None = None
    accept_damaged: bool = False


class LiveRun:
    """Opens what the options name, plays it, and leaves whole files or none.

    Use as a context: leaving it by an exception removes what was being written.

    Raises:
        AdvsepError: anything the options name cannot be used.
    """

    def __init__(self, options: LiveOptions) -> None:
        self.notes: list[str] = []
        self.written: list[Path] = []
        self._nothing_left = False
        self._misses = self._clipped = 0
        self._began_s = self._ended_s = time.perf_counter()
        _check(options)
        self._offline = _writes_files(options.output)
        self._model = ModelSession(find_model(options.model), HOPS_AT_ONCE if self._offline else 1)
        sources = self._model.spec.sources
        for name in options.muted:
            if name not in sources:
                raise AdvsepError(
                    f"--mute {name}: the model {self._model.spec.name} has {' and '.join(sources)}; choose one of them"
                )
        self._source = open_source(options.source, accept_damaged=options.accept_damaged)
        self._stream = StemStream(self._source, self._model, HOPS_AT_ONCE if self._offline else 1)
        self._mixer = StemMixer(sources, self._source.rate_hz)
        for name, gain_db in options.gains_db.items():
            if name in sources:
                self._mixer.set_gain_db(name, gain_db)
        for name in options.muted:
            self._mixer.set_muted(name, True)
        self._mixer.jump()
        longest = None if options.seconds is None else max(1, round(options.seconds * self._source.rate_hz))
        known = [count for count in (longest, self._source.samples) if count is not None]
        self._total = min(known, default=None)
        self._destinations = Destinations()
        with self._discarding():
            self._open_destinations(options)
        self._player = Player(self._stream, self._mixer, self._destinations, longest)

    def __enter__(self) -> LiveRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self._player.stop()
            self._player.wait()
            self._destinations.discard()
        self._source.close()

    def start(self) -> None:
        """Warm up, then begin to play."""
        self._stream.warm_up()
        self._began_s = time.perf_counter()
        self._player.start()

    @property
    def running(self) -> bool:
        """Whether it still plays."""
        return self._player.running

    def wait(self, timeout_s: float) -> None:
        """Until the end, or the time is over."""
        self._player.wait(timeout_s)

    def stop(self) -> None:
        """End after the present block."""
        self._player.stop()
        self._player.wait()

    def finish(self, *, interrupted: bool) -> None:
        """Complete the files; after an interruption a recording is kept as far as it goes, a conversion is not.

        Raises:
            AdvsepError: what ended the worker, or a file that cannot be completed.
        """
        self._ended_s = time.perf_counter()
        if self._player.error is not None:
            if isinstance(self._player.error, OutputError) and self._player.played_samples > 0:
                self._destinations.finish()  # the device has gone, what was recorded need not go with it
            raise self._player.error
        self._misses = self._destinations.output.misses if self._destinations.output is not None else 0
        self._clipped = self._destinations.output.clipped_samples if self._destinations.output is not None else 0
        if interrupted and (self._offline or self._player.played_samples == 0):
            self._destinations.discard()
            self._nothing_left = True
            return
        with self._discarding():
            self._destinations.finish()
        if self._destinations.stems is not None:
            self.written += self._destinations.stems.paths
        if self._destinations.mix is not None:
            self.written.append(self._destinations.mix.path)

    def status_line(self) -> str:
        """Latency, load, misses and position, for a display that is drawn anew all the time."""
        rate_hz = self._source.rate_hz
        latency = self._stream.latency_samples
        latency_ms = 1e3 * latency / self._stream.model_rate_hz
        output = self._destinations.output
        misses = "" if self._offline else f" · misses {self._misses if output is None else output.misses}"
        played = _clock(self._player.played_samples / rate_hz)
        total = "…" if self._total is None else _clock(self._total / rate_hz)
        return (
            f"{self._model.spec.name} · latency {latency} samples, {latency_ms:.1f} ms · "
            f"load {100 * self._load():.0f} %{misses} · {played}/{total}"
        )

    def warnings(self) -> list[str]:
        """What the listener should know after the end."""
        found = ["stopped: nothing was written"] if self._nothing_left else []
        if isinstance(self._source, FileSource) and self._source.repaired_samples:
            found.append(
                f"{self._source.name}: {self._source.repaired_samples} values were NaN or out of range: silenced"
            )
        if self._clipped:
            found.append(f"{self._clipped} samples of the mix were clipped at full scale: lower the gains")
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
            "misses": self._misses,
            "load": self._load(),
            **milliseconds,
            "hop_ms_max": 1e3 * times.max_s,
            "hops_at_once": HOPS_AT_ONCE if self._offline else 1,
            "real_time_factor": (self._ended_s - self._began_s) / played_s if played_s else None,
            "files": [str(path) for path in self.written],
        }

    def _load(self) -> float:
        times, hop_s = self._stream.times, self._model.spec.signal.hop_samples / self._stream.model_rate_hz
        return times.total_s / (times.hops * hop_s) if times.hops else 0.0

    def _open_destinations(self, options: LiveOptions) -> None:
        to, source = self._destinations, self._source
        folder = options.record
        mix = Path(options.output) if self._offline and _is_mix_file(options.output) else None
        if self._offline and mix is None:
            if folder is not None:
                raise AdvsepError("--record goes with playing; with -o FOLDER the stems are written there already")
            folder = Path(options.output)
        audible = tuple(name for name in self._model.spec.sources if not self._mixer.is_muted(name))
        if folder is not None and not audible:
            raise AdvsepError("every source is muted: no stem is left to write; leave out one --mute")
        stems = [] if folder is None else [folder / f"{name}.wav" for name in audible]
        _refuse_overwriting(options.source, [*stems] if mix is None else [*stems, mix])
        if mix is not None:
            to.mix = AudioRecorder(mix, source.rate_hz, source.channels, self._total or 0)
        if folder is not None:
            to.stems = StemRecorder(folder, audible, source.rate_hz, source.channels, self._total or 0)
        if not self._offline:
            to.output = self._open_output(options.output)

    def _open_output(self, name: str) -> Output:
        rate_hz, channels = self._source.rate_hz, self._source.channels
        if name == "auto":
            if has_output_device():
                return SpeakerOutput(None, rate_hz, channels)
            self.notes.append("no sound device: running on the null device at the pace of the clock")
            return NullOutput(rate_hz)
        if name == "null":
            return NullOutput(rate_hz)
        device: int | str | None = None if name == "speakers" else int(name) if name.isdecimal() else name
        return SpeakerOutput(device, rate_hz, channels)

    @contextlib.contextmanager
    def _discarding(self) -> Generator[None]:
        """Remove what is being written when the body fails."""
        try:
            yield
        except BaseException:
            self._destinations.discard()
            self._source.close()
            raise


def open_source(name: str, *, accept_damaged: bool) -> Source:
    """The demo song, or a file.

    Raises:
        AdvsepError: the file cannot be used.
    """
    if name == "demo":
        from .demo import demo_song

        song = demo_song()
        return ArraySource(song.mixture, song.sample_rate_hz, "demo")
    return FileSource(Path(name), accept_damaged=accept_damaged)


def describe_models() -> list[str]:
    """One line a bundled model: name, latency, rates, licence of the weights."""
    lines: list[str] = []
    for name in model_names():
        spec = read_model_spec(find_model(name))
        latency_ms = 1e3 * spec.latency_samples / spec.signal.sample_rate_hz
        rates = "/".join(f"{rate / 1000:g}" for rate in spec.signal.native_rates_hz)
        lines.append(f"{name:10} {latency_ms:6.1f} ms  {rates} kHz  {' + '.join(spec.sources)}  {spec.weights_licence}")
    return lines or ["no models are bundled with this installation"]


def _check(options: LiveOptions) -> None:
    """Refuse what would be misunderstood later."""
    numbers = {f"the level of {name}": gain_db for name, gain_db in options.gains_db.items()}
    for what, value in (numbers | {"--seconds": options.seconds}).items():
        if value is not None and not math.isfinite(value):
            raise AdvsepError(f"{what}: expected a number, got {value}; leave the option out for its default")
    output = options.output
    if output in ("", "-"):
        raise AdvsepError(f"-o '{output}': expected a folder, a .wav file or a device; see --help")
    if Path(output).suffix.lower() in OTHER_FORMATS and not Path(output).is_dir():
        raise AdvsepError(f"-o {output}: only WAV is written; name a .wav file for the mix or a folder for the stems")


def _refuse_overwriting(song: str, paths: list[Path]) -> None:
    """Keep the song itself, and one output from another's place."""
    for path in paths:
        if song != "demo" and path.exists() and path.samefile(song):
            raise AdvsepError(f"{path}: is the song itself and would be lost; choose another output")
    if len({path.absolute() for path in paths}) < len(paths):
        raise AdvsepError(f"{paths[-1]}: the mix and a stem would be the same file; choose another name for the mix")


def _writes_files(output: str) -> bool:
    """Whether an output names a file or a folder, rather than a device or a word of ours."""
    if output in OUTPUT_WORDS or output.isdecimal():
        return False
    if _is_mix_file(output) or "/" in output or "\\" in output or Path(output).is_dir():
        return True
    return not has_output_device(output)


def _is_mix_file(output: str) -> bool:
    return Path(output).suffix.lower() == ".wav"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
