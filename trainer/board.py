"""A run in TensorBoard: curves, what held-out tracks sound and look like, and what critics ask for."""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .board_excerpts import chosen_tracks, excerpt_of, separated, wav_bytes
from .board_pictures import gradient_picture, png_bytes, spectrogram_picture
from .critic_view import critic_views
from .event_file import EventFile
from .validation import mean_gain_db

if TYPE_CHECKING:
    from .adversary import Adversary
    from .config import TrainConfig
    from .live_unet import LiveUnet
    from .progress import Progress
    from .signal import SignalPath
    from .tracks import Track

BOARD_FOLDER = "tensorboard"  # below the run folder


class Board:
    """Writes events for TensorBoard; a disk that is full stops the writing and never the run.

    Args:
        folder: for event files; made where it is missing.
        from_step: that the run goes on from; what a former session wrote of later steps is no longer shown.
        warn: told once, in a sentence, when nothing more can be written.
    """

    def __init__(
        self, folder: Path, from_step: int = 0, warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr)
    ) -> None:
        self._folder, self._warn = folder, warn
        self._mixtures_written: set[str] = set()
        self._file: EventFile | None = None
        self._event: Any = _proto("event_pb2").Event
        self._summary: Any = _proto("summary_pb2").Summary
        try:
            self._file = EventFile(folder)
        except OSError as error:
            self._give_up(error)
        self._write(self._event(wall_time=time.time(), step=from_step + 1, file_version="brain.Event:2"))
        start = _proto("event_pb2").SessionLog(status=1)  # START: TensorBoard drops this step and later ones
        self._write(self._event(wall_time=time.time(), step=from_step + 1, session_log=start))

    def step(self, now: Progress) -> None:
        """Curves of one step and, where there was a validation, of every track's gain."""
        values = {
            "train/loss": now.loss,
            "train/learning_rate": now.learning_rate,
            "speed/audio_seconds_a_second": now.audio_speed,
            "speed/waiting_share": now.waiting,
            **{f"critics/{name}": distance for name, distance in now.distances.items()},
        }
        if not math.isfinite(now.loss):  # a resumed run that only makes up for a validation
            values = {}
        if now.scores is not None:
            values["validation/gain_db"] = mean_gain_db(now.scores)
            values |= {f"validation/{score.corpus}/{score.name}_db": score.gain_db for score in now.scores}
        self._add(now.step, [self._scalar(tag, value) for tag, value in values.items() if math.isfinite(value)])

    def validation(
        self,
        step: int,
        network: LiveUnet,
        path: SignalPath,
        tracks: list[Track],
        config: TrainConfig,
        adversary: Adversary | None = None,
    ) -> None:
        """Sound and pictures of up to two held-out tracks, 10 s of each where its voice is loudest.

        The mixtures are written once a session, since they do not change.

        Args:
            step: optimiser steps done.
            network: in evaluation mode.
            path: its signal path.
            tracks: held out.
            config: of the run.
            adversary: its critics; None where there are none.
        """
        if self._file is None:
            return
        found: list[Any] = []
        for track in chosen_tracks(tracks):
            name = f"{track.files.corpus}/{track.files.name}"
            excerpt = excerpt_of(track, path.spec)
            voice = separated(network, path, excerpt.mixture)
            sounds = {"voice": voice, "accompaniment": excerpt.mixture - voice}
            if name not in self._mixtures_written:
                self._mixtures_written.add(name)
                sounds["mixture"] = excerpt.mixture
            rate_hz = path.spec.sample_rate_hz
            found += [self._audio(f"{name}/{what}", samples, rate_hz) for what, samples in sounds.items()]
            shown = {
                "mixture": excerpt.mixture,
                "voice": voice,
                "true voice": excerpt.vocals,
                "accompaniment": excerpt.mixture - voice,
            }
            found.append(self._image(f"{name}/spectrogram", spectrogram_picture(shown, path)))
            if adversary is not None:
                views = critic_views(adversary, config, network, path, excerpt)
                found += [self._image(f"{name}/critic_{of}", gradient_picture(view)) for of, view in views.items()]
        self._add(step, found)

    def close(self) -> None:
        """Nothing more is written."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _scalar(self, tag: str, value: float) -> Any:
        return self._summary.Value(tag=tag, simple_value=value)

    def _audio(self, tag: str, samples: NDArray[np.float32], rate_hz: int) -> Any:
        sound = self._summary.Audio(
            sample_rate=rate_hz,
            num_channels=len(samples),
            length_frames=samples.shape[1],
            encoded_audio_string=wav_bytes(samples, rate_hz),
            content_type="audio/wav",
        )
        return self._summary.Value(tag=tag, audio=sound)

    def _image(self, tag: str, picture: NDArray[np.uint8]) -> Any:
        height, width = picture.shape[:2]
        image = self._summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png_bytes(picture))
        return self._summary.Value(tag=tag, image=image)

    def _add(self, step: int, values: list[Any]) -> None:
        if values:
            self._write(self._event(wall_time=time.time(), step=step, summary=self._summary(value=values)))

    def _write(self, event: Any) -> None:
        if self._file is not None:
            try:
                self._file.write(event.SerializeToString())
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.close()
        self._warn(f"{self._folder}: cannot be written: {error.strerror}; the run goes on without TensorBoard")


def _proto(name: str) -> Any:
    """A module of TensorBoard's messages, which are made when it is imported and have no types."""
    return importlib.import_module(f"tensorboard.compat.proto.{name}")
