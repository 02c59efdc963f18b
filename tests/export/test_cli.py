"""`advsep-export`: a proven file or none, and one line for what it cannot use."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from advsep.export import graph
from advsep.export import verify as verify_module
from advsep.realtime.model import read_model_spec

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, program: Run) -> Run:
    """`advsep-export` with a proof of a few seconds."""
    monkeypatch.setattr(verify_module, "SECONDS", 6.0)
    return functools.partial(program, "advsep-export")


def test_a_checkpoint_becomes_one_file(export: Run, checkpoint_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    code, out, err = export(checkpoint_file, "-o", folder / "m.onnx", "--licence", "CC-BY-4.0")
    assert code == 0, err
    assert [p.name for p in folder.iterdir()] == ["m.onnx"]
    assert err.splitlines() == ["verifying on two minutes of sound…"]
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(f"wrote {folder / 'm.onnx'} (")
    spec = read_model_spec(folder / "m.onnx")
    assert spec.weights_licence == "CC-BY-4.0"
    assert spec.training.steps == 1234


def test_a_refusal_leaves_what_was_there(
    export: Run, checkpoint_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "_zrn", lambda weight: weight.detach())
    folder = tmp_path / "models"
    code, _, err = export(checkpoint_file, "-o", folder / "new.onnx")
    assert code == 2
    assert err.splitlines()[-1].startswith("advsep-export: refused: on music ONNX Runtime differs from torch")
    assert list(folder.iterdir()) == []
    (folder / "old.onnx").write_bytes(b"older")
    code, _, _ = export(checkpoint_file, "-o", folder / "old.onnx")
    assert code == 2
    assert [p.name for p in folder.iterdir()] == ["old.onnx"]
    assert (folder / "old.onnx").read_bytes() == b"older"


def test_bad_input_is_one_line_and_exit_2(export: Run, checkpoint_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(checkpoint_file.read_bytes()[:-500])
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.onnx").mkdir()
    good = tmp_path / "m.onnx"
    for arguments, says in (
        ((cut, "-o", good), f"{cut}: not a checkpoint of advsep-train, or damaged"),
        ((tmp_path / "gone.ckpt", "-o", good), "gone.ckpt: no such checkpoint"),
        ((checkpoint_file, "-o", tmp_path / "m.pt"), "m.pt: expected a file name that ends in .onnx"),
        ((checkpoint_file, "-o", tmp_path / "file" / "m.onnx"), "m.onnx: cannot be written"),
        ((checkpoint_file, "-o", tmp_path / "folder.onnx"), "folder.onnx: cannot be written"),
    ):
        code, out, err = export(*arguments)
        assert code == 2, arguments
        line = err.splitlines()[-1]
        assert line.startswith("advsep-export: ")
        assert says in line
        assert "Traceback" not in err
        assert "wrote" not in out
    assert not good.exists()
