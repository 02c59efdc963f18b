"""`advsep-plugins`: what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from advsep.realtime import plugin_registry, plugins_tables
from advsep.realtime.plugin_registry import GROUP, offers, sort_out

BROKEN = Path(__file__).parent / "validation" / "broken_plugins.py"
PROGRAM = [sys.executable, "-c", "from advsep.realtime.plugins_cli import main; main()"]

Run = Callable[..., Any]


def offered(name: str, value: str, package: str) -> EntryPoint:
    entry = EntryPoint(name, value, GROUP)
    vars(entry)["dist"] = SimpleNamespace(name=package, version="1.5")
    return entry


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Packages that offer plugins, good and bad."""
    (tmp_path / "crowd_good.py").write_text(BROKEN.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "crowd_exits.py").write_text("import sys\nprint('goodbye')\nsys.exit(4)\n", encoding="utf-8")
    (tmp_path / "crowd_raises.py").write_text("raise ValueError('half\\nwritten')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    there = sort_out([
        offered("gain", "crowd_good:Gain", "advsep"),
        offered("gain", "crowd_good:Clicks", "other"),
        offered("late", "crowd_good:Late", "other"),
        offered("exits", "crowd_exits:Gain", "other"),
        offered("raises", "crowd_raises:Gain", "other"),
        offered("none", "crowd_good:no_plugin", "other"),
    ])  # fmt: skip
    monkeypatch.setattr(plugins_tables, "offers", lambda: there)
    monkeypatch.setattr(plugin_registry, "offers", lambda: there)


@pytest.mark.usefixtures("crowd")
def test_list_tells_what_there_is_what_is_hidden_and_what_fails(program: Run) -> None:
    ended = program("advsep-plugins", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split() == ["name", "package", "version", "what", "it", "is"]
    assert lines[2].split() == ["gain", "advsep", "1.5", "Makes", "it", "louder", "or", "quieter."]
    assert lines[3].split() == ["late", "other", "1.5", "Delays,", "and", "says", "so."]
    assert lines[4].split() == ["other/gain", "other", "1.5", "Its", "gain", "jumps."]
    below = "\n".join(lines[5:])
    assert "raises: plugin 'raises' of other 1.5 (crowd_raises:Gain) cannot be loaded: ValueError: half wr" in below
    assert "exits: plugin 'exits' of other calls sys.exit when it is imported" in below
    assert "none: plugin 'none' of other 1.5 (crowd_good:no_plugin): expected a class" in below
    assert "gain of other: 'gain' is that of advsep; use other/gain" in below
    assert "goodbye" not in ended.out


@pytest.mark.usefixtures("crowd")
def test_list_for_programs(program: Run) -> None:
    rows = {row["name"]: row for row in json.loads(program("advsep-plugins", "list", "--json").out)}
    assert list(rows) == ["exits", "gain", "late", "none", "other/gain", "raises"]
    assert rows["other/gain"]["hidden_by"] == "advsep"
    assert rows["late"] | {"error": None} == rows["late"]
    assert rows["raises"]["help"] is None
    assert program("advsep-plugins", "list", "--names").out.split() == list(rows)
    assert json.loads(program("advsep-plugins", "list", "--names", "--json").out) == list(rows)


def test_names_are_listed_without_importing_any_plugin() -> None:
    """In a process of its own, with nothing loaded before."""
    code = (
        "import sys\nsys.argv[1:] = ['list', '--names']\nfrom advsep.realtime.plugins_cli import main\ntry:\n  main()\n"
    )
    code += "finally:\n  loaded = [each for each in sys.modules if each.startswith('advsep.realtime.plugins.')]\n"
    code += "  print(loaded, file=sys.stderr)\n"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0
    assert ended.stdout.split() == list(offers())
    assert ended.stderr.strip() == "[]"


@pytest.mark.usefixtures("crowd")
def test_info_is_one_page(program: Run) -> None:
    out = program("advsep-plugins", "info", "gain").out.splitlines()
    assert out[0] == "gain: Makes it louder or quieter."
    (row,) = (line for line in out if line.startswith("gain_db"))
    assert row.split() == ["gain_db", "-60", "to", "12", "dB", "0", "dB", "in", "15", "ms", "Level."]
    (row,) = (line for line in out if line.startswith("inverts"))
    assert row.split()[:5] == ["inverts", "off|on", "off", "at", "once"]
    late = program("advsep-plugins", "info", "late").out
    assert "It has no parameters." in late
    assert "At 44100 Hz: latency 441 samples (10.0 ms), tail none" in late
    assert "At 48000 Hz: latency 441 samples (9.2 ms), tail none" in late
    assert "From other 1.5, crowd_good:Late, " in late
    assert "Another plugin of that name, of advsep, comes first." in program("advsep-plugins", "info", "other/gain").out


@pytest.mark.usefixtures("crowd")
def test_info_for_programs(program: Run) -> None:
    facts = json.loads(program("advsep-plugins", "info", "late", "--json").out)
    assert facts["parameters"] == []
    assert [each["latency_samples"] for each in facts["sounding"]] == [441, 441]
    facts = json.loads(program("advsep-plugins", "info", "gain", "--json").out)
    assert facts["parameters"][0]["highest"] == 12
    assert facts["parameters"][1]["choices"] == ["off", "on"]


def test_a_typing_error_gets_a_hint(program: Run) -> None:
    for command in ("info", "validate"):
        ended = program("advsep-plugins", command, "compresor")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err == "advsep-plugins: no plugin 'compresor': did you mean compressor?\n"


def test_without_a_command_it_shows_help(program: Run) -> None:
    alone = program("advsep-plugins")
    assert alone.code == 0
    assert "advsep-plugins validate compressor " in alone.out
    assert alone.out.strip() == program("advsep-plugins", "--help").out.strip()
    for command in ("list", "info", "validate"):
        assert f"  advsep-plugins {command}" in program("advsep-plugins", command, "--help").out


def test_validate_tells_a_line_a_check(program: Run) -> None:
    ended = program("advsep-plugins", "validate", f"{BROKEN}:Prints", "--level", 2)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split() == ["1", "ok", "loads"]
    assert "    warning  prepares: prints: preparing deeper" in lines
    assert lines[-1].startswith(f"{BROKEN}:Prints: passed 4 checks at level 2, 1 with warnings (")


def test_validate_fails_with_the_reason() -> None:
    """As a user calls it, in a process of its own."""
    command = [*PROGRAM, "validate", f"{BROKEN.name}:NaN", "--level", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=BROKEN.parent, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    expected = (
        " 2  FAILED   rates and block sizes: gives nan in frame 131, channel 0 at 8000 Hz, 1 channel, block of 65"
    )
    assert f"{expected}; expected finite samples" in ended.stdout.splitlines()
    assert "broken_plugins.py:NaN: FAILED 1 of 4 checks at level 2 (" in ended.stdout


def test_validate_for_programs(program: Run) -> None:
    ended = program("advsep-plugins", "validate", f"{BROKEN}:Returns", "--json", "--level", 2)
    report = json.loads(ended.out)
    assert (ended.code, report["passed"], report["level"]) == (1, False, 2)
    assert [each["status"] for each in report["checks"]] == ["ok", "ok", "failed", "skipped"]
    assert "expected None" in report["checks"][2]["reason"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("gain", "--level", 11), "Invalid value for '--level'"),
        (("gain", "--timeout", 0), "Invalid value for '--timeout'"),
        (("nowhere.py:Gain",), "nowhere.py:Gain: there is no file nowhere.py"),
        ((), "Missing argument"),
    ],
)
def test_bad_arguments(program: Run, arguments: tuple[object, ...], complaint: str) -> None:
    ended = program("advsep-plugins", "validate", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_ctrl_c_ends_it_and_the_process_that_hangs() -> None:
    command = [*PROGRAM, "validate", f"{BROKEN}:Hangs", "--level", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline().split()[2] for _ in range(3)] == ["loads", "prepares", "silence"]
        time.sleep(0.3)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err in ("", "advsep-plugins: stopped\n")  # the first where typer takes notice of Ctrl-C itself
    assert time.monotonic() - begin < 10
    if sys.platform == "linux":
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        assert not [line for line in lines if b"validation.child" in line and b":Hangs" in line]
