"""Untrained models are models of their preset, and their masks are worth comparing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from advsep.export.untrained import write_untrained
from advsep.realtime.demo import DemoSong
from advsep.realtime.masking import BandMasking
from advsep.realtime.model import ModelSession
from advsep.realtime.stft import StreamingAnalysis
from advsep.trainer.config import load_preset


@pytest.mark.parametrize(("preset", "latency"), [("live-3", 128), ("live-6", 256), ("live-12", 512), ("live-23", 1024)])
def test_masks_move_and_depend_on_the_past(tmp_path: Path, demo_song: DemoSong, preset: str, latency: int) -> None:
    path = tmp_path / "untrained.onnx"
    write_untrained(load_preset(preset), path)
    session, again = ModelSession(path, 200), ModelSession(path, 200)
    signal = session.spec.signal
    assert (session.spec.name, session.spec.latency_samples) == (preset, latency)

    samples = demo_song.mixture[44100 * 4 :][: 200 * signal.hop_samples]
    spectra = np.zeros((200, signal.channels, signal.bins), np.complex64)
    StreamingAnalysis.of_signal(signal).process(np.ascontiguousarray(samples), spectra)
    BandMasking(signal).features(spectra, session.features(200))
    masks = session.run(200).copy()
    assert masks.std(1).mean() > 0.03  # [channel, frame, band]: each band's mask moves along time
    assert np.mean(np.abs(masks[signal.channels :]) > 0.99) < 0.5  # the imaginary parts do not stick to their ends

    BandMasking(signal).features(spectra[100:], again.features(100))
    assert np.abs(again.run(100)[:, :2] - masks[:, 100:102]).max() > 0.1
