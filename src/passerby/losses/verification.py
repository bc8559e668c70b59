"""Verification loss: a classifier of pairs, same person or not."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import mean_or_zero
from passerby.losses.spec import Extra, LossSpec, Space, Supervision


class VerificationLoss(nn.Module):
    """Cross-entropy of a linear classifier on `(f₁ - f₂)²`, element by element (Zheng et al., TOMM 2018, 3.3).

    The means over pairs of one person and over pairs of strangers are averaged, so that both kinds count alike
    however many a batch has of them. The classifier is of no use once training ends.
    """

    def __init__(self, dimension: int) -> None:
        """Draw the classifier of pairs of embeddings of that dimension."""
        super().__init__()
        self.classifier = nn.Linear(dimension, 2)

    def forward(self, embeddings: Tensor, labels: Tensor, pairs: Tensor) -> Tensor:
        """Loss of (B, D) float embeddings with (B,) int64 labels, over (M, 2) int64 pairs of rows."""
        logits = self.classifier((embeddings[pairs[:, 0]] - embeddings[pairs[:, 1]]).square())
        same = torch.eq(*labels[pairs].unbind(1))
        losses = F.cross_entropy(logits, same.long(), reduction="none")
        return 0.5 * (mean_or_zero(losses[same]) + mean_or_zero(losses[~same]))


class VerificationSpec(LossSpec):
    """Verification loss on the batch's pairs."""

    extras: ClassVar[tuple[Extra, ...]] = ("pairs",)
    needs_positives: ClassVar[bool] = True

    kind: Literal["verification"] = Field(description="Verification loss: a classifier of pairs.")
    space: Space = Field("neck", description="Which embeddings it sees.")

    def build(self, dimension: int, supervision: Supervision) -> VerificationLoss:
        """Make the loss with its classifier."""
        return VerificationLoss(dimension)
