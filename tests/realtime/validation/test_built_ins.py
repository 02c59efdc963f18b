"""What comes with advsep keeps the rules that others are held to."""

from __future__ import annotations

import pytest
from advsep.realtime.plugin_registry import OWN_PACKAGE, offers
from advsep.realtime.validation.checks import CHECKS
from advsep.realtime.validation.validator import validate

NAMES = [name for name, offer in offers().items() if offer.package == OWN_PACKAGE]


def test_all_of_them_are_here() -> None:
    wanted = "compressor delay eq gain gate limiter meter pitch recorder reverb vst width"
    assert wanted.split() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_at_level_ten(name: str) -> None:
    found = list(validate(name, 10))
    assert [(each.check, each.reason) for each in found if each.status != "ok"] == []
    assert len(found) == len(CHECKS)
