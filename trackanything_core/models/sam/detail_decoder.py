"""SAM's mask decoder with fine features from the encoder, for networks learnt from little data.

The published decoder draws borders from the embedding alone; an encoder learnt from a billion
masks can pack them in there. Here the maps at strides 2 and 4 are added while the mask is
enlarged, as SAM 2 does (arXiv 2408.00714, section 4).
"""

from __future__ import annotations

import torch
from segment_anything.modeling import MaskDecoder
from torch import Tensor

from trackanything_core.models.sam.packing import unpack


class DetailMaskDecoder(MaskDecoder):  # type: ignore[misc]
    """Takes packed embeddings where SAM's decoder takes embeddings."""

    def predict_masks(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Answer N prompts.

        Args:
            image_embeddings: (1, 4C, h, w) for one picture, or (N, 4C, h, w), one per prompt.
            image_pe: (1, C, h, w) positional code of the cells.
            sparse_prompt_embeddings: (N, tokens, C).
            dense_prompt_embeddings: (N, C, h, w).

        Returns:
            (N, K, 4h, 4w) logits of K candidate masks, and (N, K) predicted IoU.
        """
        count = len(sparse_prompt_embeddings)
        embedding, stride4, stride2 = unpack(image_embeddings)
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        own = own.to(sparse_prompt_embeddings.dtype).expand(count, -1, -1)
        tokens = torch.cat([own, sparse_prompt_embeddings], dim=1)

        cells = embedding + dense_prompt_embeddings
        tokens, answered = self.transformer(cells, image_pe.expand_as(cells), tokens)
        answered = answered.transpose(1, 2).reshape(cells.shape)

        enlarge1, norm, activation1, enlarge2, activation2 = self.output_upscaling
        canvas = activation1(norm(enlarge1(answered) + stride4))
        canvas = activation2(enlarge2(canvas) + stride2)
        brushes = torch.stack(
            [mlp(tokens[:, 1 + k]) for k, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )
        masks = torch.einsum("nkc,nchw->nkhw", brushes, canvas)
        return masks, self.iou_prediction_head(tokens[:, 0])
