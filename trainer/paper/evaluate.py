"""What a run scores on whole tracks: SDR and BSS Eval in mono at 8192 Hz, beside doing nothing."""

from __future__ import annotations

import numpy as np

from ..metrics import STEM_NAMES, measure
from ..paper_unet import PaperUnet
from ..report import MIXTURE, MODEL, StemScore
from ..tracks import Track
from .config import PaperConfig
from .separate import separate
from .songs import mixture_of, stems_of
from .spectra import RATE_HZ


def evaluate_track(network: PaperUnet, track: Track, config: PaperConfig) -> list[StemScore]:
    """Separate the sum of a track's stems from end to end; measure it and the mixture itself.

    Where a stem is silent, what leaks into it is measured and nothing else, and it stays out of every mean.

    Args:
        network: in evaluation mode.
        track: decoded at 8192 Hz.
        config: what the network was trained with.

    Returns:
        of both stems the scores of the network and of doing nothing.
    """
    references = np.stack([stem.read() for stem in stems_of(track)])[..., None]
    mixture = mixture_of(track).read()
    signals = {
        MODEL: separate(network, mixture, config)[..., None],
        MIXTURE: np.broadcast_to(mixture[:, None], references.shape),
    }
    measured = measure(references, signals, RATE_HZ, bss=True)
    return [
        StemScore(config.name, track.files.corpus, track.files.name, stem, signal, metrics)
        for signal, of_stems in measured.items()
        for stem, metrics in zip(STEM_NAMES, of_stems, strict=True)
    ]
