"""What comes with advsep keeps the rules that others are held to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from advsep.realtime.plugin_registry import OWN_PACKAGE, offers
from advsep.realtime.validation.checks import CHECKS
from advsep.realtime.validation.validator import validate

NAMES = [name for name, offer in offers().items() if offer.package == OWN_PACKAGE]


def test_all_of_them_are_here() -> None:
    wanted = "compressor delay eq gain gate limiter meter pitch recorder reverb vst width"
    assert wanted.split() == NAMES


def test_they_pass_at_level_ten() -> None:
    with ThreadPoolExecutor(2) as pool:  # each in a process of its own
        outcomes = dict(zip(NAMES, pool.map(lambda name: list(validate(name, 10)), NAMES), strict=True))
    for name, found in outcomes.items():
        assert [(each.check, each.reason) for each in found if each.status != "ok"] == [], name
    assert {len(found) for found in outcomes.values()} == {len(CHECKS)}
