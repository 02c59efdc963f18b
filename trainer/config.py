"""Typed configuration of a training run: dataclasses, TOML presets, an unknown key is an error."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import tomli_w

from ..realtime.errors import AdvsepError
from ..realtime.registry import by_latency
from ..realtime.spec import SignalSpec, geometric_band_edges
from ..realtime.strict import FormatError, from_plain
from .live_unet import LiveUnetConfig
from .overrides import Override, check_keys, differing_keys, infinite_keys, overridden

T = TypeVar("T")

FIXED_ON_RESUME = (
    "mode",
    "lanes",
    "segment_frames",
    "excerpt_segments",
    "optimiser.matrix_factor",
    "optimiser.weight_decay",
    "adversarial.critic_width",
    "adversarial.patch_frames",
    "adversarial.critic_learning_rate",
)
"""Settings, beside all of `signal` and `network`, that a checkpoint's tensors and optimisers were made with."""

_SHORT_LINE = 100  # characters; longer lists have a line an item


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalConfig:
    """What a person chooses of a `SignalSpec`; the band edges follow from it."""

    sample_rate_hz: int = 44100
    native_rates_hz: tuple[int, ...] = (44100, 48000)
    window_samples: int = 2048
    hop_samples: int = 256
    synthesis_samples: int = 512
    lookahead_frames: int = 0
    channels: int = 2
    bands: int = 256
    single_bins: int = 192
    compression: Literal["log1p"] = "log1p"
    feature_scale: float = 4.0
    mask: Literal["ratio", "complex"] = "ratio"
    coherence_frames: tuple[int, ...] = ()
    crossfade_samples: int | None = None
    taper_samples: int | None = None

    def __post_init__(self) -> None:
        self.spec()  # windows and bands that cannot work are refused here, before anything is decoded

    def spec(self) -> SignalSpec:
        """The contract that this choice makes."""
        plain = dataclasses.asdict(self)
        bands, single_bins = plain.pop("bands"), plain.pop("single_bins")
        edges = geometric_band_edges(self.window_samples // 2, bands, single_bins)
        return SignalSpec(band_edges_bins=edges, **plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemixConfig:
    """How training examples are made from tracks.

    Attributes:
        pair_probability: chance that voice and accompaniment come from the same moment of one song.
        voice_to_band_db: mean and standard deviation of the level of the voice over the accompaniment.
        level_dbfs: range of the accompaniment's RMS level.
        speed_range: range of the playback speed (pitch and tempo together).
        no_voice_probability: chance of an instrumental example.
        no_band_probability: chance of an a-cappella example.
        swap_probability: chance, a stem, that left and right change places.
        polarity_probability: chance, a stem, that it is turned upside down.
        tilt_db: standard deviation of a slope of the spectrum, a stem, from the lowest to the highest octave.
        solo_probability: chance that the accompaniment is music without voices, where such is given, and the voice any,
            solo or a song's (at 1: solo).
        pseudo_probability: chance, in `self`, that the song is one that a teacher took apart.
    """

    pair_probability: float = 0.5
    voice_to_band_db: tuple[float, float] = (-3.0, 5.0)
    level_dbfs: tuple[float, float] = (-30.0, -14.0)
    speed_range: tuple[float, float] = (0.9, 1.11)
    no_voice_probability: float = 0.08
    no_band_probability: float = 0.04
    swap_probability: float = 0.5
    polarity_probability: float = 0.0
    tilt_db: float = 0.0
    solo_probability: float = 0.0
    pseudo_probability: float = 0.5

    def __post_init__(self) -> None:
        for name in [each.name for each in dataclasses.fields(self) if each.name.endswith("_probability")]:
            value = getattr(self, name)
            _require(0 <= value <= 1, f"remix.{name} must be 0 to 1, got {value}")
        _require(self.tilt_db >= 0, f"remix.tilt_db must be 0 or more, got {self.tilt_db}")
        low, high = self.speed_range
        _require(0 < low <= high, f"remix.speed_range must be two rising positive speeds, got {low} and {high}")
        low, high = self.level_dbfs
        _require(low <= high, f"remix.level_dbfs must be two rising levels, got {low} and {high}")
        deviation = self.voice_to_band_db[1]
        _require(deviation >= 0, f"remix.voice_to_band_db's deviation must be 0 or more, got {deviation}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserConfig:
    """Optimiser with warm-up, a constant rate and a linear decay over the last part of the steps.

    The schedule depends on the step and the total alone, so a run may be resumed with another total.

    Attributes:
        learning_rate: of AdamW.
        matrix_factor: the network's inner matrices learn by Muon, at so many times `learning_rate`; 0: by AdamW too.
        weight_decay: of AdamW.
        warmup_steps: from 0 to the whole rate.
        decay_fraction: of all steps, the last ones, in which the rate falls to 0.
        clip_norm: longest gradient.
        ema_decay: of the moving average of the weights.
    """

    learning_rate: float = 1e-3
    matrix_factor: float = 0.0
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    decay_fraction: float = 0.3
    clip_norm: float = 1.0
    ema_decay: float = 0.998

    def __post_init__(self) -> None:
        for name in ("learning_rate", "clip_norm"):
            _require(getattr(self, name) > 0, f"optimiser.{name} must be positive, got {getattr(self, name)}")
        for name in ("matrix_factor", "weight_decay", "warmup_steps"):
            _require(getattr(self, name) >= 0, f"optimiser.{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("decay_fraction", "ema_decay"):
            _require(0 <= getattr(self, name) <= 1, f"optimiser.{name} must be 0 to 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversarialConfig:
    """What critics add to a supervised run (Stoller, Ewert, Dixon, ICASSP 2018).

    Attributes:
        unpaired_weight: alpha, of L_u: how much the critics' scores of separated mixtures count.
        balance: above 0 it takes alpha's place: L_u pulls at the weights so many times as hard as L_s does.
        critic_steps: of each critic, a step of the separator.
        critic_width: maps of a critic's first convolution; the paper's is 32.
        critic_learning_rate: of Adam.
        penalty_weight: lambda, of the gradient penalty.
        patch_frames: that a critic sees at once.
        warm_frames: that the network hears of a mixture before the patch.
        lanes: mixtures, voices and accompaniments a critic step.
        gain_range: factor on each of them, drawn.
        highest_hz: critics see nothing above, so that no corpus is known by its bandwidth.
        silent_db: an estimate so far below its mixture is shown to no critic: there is silence in mixtures where nobody
            sings, and none among the recordings, so a critic would ask for a voice there.
    """

    unpaired_weight: float = 0.001
    balance: float = 0.0
    critic_steps: int = 1
    critic_width: int = 16
    critic_learning_rate: float = 1e-4
    penalty_weight: float = 10.0
    patch_frames: int = 64
    warm_frames: int = 64
    lanes: int = 8
    gain_range: tuple[float, float] = (0.2, 1.2)
    highest_hz: float = 8000.0
    silent_db: float = -20.0

    def __post_init__(self) -> None:
        for name in ("critic_steps", "critic_width", "lanes"):
            _require(getattr(self, name) >= 1, f"adversarial.{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("unpaired_weight", "balance", "penalty_weight", "warm_frames"):
            _require(getattr(self, name) >= 0, f"adversarial.{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("critic_learning_rate", "highest_hz"):
            _require(getattr(self, name) > 0, f"adversarial.{name} must be positive, got {getattr(self, name)}")
        _require(self.patch_frames >= 4, f"adversarial.patch_frames must be 4 or more, got {self.patch_frames}")
        low, high = self.gain_range
        _require(0 < low <= high, f"adversarial.gain_range must be two rising positive factors, got {low} and {high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run.

    Attributes:
        name: the model's name, `live-12`.
        mode: `supervised`; `semi`: a critic a source beside it, on unpaired recordings; `joint`: one more on both
            sources together; `self`: also on mixtures that a teacher took apart; `critics`: only critics learn, of a
            model that stays as it is.
        segment_frames: frames between two steps of the optimiser.
        excerpt_segments: segments that follow each other with carried state before a lane starts afresh.
        lanes: sequences trained side by side (the batch).
        steps: optimiser steps in all.
        phase_weight: weight of the phase-sensitive part of the loss.
        truncated_fraction: so many of a step's lanes, those of the largest loss, are not learnt from: against wrong
            labels.
        validate_every: steps between validations (a checkpoint is written with each).
        validation_seconds: at most so much of each validation track, from its middle.
        patience_validations: stop after so many validations in a row without a better one; 0: never.
        precision: of the network's forward pass, a Fabric precision; `auto`: bf16-mixed where the processor has it.
        seed: everything random follows from it and the step.
        weights_licence: what the exported file will say of its weights.
        begun_from: the model whose weights it began with, the teacher in `self`; empty: random ones.
        begun_from_sha256: of its file.
        begun_share: 0 to below 1; what is validated and exported is so much of the weights that the run began with,
            and the rest of the learnt ones: less is forgotten.
        frozen_norms: batch norms keep the statistics that the run began with.
    """

    name: str
    signal: SignalConfig = field(default_factory=SignalConfig)
    network: LiveUnetConfig = field(default_factory=LiveUnetConfig)
    remix: RemixConfig = field(default_factory=RemixConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    mode: Literal["supervised", "semi", "joint", "self", "critics"] = "supervised"
    segment_frames: int = 256
    excerpt_segments: int = 8
    lanes: int = 16
    steps: int = 4000
    phase_weight: float = 1.0
    truncated_fraction: float = 0.0
    validate_every: int = 200
    patience_validations: int = 0
    validation_seconds: float = 30.0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    seed: int = 0
    weights_licence: str = "unspecified: state the licence of your recordings with --weights-licence"
    begun_from: str = ""
    begun_from_sha256: str = ""
    begun_share: float = 0.0
    frozen_norms: bool = False

    def __post_init__(self) -> None:
        for name in ("segment_frames", "excerpt_segments", "lanes", "steps", "validate_every"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, got {getattr(self, name)}")
        _require(self.validation_seconds > 0, f"validation_seconds must be positive, got {self.validation_seconds}")
        for name in ("phase_weight", "patience_validations"):
            _require(getattr(self, name) >= 0, f"{name} must be 0 or more, got {getattr(self, name)}")
        truncated = self.truncated_fraction
        _require(0 <= truncated < 1, f"truncated_fraction must be 0 to below 1, got {truncated}")
        _require(0 <= self.begun_share < 1, f"begun_share must be 0 to below 1, got {self.begun_share}")
        begins = self.begun_share > 0 or self.frozen_norms
        _require(not begins or bool(self.begun_from), "begun_share and frozen_norms need trained weights: give --from")
        # numpy's and torch's generators take no negative seed.
        _require(self.seed >= 0, f"seed must be 0 or more, got {self.seed}")
        infinite = infinite_keys(self)
        _require(not infinite, f"{', '.join(infinite)} must be finite")

    @property
    def uses_critics(self) -> bool:
        """Whether the mode has critics."""
        return self.mode in ("semi", "joint", "critics")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AdvsepError(message)


def preset_names() -> list[str]:
    """Names that `load_preset` knows, those of the lowest latency first."""
    folder = resources.files(__package__ or "") / "presets"
    return sorted((Path(str(item)).stem for item in folder.iterdir() if str(item).endswith(".toml")), key=by_latency)


def load_preset(name_or_path: str, **overrides: Any) -> TrainConfig:
    """A bundled preset by name or a TOML file by path, with top-level keys replaced.

    Raises:
        AdvsepError: no such preset, not TOML, or a key is unknown or mistyped.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise AdvsepError(f"{path}: cannot read the preset: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise AdvsepError(f"{path}: not TOML: {error}") from None
    elif name_or_path in preset_names():
        text = (resources.files(__package__ or "") / "presets" / f"{name_or_path}.toml").read_text("utf-8")
    else:
        raise AdvsepError(f"no preset '{name_or_path}': choose one of {', '.join(preset_names())} or a .toml file")
    return config_of_toml(TrainConfig, text, name_or_path, overrides)


def config_of_toml(kind: type[T], text: str, where: str, overrides: Mapping[str, Any] | None = None) -> T:
    """A configuration from TOML, with top-level keys replaced.

    Args:
        kind: its dataclass.
        text: TOML.
        where: names the text in messages.
        overrides: of top-level keys.

    Raises:
        AdvsepError: not TOML, or a key is unknown or mistyped, or values contradict each other.
    """
    try:
        data = tomllib.loads(text) | dict(overrides or {})
    except tomllib.TOMLDecodeError as error:
        raise AdvsepError(f"{where}: not TOML: {error}") from None
    check_keys(kind, data, where)
    try:
        return from_plain(kind, data, where)
    except FormatError:
        raise
    except AdvsepError as error:
        raise AdvsepError(f"{where}: {error}") from None


def resumed_config(before: TrainConfig, overrides: Sequence[Override]) -> TrainConfig:
    """The configuration of a checkpoint with settings replaced for the steps that follow.

    Raises:
        AdvsepError: the checkpoint was made with another value, which no longer can change.
    """
    return changed_config(
        before, overrides, lambda key: key in FIXED_ON_RESUME or key.startswith(("signal.", "network."))
    )


def changed_config(before: T, overrides: Sequence[Override], is_fixed: Callable[[str], bool]) -> T:
    """A configuration with settings replaced.

    Raises:
        AdvsepError: a setting would change that is fixed.
    """
    now = overridden(before, overrides)
    fixed = [key for key in differing_keys(before, now) if is_fixed(key)]
    if fixed:
        labels = " ".join(each.label for each in overrides if each.key in fixed)
        raise AdvsepError(
            f"{labels}: a resumed run keeps its {' and '.join(fixed)}; leave that away or train anew in another --out"
        )
    return now


def config_toml(config: Any) -> str:
    """A whole configuration as TOML that `load_preset` takes again; what is None is left out."""
    text = tomli_w.dumps(_without_none(dataclasses.asdict(config)))
    return re.sub(r"\[\n((?:    [^\n\[\]]*,\n)+)\]", _on_one_line, text)


def _without_none(plain: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        for key, value in plain.items()
        if value is not None
    }


def _on_one_line(found: re.Match[str]) -> str:
    line = "[" + " ".join(item.strip() for item in found[1].splitlines()).removesuffix(",") + "]"
    return line if len(line) <= _SHORT_LINE else found[0]
