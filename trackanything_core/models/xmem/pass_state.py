"""A pass as bytes, and what tells whether they belong to these weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from trackanything_core.errors import CheckpointError
from trackanything_core.models.xmem.network import XMemNetwork

_FACTS = "facts"


def pack_pass(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """Write tensors and plain values as safetensors.

    Args:
        tensors: on any device; the name "facts" is taken.
        facts: JSON.
    """
    # Parts of memory may be views of each other, and safetensors takes none.
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    own[_FACTS] = torch.frombuffer(bytearray(json.dumps(dict(facts)).encode()), dtype=torch.uint8)
    return save(own)


def unpack_pass(data: bytes, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The inverse of `pack_pass`, with the tensors on a device.

    Raises:
        CheckpointError: the bytes are damaged.
    """
    try:
        tensors = load(data)
        facts = json.loads(bytes(tensors.pop(_FACTS).tolist()))
    except (SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"expected the state of a pass as safetensors, got {len(data)} bytes that are none "
            f"({error}): start the pass anew"
        ) from error
    return {name: tensor.to(device) for name, tensor in tensors.items()}, facts


def fingerprint(network: XMemNetwork) -> str:
    """Tells the weights of a network from any others; reads them all."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
