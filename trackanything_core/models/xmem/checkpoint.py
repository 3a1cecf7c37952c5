"""From a weights file to a network that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from trackanything_core.errors import ConfigError, WeightsError
from trackanything_core.models.weights import apply_state_dict, load_metadata, load_state_dict
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.network import XMemNetwork
from trackanything_core.models.xmem.settings import PropagationSettings

NETWORK = "network"
"""Name of the network's configuration in the file's metadata."""
PROPAGATION = "propagation"
"""Name of the settings in the file's metadata with which the weights are best run."""


def load_network(path: Path) -> tuple[XMemNetwork, PropagationSettings]:
    """Read a network and the settings that suit it.

    A `.safetensors` file says in its metadata what it holds. Any other file is taken as an
    official checkpoint, whose three free dimensions are read from its shapes.

    Args:
        path: weights file.

    Returns:
        The network on the CPU in evaluation mode, float32, and its settings.

    Raises:
        WeightsError: the file is missing, cut short, or holds another model.
    """
    state = load_state_dict(path)
    metadata = load_metadata(path)
    try:
        settings = PropagationSettings.from_dict(metadata.get(PROPAGATION, {}))
        described = NetworkConfig.from_dict(metadata[NETWORK]) if NETWORK in metadata else None
    except ConfigError as error:
        raise WeightsError(
            f"{path}: expected the metadata of an XMem network, but it has {error}; "
            "give the file to the model that it was made for"
        ) from error
    config = described or official_config(state, source=path)
    if described is None:
        state = with_channel_for_others(state)
        expected = "a state_dict of the official XMem, such as XMem.pth"
    else:
        expected = "the XMem network that its metadata describes"
    # On the meta device initial values would cost nothing, but there torch imports a solver first,
    # which takes longer than they do.
    network = XMemNetwork(config)
    apply_state_dict(network, state, source=path, expected=expected)
    return network.eval().requires_grad_(False), settings


def official_config(state: Mapping[str, Tensor], *, source: Path) -> NetworkConfig:
    """The official network with the dimensions that a checkpoint has.

    Raises:
        WeightsError: `state` lacks a tensor that every XMem checkpoint has.
    """

    def rows(name: str) -> int:
        if name not in state or state[name].ndim == 0:
            raise WeightsError(
                f"{source}: expected a state_dict of the official XMem, such as XMem.pth, but it "
                f"has no {name}; this is a checkpoint of another model"
            )
        return len(state[name])

    return NetworkConfig(
        key_dim=rows("key_proj.key_proj.weight"),
        value_dim=rows("value_encoder.fuser.block2.conv2.weight"),
        hidden_dim=rows("decoder.hidden_update.transform.weight") // 3,
    )


def with_channel_for_others(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Widen the checkpoint of a network for single objects.

    Its value encoder lacks the last input channel, the masks of the other objects; weights of
    zero there leave its answers for one object as they are.
    """
    name = "value_encoder.conv1.weight"
    weight = state.get(name)
    if weight is None or weight.ndim != 4 or weight.shape[1] != 4:
        return dict(state)
    return {**state, name: torch.cat([weight, torch.zeros_like(weight[:, :1])], dim=1)}
