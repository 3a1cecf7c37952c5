"""Which processor the networks run on."""

from __future__ import annotations

import torch

from trackanything_core.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes the best one at hand.

    Args:
        name: "auto", "cpu", "mps", "cuda", or "cuda:1" and so on.

    Raises:
        ConfigError: there is no such device here, or no such name.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and not (kind == "cuda" and index.isdecimal())):
        raise ConfigError(f"expected a device out of {', '.join(DEVICES)} or cuda:N, got {name!r}")
    if kind == "cuda":
        _require_cuda(name, int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(
            "device mps was asked for, but this is no Mac with Metal: use auto or cpu"
        )
    return torch.device(name)


def _require_cuda(name: str, index: int) -> None:
    if torch.version.cuda is None:
        raise ConfigError(
            f"device {name} was asked for, but this torch ({torch.__version__}) is built for CPU "
            "only: install a CUDA build of torch and torchvision, or use auto or cpu"
        )
    count = torch.cuda.device_count()
    if index >= count:
        raise ConfigError(
            f"device {name} was asked for, but torch sees {count} CUDA devices: "
            "check the driver (nvidia-smi), or use auto or cpu"
        )


def used_bytes(device: torch.device) -> int:
    """Memory of the device that this process holds; 0 where it is the machine's own."""
    return torch.cuda.memory_reserved(device) if device.type == "cuda" else 0
