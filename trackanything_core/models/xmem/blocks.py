"""The residual blocks, gates and updates that the encoders and the decoder are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fold_objects(x: Tensor) -> Tensor:
    """(B, N, C, H, W) → (B·N, C, H, W), so that a layer sees objects as a batch."""
    return x.flatten(0, 1)


def unfold_objects(x: Tensor, batch: int) -> Tensor:
    """(B·N, C, H, W) → (B, N, C, H, W)."""
    return torch.unflatten(x, 0, (batch, -1))


def repeat_for_objects(x: Tensor, objects: int) -> Tensor:
    """(B, C, H, W) → (B·N, C, H, W): the same features for each object of a picture."""
    return x.unsqueeze(1).expand(-1, objects, -1, -1, -1).flatten(0, 1)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut, as in ResNet-18."""

    expansion = 1

    def __init__(self, in_dim: int, width: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_dim, width, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(in_dim, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 (with the stride), 1x1 to four times the width, as in ResNet-50."""

    expansion = 4

    def __init__(self, in_dim: int, width: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        out_dim = width * self.expansion
        self.conv1 = nn.Conv2d(in_dim, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_dim, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_dim)
        self.downsample = _shortcut(in_dim, out_dim, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = F.relu(self.bn2(self.conv2(out)), inplace=True)
        out = self.bn3(self.conv3(out))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


def _shortcut(in_dim: int, out_dim: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_dim == out_dim:
        return None
    return nn.Sequential(nn.Conv2d(in_dim, out_dim, 1, stride, bias=False), nn.BatchNorm2d(out_dim))


def make_stage(
    block: type[BasicBlock] | type[Bottleneck],
    in_dim: int,
    width: int,
    depth: int,
    stride: int = 1,
    dilation: int = 1,
) -> nn.Sequential:
    """`depth` blocks; the first one takes the stride and changes the channels."""
    first = block(in_dim, width, stride, dilation)
    rest = (block(width * block.expansion, width, 1, dilation) for _ in range(depth - 1))
    return nn.Sequential(first, *rest)


class ResidualBlock(nn.Module):
    """Pre-activated residual block without norm, as used in the fusers and the decoder."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.downsample = None if in_dim == out_dim else nn.Conv2d(in_dim, out_dim, 3, padding=1)
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, padding=1)
        self.conv2 = nn.Conv2d(out_dim, out_dim, 3, padding=1)

    def forward(self, g: Tensor) -> Tensor:
        out: Tensor = self.conv2(F.relu(self.conv1(F.relu(g))))
        return out + (g if self.downsample is None else self.downsample(g))


class ChannelGate(nn.Module):
    """Scale channels by what their mean and their maximum over the picture say (CBAM)."""

    def __init__(self, dim: int, reduction: int = 16) -> None:
        super().__init__()
        inner = max(dim // reduction, 1)
        # The official checkpoint numbers the linear layers 1 and 3.
        self.mlp = nn.Sequential(
            nn.Identity(), nn.Linear(dim, inner), nn.ReLU(), nn.Linear(inner, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        gate = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * torch.sigmoid(gate)[:, :, None, None]


class _ConvOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class SpatialGate(nn.Module):
    """Scale places by what the maximum and the mean over channels say (CBAM)."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = _ConvOnly()

    def forward(self, x: Tensor) -> Tensor:
        summary = torch.stack([x.amax(1), x.mean(1)], dim=1)
        return x * torch.sigmoid(self.spatial(summary))


class CBAM(nn.Module):
    """Channel gate, then spatial gate (arXiv 1807.06521)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.ChannelGate = ChannelGate(dim)
        self.SpatialGate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.SpatialGate(self.ChannelGate(x))
        return out


class FeatureFuser(nn.Module):
    """Merge the picture's features with each object's own, (B, N, G, h, w)."""

    def __init__(self, x_dim: int, g_dim: int, out_dim: int) -> None:
        super().__init__()
        self.block1 = ResidualBlock(x_dim + g_dim, out_dim)
        self.attention = CBAM(out_dim)
        self.block2 = ResidualBlock(out_dim, out_dim)

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        """x: (B, X, h, w), g: (B, N, G, h, w) → (B, N, out, h, w)."""
        batch, objects = g.shape[:2]
        merged = torch.cat([repeat_for_objects(x, objects), fold_objects(g)], dim=1)
        merged = self.block1(merged)
        return unfold_objects(self.block2(merged + self.attention(merged)), batch)


def gated_update(values: Tensor, hidden: Tensor) -> Tensor:
    """XMem's GRU-like step (arXiv 2207.07115, section 3.4).

    Unlike the textbook GRU the candidate does not see the forget gate.

    Args:
        values: (B, N, 3C, h, w), forget, update and candidate before their non-linearities.
        hidden: (B, N, C, h, w).
    """
    forget, update, candidate = values.chunk(3, dim=2)
    update = torch.sigmoid(update)
    return torch.sigmoid(forget) * hidden * (1 - update) + update * torch.tanh(candidate)
