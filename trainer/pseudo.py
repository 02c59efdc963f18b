"""Mixtures that a teacher takes apart, so that a student may learn from its guesses.

The student hears the guesses remixed and altered, which the teacher never did: that is why it can become
the better one (self-training with a noisy student, after Xie et al., CVPR 2020; for singing voices Wang et
al., *Semi-Supervised Singing Voice Separation with Noisy Self-Training*, ICASSP 2021).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from ..realtime.errors import AdvsepError
from ..realtime.spec import SignalSpec
from .excerpts import cut_excerpt
from .live_unet import LiveUnet
from .pretrained import Pretrained
from .recordings import Recording
from .signal import SignalPath
from .tracks import STEMS, Track, TrackFiles, load_tracks
from .validation import separate

PIECE_S, WARM_S = 30.0, 4.0  # pieces of a song, and what the network hears before each
CORPUS = "pseudo"


def pseudo_tracks(
    teacher: Pretrained,
    mixtures: Sequence[Recording],
    folder: Path,
    cache: Path,
    on_mixture: Callable[[Recording], None] = lambda recording: None,
) -> list[Track]:
    """Songs as a teacher takes them apart, with 16 bits, kept in a folder.

    Args:
        teacher: its network and its signal path.
        mixtures: at the teacher's rate.
        folder: of the stems; what another run of the same teacher left there is used.
        cache: of decoded audio.
        on_mixture: called after each, for a progress bar.

    Raises:
        AdvsepError: the disk is full, or there is no permission.
    """
    spec = teacher.signal.spec()
    path = SignalPath(spec)
    network = LiveUnet(spec, teacher.network)
    network.load_state_dict(teacher.weights)
    network.eval()
    found: list[TrackFiles] = []
    for mixture in mixtures:
        status = mixture.path.stat()
        key = f"{mixture.path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{teacher.sha256}"
        place = folder / f"{mixture.path.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        if not (place / f"{STEMS[-1]}.wav").exists():
            _take_apart(network, path, mixture, place)
        vocals, accompaniment = (place / f"{stem}.wav" for stem in STEMS)
        found.append(TrackFiles(place.name, CORPUS, vocals, accompaniment))
        on_mixture(mixture)
    return load_tracks(found, spec.sample_rate_hz, cache)


def _take_apart(network: LiveUnet, path: SignalPath, mixture: Recording, place: Path) -> None:
    """Write both stems; the last one to appear says that both are whole."""
    spec = path.spec
    piece, warm = round(PIECE_S * spec.sample_rate_hz), round(WARM_S * spec.sample_rate_hz)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as made:
            files = [
                soundfile.SoundFile(Path(made) / f"{stem}.wav", "w", spec.sample_rate_hz, spec.channels, "PCM_16")
                for stem in STEMS
            ]
            for start in range(0, len(mixture.samples), piece):
                for file, samples in zip(files, _piece(network, path, mixture, start, piece, warm), strict=True):
                    file.write(samples.T)
            for file in files:
                file.close()
            for stem in STEMS:
                os.replace(Path(made) / f"{stem}.wav", place / f"{stem}.wav")
    except (OSError, soundfile.LibsndfileError) as error:
        raise AdvsepError(
            f"{place}: cannot write what the teacher makes of {mixture.path.name}: "
            f"{getattr(error, 'strerror', None) or error}; free some space or choose another --out"
        ) from None


def _piece(
    network: LiveUnet, path: SignalPath, mixture: Recording, start: int, piece: int, warm: int
) -> tuple[np.ndarray, np.ndarray]:
    spec: SignalSpec = path.spec
    end = min(start + piece, len(mixture.samples))
    first = max(0, start - warm)
    # Look-ahead needs what comes after the piece.
    beyond = min(end + spec.lookahead_frames * spec.hop_samples + spec.synthesis_samples, len(mixture.samples))
    count = beyond - first
    whole = torch.from_numpy(np.ascontiguousarray(cut_excerpt(mixture.samples, first, count, count, spec.channels)))
    voice = separate(network, path, whole[None])[0]
    wanted = slice(start - first, end - first)
    # A stem may be hotter than the mixture that it came from.
    vocals = voice[:, wanted].numpy().clip(-1, 1)
    accompaniment = (whole - voice)[:, wanted].numpy().clip(-1, 1)
    return vocals, accompaniment
