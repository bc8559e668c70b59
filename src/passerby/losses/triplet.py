"""Triplet loss with hard mining."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import pairwise_euclidean
from passerby.losses.mining import batch_hard
from passerby.losses.spec import LossSpec, Space


class BatchHardTripletLoss(nn.Module):
    """Batch-hard triplet loss (Hermans et al., "In Defense of the Triplet Loss", 2017, equation 5).

    With a margin m, `mean [d_ap - d_an + m]+`; with "soft", `mean log(1 + exp(d_ap - d_an))`, where `d_ap` is each
    anchor's largest Euclidean distance to the same person and `d_an` its smallest to another.
    """

    def __init__(self, margin: float | Literal["soft"] = 0.3) -> None:
        """Choose the margin."""
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels, at least two people among them."""
        positive, negative = batch_hard(pairwise_euclidean(embeddings), labels)
        if self._margin == "soft":
            return F.softplus(positive - negative).mean()
        return F.relu(positive - negative + self._margin).mean()


class TripletSpec(LossSpec):
    """Batch-hard triplet loss; on raw embeddings unless said otherwise."""

    kind: Literal["triplet"] = Field(description="Batch-hard triplet loss.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    mining: Literal["batch_hard"] = Field("batch_hard", description="The farthest positive, the nearest negative.")
    margin: float | Literal["soft"] = Field(0.3, description='m, or "soft".')

    def build(self, dimension: int, classes: int) -> BatchHardTripletLoss:
        """Make the loss; it has no parameters."""
        return BatchHardTripletLoss(self.margin)
