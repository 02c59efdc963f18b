"""Checkpoints: whole or not there, and one line for every file that is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from advsep.realtime.errors import AdvsepError
from advsep.trainer import checkpoint as module
from advsep.trainer.checkpoint import (
    Checkpoint,
    averaged_network,
    code_commit,
    file_sha256,
    load_checkpoint,
    save_checkpoint,
)
from advsep.trainer.config import TrainConfig
from advsep.trainer.live_unet import LiveUnet


@pytest.fixture
def checkpoint(tiny: Callable[..., TrainConfig]) -> Checkpoint:
    config = tiny()
    spec = config.signal.spec()
    network = LiveUnet(spec, config.network)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    x = torch.rand(2, 1, 3, spec.bands)
    network(x, *network.initial_states(2))[0].sum().backward()
    optimiser.step()
    return Checkpoint(
        config=config,
        network=network.state_dict(),
        averaged={name: value * 0.5 for name, value in network.state_dict().items()},
        optimiser=optimiser.state_dict(),
        carried=network.initial_states(2),
        step=7,
        audio_seconds=12.5,
        best_gain_db=None,
        validation_gain_db=3.25,
        stale_validations=1,
        corpora=("a", "b"),
        commit="abc",
        critics={"voice": {"critic": {"w": torch.ones(2)}}},
    )


def test_what_is_saved_comes_back(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    save_checkpoint(checkpoint, path)
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]
    back = load_checkpoint(path)
    for field in dataclasses.fields(Checkpoint):
        found, wanted = getattr(back, field.name), getattr(checkpoint, field.name)
        if field.name in ("network", "averaged"):
            assert found.keys() == wanted.keys()
            assert all(torch.equal(found[key], wanted[key]) for key in wanted)
        elif field.name == "carried":
            assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
        elif field.name in ("optimiser", "critics"):
            assert str(found) == str(wanted)
        else:
            assert found == wanted, field.name
    network = averaged_network(back)
    assert not network.training
    assert torch.equal(network.squeeze.weight, checkpoint.averaged["squeeze.weight"])


def refusal(path: Path) -> str:
    with pytest.raises(AdvsepError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    assert "no such checkpoint" in refusal(tmp_path / "gone.ckpt")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_one_is_refused(checkpoint: Checkpoint, tmp_path: Path, share: float) -> None:
    path = tmp_path / "last.ckpt"
    save_checkpoint(checkpoint, path)
    blob = path.read_bytes()
    path.write_bytes(blob[: int(len(blob) * share)])
    assert "not a checkpoint of advsep-train, or damaged" in refusal(path)


def test_overwritten_bytes_never_give_a_traceback(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    save_checkpoint(checkpoint, path)
    blob = path.read_bytes()
    messages: list[str] = []
    for start in range(0, len(blob) - 64, len(blob) // 60):
        path.write_bytes(blob[:start] + b"\xa5" * 64 + blob[start + 64 :])
        try:
            averaged_network(load_checkpoint(path))
        except AdvsepError as error:
            messages.append(str(error))
    assert messages
    assert not any("\n" in message for message in messages)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x80\x04N.", b"PK\x03\x04junk", b"\x93NUMPY" * 20])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    assert "expected" in refusal(path)


def test_other_torch_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    for thing in ([1, 2], {"state_dict": {}}, torch.zeros(3), None):
        torch.save(thing, path)
        assert "expected a checkpoint of advsep-train of version 3, found no version" in refusal(path)


def test_files_that_would_run_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    torch.save({"advsep_checkpoint": 2, "config": Path("x")}, path)
    assert "not a checkpoint" in refusal(path)


def test_another_version_is_refused(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.ckpt"
    monkeypatch.setattr(module, "CHECKPOINT", dataclasses.replace(module.CHECKPOINT, version=4))
    save_checkpoint(checkpoint, path)
    monkeypatch.undo()
    assert "of version 3, found version 4" in refusal(path)


def test_other_keys_are_refused_and_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    save_checkpoint(checkpoint, path)
    data = torch.load(path)
    del data["carried"]
    torch.save({**data, "extra": 1}, path)
    assert "checkpoint keys differ: carried, extra" in refusal(path)
    data = torch.load(path)
    torch.save({**data, "carried": [], "config": {**data["config"], "lane": 3}} | {"extra": 0}, path)
    assert "extra" in refusal(path)


def test_weights_of_another_network_are_refused(
    checkpoint: Checkpoint, tmp_path: Path, tiny: Callable[..., TrainConfig]
) -> None:
    path = tmp_path / "x.ckpt"
    save_checkpoint(dataclasses.replace(checkpoint, config=tiny(network={"recurrent_size": 9})), path)
    with pytest.raises(AdvsepError, match="weights do not fit") as caught:
        averaged_network(load_checkpoint(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [OSError("disk full"), RuntimeError("enforce fail\nC++ stack"), KeyboardInterrupt()])
def test_a_failing_write_leaves_the_old_file(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "last.ckpt"
    save_checkpoint(checkpoint, path)
    before = path.read_bytes()

    def half(_: object, partial: Path) -> None:
        partial.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises((AdvsepError, KeyboardInterrupt)) as caught:
        save_checkpoint(dataclasses.replace(checkpoint, step=8), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]
    if not isinstance(error, KeyboardInterrupt):
        assert "cannot write the checkpoint" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "gone", tmp_path / "file"):
        with pytest.raises(AdvsepError, match="cannot write the checkpoint"):
            save_checkpoint(checkpoint, folder / "last.ckpt")


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_commit_is_that_of_this_checkout_or_empty() -> None:
    assert code_commit() == "" or code_commit().removesuffix("+").isalnum()
