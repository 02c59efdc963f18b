"""The contract refuses everything that is not exactly one, by the name of the key at fault."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from advsep.realtime.spec import (
    SCHEMA_VERSION,
    ModelSpec,
    SignalSpec,
    SpecError,
    StateSpec,
    check_windows,
    geometric_band_edges,
)
from advsep.realtime.strict import FormatError, from_plain
from hypothesis import assume, given
from hypothesis import strategies as st


def changed(spec: ModelSpec, change: Callable[[dict[str, Any]], object]) -> str:
    data = json.loads(spec.to_json())
    change(data)
    return json.dumps(data)


def test_contracts_from_before_complex_masks_are_of_ratios(spec: ModelSpec) -> None:
    old = changed(spec, lambda d: d["signal"].pop("mask"))
    assert ModelSpec.from_json(old) == spec
    assert (spec.signal.mask, spec.signal.mask_maps) == ("ratio", spec.signal.channels)


def test_complex_masks_have_twice_the_maps_and_quick_windows_and_they_the_same_critics(spec: ModelSpec) -> None:
    turned = dataclasses.replace(spec.signal, mask="complex")
    assert turned.mask_maps == 2 * spec.signal.channels
    assert turned.sounds_like(spec.signal)
    assert spec.signal.sounds_like(turned)
    quick = dataclasses.replace(spec.signal, crossfade_samples=64, taper_samples=128)
    assert quick.sounds_like(spec.signal)
    assert not turned.sounds_like(dataclasses.replace(spec.signal, feature_scale=1.0))


def test_the_models_own_rate_comes_first(spec: ModelSpec) -> None:
    of_three = dataclasses.replace(spec.signal, native_rates_hz=(96000, 44100, 48000), sample_rate_hz=44100)
    assert of_three.rates_hz == (44100, 96000, 48000)


def test_json_and_back_is_the_same(spec: ModelSpec) -> None:
    states = (StateSpec(name="past_0", shape=(1, 2, 1, 64)), StateSpec(name="recurrent", shape=(1, 1, 256)))
    training = dataclasses.replace(spec.training, corpora=("a", "ü"), audio_hours=1 / 3, validation_sdr_gain_db=-0.1)
    full = dataclasses.replace(spec, states=states, training=training)
    assert ModelSpec.from_json(full.to_json()) == full
    assert "\n" not in full.to_json()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(hop=1), "model has an unknown key 'hop'"),
        (lambda d: d["signal"].update(hop_sample=1), "unknown key 'hop_sample' (did you mean 'hop_samples'?)"),
        (lambda d: d["signal"].pop("hop_samples"), "model.signal lacks the key 'hop_samples'"),
        (lambda d: d.pop("latency_samples"), "model lacks the key 'latency_samples'"),
        (lambda d: d["signal"].update(hop_samples="256"), "model.signal.hop_samples must be of type int, found '256'"),
        (lambda d: d["signal"].update(hop_samples=256.0), "model.signal.hop_samples must be of type int, found 256.0"),
        (lambda d: d["signal"].update(hop_samples=True), "model.signal.hop_samples must be of type int, found True"),
        (lambda d: d["signal"].update(compression="sqrt"), "model.signal.compression must be one of log1p"),
        (lambda d: d["signal"].update(native_rates_hz=44100), "model.signal.native_rates_hz must be a list"),
        (lambda d: d["signal"].update(band_edges_bins=[0, "1"]), "model.signal.band_edges_bins[1] must be of type int"),
        (lambda d: d.update(signal=[]), "model.signal must be a table of keys, found []"),
        (lambda d: d["training"].update(audio_hours=None), "model.training.audio_hours must be of type float"),
        (lambda d: d.update(states=[{"name": "a"}]), "model.states[0] lacks the key 'shape'"),
    ],
)
def test_a_wrong_key_is_named(spec: ModelSpec, change: Callable[[dict[str, Any]], object], said: str) -> None:
    with pytest.raises(FormatError) as error:
        ModelSpec.from_json(changed(spec, change))
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "7", '"x"'])
def test_what_is_no_contract_at_all(text: str) -> None:
    with pytest.raises(FormatError):
        ModelSpec.from_json(text)


def test_another_schema_version_comes_before_its_strange_keys(spec: ModelSpec) -> None:
    newer = changed(spec, lambda d: d.update(schema_version=SCHEMA_VERSION + 1, brand_new_key=1))
    with pytest.raises(SpecError, match=f"schema version {SCHEMA_VERSION + 1}.*reads {SCHEMA_VERSION}.*upgrade advsep"):
        ModelSpec.from_json(newer)
    older = changed(spec, lambda d: d.update(schema_version=SCHEMA_VERSION - 1))
    with pytest.raises(SpecError, match="export the checkpoint again"):
        ModelSpec.from_json(older)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(latency_samples=511), "latency_samples is 511 but the signal path makes 512"),
        (lambda d: d["signal"].update(lookahead_frames=1), "latency_samples is 512 but the signal path makes 768"),
        (lambda d: d["signal"].update(crossfade_samples=0), "crossfade_samples must be 1 to hop_samples (256), got 0"),
        (lambda d: d["signal"].update(crossfade_samples=257), "crossfade_samples must be 1 to hop_samples (256), got"),
        (lambda d: d["signal"].update(taper_samples=0), "taper_samples must be 1 to synthesis_samples (512), got 0"),
        (lambda d: d["signal"].update(taper_samples=513), "taper_samples must be 1 to synthesis_samples (512), got"),
        (lambda d: d["signal"].update(lookahead_frames=-1), "lookahead_frames must be 0 or more, got -1"),
        (lambda d: d["signal"].update(native_rates_hz=[48000]), "native_rates_hz must contain sample_rate_hz 44100"),
        (lambda d: d["signal"].update(channels=3), "channels must be 1 or 2, got 3"),
        (lambda d: d["signal"].update(feature_scale=0), "feature_scale must be positive, got 0"),
        (lambda d: d["signal"].update(band_edges_bins=[0, 5, 5]), "band_edges_bins must rise from 0 to at most 1025"),
        (lambda d: d["signal"].update(band_edges_bins=[0, 1026]), "band_edges_bins must rise from 0 to at most 1025"),
        (lambda d: d["signal"].update(band_edges_bins=[1, 1024]), "band_edges_bins must rise from 0"),
        (lambda d: d.update(sources=["vocals", "vocals"]), "sources must be two different names"),
        (lambda d: d.update(sources=["vocals"]), "sources must be two different names"),
        (lambda d: d.update(sources=["../vocals", "rest"]), "sources must be plain words"),
        (lambda d: d.update(states=[{"name": "a", "shape": [1]}] * 2), "states must have different names"),
    ],
)
def test_a_contradiction_is_named(spec: ModelSpec, change: Callable[[dict[str, Any]], object], said: str) -> None:
    with pytest.raises(SpecError) as error:
        ModelSpec.from_json(changed(spec, change))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("n", "h", "s"),
    [(2048, 256, 4096), (2047, 256, 512), (2048, 256, 513), (2048, 0, 512), (2048, 200, 512), (2048, 512, 512)],
)
def test_windows_that_cannot_reconstruct(n: int, h: int, s: int) -> None:
    with pytest.raises(SpecError, match=f"window_samples {n}, hop_samples {h}, synthesis_samples {s}"):
        check_windows(n, h, s)


def test_derived_numbers_of_live_12(signal: SignalSpec) -> None:
    assert (signal.bins, signal.bands, signal.latency_samples) == (1025, 64, 512)
    ahead = dataclasses.replace(signal, lookahead_frames=3)
    assert ahead.latency_samples == 512 + 3 * 256


@given(bins=st.integers(1, 2000), bands=st.integers(1, 400), single=st.integers(0, 400))
def test_geometric_bands_cover_every_bin_once(bins: int, bands: int, single: int) -> None:
    assume(0 < bands - single <= bins - single)
    edges = geometric_band_edges(bins, bands, single)
    widths = [high - low for low, high in pairwise(edges)]
    assert (edges[0], edges[-1], len(widths)) == (0, bins, bands)
    assert min(widths) >= 1
    assert widths[:single] == [1] * single


@pytest.mark.parametrize(("bins", "bands", "single"), [(10, 11, 0), (10, 5, 5), (10, 4, 5)])
def test_bands_that_do_not_fit(bins: int, bands: int, single: int) -> None:
    with pytest.raises(SpecError, match=f"cannot lay {bands} bands"):
        geometric_band_edges(bins, bands, single)


def test_strict_takes_an_int_for_a_float_and_none_where_allowed() -> None:
    @dataclasses.dataclass
    class Table:
        number: float
        maybe: int | None = 3

    assert from_plain(Table, {"number": 1}, "here") == Table(1.0)
    assert from_plain(Table, {"number": 1, "maybe": None}, "here") == Table(1.0, None)
    with pytest.raises(FormatError, match=r"here\.maybe must be of type int, found 'x'"):
        from_plain(Table, {"number": 1, "maybe": "x"}, "here")
