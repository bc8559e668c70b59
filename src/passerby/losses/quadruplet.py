"""Quadruplet loss: beside the triplet, a pair of strangers of whom neither is the anchor."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import pairwise_euclidean, same_identity
from passerby.losses.mining import batch_hard
from passerby.losses.spec import LossSpec, Space, Supervision


class QuadrupletLoss(nn.Module):
    """`mean [d_ap - d_an + m₁]+ + [d_ap - d_jk + m₂]+` (Chen et al., CVPR 2017, equation 8), on the hardest pairs.

    `d_ap` and `d_an` are those of batch hard; `d_jk` is the smallest distance between two people of the batch of whom
    neither is the anchor. The second term pushes people apart whoever asks, by the smaller margin m₂. The paper's
    distances are squared and their margins adapted; ours are Euclidean with fixed margins, as for the triplet loss.
    """

    def __init__(self, margin: float = 0.3, pair_margin: float = 0.15) -> None:
        """Choose m₁ and m₂."""
        super().__init__()
        self._margin = margin
        self._pair_margin = pair_margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels; two people leave the triplet term alone."""
        distances = pairwise_euclidean(embeddings)
        positive, negative = batch_hard(distances, labels)
        other = ~same_identity(labels)
        strangers = other[:, :, None] & other[:, None, :] & other[None]
        nearest_pair = distances.expand_as(strangers).masked_fill(~strangers, float("inf")).amin((1, 2))
        second = F.relu(positive - nearest_pair + self._pair_margin)
        return (F.relu(positive - negative + self._margin) + second).mean()


class QuadrupletSpec(LossSpec):
    """Quadruplet loss on the hardest pairs."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["quadruplet"] = Field(description="Quadruplet loss on the hardest pairs.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    margin: float = Field(0.3, description="m₁, of the triplet.")
    pair_margin: float = Field(0.15, description="m₂, of the pair of strangers.")

    def build(self, dimension: int, supervision: Supervision) -> QuadrupletLoss:
        """Make the loss; it has no parameters."""
        return QuadrupletLoss(self.margin, self.pair_margin)
