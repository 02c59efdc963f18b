"""From what a rack is to be to one that plays: plugins are made and prepared aside, then put in place at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .errors import AdvsepError
from .host import Rack, latencies
from .parameter import ParameterError, Value
from .plugin import Plugin
from .plugin_registry import PluginError, find_plugin
from .rack_spec import MASTER, PluginSpec, RackSpec
from .slot import Slot


@dataclass(frozen=True, slots=True)
class RackChange:
    """Another rack, ready to be taken up.

    Attributes:
        spec: what it will be.
        buses: names of its buses.
        chains: slots of every strip, in order; those that were there already go on.
        specs: what each slot was made of.
    """

    spec: RackSpec
    buses: tuple[str, ...]
    chains: Mapping[str, tuple[Slot, ...]]
    specs: Mapping[Slot, PluginSpec]

    def close(self) -> None:
        """Give up what was made, where it is not taken up."""
        close_plugins(slot for slots in self.chains.values() for slot in slots if not slot.present)


class RackBuilder:
    """Builds one rack and the changes that it goes through.

    Args:
        sources: strips that get sound, in order.
        rate_hz: sample rate.
        max_block: most frames of a block.
        channels: of every block.

    Attributes:
        rack: made here, without plugins and with all levels at 0 dB until the first change is applied.
    """

    def __init__(self, sources: tuple[str, ...], rate_hz: int, max_block: int, channels: int) -> None:
        self.rack = Rack(sources, rate_hz, max_block, channels)
        self._sources = sources
        self._prepared_for = (rate_hz, max_block, channels)
        self._made: dict[Slot, PluginSpec] = {}
        self._buses: tuple[str, ...] = ()

    def plan(self, spec: RackSpec) -> RackChange:
        """Make and prepare what is not there yet; takes its time, in any thread but the one that plays.

        Only one change may be on its way: apply or close it before the next one is planned.

        Raises:
            AdvsepError: which plugin of which strip, what was expected and what was found.
        """
        spec.check(self._sources)
        buses = spec.buses(self._sources)
        chains: dict[str, tuple[Slot, ...]] = {}
        specs: dict[Slot, PluginSpec] = {}
        try:
            for strip in (*self._sources, *buses, MASTER):
                there = list(self.rack.slots(strip)) if strip not in buses or strip in self._buses else []
                chains[strip] = ()
                for asked in spec.named(strip).chain:
                    slot = self._reuse(asked, there) or self._make(strip, asked)
                    chains[strip] += (slot,)
                    specs[slot] = asked
                    check_values(strip, asked, slot.plugin)
            late = {name: sum(slot.latency_samples for slot in slots) for name, slots in chains.items()}
            latencies(self._sources, buses, late)
        except BaseException:
            RackChange(spec, buses, chains, specs).close()
            raise
        return RackChange(spec, buses, chains, specs)

    def apply(self, change: RackChange) -> None:
        """Put a change in place, without its levels; in the thread that processes."""
        self.rack.set_buses(change.buses)
        self.rack.change(change.chains)
        self._made, self._buses = dict(change.specs), change.buses
        self.set_values(change.spec)

    def set_values(self, spec: RackSpec, *, fade: bool = True) -> None:
        """Parameters and bypasses of the plugins that are there; where the chains differ nothing happens."""
        for strip in (*self._sources, *self._buses, MASTER):
            slots, chain = self.rack.slots(strip), spec.named(strip).chain
            if [self._made[slot].name for slot in slots] != [asked.name for asked in chain]:
                continue
            for slot, asked in zip(slots, chain, strict=True):
                _aim(slot.plugin, asked.values)
                if slot.bypassed != asked.bypassed:
                    slot.set_bypassed(asked.bypassed, fade=fade)

    def needs_change(self, spec: RackSpec) -> bool:
        """Whether `set_values` is not enough: plugins come, go or move, or a fixed parameter changes.

        Raises:
            AdvsepError: it is nothing that this rack can be.
        """
        spec.check(self._sources)
        if spec.buses(self._sources) != self._buses:
            return True
        for strip in (*self._sources, *self._buses, MASTER):
            slots, chain = self.rack.slots(strip), spec.named(strip).chain
            if len(slots) != len(chain):
                return True
            for slot, asked in zip(slots, chain, strict=True):
                if not self._is(slot, asked):
                    return True
                check_values(strip, asked, slot.plugin)
        return False

    def close(self) -> None:
        """Have all plugins give back what they hold; nothing is processed any more."""
        close_plugins((*self.rack.take_retired(), *self._made))
        self._made = {}

    def _reuse(self, asked: PluginSpec, there: list[Slot]) -> Slot | None:
        """The first slot left that can be what is asked for by moving its parameters; takes it away."""
        for slot in there:
            if self._is(slot, asked) and slot.failure is None:
                there.remove(slot)
                return slot
        return None

    def _is(self, slot: Slot, asked: PluginSpec) -> bool:
        made = self._made[slot]
        return made.name == asked.name and _fixed(made, slot.plugin) == _fixed(asked, slot.plugin)

    def _make(self, strip: str, asked: PluginSpec) -> Slot:
        plugin = make_plugin(strip, asked)
        try:
            slot = Slot(plugin, f"{strip}: {asked.name}", *self._prepared_for)
        except AdvsepError as error:
            raise type(error)(f"strip '{strip}': {asked.name}: {error}") from None
        except Exception as error:  # a stranger's code
            why = f"{type(error).__name__}: {error}"
            raise PluginError(f"strip '{strip}': {asked.name} cannot be prepared: {why}") from error
        slot.set_bypassed(asked.bypassed, fade=False)
        return slot


def make_plugin(strip: str, asked: PluginSpec) -> Plugin:
    """A plugin with its values and texts; not prepared.

    Raises:
        AdvsepError: it is not there, cannot be made, or cannot have these values.
    """
    plugin = find_plugin(asked.name).make()
    check_values(strip, asked, plugin)
    _aim(plugin, asked.values, also_fixed=True)
    try:
        if texts := {name: value for name, value in asked.values.items() if name not in plugin.values.places}:
            plugin.set_state(texts)
    except ParameterError as error:
        raise ParameterError(f"strip '{strip}': {asked.name}: {error}") from None
    return plugin


def check_values(strip: str, asked: PluginSpec, plugin: Plugin) -> None:
    """Refuse what a plugin cannot be set to.

    Raises:
        ParameterError: which, and what was expected.
    """
    for name, value in asked.values.items():
        try:
            if name in plugin.values.places:
                plugin.values.parameters[plugin.values.places[name]].value_of(value)
            elif not plugin.state_texts:
                plugin.values.target(name)  # says what there is
        except ParameterError as error:
            raise ParameterError(f"strip '{strip}': {asked.name}: {error}") from None


def close_plugins(slots: Iterable[Slot]) -> None:
    """Have plugins give back what they hold; a stranger's failure to do so is nobody else's matter."""
    for slot in slots:
        try:
            slot.plugin.close()
        except Exception as error:
            slot.failure = slot.failure or f"{slot.label}: {type(error).__name__}: {error}"


def _aim(plugin: Plugin, values: Mapping[str, Value], *, also_fixed: bool = False) -> None:
    """All parameters: those that are not named go back to their defaults."""
    for parameter in plugin.parameters:
        if also_fixed or not parameter.fixed:
            plugin.set(parameter.name, values.get(parameter.name, parameter.default))


def _fixed(spec: PluginSpec, plugin: Plugin) -> dict[str, Value]:
    """What only another instance can change."""
    found: dict[str, Value] = {}
    for name, value in spec.values.items():
        place = plugin.values.places.get(name)
        if place is None:
            found[name] = value
        elif plugin.parameters[place].fixed:
            found[name] = plugin.parameters[place].value_of(value)
    for parameter in plugin.parameters:
        if parameter.fixed:
            found.setdefault(parameter.name, parameter.default)
    return found
