"""Deterministic weights in the official layout, remade from names and shapes with NumPy alone.

They are random, so masks mean nothing; outputs that agree mean everything. Each name seeds its
own generator, so the order of names does not matter.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_NORM = re.compile(r"\.(bn\d|downsample\.1)\.(weight|bias|running_mean|running_var)$")
_LAST_NORM_OF_A_BRANCH = re.compile(r"^(key_encoder\..*\.bn3|value_encoder\..*\.bn2)\.weight$")
_GAINS = {
    "key_proj.key_proj.weight": 0.55,
    "key_proj.d_proj.weight": 0.35,
    "value_encoder.hidden_reinforce.transform.weight": 0.7,
    "decoder.hidden_update.transform.weight": 0.7,
    "decoder.up_16_8.skip_conv.weight": 0.3,
    "decoder.up_8_4.skip_conv.weight": 0.3,
    "decoder.pred.weight": 1.5,
}
_PICTURE_CHANNELS = 1024
_CENTRE_OF_LOGITS = {"": -1.7, "heldout": -3.4}


def standin_weights(keys: Iterable[Mapping[str, Any]], salt: str) -> dict[str, Array]:
    """Weights for each entry of `state_dict.json`'s `keys`, float32 (counters int64).

    Args:
        keys: mappings with `key` and `shape`.
        salt: goes into every seed and chooses the centre of the logits.
    """
    return {entry["key"]: _tensor(entry["key"], tuple(entry["shape"]), salt) for entry in keys}


def _tensor(name: str, shape: tuple[int, ...], salt: str) -> Array:
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    seed = zlib.crc32((name + salt).encode())
    z = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)
    if match := _NORM.search(name):
        values = _norm(name, match[2], z)
    elif name.endswith("bias"):
        values = 0.05 * z
        if name == "decoder.pred.bias":
            values = values + _CENTRE_OF_LOGITS.get(salt, -2.5)
    else:
        values = _weight(name, z)
    return values.astype(np.float32)


def _norm(name: str, kind: str, z: Array) -> Array:
    if kind == "running_var":
        return np.exp(0.2 * z)
    if kind != "weight":
        return 0.1 * z
    if _LAST_NORM_OF_A_BRANCH.match(name):
        base = 0.35
    else:
        base = 0.8 if ".downsample.1." in name else 1.0
    return base * (1 + 0.1 * z)


def _weight(name: str, z: Array) -> Array:
    values = z * math.sqrt(2 / math.prod(z.shape[1:]))
    if ".fuser." in name or ".out_conv." in name:
        if ".conv2." in name:
            values = values * 0.5
        elif ".conv1." in name or ".downsample." in name:
            values = values * math.sqrt(0.5)
    values = values * _GAINS.get(name, 1.0)
    if name == "value_encoder.conv1.weight":
        values[:, 3:5] *= 6
    if ".fuser.block1.conv1." in name or ".fuser.block1.downsample." in name:
        values[:, :_PICTURE_CHANNELS] *= 0.25
    if name == "decoder.pred.weight":
        values = values - values.mean(axis=1, keepdims=True)
    return values
