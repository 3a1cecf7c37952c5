"""Names of weights → networks that are ready to use."""

from __future__ import annotations

from pathlib import Path

from trackanything_core.errors import ConfigError, WeightsError
from trackanything_core.models.base import PropagatorFactory, Segmenter
from trackanything_core.models.device import pick_device
from trackanything_core.models.sam.checkpoint import load_sam
from trackanything_core.models.sam.config import OFFICIAL
from trackanything_core.models.xmem.propagator import XMemPropagatorFactory

EMBEDDED = "embedded"
"""Name of the small weights that lie in the package and need no download."""

SEGMENTERS = (EMBEDDED, *OFFICIAL)
PROPAGATORS = (EMBEDDED, "xmem")

EMBEDDED_FOLDER = Path(__file__).parent / "embedded"


def available() -> dict[str, tuple[str, ...]]:
    """The names that the loaders know: {"segmenters": …, "propagators": …}."""
    return {"segmenters": SEGMENTERS, "propagators": PROPAGATORS}


def load_segmenter(
    name: str = EMBEDDED, weights: Path | None = None, device: str = "auto"
) -> Segmenter:
    """Load a SAM network.

    Args:
        name: one of `SEGMENTERS`.
        weights: its file; only "embedded" has one of its own.
        device: see `pick_device`.

    Raises:
        WeightsError: no file was given, or it is missing, truncated or made for another network.
        ConfigError: there is no such name or device.
    """
    path = _weights_file(name, SEGMENTERS, weights, "sam.safetensors")
    return load_sam(path, OFFICIAL.get(name), name=name, device=pick_device(device))


def load_propagator(
    name: str = EMBEDDED, weights: Path | None = None, device: str = "auto"
) -> PropagatorFactory:
    """Load an XMem network; arguments and errors as for `load_segmenter`."""
    path = _weights_file(name, PROPAGATORS, weights, "xmem.safetensors")
    return XMemPropagatorFactory.load(path, name=name, device=pick_device(device))


def _weights_file(name: str, known: tuple[str, ...], weights: Path | None, embedded: str) -> Path:
    if name not in known:
        raise ConfigError(f"expected one of {', '.join(known)}, got {name!r}")
    if weights is not None:
        return weights
    if name != EMBEDDED:
        raise WeightsError(f"{name} needs its weights file: download it and give its path")
    return EMBEDDED_FOLDER / embedded
