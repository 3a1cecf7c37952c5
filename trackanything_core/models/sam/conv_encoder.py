"""A small convolutional image encoder that takes the place of SAM's vision transformer.

A transformer needs millions of pictures; this one learns from hundreds. Its embeddings are
packed for the mask decoder of `detail_decoder`, with the maps at strides 2 and 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trackanything_core.models.sam.config import ConvEncoderConfig
from trackanything_core.models.sam.packing import pack


class ConvImageEncoder(nn.Module):
    """Residual stages to stride 32, context there, and a pyramid back to stride 8."""

    def __init__(self, config: ConvEncoderConfig, image_size: int, embed_dim: int) -> None:
        super().__init__()
        self.img_size = image_size
        widths = config.widths
        self.stem = nn.Sequential(_conv(3, widths[0], stride=2), _conv(widths[0], widths[0]))
        self.stages = nn.ModuleList(
            _stage(before, after, blocks)
            for before, after, blocks in zip(widths[:-1], widths[1:], config.blocks, strict=True)
        )
        self.context = nn.ModuleList(
            _attention_layer(widths[4]) for _ in range(config.attention_layers)
        )
        self.detail = _conv(widths[1], embed_dim, stride=2)
        self.lateral = nn.ModuleList(nn.Conv2d(width, embed_dim, 1) for width in widths[2:])
        self.smooth = nn.ModuleList(_Residual(embed_dim, embed_dim) for _ in range(2))
        self.project = nn.Conv2d(embed_dim, embed_dim, 1)
        self.fine = nn.ModuleList(
            [nn.Conv2d(widths[1], embed_dim // 4, 1), nn.Conv2d(widths[0], embed_dim // 8, 1)]
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, S, S) → (B, 4C, S/8, S/8), packed; S a multiple of 32."""
        stride2 = features = self.stem(image)
        maps = []
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        stride4, stride8, stride16, stride32 = maps
        for layer in self.context:
            tokens = stride32.flatten(2).transpose(1, 2)
            stride32 = layer(tokens).transpose(1, 2).view_as(stride32)
        merged = _enlarge(self.lateral[2](stride32)) + self.lateral[1](stride16)
        merged = _enlarge(self.smooth[0](merged)) + self.lateral[0](stride8)
        merged = self.smooth[1](merged + self.detail(stride4))
        return pack(self.project(merged), self.fine[0](stride4), self.fine[1](stride2))


class _Residual(nn.Module):
    """Two 3x3 convolutions round a shortcut."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _conv(before, after, stride)
        self.second = nn.Sequential(
            nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(features)) + self.shortcut(features))


def _conv(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(
        _Residual(before, after, stride=2), *(_Residual(after, after) for _ in range(blocks - 1))
    )


def _attention_layer(width: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        width, nhead=width // 32, dim_feedforward=2 * width, dropout=0.0, batch_first=True
    )


def _enlarge(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="nearest")
