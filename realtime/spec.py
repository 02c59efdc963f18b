"""The contract between training and playing: what a model eats, what it returns, how late it is.

`ModelSpec` travels inside the checkpoint and inside the `.onnx` file. It is frozen and typed,
goes to JSON and back, and an unknown, missing or mistyped key is an error that names the key.
Nothing else in the project hard-codes a sample rate, a hop or a source name.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .errors import AdvsepError
from .strict import FormatError, from_plain

T = TypeVar("T")

SCHEMA_VERSION = 1

METADATA_KEY = "advsep.model_spec"
"""Key of the ONNX file's `metadata_props` under which the spec's JSON lies."""

LOUDEST_SAMPLE = 1e12
"""Beyond it (240 dB over full scale) a value is damage, not sound: its squared spectrum would overflow float32."""


class SpecError(AdvsepError):
    """A contract that contradicts itself or is of another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec:
    """How sound becomes features and masks become sound.

    The analysis window is long and asymmetric; the synthesis window is its last
    `synthesis_samples` samples, which alone decide the latency (see `realtime.windows`).

    Attributes:
        sample_rate_hz: the rate the model was trained at.
        native_rates_hz: rates it may be fed at without resampling (contains `sample_rate_hz`).
        window_samples: N, length of the analysis window, even.
        hop_samples: H, divides `synthesis_samples / 2`.
        synthesis_samples: S, even, at most N.
        crossfade_samples: C, over which a frame takes over from the one before it: its first H + C of the S samples are
            heard, the others are look-ahead. At most H. None: all S, by a Hann window.
        taper_samples: M, over which the analysis window falls at its end; at most S. None: S/2.
        lookahead_frames: frames by which the mask lags its spectrum.
        channels: 1 (mono) or 2 (stereo, analysed as mid and side).
        band_edges_bins: strictly rising, from 0 to at most N/2 + 1; band b averages the
            magnitudes of the bins `band_edges_bins[b]` to `band_edges_bins[b + 1] - 1` at
            `sample_rate_hz`, and of the same frequencies at another native rate (`realtime.bands`).
        compression: law that maps a band's magnitude m to a feature; `log1p` is ln(1 + scale * m).
        feature_scale: the `scale` of the law, for samples in ±1 and an unnormalised rfft.
        mask: `ratio`: a number in 0…1 a band; `complex`: one that turns phases, too, so that what is heard of a long
            frame's end can be told from the rest of it.
        coherence_frames: the network compares phases with those so many and twice as many frames ago; features then
            hold them, see `realtime.masking`. Empty: no phases.
    """

    sample_rate_hz: int
    native_rates_hz: tuple[int, ...]
    window_samples: int
    hop_samples: int
    synthesis_samples: int
    lookahead_frames: int
    channels: int
    band_edges_bins: tuple[int, ...]
    compression: Literal["log1p"]
    feature_scale: float
    mask: Literal["ratio", "complex"] = "ratio"
    coherence_frames: tuple[int, ...] = ()
    crossfade_samples: int | None = None
    taper_samples: int | None = None

    def __post_init__(self) -> None:
        n, h, s = self.window_samples, self.hop_samples, self.synthesis_samples
        check_windows(n, h, s, self.crossfade_samples, self.taper_samples)
        _require(self.sample_rate_hz > 0, f"sample_rate_hz must be positive, got {self.sample_rate_hz}")
        _require(
            self.sample_rate_hz in self.native_rates_hz,
            f"native_rates_hz must contain sample_rate_hz {self.sample_rate_hz}, got {self.native_rates_hz}",
        )
        _require(self.lookahead_frames >= 0, f"lookahead_frames must be 0 or more, got {self.lookahead_frames}")
        _require(self.channels in (1, 2), f"channels must be 1 or 2, got {self.channels}")
        edges = self.band_edges_bins
        rising = len(edges) >= 2 and all(a < b for a, b in itertools.pairwise(edges))
        _require(
            rising and min(edges) == 0 and max(edges) <= self.bins,
            f"band_edges_bins must rise from 0 to at most {self.bins} (window_samples / 2 + 1)",
        )
        _require(
            math.isfinite(self.feature_scale) and self.feature_scale > 0,
            f"feature_scale must be positive, got {self.feature_scale}",
        )
        _require(
            all(frames > 0 for frames in self.coherence_frames),
            f"coherence_frames must be 1 or more each, got {self.coherence_frames}",
        )

    def sounds_like(self, other: SignalSpec) -> bool:
        """Whether magnitudes of bands are the same of both, so that one's critics can judge the other's stems.

        The analysis window's end may differ: it moves magnitudes less than a hop of time does (0.3 dB at most on the
        mean of songs, between S/2 and S/4).
        """
        free = ("mask", "coherence_frames", "crossfade_samples", "taper_samples")
        theirs = {name: getattr(other, name) for name in free}
        return dataclasses.replace(self, **theirs) == other

    @property
    def bins(self) -> int:
        """Bins of the one-sided spectrum, N/2 + 1."""
        return self.window_samples // 2 + 1

    @property
    def bands(self) -> int:
        """Bands of a feature frame and of a mask frame."""
        return len(self.band_edges_bins) - 1

    @property
    def rates_hz(self) -> tuple[int, ...]:
        """The native rates, the model's own first."""
        return tuple(sorted(self.native_rates_hz, key=lambda rate_hz: rate_hz != self.sample_rate_hz))

    @property
    def feature_maps(self) -> int:
        """Maps that the network hears: magnitudes of the channels and, where phases are compared, cosine and sine."""
        return self.channels + (2 if self.coherence_frames else 0)

    @property
    def mask_maps(self) -> int:
        """Maps that the network returns: masks of the channels or, of complex ones, real parts, then imaginary."""
        return self.channels * (2 if self.mask == "complex" else 1)

    @property
    def latency_samples(self) -> int:
        """Delay of the separated stream when it is fed at most a hop at a time: S + look-ahead."""
        return self.synthesis_samples + self.lookahead_frames * self.hop_samples


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSpec:
    """One recurrent state of the network: `name` in, `name + "_next"` out, float32, zeros at the start."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSummary:
    """Where the weights come from."""

    corpora: tuple[str, ...]
    steps: int
    audio_hours: float
    validation_sdr_gain_db: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Everything a player must know of a model file.

    The graph takes `features` [1, `signal.feature_maps`, frame, band] and the states, and returns `masks`
    [1, `signal.mask_maps`, frame, band] for the first source (left and right) and the next states.
    Features are mid and side (stereo) or the one channel (mono).
    """

    schema_version: int = SCHEMA_VERSION
    name: str
    kind: Literal["live-unet"]
    sources: tuple[str, ...]
    signal: SignalSpec
    states: tuple[StateSpec, ...]
    latency_samples: int
    training: TrainingSummary
    weights_licence: str
    commit: str
    checkpoint_sha256: str

    def __post_init__(self) -> None:
        _require(
            self.schema_version == SCHEMA_VERSION,
            f"schema_version is {self.schema_version}, this advsep reads {SCHEMA_VERSION}: "
            f"{'upgrade advsep' if self.schema_version > SCHEMA_VERSION else 'export the checkpoint again'}",
        )
        _require(
            len(self.sources) == 2 and len(set(self.sources)) == 2,
            f"sources must be two different names (the masked one first), got {self.sources}",
        )
        # They become file names.
        _require(
            all(name.replace("-", "_").isidentifier() for name in self.sources),
            f"sources must be plain words, got {self.sources}",
        )
        _require(
            self.latency_samples == self.signal.latency_samples,
            f"latency_samples is {self.latency_samples} but the signal path makes {self.signal.latency_samples}",
        )
        names = [state.name for state in self.states]
        _require(len(set(names)) == len(names), f"states must have different names, got {names}")

    def to_json(self) -> str:
        """The spec as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read what `to_json` wrote.

        Raises:
            FormatError: not JSON, or a key is unknown, missing or of the wrong type.
            SpecError: of another schema version, or contradictory.
        """
        return read_versioned(cls, text, SCHEMA_VERSION, "the model's contract", "model")


def read_versioned(cls: type[T], text: str, version: int, what: str, where: str) -> T:
    """A contract of ours from its JSON.

    Args:
        cls: a dataclass with `schema_version`.
        text: as `to_json` wrote it.
        version: of the schema that this advsep reads.
        what: names the contract in messages.
        where: stands before its keys in messages.

    Raises:
        FormatError: not JSON, or a key is unknown, missing or of the wrong type.
        SpecError: of another schema version, or contradictory.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"{what} is not JSON: {error}") from None
    if isinstance(data, dict):
        found = typing.cast("dict[str, Any]", data).get("schema_version", version)
        # The version comes first: another schema's keys would only confuse the reader.
        if isinstance(found, int) and found != version:
            raise other_version(what, found, version)
    return from_plain(cls, data, where)


def other_version(what: str, found: int, version: int) -> SpecError:
    """The error of a contract that this advsep does not read."""
    what_to_do = "upgrade advsep" if found > version else "export the checkpoint again"
    return SpecError(f"{what} has schema version {found}, this advsep reads {version}: {what_to_do}")


def check_windows(
    window_samples: int,
    hop_samples: int,
    synthesis_samples: int,
    crossfade_samples: int | None = None,
    taper_samples: int | None = None,
) -> None:
    """Refuse windows that cannot reconstruct.

    Raises:
        SpecError: unless 0 < S <= N, both even, H divides S/2, and where they are given 0 < C <= H and 0 < M <= S.
    """
    n, h, s = window_samples, hop_samples, synthesis_samples
    _require(
        0 < s <= n and n % 2 == 0 and s % 2 == 0 and h > 0 and (s // 2) % h == 0,
        f"windows need 0 < synthesis_samples <= window_samples, both even, and hop_samples a divisor of "
        f"synthesis_samples / 2; got window_samples {n}, hop_samples {h}, synthesis_samples {s}",
    )
    _require(
        crossfade_samples is None or 0 < crossfade_samples <= h,
        f"crossfade_samples must be 1 to hop_samples ({h}), got {crossfade_samples}",
    )
    _require(
        taper_samples is None or 0 < taper_samples <= s,
        f"taper_samples must be 1 to synthesis_samples ({s}), got {taper_samples}",
    )


def geometric_band_edges(bins: int, bands: int, single_bins: int) -> tuple[int, ...]:
    """Edges of `bands` bands over `bins` bins: `single_bins` of one bin, the rest widening geometrically.

    Args:
        bins: how many bins to cover (leave the Nyquist bin out by passing N/2).
        bands: how many bands to make, more than `single_bins`.
        single_bins: how many bands at the low end are one bin wide.

    Raises:
        SpecError: when the bins do not suffice for the bands.
    """
    wide = bands - single_bins
    left = bins - single_bins
    _require(0 < wide <= left, f"cannot lay {bands} bands ({single_bins} of one bin) over {bins} bins")
    low, high = 1.0, 2.0
    for _ in range(100):
        ratio = (low + high) / 2
        low, high = (low, ratio) if sum(ratio**i for i in range(1, wide + 1)) > left else (ratio, high)
    edges = list(range(single_bins + 1))
    total = 0.0
    for i in range(1, wide + 1):
        total += low**i
        edges.append(max(edges[-1] + 1, single_bins + round(total)))
    edges[-1] = bins
    return tuple(edges)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SpecError(message)
