"""Racks as TOML files: presets that come with advsep, and a user's own.

description = "Karaoke: …"
bypass = false

[strip.vocals]
gain_db = -12.0
send.room = -6.0
chain = ["gate", { plugin = "eq", low_cut_hz = 90.0 }, { plugin = "reverb", mix = 0.2, bypass = true }]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tomli_w

from .parameter import Value
from .rack_spec import SEND, PluginSpec, RackError, RackSpec, StripSpec, strip_of
from .whole_file import whole_file

PLUGIN, BYPASS, CHAIN = "plugin", "bypass", "chain"
_FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True, slots=True)
class Preset:
    """A rack by name.

    Attributes:
        rack: what it is.
        description: in a sentence.
        bypassed: begin with the sound as it came.
    """

    rack: RackSpec
    description: str = ""
    bypassed: bool = False


def preset_names() -> list[str]:
    """Names of the presets that come with advsep."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def find_preset(name_or_path: str) -> Preset:
    """A preset by name, or one of the user's by the path of its TOML file.

    Raises:
        RackError: there is none, or it cannot be read.
    """
    path = _FOLDER / f"{name_or_path}.toml"
    if "/" not in name_or_path and path.is_file():
        return read_preset(path)
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file():
        return read_preset(path)
    known = ", ".join(preset_names())
    raise RackError(f"no preset '{name_or_path}': choose one of {known}, or give the path of a .toml file")


def describe_presets() -> list[str]:
    """One line a preset."""
    return [f"{name:10} {find_preset(name).description}" for name in preset_names()]


def read_preset(path: Path) -> Preset:
    """One file.

    Raises:
        RackError: it is missing or not a preset; says where.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise RackError(f"{path}: cannot be read: {error.strerror}; give a preset file (.toml)") from None
    except UnicodeDecodeError:
        raise RackError(f"{path}: expected a preset as TOML, found no text; give a preset file (.toml)") from None
    try:
        return parse_preset(text)
    except RackError as error:
        raise RackError(f"{path}: {error}") from None


def write_preset(path: Path, preset: Preset) -> None:
    """Write one file, whole or not at all.

    Raises:
        RackError: it cannot be written.
    """
    try:
        with whole_file(path) as partial:
            partial.write_text(format_preset(preset), "utf-8")
    except OSError as error:
        raise RackError(f"{path}: cannot be written: {error.strerror}; choose another place") from None


def parse_preset(text: str) -> Preset:
    """Read the text of a file, see the module.

    Raises:
        RackError: what was expected, and what was found.
    """
    try:
        plain: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RackError(f"expected a preset as TOML: {error}") from None
    for key in plain:
        if key not in ("description", BYPASS, "strip"):
            raise RackError(f"unknown key '{key}': there are description, {BYPASS} and strip.NAME")
    description, bypassed = plain.get("description", ""), plain.get(BYPASS, False)
    if not isinstance(description, str) or not isinstance(bypassed, bool):
        raise RackError(f"expected a text as description and true or false as {BYPASS}")
    strips = _table(plain.get("strip", {}), "strip")
    return Preset(
        RackSpec({name: _strip(name, _table(strip, f"strip.{name}")) for name, strip in strips.items()}),
        description,
        bypassed,
    )


def format_preset(preset: Preset) -> str:
    """Inverse of `parse_preset`."""
    plain: dict[str, Any] = {"description": preset.description} if preset.description else {}
    plain |= {BYPASS: True} if preset.bypassed else {}
    plain["strip"] = {name: _plain_strip(strip) for name, strip in preset.rack.strips.items()}
    return tomli_w.dumps(plain)


def _strip(name: str, table: Mapping[str, Any]) -> StripSpec:
    settings = {key: _value(value, f"strip.{name}.{key}") for key, value in table.items() if key not in (CHAIN, "send")}
    for bus, level_db in _table(table.get("send", {}), f"strip.{name}.send").items():
        settings[SEND + bus] = _value(level_db, f"strip.{name}.send.{bus}")
    chain = table.get(CHAIN, [])
    if not isinstance(chain, list):
        raise RackError(f"strip.{name}.{CHAIN}: expected a list of plugins")
    plugins = cast("list[Any]", chain)
    return strip_of(name, settings, tuple(_plugin(each, f"strip.{name}.{CHAIN}") for each in plugins))


def _plugin(plain: object, where: str) -> PluginSpec:
    if isinstance(plain, str):
        return PluginSpec(plain)
    table = dict(_table(plain, where))
    name, bypassed = table.pop(PLUGIN, None), table.pop(BYPASS, False)
    if not isinstance(name, str) or not isinstance(bypassed, bool):
        raise RackError(f'{where}: expected "NAME" or {{ {PLUGIN} = "NAME", … }}, and true or false as {BYPASS}')
    return PluginSpec(name, {key: _value(value, f"{where}: {name}.{key}") for key, value in table.items()}, bypassed)


def _value(plain: object, where: str) -> Value:
    if isinstance(plain, bool | str):
        return plain
    if isinstance(plain, int | float):
        return float(plain)
    raise RackError(f"{where}: expected a number, a text, true or false")


def _table(plain: object, where: str) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise RackError(f"{where}: expected a table, found '{plain}'")
    return cast("dict[str, Any]", plain)


def _plain_strip(strip: StripSpec) -> dict[str, Any]:
    plain: dict[str, Any] = {"gain_db": strip.gain_db} if strip.gain_db else {}
    plain |= {"pan": strip.pan} if strip.pan else {}
    plain |= {"mute": True} if strip.muted else {}
    plain |= {"solo": True} if strip.soloed else {}
    plain |= {"send": dict(strip.sends)} if strip.sends else {}
    if strip.chain:
        plain[CHAIN] = [_plain_plugin(plugin) for plugin in strip.chain]
    return plain


def _plain_plugin(plugin: PluginSpec) -> str | dict[str, Any]:
    if not plugin.values and not plugin.bypassed:
        return plugin.name
    return {PLUGIN: plugin.name} | dict(plugin.values) | ({BYPASS: True} if plugin.bypassed else {})
