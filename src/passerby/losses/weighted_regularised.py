"""Weighted regularised triplet loss: all pairs, the harder the heavier, and no margin."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import mean_or_zero, pairwise_euclidean, positives, same_identity
from passerby.losses.spec import LossSpec, Space, Supervision


class WeightedRegularisedTripletLoss(nn.Module):
    """`mean_a log(1 + exp(Σ_p w_p d_ap - Σ_n w_n d_an))` (Ye et al., AGW, TPAMI 2022, equation 4).

    `w_p` is the softmax of the anchor's distances to its positives, `w_n` that of its negated distances to negatives.
    Anchors without another picture of the person are left out.
    """

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels."""
        distances, positive, same = pairwise_euclidean(embeddings), positives(labels), same_identity(labels)
        anchors = positive.any(1) & ~same.all(1)
        distances, positive, same = distances[anchors], positive[anchors], same[anchors]
        far = (distances.masked_fill(~positive, float("-inf")).softmax(1) * distances).sum(1)
        near = ((-distances).masked_fill(same, float("-inf")).softmax(1) * distances).sum(1)
        return mean_or_zero(F.softplus(far - near))


class WeightedRegularisedTripletSpec(LossSpec):
    """Weighted regularised triplet loss."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["weighted_regularised_triplet"] = Field(description="Weighted regularised triplet loss (AGW).")
    space: Space = Field("raw", description="Which embeddings it sees.")

    def build(self, dimension: int, supervision: Supervision) -> WeightedRegularisedTripletLoss:
        """Make the loss; it has no parameters."""
        return WeightedRegularisedTripletLoss()
