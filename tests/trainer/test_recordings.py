"""Which recordings are learnt from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.recordings import without_held_out


def test_recordings_that_splits_hold_out_are_left_out(tmp_path: Path) -> None:
    names = ["solo/a/one.wav", "solo/a/two.wav", "solo/a/three.wav", "solo/b/two.wav", "songs/x/four/song.wav"]
    paths = [tmp_path / name for name in names]
    entries = {
        "version": 1,
        "solo/a": {"train": ["one"], "valid": ["two"], "test": ["three"]},
        "songs/x": {"train": [], "valid": [], "test": ["four"]},
    }
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps(entries))
    assert without_held_out(paths, splits) == [paths[0], paths[3]]
    assert without_held_out(paths, None) == paths
    with pytest.raises(AdvsepError, match="cannot read the splits"):
        without_held_out(paths, tmp_path / "none.json")
