"""The example of the guide: what it does, that it is found once installed, and that the validator passes it."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from advsep.realtime.plugin import Plugin, run, start
from advsep.realtime.rack_file import parse_preset
from advsep.realtime.rack_text import parse_rack
from advsep.realtime.validation.validator import validate
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples" / "advsep-tremolo"
GUIDE = ROOT / "docs" / "plugins.md"
SOURCE = PACKAGE / "src" / "advsep_tremolo" / "__init__.py"


@pytest.fixture(name="module", scope="module")
def load_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("advsep_tremolo", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(module: ModuleType, sample_rate_hz: int, channels: int, **values: float) -> Plugin:
    plugin = module.Tremolo()
    for name, value in values.items():
        plugin.set(name, value)
    start(plugin, sample_rate_hz, 8193, channels)
    return plugin


def noise(frames: int, channels: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((frames, channels)).astype(np.float32)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (44100, 2), (192000, 2)])
@pytest.mark.parametrize("block", [1, 63, 64, 65, 512, 513, 8193])
def test_gain_is_the_textbooks(module: ModuleType, rate_hz: int, channels: int, block: int) -> None:
    given = noise(9000, channels)
    heard, plugin = given.copy(), made(module, rate_hz, channels, rate_hz=7, depth=0.9)
    for at in range(0, len(heard), block):
        run(plugin, heard[at : at + block])
    gain = 1 - 0.9 * (1 - np.cos(2 * np.pi * 7 / rate_hz * np.arange(1, 9001))) / 2
    np.testing.assert_allclose(heard, given * gain[:, None], rtol=1e-5, atol=1e-6)


def test_a_moving_rate_does_not_jump(module: ModuleType) -> None:
    ones, plugin = np.ones((44100, 1), np.float32), made(module, 44100, 1, depth=1)
    for at in range(0, 44100, 300):
        plugin.set("rate_hz", 20 if at % 6000 < 3000 else 0.5)
        run(plugin, ones[at : at + 300])
    assert np.abs(np.diff(ones[:, 0])).max() < 1.01 * np.pi * 20 / 44100
    assert ones.min() < 0.01


def test_without_depth_nothing_is_changed(module: ModuleType) -> None:
    given = noise(3000, 2)
    heard = given.copy()
    run(made(module, 44100, 2, depth=0), heard)
    np.testing.assert_array_equal(heard, given)


def test_its_entry_point_is_the_class(module: ModuleType) -> None:
    entries = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert entries == {"advsep.plugins": {"tremolo": "advsep_tremolo:Tremolo"}}
    assert issubclass(module.Tremolo, Plugin)


def test_the_validator_passes_it() -> None:
    outcomes = list(validate(f"{SOURCE}:Tremolo", 10, 60.0))
    assert len(outcomes) > 10
    assert [f"{each.check}: {each.reason}" for each in outcomes if each.status == "failed"] == []


def test_the_guide_shows_it_as_it_is() -> None:
    """Each block of the guide's walk is in the source, in this order, and nothing of the class is left out."""
    guide, source = GUIDE.read_text("utf-8"), SOURCE.read_text("utf-8")
    walk = guide.partition("## Line by line")[2].partition("\n## ")[0]
    at = source.index("class Tremolo")
    for block in re.findall(r"```python\n(.*?)```", walk, re.DOTALL):
        rest = source[at:].lstrip("\n")
        assert rest.startswith(block)
        at = len(source) - len(rest) + len(block)
    assert at == len(source)
    assert re.findall(r"```toml\n(.*?)```", walk, re.DOTALL)[0] in (PACKAGE / "pyproject.toml").read_text("utf-8")


def test_the_guides_racks_can_be_read() -> None:
    guide = GUIDE.read_text("utf-8")
    racks = re.findall(r'^    ((?:vocals|master).*)$|--chain "([^"]*)"', guide, re.MULTILINE)
    found = [parse_rack(indented or quoted) for indented, quoted in racks]
    assert len(found) == 5
    assert found[2].strips["room"].chain[0].values == {"mix": 1.0}
    preset = parse_preset(re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)[1])
    for rack in (*found, preset.rack):
        rack.check(("vocals", "accompaniment"))
    assert preset.rack.strips["vocals"].chain[2].bypassed
