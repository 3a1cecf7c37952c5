"""Networks out of configurations, and what is said where the parts cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trackanything_core.models.sam.build import build_sam, set_image_size
from trackanything_core.models.sam.config import NARROW, OFFICIAL

ASK = """
from trackanything_core.errors import ConfigError
from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import NARROW
try:
    build_sam(NARROW)
except ConfigError as error:
    print(error)
"""


def test_a_torchvision_for_another_torch_is_one_clear_line(tmp_path: Path) -> None:
    """As a CPU-only torch beside a CUDA torchvision behaves: its own import fails."""
    broken = tmp_path / "torchvision" / "__init__.py"
    broken.parent.mkdir()
    broken.write_text("raise RuntimeError('operator torchvision::nms does not exist\\nmore')")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    result = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = result.stdout.splitlines()
    assert "operator torchvision::nms does not exist" in line
    assert "install both anew" in line


def test_official_networks_have_the_published_shapes() -> None:
    with torch.device("meta"):
        state = build_sam(OFFICIAL["sam_vit_b"]).state_dict()
    assert len(state) == 314
    assert state["image_encoder.pos_embed"].shape == (1, 64, 64, 768)
    assert state["image_encoder.blocks.11.attn.rel_pos_h"].shape == (127, 64)
    assert state["image_encoder.blocks.0.attn.rel_pos_h"].shape == (27, 64)
    assert state["mask_decoder.iou_prediction_head.layers.2.weight"].shape == (4, 256)
    assert sum(tensor.numel() for tensor in state.values()) == 93_735_728


@pytest.mark.parametrize("size", [64, 160])
def test_a_convolutional_network_takes_pictures_of_any_size(size: int) -> None:
    torch.manual_seed(0)
    sam, config = build_sam(NARROW), replace(NARROW, image_size=size)
    set_image_size(sam, config)
    with torch.no_grad():
        features = sam.image_encoder(torch.zeros(1, 3, size, size))
    assert features.shape == (1, config.embed_dim, config.embedding_size, config.embedding_size)
    assert sam.prompt_encoder.get_dense_pe().shape == features.shape
    assert sam.prompt_encoder.mask_input_size == (config.mask_size, config.mask_size)
