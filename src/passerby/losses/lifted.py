"""Generalised lifted structure loss: all positives against all negatives."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import mean_or_zero, pairwise_euclidean, positives, same_identity
from passerby.losses.spec import LossSpec, Space, Supervision


class LiftedLoss(nn.Module):
    """`mean_a [ log Σ_{p≠a} e^{d_ap} + log Σ_n e^{m - d_an} ]+` (Hermans et al., 2017, equation 8).

    Both sums are soft maxima: of all positives the farthest counts most, of all negatives the nearest. Anchors
    without another picture of the person are left out.
    """

    def __init__(self, margin: float = 1.0) -> None:
        """Choose m."""
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels."""
        distances, positive = pairwise_euclidean(embeddings), positives(labels)
        anchors = positive.any(1) & ~same_identity(labels).all(1)
        far = distances.masked_fill(~positive, float("-inf"))[anchors].logsumexp(1)
        near = (self._margin - distances).masked_fill(same_identity(labels), float("-inf"))[anchors].logsumexp(1)
        return mean_or_zero(F.relu(far + near))


class LiftedSpec(LossSpec):
    """Generalised lifted structure loss."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["lifted"] = Field(description="Generalised lifted structure loss.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    margin: float = Field(1.0, description="m.")

    def build(self, dimension: int, supervision: Supervision) -> LiftedLoss:
        """Make the loss; it has no parameters."""
        return LiftedLoss(self.margin)
