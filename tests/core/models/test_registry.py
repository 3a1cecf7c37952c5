"""Names, files and devices: what loads, and what is said when it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from trackanything_core.errors import ConfigError, WeightsError
from trackanything_core.models.device import pick_device
from trackanything_core.models.registry import available, load_propagator, load_segmenter
from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW, OFFICIAL, SamConfig
from trackanything_core.types import Click

TINY = replace(NARROW, image_size=64)


def write_tiny(path: Path, config: SamConfig = TINY) -> Path:
    torch.manual_seed(0)
    metadata = {"network": json.dumps(config.to_dict())}
    save_file(build_sam(config).state_dict(), path, metadata)
    return path


def test_a_narrow_network_is_built_from_its_own_file(tmp_path: Path) -> None:
    segmenter = load_segmenter(weights=write_tiny(tmp_path / "tiny.safetensors"), device="cpu")
    assert segmenter.name == "embedded"
    embedding = segmenter.embed(np.zeros((20, 20, 3), np.uint8))
    assert segmenter.segment(embedding, clicks=[Click(3, 3)]).mask.shape == (20, 20)


@pytest.mark.parametrize("config", [NARROW, TINY, *OFFICIAL.values()])
def test_configurations_survive_json(config: SamConfig) -> None:
    assert SamConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_weights_of_another_network_are_named_tensor_by_tensor(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "tiny.safetensors")
    with pytest.raises(WeightsError, match=r"(?s)tiny.*sam_vit_b.*image_encoder\.patch_embed"):
        load_segmenter("sam_vit_b", path, "cpu")


def test_a_file_without_description_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.safetensors"
    save_file(build_sam(TINY).state_dict(), path)
    with pytest.raises(WeightsError, match="sam_vit_h"):
        load_segmenter(weights=path, device="cpu")


def test_a_description_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"network": json.dumps({"key_dim": 64})})
    with pytest.raises(WeightsError, match="metadata describes another"):
        load_segmenter(weights=path, device="cpu")


@pytest.mark.parametrize("load", [load_segmenter, load_propagator])
def test_unknown_names_and_missing_files(load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"embedded.*'sam3'"):
        load("sam3")
    with pytest.raises(WeightsError, match="no such weights file"):
        load(weights=tmp_path / "none.safetensors", device="cpu")


@pytest.mark.parametrize(
    ("load", "name"),
    [(load_segmenter, name) for name in available()["segmenters"] if name != "embedded"]
    + [(load_propagator, name) for name in available()["propagators"] if name != "embedded"],
)
def test_official_networks_ask_for_their_file(load, name: str) -> None:
    with pytest.raises(WeightsError, match=f"{name} needs its weights file"):
        load(name, device="cpu")


def test_devices() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("gpu", "cuda:x", "cpu:1", ""):
        with pytest.raises(ConfigError, match="expected a device out of"):
            pick_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_absent_cuda_is_said_in_one_line() -> None:
    with pytest.raises(ConfigError, match="use auto or cpu") as caught:
        pick_device("cuda")
    assert "\n" not in str(caught.value)
