"""What a rack is to be: strips with chains of plugins and levels, as presets, command lines and processes pass it on.

Strips are named after the model's sources, `microphone` and `master`; any other name is a bus,
which is heard as far as strips send to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .errors import AdvsepError
from .parameter import Value, written

MICROPHONE, MASTER = "microphone", "master"
QUIETEST_DB, LOUDEST_DB = -120.0, 24.0
SEND = "send."


class RackError(AdvsepError):
    """A rack that cannot be read or built."""


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One plugin of a chain.

    Attributes:
        name: as `advsep-plugins list` shows it.
        values: of parameters that are not at their default, as written.
        bypassed: the sound passes unchanged.
    """

    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    bypassed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StripSpec:
    """One strip.

    Attributes:
        chain: plugins in order.
        gain_db: of the fader, behind the chain.
        pan: -1 (left) to 1 (right): the other side gets quieter.
        muted: silent.
        soloed: only such strips are heard, if there are any.
        sends: level, dB, at which a bus gets what leaves the fader.
    """

    chain: tuple[PluginSpec, ...] = ()
    gain_db: float = 0.0
    pan: float = 0.0
    muted: bool = False
    soloed: bool = False
    sends: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RackSpec:
    """A whole rack; strips that are not named are as `StripSpec()`.

    Attributes:
        strips: by name, in the order in which they were written.
    """

    strips: Mapping[str, StripSpec] = field(default_factory=dict)

    def named(self, name: str) -> StripSpec:
        """One strip, named or not."""
        return self.strips.get(name, StripSpec())

    def buses(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        """Names of strips that only hear what is sent to them."""
        return tuple(name for name in self.strips if name not in (*sources, MICROPHONE, MASTER))

    def silent(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the sources are not heard, for whichever reason."""
        soloed = [source for source in sources if self.named(source).soloed]
        return tuple(s for s in sources if (s not in soloed if soloed else self.named(s).muted))

    def with_strips(self, other: RackSpec) -> RackSpec:
        """The same with the strips that another one names."""
        return replace(self, strips={**self.strips, **other.strips})

    def with_levels(self, *, muted: frozenset[str] | None = None, soloed: frozenset[str] | None = None) -> RackSpec:
        """The same with exactly these sources muted, or soloed; None leaves it as it is, as are buses and master."""
        sent_to = {bus for strip in self.strips.values() for bus in strip.sends}
        asked = (muted or frozenset[str]()) | (soloed or frozenset[str]())
        strips = {name: self.named(name) for name in dict.fromkeys((*self.strips, *sorted(asked)))}
        for name, strip in strips.items():
            if name not in sent_to | {MASTER, MICROPHONE}:
                strips[name] = replace(
                    strip,
                    muted=strip.muted if muted is None else name in muted,
                    soloed=strip.soloed if soloed is None else name in soloed,
                )
        return RackSpec(strips)

    def with_chains_of(self, other: RackSpec) -> RackSpec:
        """These levels with another rack's plugins."""
        names = dict.fromkeys((*self.strips, *(name for name, strip in other.strips.items() if strip.chain)))
        return RackSpec({name: replace(self.named(name), chain=other.named(name).chain) for name in names})

    def with_strip(self, name: str, strip: StripSpec) -> RackSpec:
        """The same with one strip replaced."""
        return replace(self, strips={**self.strips, name: strip})

    def check(self, sources: tuple[str, ...]) -> None:
        """Refuse what no rack of these sources can do.

        Raises:
            RackError: a send to nowhere, a bus that nothing is sent to, a level out of range.
        """
        own = (*sources, MICROPHONE, MASTER)
        buses = self.buses(sources)
        sent_to = {bus for strip in self.strips.values() for bus in strip.sends}
        for name, strip in self.strips.items():
            _check_levels(name, strip)
            if strip.sends and (name == MASTER or name in buses):
                raise RackError(f"strip '{name}': only sources and the microphone can send to a bus")
            for bus in strip.sends:
                if bus not in buses:
                    raise RackError(f"strip '{name}' sends to '{bus}', which is no bus; add '{bus}: …' with a chain")
        for bus in buses:
            if bus not in sent_to:
                known = ", ".join(own)
                raise RackError(f"strip '{bus}': it is none of {known}, and no bus, for nothing is sent there")


def _check_levels(name: str, strip: StripSpec) -> None:
    for what, level_db in {"gain_db": strip.gain_db, **{SEND + bus: db for bus, db in strip.sends.items()}}.items():
        if not QUIETEST_DB <= level_db <= LOUDEST_DB:  # NaN compares false
            raise RackError(f"strip '{name}': {what}={level_db:g}: expected {QUIETEST_DB:g} to {LOUDEST_DB:g} dB")
    if not -1 <= strip.pan <= 1:
        raise RackError(f"strip '{name}': pan={strip.pan:g}: expected -1 (left) to 1 (right)")


def strip_of(name: str, settings: Mapping[str, Value], chain: tuple[PluginSpec, ...]) -> StripSpec:
    """A strip from its settings by name, as texts and preset files have them.

    Raises:
        RackError: a setting that there is not, or that has another kind of value.
    """
    strip, sends = StripSpec(chain=chain), dict[str, float]()
    for key, value in settings.items():
        if key in ("mute", "solo"):
            if not isinstance(value, bool):
                raise RackError(f"strip '{name}': {key}={written(value)}: expected on or off")
            strip = replace(strip, muted=value) if key == "mute" else replace(strip, soloed=value)
        elif key in ("gain_db", "pan") or key.startswith(SEND):
            if isinstance(value, (bool, str)):
                raise RackError(f"strip '{name}': {key}={written(value)}: expected a number")
            if key.startswith(SEND):
                sends[key.removeprefix(SEND)] = float(value)
            else:
                strip = replace(strip, gain_db=float(value)) if key == "gain_db" else replace(strip, pan=float(value))
        else:
            raise RackError(f"strip '{name}': unknown setting '{key}': there are gain_db, pan, mute, solo, {SEND}BUS")
    return replace(strip, sends=sends)
