"""The XMem network (arXiv 2207.07115): two encoders and a decoder, without any memory.

Names of modules are those of the official checkpoint, so that it loads unchanged. B is the
batch, N the objects, h x w the grid of the memory's stride.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trackanything_core.models.xmem.attention import PositionBias
from trackanything_core.models.xmem.blocks import (
    BasicBlock,
    Bottleneck,
    FeatureFuser,
    ResidualBlock,
    fold_objects,
    gated_update,
    make_stage,
    repeat_for_objects,
    unfold_objects,
)
from trackanything_core.models.xmem.config import NetworkConfig


@dataclass(frozen=True, slots=True, eq=False)
class KeyFeatures:
    """What the key encoder says of a picture.

    Attributes:
        key: (B, Ck, h, w); also the query.
        shrinkage: (B, 1, h, w), at least 1; how sharp a memory element is.
        selection: (B, Ck, h, w) in 0..1; which channels a query cares for.
        f16: (B, C16, h, w), features at the memory's stride.
        f8: (B, C8, H/8, W/8).
        f4: (B, C4, H/4, W/4).
    """

    key: Tensor
    shrinkage: Tensor
    selection: Tensor
    f16: Tensor
    f8: Tensor
    f4: Tensor


class _KeyEncoder(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        block = Bottleneck if config.key_block == "bottleneck" else BasicBlock
        w4, w8, w16 = config.key_widths
        c4, c8, _ = config.feature_dims
        n4, n8, n16 = config.key_depths
        last_stride, dilation = (2, 1) if config.memory_stride == 16 else (1, 2)
        self.conv1 = nn.Conv2d(3, config.key_stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(config.key_stem)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.res2 = make_stage(block, config.key_stem, w4, n4)
        self.layer2 = make_stage(block, c4, w8, n8, stride=2)
        self.layer3 = make_stage(block, c8, w16, n16, last_stride, dilation)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f4 = self.res2(self.maxpool(F.relu(self.bn1(self.conv1(image)), inplace=True)))
        f8 = self.layer2(f4)
        return self.layer3(f8), f8, f4


class _KeyProjection(nn.Module):
    def __init__(self, in_dim: int, key_dim: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(in_dim, key_dim, 3, padding=1)
        self.d_proj = nn.Conv2d(in_dim, 1, 3, padding=1)
        self.e_proj = nn.Conv2d(in_dim, key_dim, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.key_proj(x), self.d_proj(x) ** 2 + 1, torch.sigmoid(self.e_proj(x))


class _HiddenReinforcer(nn.Module):
    """Sensory memory refreshed from a new value ("deep update")."""

    def __init__(self, value_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.transform = nn.Conv2d(value_dim + hidden_dim, hidden_dim * 3, 3, padding=1)

    def forward(self, value: Tensor, hidden: Tensor) -> Tensor:
        merged = fold_objects(torch.cat([value, hidden], dim=2))
        return gated_update(unfold_objects(self.transform(merged), value.shape[0]), hidden)


class _ValueEncoder(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        w4, w8, w16 = config.value_widths
        n4, n8, n16 = config.value_depths
        last_stride, dilation = (2, 1) if config.memory_stride == 16 else (1, 2)
        self.mask_in_value = config.mask_in_value
        self.conv1 = nn.Conv2d(5, config.value_stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(config.value_stem)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = make_stage(BasicBlock, config.value_stem, w4, n4)
        self.layer2 = make_stage(BasicBlock, w4, w8, n8, stride=2)
        self.layer3 = make_stage(BasicBlock, w8, w16, n16, last_stride, dilation)
        encoded = config.value_dim - 1 if config.mask_in_value else config.value_dim
        self.fuser = FeatureFuser(config.feature_dims[2], w16, encoded)
        self.hidden_reinforce = (
            _HiddenReinforcer(config.value_dim, config.hidden_dim) if config.hidden_dim else None
        )

    def forward(self, image: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        batch, objects = masks.shape[:2]
        others = masks.sum(1, keepdim=True) - masks
        x = torch.cat(
            [
                image.unsqueeze(1).expand(-1, objects, -1, -1, -1),
                masks.unsqueeze(2),
                others.unsqueeze(2),
            ],
            dim=2,
        )
        x = F.relu(self.maxpool(self.bn1(self.conv1(fold_objects(x)))), inplace=True)
        x = self.layer3(self.layer2(self.layer1(x)))
        value: Tensor = self.fuser(f16, unfold_objects(x, batch))
        if self.mask_in_value:
            stride = masks.shape[-1] // value.shape[-1]
            value = torch.cat([value, F.avg_pool2d(masks, stride).unsqueeze(2)], dim=2)
        return value


class _UpBlock(nn.Module):
    def __init__(self, skip_dim: int, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skip_dim, in_dim, 3, padding=1)
        self.out_conv = ResidualBlock(in_dim, out_dim)

    def forward(self, skip: Tensor, g: Tensor) -> Tensor:
        """skip: (B, S, H, W), g: (B, N, C, h, w) → (B, N, out, H, W)."""
        batch, objects = g.shape[:2]
        skip = self.skip_conv(skip)
        up = fold_objects(g)
        if up.shape[-2:] != skip.shape[-2:]:
            up = F.interpolate(up, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return unfold_objects(self.out_conv(up + repeat_for_objects(skip, objects)), batch)


class _HiddenUpdater(nn.Module):
    """Sensory memory after an ordinary frame, from the decoder's features."""

    def __init__(self, dims: tuple[int, int, int], mid_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.g16_conv = nn.Conv2d(dims[0], mid_dim, 1)
        self.g8_conv = nn.Conv2d(dims[1], mid_dim, 1)
        self.g4_conv = nn.Conv2d(dims[2], mid_dim, 1)
        self.transform = nn.Conv2d(mid_dim + hidden_dim, hidden_dim * 3, 3, padding=1)

    def forward(self, g16: Tensor, g8: Tensor, g4: Tensor, hidden: Tensor) -> Tensor:
        batch = hidden.shape[0]
        g16, g8, g4 = (fold_objects(g) for g in (g16, g8, g4))
        x = (
            self.g16_conv(g16)
            + self.g8_conv(F.avg_pool2d(g8, g8.shape[-1] // g16.shape[-1]))
            + self.g4_conv(F.avg_pool2d(g4, g4.shape[-1] // g16.shape[-1]))
        )
        x = self.transform(torch.cat([x, fold_objects(hidden)], dim=1))
        return gated_update(unfold_objects(x, batch), hidden)


class _Decoder(nn.Module):
    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        c4, c8, c16 = config.feature_dims
        d16, d8, d4 = config.decoder_widths
        self.fuser = FeatureFuser(c16, config.value_dim + config.hidden_dim, d16)
        self.up_16_8 = _UpBlock(c8, d16, d8)
        self.up_8_4 = _UpBlock(c4, d8, d4)
        self.pred = nn.Conv2d(d4, 1, 3, padding=1)
        self.hidden_update = (
            _HiddenUpdater((d16, d8, d4 + 1), d8, config.hidden_dim) if config.hidden_dim else None
        )

    def forward(
        self,
        features: KeyFeatures,
        readout: Tensor,
        hidden: Tensor | None,
        update_hidden: bool,
    ) -> tuple[Tensor, Tensor | None]:
        batch = readout.shape[0]
        memory = readout if hidden is None else torch.cat([readout, hidden], dim=2)
        g16 = self.fuser(features.f16, memory)
        g8 = self.up_16_8(features.f8, g16)
        g4 = self.up_8_4(features.f4, g8)
        logits = unfold_objects(self.pred(F.relu(fold_objects(g4))), batch)
        if update_hidden and self.hidden_update is not None and hidden is not None:
            hidden = self.hidden_update(g16, g8, torch.cat([g4, logits], dim=2), hidden)
        full = F.interpolate(
            logits.squeeze(2), scale_factor=4, mode="bilinear", align_corners=False
        )
        return full, hidden


class XMemNetwork(nn.Module):
    """Encoders and decoder; pictures are normalised and padded to multiples of 16."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.key_encoder = _KeyEncoder(self.config)
        self.value_encoder = _ValueEncoder(self.config)
        self.key_proj = _KeyProjection(self.config.feature_dims[2], self.config.key_dim)
        self.decoder = _Decoder(self.config)
        self.position_bias = PositionBias() if self.config.position_bias else None

    def encode_key(self, image: Tensor) -> KeyFeatures:
        """image: (B, 3, H, W) float, normalised by the ImageNet mean and deviation."""
        f16, f8, f4 = self.key_encoder(image)
        key, shrinkage, selection = self.key_proj(f16)
        return KeyFeatures(key, shrinkage, selection, f16, f8, f4)

    def encode_value(self, image: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """What to remember of each object.

        Args:
            image: (B, 3, H, W), as for `encode_key`.
            f16: (B, C16, h, w) of the same picture.
            masks: (B, N, H, W) probabilities in 0..1, without background.

        Returns:
            (B, N, Cv, h, w).
        """
        value: Tensor = self.value_encoder(image, f16, masks)
        return value

    def reinforce_hidden(self, value: Tensor, hidden: Tensor) -> Tensor:
        """Deep update of the sensory memory, (B, N, Ch, h, w), from a new value."""
        if self.value_encoder.hidden_reinforce is None:
            return hidden
        out: Tensor = self.value_encoder.hidden_reinforce(value, hidden)
        return out

    def segment(
        self,
        features: KeyFeatures,
        readout: Tensor,
        hidden: Tensor | None = None,
        *,
        update_hidden: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Decode what was read from memory.

        Args:
            features: of the picture in question.
            readout: (B, N, Cv, h, w).
            hidden: (B, N, Ch, h, w), or None for a network without sensory memory.
            update_hidden: also advance the sensory memory by one frame.

        Returns:
            Logits (B, N, H, W) of each object by itself, and the sensory memory.
        """
        out: tuple[Tensor, Tensor | None] = self.decoder(features, readout, hidden, update_hidden)
        return out


def aggregate(probabilities: Tensor, dim: int) -> Tensor:
    """Make objects compete: independent probabilities → a distribution with background.

    Odds are normalised over background and objects; the background's probability is that no
    object is there (arXiv 2207.07115 after arXiv 1906.00142).

    Args:
        probabilities: in 0..1, objects along `dim`.
        dim: the object axis.

    Returns:
        One more entry along `dim`, the background in front; sums to 1.
    """
    background = (1 - probabilities).prod(dim, keepdim=True)
    stacked = torch.cat([background, probabilities], dim).clamp(1e-7, 1 - 1e-7)
    return torch.softmax(torch.log(stacked / (1 - stacked)), dim)
