"""What a SAM network looks like: the official three, and narrow ones with a small encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from trackanything_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class VitEncoderConfig:
    """SAM's own image encoder: a vision transformer with windowed attention, stride 16."""

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    stride: int = 16
    window: int = 14


@dataclass(frozen=True, slots=True)
class ConvEncoderConfig:
    """A small encoder of residual convolutions, with a pyramid that ends at stride 8.

    Attributes:
        widths: channels at strides 2, 4, 8, 16 and 32.
        blocks: residual blocks at strides 4, 8, 16 and 32.
        attention_layers: transformer layers over the coarsest map, for context.
    """

    widths: tuple[int, int, int, int, int] = (24, 48, 96, 160, 224)
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    attention_layers: int = 1
    stride: int = 8


@dataclass(frozen=True, slots=True)
class SamConfig:
    """A whole network: image encoder, prompt encoder and mask decoder.

    Attributes:
        image_size: side of the square that pictures are letterboxed into; pixels.
        embed_dim: channels of the image embedding, the prompts and the decoder.
        weigh_candidates: one click alone is answered by the best of three masks, as published.
            A network that has learnt too little to rank them answers with its single mask.
        obey_clicks: make masks agree with the clicks; see `obedience`. Not as published.
        many_views: average the answers of several looks at a picture; see `many_views`. Only with
            a convolutional encoder; not as published.
    """

    encoder: VitEncoderConfig | ConvEncoderConfig
    image_size: int = 1024
    embed_dim: int = 256
    decoder_heads: int = 8
    decoder_mlp: int = 2048
    mask_prompt_channels: int = 16
    iou_head_hidden: int = 256
    weigh_candidates: bool = True
    obey_clicks: bool = False
    many_views: bool = False

    @property
    def embedding_size(self) -> int:
        """Side of the image embedding; cells."""
        return self.image_size // self.encoder.stride

    @property
    def mask_size(self) -> int:
        """Side of the low-resolution logits and of the mask prompt; pixels."""
        return 4 * self.embedding_size

    def at_size(self, image_size: int) -> SamConfig:
        """The same network for pictures letterboxed to another side."""
        return replace(self, image_size=image_size)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the metadata of a weights file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> SamConfig:
        """Read what `to_dict` wrote, JSON between them or not.

        Raises:
            ConfigError: the fields are not those of such a configuration.
        """
        try:
            encoder: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in fields["encoder"].items()
            }
            rest: dict[str, Any] = {
                name: value for name, value in fields.items() if name != "encoder"
            }
            if "window" in encoder:
                return cls(encoder=VitEncoderConfig(**encoder), **rest)
            return cls(encoder=ConvEncoderConfig(**encoder), **rest)
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"expected the configuration of a SAM network, got {str(fields)[:80]} ({error}): "
                "the weights file was written by another program or another version"
            ) from error


NARROW = SamConfig(
    encoder=ConvEncoderConfig(),
    image_size=256,
    embed_dim=128,
    decoder_heads=4,
    decoder_mlp=512,
    iou_head_hidden=128,
    weigh_candidates=False,
    obey_clicks=True,
    many_views=True,
)
"""What training builds by default: small enough to ship inside the package."""

OFFICIAL: Mapping[str, SamConfig] = MappingProxyType(
    {
        "sam_vit_h": SamConfig(VitEncoderConfig(1280, 32, 16, (7, 15, 23, 31))),
        "sam_vit_l": SamConfig(VitEncoderConfig(1024, 24, 16, (5, 11, 17, 23))),
        "sam_vit_b": SamConfig(VitEncoderConfig(768, 12, 12, (2, 5, 8, 11))),
    }
)
"""The networks of the published checkpoints (arXiv 2304.02643, appendix A)."""
