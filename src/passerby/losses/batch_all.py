"""Triplet loss over all triplets of a batch."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import pairwise_euclidean, positives, same_identity
from passerby.losses.spec import LossSpec, Space, Supervision


class BatchAllLoss(nn.Module):
    """`[d_ap - d_an + m]+` averaged over the triplets where it is not 0 (Hermans et al., 2017, section 2).

    Averaged over all of them, it would vanish in the many triplets that are learnt already.
    """

    def __init__(self, margin: float = 0.3) -> None:
        """Choose m."""
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels; 0 where every triplet is learnt."""
        distances = pairwise_euclidean(embeddings)
        losses = F.relu(distances[:, :, None] - distances[:, None, :] + self._margin)
        triplets = positives(labels)[:, :, None] & ~same_identity(labels)[:, None, :]
        losses = torch.where(triplets, losses, torch.zeros_like(losses))
        return losses.sum() / (losses > 0).sum().clamp(min=1)


class BatchAllSpec(LossSpec):
    """Triplet loss over all triplets."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["batch_all"] = Field(description="Triplet loss over all triplets of the batch.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    margin: float = Field(0.3, description="m.")

    def build(self, dimension: int, supervision: Supervision) -> BatchAllLoss:
        """Make the loss; it has no parameters."""
        return BatchAllLoss(self.margin)
