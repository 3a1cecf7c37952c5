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
from trackanything_core.models.sam.config import NARROW, OFFICIAL, VitEncoderConfig
from trackanything_core.models.sam.packing import pack, unpack

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
    cells = (config.embedding_size, config.embedding_size)
    assert features.shape == (1, 4 * config.embed_dim, *cells)
    assert sam.prompt_encoder.get_dense_pe().shape == (1, config.embed_dim, *cells)
    assert sam.prompt_encoder.mask_input_size == (config.mask_size, config.mask_size)


def test_packing_keeps_every_pixel_in_its_cell() -> None:
    torch.manual_seed(0)
    maps = (torch.randn(2, 16, 4, 4), torch.randn(2, 4, 8, 8), torch.randn(2, 2, 16, 16))
    packed = pack(*maps)
    assert packed.shape == (2, 64, 4, 4)
    for before, after in zip(maps, unpack(packed), strict=True):
        torch.testing.assert_close(after, before, rtol=0, atol=0)
    moved = pack(*(m.roll(m.shape[-1] // 4, dims=-1) for m in maps))
    torch.testing.assert_close(moved, packed.roll(1, dims=-1), rtol=0, atol=0)


def test_without_fine_maps_the_narrow_decoder_answers_as_the_published_one() -> None:
    torch.manual_seed(0)
    vit = VitEncoderConfig(width=32, depth=1, heads=2, global_blocks=(0,), stride=8)
    narrow = replace(NARROW, image_size=64)
    ours, published = build_sam(narrow), build_sam(replace(narrow, encoder=vit))
    published.mask_decoder.load_state_dict(ours.mask_decoder.state_dict())
    embedding = torch.randn(1, 128, 8, 8)
    zeros = (torch.zeros(1, 32, 16, 16), torch.zeros(1, 16, 32, 32))
    prompt = {
        "image_pe": ours.prompt_encoder.get_dense_pe(),
        "sparse_prompt_embeddings": torch.randn(3, 2, 128),
        "dense_prompt_embeddings": torch.randn(3, 128, 8, 8),
        "multimask_output": True,
    }
    answer = ours.mask_decoder(image_embeddings=pack(embedding, *zeros), **prompt)
    expected = published.mask_decoder(image_embeddings=embedding, **prompt)
    torch.testing.assert_close(answer, expected, rtol=1e-4, atol=1e-4)
