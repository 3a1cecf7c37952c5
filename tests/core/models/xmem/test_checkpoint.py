from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.core.models.xmem.small import EMBEDDED_KIND, small_network
from trackanything_core.errors import WeightsError
from trackanything_core.models.xmem.checkpoint import (
    load_network,
    official_config,
    with_channel_for_others,
)
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory
from trackanything_core.models.xmem.settings import PropagationSettings


def saved(path: Path, *, network=None, propagation=None, half: bool = False) -> Path:
    state = small_network(EMBEDDED_KIND).state_dict()
    if half:
        state = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    metadata = {"network": json.dumps(network or EMBEDDED_KIND.to_dict())}
    if propagation is not None:
        metadata["propagation"] = json.dumps(propagation)
    save_file(state, path, metadata)
    return path


def test_a_file_that_says_what_it_holds_is_built_from_that(tmp_path):
    settings = PropagationSettings(internal_size=64, top_k=60)
    path = saved(tmp_path / "narrow.safetensors", propagation=settings.to_dict())
    network, loaded = load_network(path)
    assert network.config == EMBEDDED_KIND
    assert loaded == settings
    assert not network.training
    for name, tensor in small_network(EMBEDDED_KIND).state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name


def test_half_precision_on_disk_becomes_float32(tmp_path):
    network, settings = load_network(saved(tmp_path / "half.safetensors", half=True))
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert settings == PropagationSettings()


def test_a_loaded_factory_propagates(tmp_path):
    factory = XMemPropagatorFactory.load(saved(tmp_path / "a.safetensors"), name="narrow")
    assert factory.name == "narrow"
    picture = np.zeros((16, 16, 3), np.uint8)
    propagator = factory.start()
    propagator.step(picture, {"cat": np.eye(16, dtype=bool)})
    assert propagator.step(picture).shape == (2, 16, 16)


def test_metadata_of_another_width_names_the_tensors(tmp_path):
    wider = EMBEDDED_KIND.to_dict() | {"key_dim": 9}
    path = saved(tmp_path / "wide.safetensors", network=wider)
    with pytest.raises(WeightsError, match=r"wide\.safetensors.*key_proj\.key_proj\.weight"):
        load_network(path)


def test_metadata_of_another_model_names_the_unknown_options(tmp_path):
    with pytest.raises(WeightsError, match=r"a\.safetensors.*key_din"):
        load_network(saved(tmp_path / "a.safetensors", network={"key_din": 3}))
    with pytest.raises(WeightsError, match=r"b\.safetensors.*top_q"):
        load_network(saved(tmp_path / "b.safetensors", propagation={"top_q": 3}))


def test_a_checkpoint_of_another_model_is_one_clear_line(tmp_path):
    torch.save({"image_encoder.pos_embed": torch.zeros(1, 4)}, tmp_path / "sam.pth")
    with pytest.raises(WeightsError, match="checkpoint of another model") as caught:
        load_network(tmp_path / "sam.pth")
    assert "sam.pth" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dimensions_are_read_from_the_shapes():
    state = {
        "key_proj.key_proj.weight": torch.zeros(32, 8, 3, 3),
        "value_encoder.fuser.block2.conv2.weight": torch.zeros(256, 8, 3, 3),
        "decoder.hidden_update.transform.weight": torch.zeros(48, 8, 3, 3),
    }
    config = official_config(state, source=Path("small.pth"))
    assert config == NetworkConfig(key_dim=32, value_dim=256, hidden_dim=16)


def test_a_network_for_single_objects_gets_a_channel_that_changes_nothing():
    name = "value_encoder.conv1.weight"
    weight = torch.randn(6, 4, 7, 7)
    state = with_channel_for_others({name: weight, "other": torch.ones(1)})
    assert torch.equal(state[name][:, :4], weight)
    assert torch.equal(state[name][:, 4], torch.zeros(6, 7, 7))
    five = {name: torch.randn(6, 5, 7, 7)}
    assert with_channel_for_others(five) == five
