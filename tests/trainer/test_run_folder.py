"""The run folder: what is needed to repeat a run is in it, whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from advsep import __version__
from advsep.realtime.errors import AdvsepError
from advsep.trainer import run_folder
from advsep.trainer.config import TrainConfig, load_preset
from advsep.trainer.fingerprint import Data, DataItem
from advsep.trainer.run_folder import open_run_folder, read_record

MakeConfig = Callable[..., TrainConfig]


def data(*names: str) -> Data:
    items = (DataItem(part="train", corpus="c", name=name, seconds=1.0, sha256="0") for name in names)
    return Data(sha256="f", parts=(), items=tuple(items))


def test_a_new_run(tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["/usr/bin/advsep-train", "my music/", "--set", 'name="a b"', "--out", "run"]
    monkeypatch.setattr(sys, "argv", typed)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "runs" / "mine"
    config = tiny(seed=5, optimiser={"learning_rate": 3e-4})
    assert open_run_folder(out, config, data("a", "b"), None) == []
    assert sorted(path.name for path in out.iterdir()) == ["config.toml", "log.jsonl", "run.json"]
    assert load_preset(str(out / "config.toml")) == config
    assert (out / "log.jsonl").read_text() == ""
    record = read_record(out)
    (session,) = record.sessions
    assert (record.schema_version, record.name, session.from_step, session.seed) == (1, "tiny", 0, 5)
    assert shlex.split(session.command) == ["advsep-train", *typed[1:]]
    assert session.working_folder == str(tmp_path)
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(session.began) < timedelta(minutes=1)
    versions = session.versions
    assert (versions.advsep, versions.python) == (__version__, platform.python_version())
    assert (versions.torch, versions.numpy, versions.soundfile) == (
        torch.__version__,
        np.__version__,
        soundfile.__version__,
    )
    assert versions.commit
    assert session.threads == torch.get_num_threads()
    assert len(session.devices) == 1 + torch.cuda.device_count()
    assert session.data == data("a", "b")


def test_a_resumed_run_adds_a_session_and_tells_other_recordings(tiny: MakeConfig, tmp_path: Path) -> None:
    open_run_folder(tmp_path, tiny(), data("a", "b"), None)
    log = tmp_path / "log.jsonl"
    # What was done after the last checkpoint is done again; a crash has cut a line, or put a hole into one.
    log.write_text('{"step": 3}\n{"step": 4}\n{"step": 5}\n{"step\n{}\n\0\0\0\n[1]\n"x"}\n')
    assert open_run_folder(tmp_path, tiny(steps=9), data("b", "a"), 4) == []
    assert log.read_text() == '{"step": 3}\n{"step": 4}\n'
    assert open_run_folder(tmp_path, tiny(steps=12, seed=1), data("a", "d"), 9) == [
        "other recordings than before: train: 1 gone (c/b), 1 new (c/d)"
    ]
    # Compared with the session before, not with the first.
    assert open_run_folder(tmp_path, tiny(steps=12), data("a", "d"), 10) == []
    sessions = read_record(tmp_path).sessions
    assert [(session.from_step, session.seed, len(session.data.items)) for session in sessions] == [
        (0, 0, 2),
        (4, 0, 2),
        (9, 1, 2),
        (10, 0, 2),
    ]
    assert load_preset(str(tmp_path / "config.toml")).steps == 12
    # A new run where an older one left no checkpoint has nothing of its log and record.
    open_run_folder(tmp_path, tiny(), data("a"), None)
    assert (log.read_text(), len(read_record(tmp_path).sessions)) == ("", 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read: No such file or directory; whether the recordings are the same is not known"),
        ("{", "not JSON"),
        ('{"schema_version": 1, "name": "tiny"}', "lacks the key 'sessions'"),
    ],
)
def test_a_damaged_record_does_not_stop_a_run(tiny: MakeConfig, tmp_path: Path, text: str | None, says: str) -> None:
    open_run_folder(tmp_path, tiny(), data("a"), None)
    (tmp_path / "run.json").unlink()
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    (warning,) = open_run_folder(tmp_path, tiny(), data("a"), 3)
    assert warning.startswith(str(tmp_path / "run.json"))
    assert says in warning
    assert [session.from_step for session in read_record(tmp_path).sessions] == [3]


def test_a_full_disk_leaves_the_old_files(tiny: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_run_folder(tmp_path, tiny(), data("a"), None)
    old = {path.name: path.read_text() for path in tmp_path.iterdir()}
    real = Path.write_text

    def full(path: Path, text: str, *more: str) -> int:
        real(path, text[: len(text) // 2], *more)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(AdvsepError, match="cannot write to the run folder: No space left on device"):
        open_run_folder(tmp_path, tiny(steps=9), data("a"), 3)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == old


def test_the_processor_has_a_name_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    count = os.cpu_count()
    monkeypatch.setattr(Path, "read_text", lambda *_: "processor : 0\nmodel name\t: Some CPU @ 3 GHz\n")
    assert run_folder._processor() == f"Some CPU @ 3 GHz, {count} threads"
    monkeypatch.setattr(Path, "read_text", lambda *_: "no such line\n")
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert run_folder._processor() == f"{platform.machine()}, {count} threads"


def test_the_record_is_json_that_others_can_read(tiny: MakeConfig, tmp_path: Path) -> None:
    open_run_folder(tmp_path, tiny(), data("söng"), None)
    plain = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert plain["sessions"][0]["data"]["items"][0]["name"] == "söng"
    assert plain["sessions"][0]["versions"]["torch"] == torch.__version__
