"""The validator: good plugins pass at the highest level, each broken one fails where it should and is told why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from advsep.realtime.plugin_registry import PluginError
from advsep.realtime.validation.checks import CHECKS
from advsep.realtime.validation.validator import Outcome, validate

BROKEN = Path(__file__).parent / "broken_plugins.py"


def outcomes(kind: str, level: int, limit_s: float = 30.0) -> list[Outcome]:
    return list(validate(f"{BROKEN}:{kind}", level, limit_s))


@pytest.mark.parametrize("kind", ["Gain", "Late", "LowPass", "LinearPhase", "WetEcho"])
def test_a_good_plugin_passes_every_check(kind: str) -> None:
    found = outcomes(kind, 10)
    assert [(each.check, each.reason) for each in found] == [(each.name, "") for each in CHECKS]
    assert {each.status for each in found} == {"ok"}


@pytest.mark.parametrize(
    ("kind", "level", "check", "reason"),
    [
        ("Unwritten", 1, "loads", "does not define prepare"),
        ("no_plugin", 1, "loads", "expected a class derived from advsep's Plugin, found 3"),
        ("NoSuchClass", 1, "loads", "found nothing of that name"),
        ("Returns", 1, "silence", r"returns a float32 array \(511, 2\): expected None"),
        ("Reshapes", 1, "silence", r"changes the block's form to a float32 array \(2, 512\)"),
        ("Oversteps", 1, "silence", "writes outside its block of 512 frames at 44100 Hz, 2 channels"),
        ("Leaves", 1, "silence", r"process, .* calls sys.exit\(3\) \(broken_plugins.py:\d+\)"),
        ("NaN", 2, "rates and block sizes", r"gives nan in frame 131, channel 0 at 8000 Hz, 1 channel, block of 65"),
        ("Raises", 2, "rates and block sizes", r"at 8000 Hz, 1 channel, block of 1: raises RuntimeError: no luck"),
        ("Remembers", 3, "reset", "after reset, the same input again: differs from frame 0, channel 0"),
        ("Shares", 3, "reset", "a new plugin, the same input: differs from frame 0"),
        ("RemembersInUse", 3, "reset", r"after reset, the same input again: .*; with amount=0\.\d+$"),
        ("TakesAll", 4, "wrong values refused", "gain_db=-61.0 is taken; expected a ParameterError"),
        (
            "OutOfRange",
            4,
            "lowest, highest, choices",
            r"parameter out of range: .* gain_db is .*; expected -60 to 12 dB",
        ),
        ("OneLater", 5, "latency", "a latency of 441 samples, but the sound comes out 442 samples late"),
        ("OneEarlier", 5, "latency", "a latency of 8 samples, but .* begins 7 samples late"),
        ("ByBlocks", 6, "block lengths give the same", "in blocks of 1 instead of 512: differs from frame 1"),
        ("Explodes", 7, "random values while playing", "gives inf in frame .* with .*gain_db="),
        (
            "Clicks",
            7,
            "no clicks",
            r"gain_db jumping between -60 and 12 makes a step of 1\.\d+ .* smoothing of 0.015 s",
        ),
        ("KeepsNaN", 8, "recovers from NaN", "after a block of nan and reset: gives nan in frame 0"),
        ("TailOfNone", 8, "tail", r"declares a tail of 0 samples \(latency 0\), but a peak of"),
        ("Stateful", 8, "state", "set_state: raises ParameterError: unknown state: gain"),
        ("Allocates", 9, "allocates nothing", r"allocates \d+ bytes in a block of 512; expected at most 2048"),
        ("Hoards", 9, "allocates nothing", r"\d+ bytes more are in use after 400 blocks of 512"),
        ("LeavesThread", 9, "leaves nothing behind", "3 threads still run .*: left-over, left-over, left-over"),
        ("Dear", 10, "cost", r"takes \d+\.\d% of a core .*; expected at most 50%"),
        ("SharesByTurns", 10, "plugins side by side", "8 plugins side by side, against one alone: differs from frame"),
    ],
)
def test_a_broken_plugin_fails_where_it_should(kind: str, level: int, check: str, reason: str) -> None:
    found = {each.check: each for each in outcomes(kind, level)}
    assert found[check].status == "failed"
    assert re.search(reason, found[check].reason), found[check].reason
    assert all(each.status == "ok" for each in found.values() if each.level < level)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Crashes", "ends the process with exit code 7, after it was prepared for 8000 Hz, 1 channel"),
        ("Faults", r"crashes the process with SIGSEGV, in \w+ \(\S+:\d+\), after it was prepared for 8000 Hz, 1"),
        ("Hangs", r"hangs: still busy after 2 s, in process \(broken_plugins.py:\d+\), after .* 8000 Hz, 1 channel"),
    ],
)
def test_after_a_crash_the_other_checks_are_made(kind: str, reason: str) -> None:
    found = outcomes(kind, 4, limit_s=2.0)
    assert [each.check for each in found] == [each.name for each in CHECKS if each.level <= 4]
    (failed,) = (each for each in found if each.status != "ok")
    assert failed.check == "rates and block sizes"
    assert re.match(reason, failed.reason), failed.reason


def test_after_three_crashes_it_gives_up() -> None:
    found = outcomes("Crashes", 10)
    assert [each.check for each in found] == [each.name for each in CHECKS]
    assert [each.level for each in found if each.status == "failed"] == [2, 5, 6]
    skipped = [each for each in found if each.status == "skipped"]
    assert [each.level for each in skipped] == [each.level for each in CHECKS if each.level > 6]
    assert skipped[0].reason == "as the plugin crashed or hung 3 times"


def test_what_does_not_run_at_all_is_not_checked_further() -> None:
    found = outcomes("Unwritten", 3)
    assert [each.status for each in found] == ["failed", *["skipped"] * 5]
    assert found[1].reason == "as 'loads' failed"


def test_what_a_plugin_prints_is_a_warning_and_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    found = outcomes("Prints", 3)
    assert [each.status for each in found] == ["ok"] * 6
    assert [warning for each in found for warning in each.warnings] == ["prints: preparing deeper"]
    assert capfd.readouterr() == ("", "")


def test_files_that_a_plugin_writes_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {each.status for each in outcomes("Writes", 2)} == {"ok"}
    assert list(tmp_path.iterdir()) == []


def test_a_module_in_the_present_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_of_mine.py").write_text(BROKEN.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = list(validate("one_of_mine:Gain", 1))
    assert [each.status for each in found] == ["ok"] * 3
    relative = list(validate("one_of_mine.py:Gain", 1))
    assert [each.status for each in relative] == ["ok"] * 3


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("compresor", "no plugin 'compresor': did you mean compressor"),
        ("no/such/file.py:Gain", "there is no file no/such/file.py"),
        ("no_such_module.part:Gain", "there is no module no_such_module.part"),
        ("module:not a class", "expected the name of a class behind the colon"),
    ],
)
def test_what_is_not_there_is_refused(target: str, reason: str) -> None:
    with pytest.raises(PluginError, match=reason):
        next(validate(target, 1))
