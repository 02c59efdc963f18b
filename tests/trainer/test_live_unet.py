"""The network: the same masks however its frames are cut, and nothing from the future."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from advsep.export.untrained import untrained_network
from advsep.realtime.strict import FormatError
from advsep.trainer.config import SignalConfig, load_preset
from advsep.trainer.live_unet import LiveUnet, LiveUnetConfig
from hypothesis import given, settings
from hypothesis import strategies as st

BANDS, FRAMES = 32, 24
SIGNAL = SignalConfig(window_samples=256, hop_samples=64, synthesis_samples=128, bands=BANDS, single_bins=16)
MONO, STEREO = (replace(SIGNAL, channels=channels).spec() for channels in (1, 2))
CONFIGS = [
    LiveUnetConfig(channels=(4, 8), kernel_frames=2, kernel_bands=5, recurrent_size=8),
    LiveUnetConfig(channels=(3, 4, 5), kernel_frames=4, kernel_bands=3, recurrent_size=6),
    LiveUnetConfig(channels=(4, 5, 6), kernel_frames=2, kernel_bands=3, recurrent_size=6, dilations=(7, 1, 3)),
    LiveUnetConfig(channels=(4, 8), kernel_bands=3, recurrent_size=8, harmonics=(0.5, 2, 3)),
]


def features(batch: int, channels: int, frames: int = FRAMES, seed: int = 0) -> torch.Tensor:
    return torch.rand(batch, channels, frames, BANDS, generator=torch.Generator().manual_seed(seed)) * 3


@torch.no_grad()
def in_chunks(network: LiveUnet, x: torch.Tensor, edges: list[int]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    states, parts = network.initial_states(x.shape[0]), []
    for start, stop in itertools.pairwise([0, *edges, x.shape[2]]):
        masks, *states = network(x[:, :, start:stop], *states)
        parts.append(masks)
    return torch.cat(parts, 2), states


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("config", CONFIGS)
@settings(max_examples=12, deadline=None)
@given(edges=st.sets(st.integers(1, FRAMES - 1)), seed=st.integers(0, 1000))
def test_any_chunks_give_the_masks_of_all_frames_at_once(
    config: LiveUnetConfig, channels: int, edges: set[int], seed: int
) -> None:
    network, x = untrained_network((MONO, STEREO)[channels - 1], config), features(2, channels, seed=seed)
    whole, last = in_chunks(network, x, [])
    assert whole.shape == x.shape
    assert float(whole.std()) > 0.01
    assert float(whole.min()) >= 0
    assert float(whole.max()) <= 1
    for cuts in (sorted(edges), list(range(1, FRAMES))):
        masks, states = in_chunks(network, x, cuts)
        assert float((masks - whole).abs().max()) < 1e-5
        for state, wanted in zip(states, last, strict=True):
            assert torch.allclose(state, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_complex_masks_have_a_share_something_added_and_an_imaginary_part(channels: int) -> None:
    spec = replace((MONO, STEREO)[channels - 1], mask="complex")
    network, x = untrained_network(spec, CONFIGS[0]), features(2, channels)
    whole, _ = in_chunks(network, x, [])
    assert whole.shape == (2, 2 * channels, FRAMES, BANDS)
    assert float((whole - in_chunks(network, x, [3, 4, 20])[0]).abs().max()) < 1e-5
    # What the last layer says, by hand: with all of it at a number the masks are that number's.
    last = network.decoders[-1].convolution
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.3, -0.7, 1.5]).repeat_interleave(channels))
    real, imaginary = in_chunks(network, x, [])[0].split(channels, 1)
    assert torch.allclose(real, torch.sigmoid(torch.tensor(0.3)) + torch.tanh(torch.tensor(-0.7)))
    assert torch.allclose(imaginary, torch.tanh(torch.tensor(1.5)))


@pytest.mark.parametrize("config", CONFIGS)
def test_no_mask_knows_the_future(config: LiveUnetConfig) -> None:
    network, x = untrained_network(STEREO, config), features(1, 2)
    before, _ = in_chunks(network, x, [])
    for frame in (0, 7, FRAMES - 1):
        changed = x.clone()
        changed[:, :, frame] += 1
        after, _ = in_chunks(network, changed, [])
        assert torch.equal(after[:, :, :frame], before[:, :, :frame])
        assert not torch.equal(after[:, :, frame], before[:, :, frame])


def test_states_have_the_declared_shapes() -> None:
    network = untrained_network(STEREO, CONFIGS[1])
    declared = [state.shape for state in network.states]
    assert declared == [(1, 2, 3, 32), (1, 3, 3, 16), (1, 4, 3, 8), (1, 1, 6)]
    assert [state.name for state in network.states] == ["past_0", "past_1", "past_2", "recurrent"]
    initial = network.initial_states(1)
    _, states = in_chunks(network, features(1, 2), [])
    assert [tuple(s.shape) for s in initial] == [tuple(s.shape) for s in states] == declared
    assert all(not s.any() for s in initial)
    assert [tuple(s.shape) for s in network.initial_states(5)] == [
        (5, 2, 3, 32),
        (5, 3, 3, 16),
        (5, 4, 3, 8),
        (1, 5, 6),
    ]


def test_dilations_say_which_past_frames_are_seen() -> None:
    """With the recurrence cut, a click reaches the sums of one dilation a level, and nothing between them."""
    network, x = untrained_network(MONO, CONFIGS[2]), torch.zeros(1, 1, FRAMES, BANDS)
    with torch.no_grad():
        network.expand.weight.zero_()
        silent, _ = in_chunks(network, x, [])
        x[:, :, 2] = 1
        clicked, _ = in_chunks(network, x, [])
    heard = (clicked != silent).any(3)[0, 0].nonzero().ravel() - 2
    assert heard.tolist() == [0, 1, 3, 4, 7, 8, 10, 11]
    assert [state.shape[2] for state in network.states[:-1]] == [7, 1, 3]


def test_lanes_do_not_touch_each_other() -> None:
    network, x = untrained_network(STEREO, CONFIGS[0]), features(3, 2)
    together, _ = in_chunks(network, x, [5])
    changed = x.clone()
    changed[0] = 0
    other, _ = in_chunks(network, changed, [5])
    assert torch.allclose(other[1:], together[1:], atol=1e-6)
    alone, _ = in_chunks(network, x[2:], [5])
    assert torch.allclose(alone, together[2:], atol=1e-6)


@pytest.mark.parametrize(
    ("bands", "sizes"),
    [
        (30, {}),
        (32, {"channels": ()}),
        (32, {"channels": (4, 0)}),
        (32, {"kernel_bands": 4}),
        (32, {"kernel_bands": -1}),
        (32, {"kernel_frames": 1}),
        (32, {"recurrent_size": 0}),
        (32, {"dilations": (1,)}),
        (32, {"dilations": (1, 0)}),
        (32, {"harmonics": (2, 0)}),
    ],
)
def test_sizes_that_do_not_fit_are_refused(bands: int, sizes: dict[str, object]) -> None:
    with pytest.raises(FormatError, match=f"got {bands} bands"):
        LiveUnet(replace(SIGNAL, bands=bands).spec(), LiveUnetConfig(**{"channels": (4, 8), **sizes}))  # type: ignore[arg-type]


def test_the_default_model_has_the_parameters_that_were_counted() -> None:
    config = load_preset("live-12")
    spec = config.signal.spec()
    network = LiveUnet(spec, config.network)
    assert (spec.bands, spec.channels, spec.latency_samples) == (192, 2, 512)
    assert sum(p.numel() for p in network.parameters()) == 892_102
