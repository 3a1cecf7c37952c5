"""From a configuration to a network, out of the parts of the segment-anything package."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING

from torch import nn

from trackanything_core.errors import ConfigError
from trackanything_core.models.sam.config import SamConfig, VitEncoderConfig
from trackanything_core.models.sam.conv_encoder import ConvImageEncoder

if TYPE_CHECKING:
    from segment_anything.modeling import Sam


def build_sam(config: SamConfig) -> Sam:
    """A network with fresh random weights, in evaluation mode, on the CPU.

    Raises:
        ConfigError: segment-anything cannot be imported in this environment.
    """
    try:
        from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

        from trackanything_core.models.sam.detail_decoder import DetailMaskDecoder
    except (ImportError, RuntimeError) as error:
        # A torchvision built for another torch fails with RuntimeError in its custom operators.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"segment-anything cannot be imported ({reason}): it needs a torchvision built for "
            "the torch that is installed; install both anew from one index, both for CPU or both "
            "for the same CUDA"
        ) from error

    cells = (config.embedding_size, config.embedding_size)
    transformer = TwoWayTransformer(
        depth=2,
        embedding_dim=config.embed_dim,
        mlp_dim=config.decoder_mlp,
        num_heads=config.decoder_heads,
    )
    is_vit = isinstance(config.encoder, VitEncoderConfig)
    sam = Sam(
        image_encoder=_image_encoder(config),
        prompt_encoder=PromptEncoder(
            embed_dim=config.embed_dim,
            image_embedding_size=cells,
            input_image_size=(config.image_size, config.image_size),
            mask_in_chans=config.mask_prompt_channels,
        ),
        mask_decoder=(MaskDecoder if is_vit else DetailMaskDecoder)(
            num_multimask_outputs=3,
            transformer=transformer,
            transformer_dim=config.embed_dim,
            iou_head_depth=3,
            iou_head_hidden_dim=config.iou_head_hidden,
        ),
    )
    return sam.eval()


def set_image_size(sam: Sam, config: SamConfig) -> None:
    """Let a network with a convolutional encoder take pictures of another size, in place.

    Its weights do not depend on the size, as positions are coded relative to the square.
    """
    cells = (config.embedding_size, config.embedding_size)
    sam.image_encoder.img_size = config.image_size
    sam.prompt_encoder.image_embedding_size = cells
    sam.prompt_encoder.input_image_size = (config.image_size, config.image_size)
    sam.prompt_encoder.mask_input_size = (config.mask_size, config.mask_size)


def at_image_size(sam: Sam, config: SamConfig) -> Sam:
    """The same network for pictures of another size; shares the weights, leaves `sam` alone."""
    other = copy.copy(sam)
    other._modules = dict(sam._modules)
    other.image_encoder = copy.copy(sam.image_encoder)
    other.prompt_encoder = copy.copy(sam.prompt_encoder)
    set_image_size(other, config)
    return other


def _image_encoder(config: SamConfig) -> nn.Module:
    encoder = config.encoder
    if not isinstance(encoder, VitEncoderConfig):
        return ConvImageEncoder(encoder, config.image_size, config.embed_dim)
    from segment_anything.modeling import ImageEncoderViT

    vit: nn.Module = ImageEncoderViT(
        img_size=config.image_size,
        patch_size=encoder.stride,
        embed_dim=encoder.width,
        depth=encoder.depth,
        num_heads=encoder.heads,
        mlp_ratio=4,
        out_chans=config.embed_dim,
        qkv_bias=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=encoder.window,
        global_attn_indexes=encoder.global_blocks,
    )
    return vit
