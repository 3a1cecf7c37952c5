"""From a weights file to a segmenter that is ready to run."""

from __future__ import annotations

from pathlib import Path

import torch

from trackanything_core.errors import ConfigError, WeightsError
from trackanything_core.models.sam.build import build_sam
from trackanything_core.models.sam.config import SamConfig
from trackanything_core.models.sam.many_views import ManyViewsSegmenter
from trackanything_core.models.sam.segmenter import SamSegmenter
from trackanything_core.models.weights import apply_state_dict, load_metadata, load_state_dict

NETWORK = "network"
"""Name of the network's configuration in the file's metadata."""


def load_sam(
    path: Path, config: SamConfig | None, *, name: str, device: torch.device
) -> SamSegmenter | ManyViewsSegmenter:
    """Read weights into the network that they were made for.

    Args:
        path: a published checkpoint, or a `.safetensors` file written by training.
        config: the network; None takes the one in the file's metadata.
        name: of the weights, for people.
        device: where to compute.

    Raises:
        WeightsError: the file is missing, truncated or made for another network.
        ConfigError: segment-anything cannot be imported.
    """
    state = load_state_dict(path)
    if config is None:
        config = described_config(path)
    sam = build_sam(config)
    apply_state_dict(sam, state, source=path, expected=f"the weights of {name}")
    sam.to(device).requires_grad_(False)
    if config.many_views:
        return ManyViewsSegmenter(sam, config, name)
    return SamSegmenter(
        sam,
        name,
        weigh_candidates=config.weigh_candidates,
        obey_clicks=config.obey_clicks,
    )


def described_config(path: Path) -> SamConfig:
    """The network that a file written by training describes in its metadata.

    Raises:
        WeightsError: the file is missing or truncated, or describes no SAM network.
    """
    metadata = load_metadata(path)
    if NETWORK not in metadata:
        raise WeightsError(
            f"{path}: expected a .safetensors file whose metadata describes a SAM network, "
            "found no such description; name the network, such as sam_vit_h, beside the file"
        )
    try:
        return SamConfig.from_dict(metadata[NETWORK])
    except ConfigError as error:
        raise WeightsError(
            f"{path}: expected the weights of a SAM network, but its metadata describes "
            "another one: give the file to the model that it was made for"
        ) from error
