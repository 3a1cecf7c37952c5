"""Initial weights for training SAM on little data."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_GAIN = 2.5


@torch.no_grad()
def align_attention(sam: Any) -> None:
    """Let prompts and pictures attend to each other by place and likeness from the first step.

    A prompt carries the positional code of its place, as every cell of the picture does. With
    independent random projections of queries and keys that says nothing until training has made
    them alike, which is most of what SAM has to learn first. Here they start alike.

    Args:
        sam: a network with random weights; changed in place.
    """
    transformer = sam.mask_decoder.transformer
    attentions = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        attentions += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in attentions:
        attention.q_proj.weight.mul_(_GAIN)
        attention.k_proj.weight.copy_(attention.q_proj.weight)
        nn.init.zeros_(attention.q_proj.bias)
        nn.init.zeros_(attention.k_proj.bias)
