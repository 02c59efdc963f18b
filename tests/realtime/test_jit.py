"""The cache of compiled code: used where nothing changed, and not where any compiled code did."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from advsep.realtime import jit as module

SOURCE = """
from advsep.realtime.jit import jit

@jit
def twice(x: int) -> int:
    return 2 * x
"""


def loaded(path: Path) -> Any:
    """Its function `twice`, called once."""
    spec = importlib.util.spec_from_file_location("cached", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.twice(21) == 42
    return made.twice


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


def test_what_was_compiled_is_used_until_any_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cached.py"
    path.write_text(SOURCE)
    assert hits(loaded(path)) == 0
    assert hits(loaded(path)) == 1
    monkeypatch.setattr(module, "sources_stamp", lambda folder: "as after an upgrade")
    assert hits(loaded(path)) == 0
    assert hits(loaded(path)) == 1


def test_the_stamp_follows_files_with_compiled_code(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    files = {"a.py": "from .jit import jit\n", "plugins/b.py": "from ..jit import jit\n", "c.py": "x = 1\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def stamp() -> str:
        module.sources_stamp.cache_clear()
        return module.sources_stamp(tmp_path)

    first = stamp()
    (tmp_path / "c.py").write_text("x = 2\n")
    assert stamp() == first
    (tmp_path / "plugins/b.py").write_text("from ..jit import jit\n# another\n")
    second = stamp()
    (tmp_path / "a.py").write_text("from .jit import intrinsic\n")
    assert len({first, second, stamp()}) == 3
    module.sources_stamp.cache_clear()
