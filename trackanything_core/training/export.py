"""Trained weights as they are shipped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor


def export_weights(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a state_dict in half precision, with JSON values in the header, atomically.

    Args:
        path: `.safetensors` file, replaced if it exists.
        state: names to tensors; floating-point ones are stored as float16.
        metadata: names to JSON-able values, such as the network's configuration.
    """
    half = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in state.items()
    }
    temporary = path.with_suffix(".tmp")
    save_file(half, temporary, {name: json.dumps(value) for name, value in metadata.items()})
    temporary.replace(path)


def describe_hardware(device: torch.device) -> str:
    """What a run computes on, for the record beside its weights."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} thread{'s'[: torch.get_num_threads() > 1]}"
