"""MedleyDB in miniature: vocal stems once each, bleed told, mastered mixtures marked; needs PyYAML."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from advsep.realtime.errors import AdvsepError
from advsep.trainer.datasets.layouts import read_tracks, recognise
from advsep.trainer.datasets.track import read_sum

WriteSounds = Callable[..., dict[str, np.ndarray]]
needs_yaml = pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="PyYAML is not installed")
NAME = "AClassicEducation_NightOwl"
INSTRUMENTS = ("electric bass", "male singer", "vocalists", "drum set", "Female Singer", "crowd")


def metadata(name: str, instruments: tuple[str, ...], bleed: str) -> str:
    """As MedleyDB writes it: quoted yes and no, stems with component, filename, instrument and raw tracks."""
    lines = ["album: 'Call It Blazing'", "artist: A Classic Education", f"has_bleed: '{bleed}'", "instrumental: 'no'"]
    lines += [f"mix_filename: {name}_MIX.wav", "producer: ['']", f"stem_dir: {name}_STEMS", "stems:"]
    for number, instrument in enumerate(instruments, 1):
        lines += [f"  S{number:02d}:", "    component: ''", f"    filename: {name}_STEM_{number:02d}.wav"]
        lines += [f"    instrument: {instrument}", "    raw:", "      R01:"]
        lines += [f"        filename: {name}_RAW_{number:02d}_01.wav", f"        instrument: {instrument}"]
    return "\n".join([*lines, "title: Night Owl", "version: 1.2", ""])


def write_track(
    base: Path, write_sounds: WriteSounds, name: str, instruments: tuple[str, ...] = INSTRUMENTS, bleed: str = "no"
) -> list[np.ndarray]:
    write_sounds(base / name, (f"{name}_MIX.wav",))
    stems = [f"{name}_STEM_{number:02d}.wav" for number in range(1, len(instruments) + 1)]
    sounds = write_sounds(base / name / f"{name}_STEMS", stems)
    (base / name / f"{name}_METADATA.yaml").write_text(metadata(name, instruments, bleed))
    return [sounds[stem] for stem in stems]


@needs_yaml
@pytest.mark.parametrize("base", ["Audio", "V2", "."])
def test_vocal_stems_are_summed_once(tmp_path: Path, write_sounds: WriteSounds, base: str) -> None:
    bass, man, choir, drums, woman, crowd = write_track(tmp_path / base, write_sounds, NAME)
    assert recognise(tmp_path).name == "MedleyDB"
    (track,) = read_tracks(tmp_path)
    assert (track.name, track.artist, track.corpus, track.split) == (NAME, "A Classic Education", "medleydb", None)
    assert (track.mastered, track.has_bleed) == (True, False)
    np.testing.assert_allclose(read_sum(track.vocals)[0], man + choir + woman, atol=1e-6)
    np.testing.assert_allclose(read_sum(track.accompaniment)[0], bass + drums + crowd, atol=1e-6)


@needs_yaml
def test_bleed_instrumentals_and_metadata_that_lies_apart(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_track(tmp_path / "Audio", write_sounds, "Phoenix_ScotchMorris", ("piano", "violin"), bleed="yes")
    (tmp_path / "Metadata").mkdir()
    name = "Phoenix_ScotchMorris_METADATA.yaml"
    (tmp_path / "Audio/Phoenix_ScotchMorris" / name).rename(tmp_path / "Metadata" / name)
    (track,) = read_tracks(tmp_path)
    assert (track.has_bleed, track.vocals, len(track.accompaniment), track.is_paired) == (True, (), 2, False)


@needs_yaml
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stems: [", "not YAML"),
        ("artist: me", "expected a table of stems"),
        ("stems: {S01: {instrument: piano}}", "stem S01 has no filename"),
        ("stems: {S01: {instrument: piano, filename: gone.wav}}", r"_STEMS/gone\.wav: missing"),
    ],
)
def test_damaged_metadata_is_named(tmp_path: Path, write_sounds: WriteSounds, text: str, says: str) -> None:
    write_track(tmp_path / "Audio", write_sounds, NAME)
    (tmp_path / "Audio" / NAME / f"{NAME}_METADATA.yaml").write_text(text)
    with pytest.raises(AdvsepError, match=says):
        read_tracks(tmp_path)


def test_without_metadata_it_says_where_it_looked(tmp_path: Path, write_sounds: WriteSounds) -> None:
    write_track(tmp_path / "Audio", write_sounds, NAME)
    (tmp_path / "Audio" / NAME / f"{NAME}_METADATA.yaml").unlink()
    with pytest.raises(AdvsepError, match=rf"no {NAME}_METADATA\.yaml.*looked in .*Audio.*Metadata"):
        read_tracks(tmp_path)


def test_without_pyyaml_it_says_what_to_install(
    tmp_path: Path, write_sounds: WriteSounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_track(tmp_path / "Audio", write_sounds, NAME)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(AdvsepError, match=r"METADATA\.yaml: MedleyDB's metadata needs PyYAML: pip install pyyaml"):
        read_tracks(tmp_path)
