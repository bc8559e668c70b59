"""Contrastive loss on pairs."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import euclidean_of_pairs, mean_or_zero
from passerby.losses.spec import Extra, LossSpec, Space, Supervision


class ContrastiveLoss(nn.Module):
    """`½ d²` for pairs of one person and `½ [m - d]+²` for others (Hadsell et al., CVPR 2006, equation 4).

    The mean over pairs of one person and that over pairs of strangers are added, so that the many strangers of a PK
    batch do not outweigh the rest.
    """

    def __init__(self, margin: float = 1.0) -> None:
        """Choose m."""
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor, pairs: Tensor) -> Tensor:
        """Loss of (B, D) float embeddings with (B,) int64 labels, over (M, 2) int64 pairs of rows."""
        distances = euclidean_of_pairs(embeddings, pairs)
        same = torch.eq(*labels[pairs].unbind(1))
        near = 0.5 * distances[same].square()
        far = 0.5 * F.relu(self._margin - distances[~same]).square()
        return mean_or_zero(near) + mean_or_zero(far)


class ContrastiveSpec(LossSpec):
    """Contrastive loss on the batch's pairs."""

    extras: ClassVar[tuple[Extra, ...]] = ("pairs",)
    needs_positives: ClassVar[bool] = True

    kind: Literal["contrastive"] = Field(description="Contrastive loss on pairs.")
    space: Space = Field("unit", description="Which embeddings it sees.")
    margin: float = Field(1.0, gt=0, description="m: strangers farther than this count no more.")

    def build(self, dimension: int, supervision: Supervision) -> ContrastiveLoss:
        """Make the loss; it has no parameters."""
        return ContrastiveLoss(self.margin)
