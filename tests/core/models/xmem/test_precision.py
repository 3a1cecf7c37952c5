"""Reduced precision and other devices give the same masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.core.models.xmem.small import EMBEDDED_KIND, OFFICIAL_KIND, small_network
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings

SETTINGS = PropagationSettings(
    internal_size=48,
    memory_every=1,
    max_working_frames=4,
    min_working_frames=2,
    prototypes=8,
    max_long_term_elements=20,
)


def probabilities(config, device: str, autocast: torch.dtype | None) -> np.ndarray:
    """A pass that consolidates, forgets, and meets a second object halfway."""
    factory = XMemPropagatorFactory(
        small_network(config), SETTINGS, name="small", device=device, autocast=autocast
    )
    propagator = factory.start()
    mask = np.zeros((48, 64), bool)
    mask[10:30, 10:40] = True
    given: dict[int, dict[str, np.ndarray]]
    given = {0: {"cat": mask}, 6: {"dog": mask[:, ::-1].copy()}}
    answers = []
    for index in range(12):
        picture = np.random.default_rng(index).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        answers.append(propagator.step(picture, given.get(index))[1])
    return np.stack(answers)


PLACES = [
    pytest.param("cpu", torch.bfloat16, 0.1, id="cpu-bfloat16"),
    pytest.param("cuda", None, 0.02, id="cuda-float32", marks=pytest.mark.gpu),
    pytest.param("cuda", torch.float16, 0.1, id="cuda-float16", marks=pytest.mark.gpu),
    pytest.param("cuda", torch.bfloat16, 0.1, id="cuda-bfloat16", marks=pytest.mark.gpu),
]


@pytest.mark.parametrize("config", [OFFICIAL_KIND, EMBEDDED_KIND], ids=["official", "embedded"])
@pytest.mark.parametrize(("device", "autocast", "tolerance"), PLACES)
def test_masks_are_those_of_full_precision(config, device, autocast, tolerance):
    exact = probabilities(config, "cpu", None)
    ours = probabilities(config, device, autocast)
    assert np.abs(ours - exact).mean() < tolerance / 10
    assert np.abs(ours - exact).max() < tolerance
