"""Values of parameters as people read and type them: with a unit, and forgiving about how that is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..realtime.parameter import Parameter, ParameterError
from ..realtime.rack_spec import QUIETEST_DB

SILENCE = "−∞ dB"
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*)", re.IGNORECASE | re.DOTALL)
_SILENCES = {"-∞", "-inf", "off"}
# What may stand behind a number beside the unit itself, in lower case.
_FACTORS = {"Hz": {"k": 1e3, "khz": 1e3}, "s": {"ms": 1e-3}}


def shown(parameter: Parameter, value: float) -> str:
    """A value with its unit, to about four digits: `-6.5 dB`, `12000 Hz`, `on`; the quietest level as −∞ dB."""
    if parameter.choices:
        return parameter.shown(value)
    if _is_silence(parameter, value):
        return SILENCE
    number = f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.4g}"
    return f"{number.replace('-', '−')} {parameter.unit}".rstrip()


def typed(parameter: Parameter, text: str) -> float:
    """The number that a typed text means: with its unit, without, in ms or kHz, with a comma.

    Raises:
        ParameterError: it means none, or one out of range.
    """
    plain = text.strip().replace("−", "-").replace(",", ".")
    if parameter.choices:
        return parameter.value_of(plain)
    unit = parameter.unit.lower()
    if _goes_to_silence(parameter) and plain.lower().removesuffix(unit).strip() in _SILENCES:
        return QUIETEST_DB
    found = _NUMBER.fullmatch(plain)
    factors = {"": 1.0, unit: 1.0, unit.replace(" ", ""): 1.0} | _FACTORS.get(parameter.unit, {})
    factor = None if found is None else factors.get(found[2].strip().lower())
    if found is None or factor is None:
        raise ParameterError(f"'{text.strip()}': expected a number, {parameter.range_text}; type it again")
    value = float(found[1]) * factor
    if not parameter.lowest <= value <= parameter.highest:
        raise ParameterError(f"'{text.strip()}': expected {parameter.range_text}; type a number in that range")
    return value


def labels_of(parameters: Sequence[Parameter]) -> dict[str, str]:
    """What stands beside each control: the name in words; its unit only where two would be called the same."""
    bare = {each.name: _without_unit(each) for each in parameters}
    counts = Counter(bare.values())
    return {
        each.name: f"{bare[each.name]} {each.unit}".strip() if counts[bare[each.name]] > 1 else bare[each.name]
        for each in parameters
    }


def tip_of(parameter: Parameter) -> str:
    """What it does, its range with the unit, and its default, for a tooltip."""
    usual = f"usually {shown(parameter, parameter.default)}"
    aside = "; another instance is faded in when it changes" if parameter.fixed else ""
    facts = f"{parameter.range_text}, {usual}{aside}"
    return f"{parameter.help}\n{facts}" if parameter.help else facts


def _without_unit(parameter: Parameter) -> str:
    words = parameter.name.split("_")
    if parameter.unit and words[-1].lower() == parameter.unit.lower():
        words = words[:-1]
    return " ".join(words) or "level"


def _goes_to_silence(parameter: Parameter) -> bool:
    return parameter.unit == "dB" and parameter.lowest <= QUIETEST_DB


def _is_silence(parameter: Parameter, value: float) -> bool:
    return _goes_to_silence(parameter) and value <= QUIETEST_DB
