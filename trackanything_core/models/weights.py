"""Read weights from a file and put them into a network, strictly and safely."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from trackanything_core.errors import WeightsError

_NAMED_AT_MOST = 20


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Read named tensors onto the CPU; no code in the file is run.

    Args:
        path: a `.safetensors` file, or a PyTorch file that holds a bare state_dict.

    Raises:
        WeightsError: the file is missing, cut short, or holds something else.
    """
    _require_file(path)
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise _unreadable(path, "a safetensors file", error) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise _unreadable(path, "a PyTorch file of tensors alone", error) from error
    if not _is_state_dict(state):
        raise WeightsError(
            f"{path}: expected a bare state_dict (names to tensors), got {_describe(state)}; "
            "save the model's state_dict() alone"
        )
    return dict(state)


def load_metadata(path: Path) -> dict[str, Any]:
    """Read the JSON values in the header of a `.safetensors` file; empty for other files.

    Raises:
        WeightsError: the file is missing, cut short, or its header is not JSON.
    """
    _require_file(path)
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise _unreadable(path, "a safetensors file with JSON metadata", error) from error


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a state_dict and a network differ.

    Attributes:
        missing: names that the network has and the state_dict lacks.
        unexpected: names that the network does not know.
        shapes: name → (shape in the network, shape in the state_dict), where they differ.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

    @classmethod
    def between(cls, module: nn.Module, state: Mapping[str, Tensor]) -> Mismatch:
        """Compare by name and shape; types are not looked at, as copying converts them."""
        own = module.state_dict()
        return cls(
            missing=tuple(name for name in own if name not in state),
            unexpected=tuple(name for name in state if name not in own),
            shapes={
                name: (tuple(own[name].shape), tuple(state[name].shape))
                for name in own
                if name in state and own[name].shape != state[name].shape
            },
        )

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.shapes)

    def __str__(self) -> str:
        shapes = [f"{name} (expected {own}, got {got})" for name, (own, got) in self.shapes.items()]
        parts = [("missing", self.missing), ("unexpected", self.unexpected), ("misshapen", shapes)]
        return "; ".join(f"{len(names)} {kind}: {_listed(names)}" for kind, names in parts if names)


def apply_state_dict(
    module: nn.Module, state: Mapping[str, Tensor], *, source: str | Path, expected: str
) -> None:
    """Copy `state` into `module`; every name and shape must agree, and nothing is copied if not.

    Args:
        module: the network.
        state: names to tensors; converted to the network's types and device.
        source: where `state` comes from, for the error.
        expected: what it should be, for the error, such as "the official XMem.pth".

    Raises:
        WeightsError: names what is missing, unexpected or of another shape.
    """
    if mismatch := Mismatch.between(module, state):
        raise WeightsError(f"{source}: expected {expected}, but of its tensors {mismatch}")
    module.load_state_dict(state)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; check the path or pull the weights")


def _unreadable(path: Path, expected: str, error: Exception) -> WeightsError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return WeightsError(
        f"{path}: expected {expected}, but it is truncated or of another kind "
        f"({path.stat().st_size} bytes; {reason}); get the file again"
    )


def _is_state_dict(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items()
    )


def _describe(value: object) -> str:
    if isinstance(value, Mapping):
        return f"a dictionary of {_listed([str(name) for name in value])}"
    return f"a {type(value).__name__}"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
