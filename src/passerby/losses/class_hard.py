"""Class-hard mining: one comparison a person."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import pairwise_euclidean
from passerby.losses.mining import batch_hard
from passerby.losses.spec import LossSpec, Space, Supervision


class ClassHardLoss(nn.Module):
    """`mean_i [largest distance within person i - smallest from i to another + m]+`, over the people of a batch.

    Between batch hard, which compares for each picture, and margin sample mining, which does so once a batch.
    """

    def __init__(self, margin: float = 0.3) -> None:
        """Choose m."""
        super().__init__()
        self._margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels, at least two people among them."""
        positive, negative = batch_hard(pairwise_euclidean(embeddings), labels)
        people, person = torch.unique(labels, return_inverse=True)
        widest = positive.new_zeros(len(people)).scatter_reduce(0, person, positive, "amax", include_self=False)
        nearest = negative.new_zeros(len(people)).scatter_reduce(0, person, negative, "amin", include_self=False)
        return F.relu(widest - nearest + self._margin).mean()


class ClassHardSpec(LossSpec):
    """Class-hard mining."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["class_hard"] = Field(description="Class-hard mining: each person's hardest pair of pairs.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    margin: float = Field(0.3, description="m.")

    def build(self, dimension: int, supervision: Supervision) -> ClassHardLoss:
        """Make the loss; it has no parameters."""
        return ClassHardLoss(self.margin)
