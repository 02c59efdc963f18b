"""`advsep-live --critics`: from a song to a picture of what critics think of it, or to an archive of arrays."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from .critic_figure import draw_picture, require_matplotlib
from .critic_map import CriticError
from .critic_maps import FRAMES_AT_ONCE, CriticPicture, Progress, judge, open_critics
from .engine_settings import PIPE, is_sound_source
from .model import ModelSession
from .options import LiveOptions, refuse_overwriting
from .registry import DEFAULT_MODEL, find_model
from .song import open_song

NPZ, PNG = ".npz", ".png"


def judge_song(options: LiveOptions, target: Path, progress: Progress) -> CriticPicture:
    """Have the critics of a model judge a song, once it is known that the result can be written.

    Args:
        options: song, model, and which part of the song.
        target: .npz or .png.
        progress: told now and then.

    Raises:
        AdvsepError: whatever cannot be used.
    """
    if target.suffix.lower() not in (NPZ, PNG):
        raise CriticError(f"--critics {target}: expected a name that ends in {NPZ} or {PNG}; choose such a name")
    if not is_sound_source(options.source) or options.source == PIPE:
        raise CriticError(f"--critics: expected a sound file, found the input '{options.source}'; give one with -i")
    refuse_overwriting(options.source, [target])
    if target.suffix.lower() == PNG:
        require_matplotlib()
    model = ModelSession(find_model(options.model or DEFAULT_MODEL), FRAMES_AT_ONCE)
    critics = open_critics(model)
    source = open_song(options.source, accept_damaged=options.accept_damaged)
    try:
        return judge(source, model, critics, start_s=options.start_s, seconds=options.seconds, progress=progress)
    finally:
        source.close()


def write_judgement(picture: CriticPicture, target: Path) -> None:
    """Write a picture or an archive, by the name's end; whole or not at all.

    Raises:
        CriticError: the file cannot be written.
    """
    _write_whole(target, _draw if target.suffix.lower() == PNG else _save, picture)


def _draw(picture: CriticPicture, path: Path) -> None:
    path.write_bytes(draw_picture(picture))


def _save(picture: CriticPicture, path: Path) -> None:
    arrays: dict[str, Any] = {field.name: np.asarray(getattr(picture, field.name)) for field in fields(picture)}
    np.savez_compressed(path, **arrays)


def _write_whole(path: Path, write: Callable[[CriticPicture, Path], None], picture: CriticPicture) -> None:
    try:
        if path.is_dir():
            raise CriticError(f"{path}: cannot be written: a folder of that name is in the way; choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            beside = Path(folder) / path.name.lower()
            write(picture, beside)
            os.replace(beside, path)
    except OSError as error:
        raise CriticError(f"{path}: cannot be written: {error.strerror or error}; choose another place") from None
