"""Attributes: what a person looks like, as an auxiliary head."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import LossSpec, Space, Supervision, Target


class AttributesLoss(nn.Module):
    """Weighted binary cross-entropy of a linear head (Li et al., "DeepMAR", ACPR 2015, equation 4).

    A picture that has attribute l counts `exp(1 - r_l)`, one that has not `exp(r_l)`, r_l the share of training
    pictures whose person has it, so that rare ones are learnt too. The head is of no use once training ends.
    """

    rates: Tensor

    def __init__(self, dimension: int, rates: Sequence[float]) -> None:
        """Draw the head; `rates` are the r_l, of which there is at least one."""
        super().__init__()
        self.head = nn.Linear(dimension, len(rates))
        self.register_buffer("rates", torch.tensor(rates), persistent=False)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B, attributes) labels of 0 and 1."""
        labels = labels.to(embeddings.dtype)
        weights = torch.exp(torch.where(labels > 0, 1 - self.rates, self.rates))
        return F.binary_cross_entropy_with_logits(self.head(embeddings), labels, weights)


class AttributesSpec(LossSpec):
    """An auxiliary head for attributes."""

    target: ClassVar[Target] = "attributes"

    kind: Literal["attributes"] = Field(description="An auxiliary head: what the person looks like.")
    space: Space = Field("neck", description="Which embeddings it sees.")

    def build(self, dimension: int, supervision: Supervision) -> AttributesLoss:
        """Make the loss with its head."""
        return AttributesLoss(dimension, supervision.attributes)
