from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from trackanything_core.errors import WeightsError
from trackanything_core.models.weights import (
    Mismatch,
    apply_state_dict,
    load_metadata,
    load_state_dict,
)


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def written(tmp_path: Path, suffix: str) -> Path:
    path = tmp_path / f"small{suffix}"
    state = small_network().state_dict()
    if suffix == ".safetensors":
        save_file(state, path, metadata={"network": json.dumps({"width": 4})})
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_was_written_is_read_back(tmp_path, suffix):
    state = load_state_dict(written(tmp_path, suffix))
    target = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    apply_state_dict(target, state, source="small", expected="a small network")
    for name, tensor in small_network().state_dict().items():
        assert torch.equal(target.state_dict()[name], tensor)


def test_metadata_comes_from_the_header_and_is_empty_elsewhere(tmp_path):
    assert load_metadata(written(tmp_path, ".safetensors")) == {"network": {"width": 4}}
    assert load_metadata(written(tmp_path, ".pth")) == {}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_file_is_one_clear_line(tmp_path, suffix, kept):
    path = written(tmp_path, suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(WeightsError, match="truncated") as caught:
        load_state_dict(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_text_file_and_a_missing_file_are_named(tmp_path, suffix):
    path = tmp_path / f"notes{suffix}"
    with pytest.raises(WeightsError, match="no such weights file"):
        load_state_dict(path)
    path.write_text("hello, I am no checkpoint\n" * 20)
    with pytest.raises(WeightsError, match="another kind"):
        load_state_dict(path)


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def test_code_in_a_checkpoint_is_refused(tmp_path):
    torch.save({"weight": Hostile(tmp_path / "ran")}, tmp_path / "hostile.pth")
    with pytest.raises(WeightsError, match="tensors alone"):
        load_state_dict(tmp_path / "hostile.pth")
    assert not (tmp_path / "ran").exists()


def test_a_wrapped_state_dict_says_what_it_is(tmp_path):
    torch.save({"model": {"a": torch.zeros(1)}, "epoch": 3}, tmp_path / "wrapped.pth")
    with pytest.raises(WeightsError, match=r"bare state_dict.*model, epoch"):
        load_state_dict(tmp_path / "wrapped.pth")


def test_every_difference_is_named_and_nothing_is_copied():
    target = small_network()
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    state = {name: tensor + 1 for name, tensor in before.items()}
    del state["1.running_var"]
    state["2.weight"] = torch.zeros(1)
    state["0.weight"] = torch.zeros(4, 5, 3, 3)
    with pytest.raises(WeightsError) as caught:
        apply_state_dict(target, state, source="some.pth", expected="a small network")
    message = str(caught.value)
    assert "some.pth: expected a small network" in message
    assert "1 missing: 1.running_var" in message
    assert "1 unexpected: 2.weight" in message
    assert "0.weight (expected (4, 3, 3, 3), got (4, 5, 3, 3))" in message
    for name, tensor in target.state_dict().items():
        assert torch.equal(before[name], tensor)


def test_a_checkpoint_of_another_model_stays_one_readable_line():
    strangers = {f"block.{i}.weight": torch.zeros(1) for i in range(500)}
    mismatch = Mismatch.between(small_network(), strangers)
    assert len(mismatch.unexpected) == 500
    assert "and 480 more" in str(mismatch)
    assert len(str(mismatch)) < 1000
