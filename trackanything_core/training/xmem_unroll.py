"""One training clip through the network: remember, read, decode, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trackanything_core.models.xmem.attention import (
    Places,
    dense_affinity,
    grid_places,
    similarity,
)
from trackanything_core.models.xmem.network import KeyFeatures, XMemNetwork, aggregate


def unroll(
    network: XMemNetwork,
    frames: Tensor,
    first_masks: Tensor,
    *,
    times: Sequence[float],
    remembered: Sequence[Sequence[int]],
    top_k: int | None = 60,
) -> list[Tensor]:
    """Track the objects of a batch of clips from their first frame.

    Args:
        network: without sensory memory.
        frames: (B, T, 3, H, W), normalised; sides are multiples of 16.
        first_masks: (B, N, H, W) in 0..1, the truth on frame 0.
        times: of the T frames, counted in frames; sets the age of memories.
        remembered: for each frame after the first, the earlier frames that it reads.
        top_k: memory elements that each query reads.

    Returns:
        For each frame after the first, (B, N + 1, H, W) probabilities with background.
    """
    batch, length = frames.shape[:2]
    features = _split(network.encode_key(frames.flatten(0, 1)), batch, length)
    values = [network.encode_value(frames[:, 0], features[0].f16, first_masks)]
    outputs: list[Tensor] = []
    for t in range(1, length):
        readout = _read(network, features, values, times, t, remembered[t - 1], top_k)
        logits, _ = network.segment(features[t], readout)
        probabilities = aggregate(torch.sigmoid(logits.float()), dim=1)
        outputs.append(probabilities)
        if any(t in later for later in remembered[t:]):
            value = network.encode_value(frames[:, t], features[t].f16, probabilities[:, 1:])
        else:
            value = values[0].new_zeros(())
        values.append(value)
    return outputs


def _split(features: KeyFeatures, batch: int, length: int) -> list[KeyFeatures]:
    parts = [
        getattr(features, name).unflatten(0, (batch, length)).unbind(1)
        for name in ("key", "shrinkage", "selection", "f16", "f8", "f4")
    ]
    return [KeyFeatures(*frame) for frame in zip(*parts, strict=True)]


def _read(
    network: XMemNetwork,
    features: Sequence[KeyFeatures],
    values: Sequence[Tensor],
    times: Sequence[float],
    t: int,
    remembered: Sequence[int],
    top_k: int | None,
) -> Tensor:
    """Readout of frame t, (B, N, Cv, h, w)."""
    height, width = features[t].key.shape[-2:]
    stride = network.config.memory_stride
    value = torch.cat([values[m].flatten(3) for m in remembered], dim=-1)
    # Squared distances cancel in bfloat16: similarities are always taken in full precision.
    with torch.autocast(value.device.type, enabled=False):
        keys = torch.cat([_rows(features[m].key) for m in remembered], dim=1)
        shrinkage = torch.cat([features[m].shrinkage.flatten(1) for m in remembered], dim=1)
        places = [grid_places(height, width, stride, times[m], keys) for m in remembered]
        similarities = similarity(
            _rows(features[t].key),
            _rows(features[t].selection),
            keys,
            shrinkage.float(),
            bias=network.position_bias,
            query_places=grid_places(height, width, stride, times[t], keys),
            memory_places=Places(
                torch.cat([place.xy for place in places]),
                torch.cat([place.time for place in places]),
            ),
        )
        affinity = dense_affinity(similarities, top_k)
    readout = torch.einsum("bncm,bpm->bncp", value, affinity.to(value.dtype))
    return torch.unflatten(readout, -1, (height, width))


def _rows(x: Tensor) -> Tensor:
    """(B, C, h, w) → (B, h·w, C) float32."""
    return x.flatten(2).transpose(1, 2).float()
