"""Margin sample mining: one pair of pairs a batch."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import pairwise_euclidean
from passerby.losses.mining import batch_hard
from passerby.losses.spec import LossSpec, Space, Supervision


class MarginSampleMiningLoss(nn.Module):
    """`[largest distance within a person - smallest between two + m]+` over the batch (Xiao et al., MSML, 2017).

    The two pairs need not share an anchor.
    """

    def __init__(self, margin: float = 0.3) -> None:
        """Choose m."""
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Loss of (B, D) float embeddings with (B,) int64 labels, at least two people among them."""
        positive, negative = batch_hard(pairwise_euclidean(embeddings), labels)
        return F.relu(positive.amax() - negative.amin() + self._margin)


class MarginSampleMiningSpec(LossSpec):
    """Margin sample mining."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["msml"] = Field(description="Margin sample mining: the hardest pair of pairs of the batch.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    margin: float = Field(0.3, description="m.")

    def build(self, dimension: int, supervision: Supervision) -> MarginSampleMiningLoss:
        """Make the loss; it has no parameters."""
        return MarginSampleMiningLoss(self.margin)
