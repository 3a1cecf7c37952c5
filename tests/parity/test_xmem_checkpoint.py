"""A file laid out as the official checkpoint loads unchanged."""

from __future__ import annotations

import pytest
import torch

from tests.parity.goldens import COMMITTED, keys_of, salt_of
from tests.parity.standin_weights import standin_weights
from trackanything_core.models.xmem.checkpoint import load_network
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.settings import PropagationSettings

pytestmark = pytest.mark.parity

MASKS_OF_OTHERS = "value_encoder.conv1.weight"


@pytest.mark.parametrize("single_object", [False, True])
def test_the_official_layout_loads(tmp_path, single_object):
    weights = standin_weights(keys_of(COMMITTED), salt_of(COMMITTED))
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    if single_object:
        state[MASKS_OF_OTHERS] = state[MASKS_OF_OTHERS][:, :4].clone()
    path = tmp_path / "XMem.pth"
    torch.save(state, path)
    network, settings = load_network(path)
    path.unlink()  # 250 MB
    assert network.config == NetworkConfig()
    assert settings == PropagationSettings()
    assert sum(p.numel() for p in network.parameters()) == 62_185_224
    for name, tensor in network.state_dict().items():
        if single_object and name == MASKS_OF_OTHERS:
            assert not tensor[:, 4].any()
            tensor = tensor[:, :4]
        assert torch.equal(tensor, state[name]), name
