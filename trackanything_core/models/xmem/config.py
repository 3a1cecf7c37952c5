"""How wide the network is and which of its options are on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from trackanything_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of an XMem network. The defaults are those of the official checkpoint.

    Attributes:
        key_dim: channels of keys and queries.
        value_dim: channels of a memory value.
        hidden_dim: channels of the sensory memory; 0 leaves the sensory memory out.
        key_block: residual block of the key encoder.
        key_stem: channels after the key encoder's 7x7 stem.
        key_widths: inner width of the key encoder's three stages (a bottleneck puts out 4x).
        key_depths: blocks in each of them.
        value_stem: channels after the value encoder's stem.
        value_widths: width of the value encoder's three stages.
        value_depths: blocks in each of them.
        decoder_widths: channels of the decoder at the memory's stride, at 8 and at 4.
        memory_stride: 16, or 8 to keep the last stage of both encoders at stride 8 (dilated).
        position_bias: near places attract: the similarity falls with the squared distance
            between query and memory, less so the older the memory is.
        mask_in_value: the last channel of a value is the mask itself, averaged over its cell.
    """

    key_dim: int = 64
    value_dim: int = 512
    hidden_dim: int = 64
    key_block: Literal["bottleneck", "basic"] = "bottleneck"
    key_stem: int = 64
    key_widths: tuple[int, int, int] = (64, 128, 256)
    key_depths: tuple[int, int, int] = (3, 4, 6)
    value_stem: int = 64
    value_widths: tuple[int, int, int] = (64, 128, 256)
    value_depths: tuple[int, int, int] = (2, 2, 2)
    decoder_widths: tuple[int, int, int] = (512, 256, 256)
    memory_stride: Literal[8, 16] = 16
    position_bias: bool = False
    mask_in_value: bool = False

    def __post_init__(self) -> None:
        if self.memory_stride not in (8, 16):
            raise ConfigError(f"expected memory_stride 8 or 16, got {self.memory_stride}")
        if self.key_block not in ("bottleneck", "basic"):
            raise ConfigError(f"expected key_block bottleneck or basic, got {self.key_block!r}")

    @property
    def feature_dims(self) -> tuple[int, int, int]:
        """Channels of the key encoder's features: at stride 4, at 8 and at the memory's."""
        expansion = 4 if self.key_block == "bottleneck" else 1
        first, second, third = self.key_widths
        return first * expansion, second * expansion, third * expansion

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetworkConfig:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: a name in `values` is not an option of the network.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown network options {unknown}; known are {sorted(known)}")
        # JSON knows no tuples.
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**options)


EMBEDDED = NetworkConfig(
    key_dim=32,
    value_dim=64,
    hidden_dim=0,
    key_block="basic",
    key_stem=16,
    key_widths=(32, 64, 128),
    key_depths=(2, 2, 2),
    value_stem=16,
    value_widths=(16, 32, 64),
    value_depths=(1, 1, 1),
    decoder_widths=(96, 64, 32),
    memory_stride=8,
    position_bias=True,
    mask_in_value=True,
)
"""The narrow network that ships with the package."""
