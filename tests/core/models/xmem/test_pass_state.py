from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.models.xmem.small import EMBEDDED_KIND, OFFICIAL_KIND, small_network
from tests.core.models.xmem.test_propagator import disc, picture
from trackanything_core.errors import CheckpointError
from trackanything_core.models.base import ResumablePropagator
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings

KINDS = pytest.mark.parametrize(
    "config", [OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"]
)
# Small limits, so that a few frames fill, consolidate and forget.
FORGETFUL = PropagationSettings(
    internal_size=32,
    memory_every=2,
    deep_update_every=3,
    max_working_frames=4,
    min_working_frames=2,
    prototypes=8,
    max_long_term_elements=12,
)


def factory(config: NetworkConfig = OFFICIAL_KIND, **changes) -> XMemPropagatorFactory:
    chosen = replace(FORGETFUL, **changes)
    return XMemPropagatorFactory(small_network(config), chosen, name="small")


def advance(propagator: ResumablePropagator, index: int, late: int) -> np.ndarray:
    """The step on a frame of a pass with context, and with an object that enters late."""
    masks = {0: {"cat": disc(20, 20, 9)}, late: {"dog": disc(40, 14, 7)}}.get(index)
    context = disc(8, 30, 6).astype(np.float32) * 0.9 if index % 3 else None
    return propagator.step(picture(index), masks, context=context)


def start(factory: XMemPropagatorFactory) -> ResumablePropagator:
    propagator = factory.start()
    propagator.remember(picture(99), {"cat": disc(30, 18, 8)}, step=-4)
    return propagator


@KINDS
@pytest.mark.property
@settings(max_examples=8)
@given(cut=st.integers(0, 14), late=st.integers(1, 12), long_term=st.booleans())
def test_a_pass_that_is_resumed_goes_on_to_the_bit(config, cut, late, long_term):
    networks = factory(config, long_term=long_term)
    propagator = start(networks)
    for index in range(cut):
        advance(propagator, index, late)
    state = propagator.state()
    expected = [advance(propagator, index, late) for index in range(cut, 18)]
    # Another process has its own networks.
    resumed = factory(config, long_term=long_term).resume(state)
    for index, probabilities in enumerate(expected, start=cut):
        np.testing.assert_array_equal(advance(resumed, index, late), probabilities)
    assert resumed.object_ids == propagator.object_ids == ("cat", "dog")[: 1 + (late < 18)]
    assert resumed.state() == propagator.state()


@KINDS
def test_the_state_does_not_grow_with_the_length_of_the_pass(config):
    propagator = start(factory(config))
    sizes = []
    for index in range(60):
        advance(propagator, index, late=3)
        sizes.append(len(propagator.state()))
    # How many elements the objects share in the end differs by a few.
    assert max(sizes[30:]) <= 1.02 * max(sizes[12:30])


def test_a_pass_that_has_not_begun_can_be_resumed():
    networks = factory()
    resumed = networks.resume(networks.start().state())
    np.testing.assert_array_equal(advance(resumed, 0, late=5), advance(networks.start(), 0, late=5))


def test_states_of_other_weights_or_settings_are_refused():
    state = start(factory()).state()
    other = small_network()
    other.load_state_dict({name: value + 1 for name, value in other.state_dict().items()})
    for networks in (
        factory(memory_every=3),
        factory(EMBEDDED_KIND),
        XMemPropagatorFactory(other, FORGETFUL, name="other"),
        XMemPropagatorFactory(small_network(), FORGETFUL, name="half", autocast=torch.bfloat16),
    ):
        with pytest.raises(CheckpointError, match="start the pass anew"):
            networks.resume(state)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_damaged_states_are_refused(length):
    with pytest.raises(CheckpointError, match="start the pass anew"):
        factory().resume(start(factory()).state()[:length])
