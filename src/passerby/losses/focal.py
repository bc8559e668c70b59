"""Focal loss: the identity loss, less of it where the answer is known already."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import LossSpec, Space, Supervision


class FocalLoss(nn.Module):
    """`mean -(1 - p_y)^γ log p_y` (Lin et al., ICCV 2017, equation 4), p_y the softmax share of the right person.

    The classifier is part of the loss and has no bias, as that of cross-entropy. γ = 0 is cross-entropy.
    """

    def __init__(self, dimension: int, classes: int, gamma: float = 2.0) -> None:
        """Draw the classifier and choose γ."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, dimension))
        nn.init.normal_(self.weight, std=0.001)
        self._gamma = gamma

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels."""
        logits = F.linear(embeddings, self.weight)
        log_share = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
        # By expm1, which keeps the few digits of 1 - p where p is almost 1.
        return (-((-torch.expm1(log_share)) ** self._gamma) * log_share).mean()


class FocalSpec(LossSpec):
    """Focal loss over the training people."""

    kind: Literal["focal"] = Field(description="Focal loss: cross-entropy, less of it where it is small.")
    space: Space = Field("neck", description="Which embeddings it sees.")
    gamma: float = Field(2.0, ge=1, le=8, description="γ: how much less what is known counts.")

    def build(self, dimension: int, supervision: Supervision) -> FocalLoss:
        """Make the loss with its classifier."""
        return FocalLoss(dimension, supervision.people, self.gamma)
