"""Centre loss: each person's embeddings near their centre."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from passerby.losses.spec import LossSpec, Space, Supervision


class CentreLoss(nn.Module):
    """`½ mean ‖f - c_y‖²` (Wen et al., ECCV 2016, equation 2); centres follow their people.

    After each training step's loss, `c_j` moves by `α Σ_{y=j} (f - c_j) / (1 + n_j)`, where n_j counts the batch's
    pictures of j (equation 4). Centres start at the origin, get no gradient, and are of no use once training ends.
    """

    centres: Tensor

    def __init__(self, dimension: int, classes: int, rate: float = 0.5) -> None:
        """Put the centres at the origin and choose α."""
        super().__init__()
        self.register_buffer("centres", torch.zeros(classes, dimension))
        self._rate = rate

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels; moves the centres while training."""
        loss = 0.5 * (embeddings - self.centres[labels]).square().sum(1).mean()
        if self.training:
            self._follow(embeddings.detach(), labels)
        return loss

    @torch.no_grad()
    def _follow(self, embeddings: Tensor, labels: Tensor) -> None:
        counts = torch.bincount(labels, minlength=len(self.centres))
        pull = torch.zeros_like(self.centres).index_add_(0, labels, embeddings - self.centres[labels])
        # A new tensor, for the old one is what the loss's gradient remembers.
        self.centres = self.centres + self._rate * pull / (1 + counts)[:, None]


class CentreSpec(LossSpec):
    """Centre loss."""

    kind: Literal["centre"] = Field(description="Centre loss: each person's embeddings near their centre.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    rate: float = Field(0.5, gt=0, le=1, description="α: how quickly centres follow.")

    def build(self, dimension: int, supervision: Supervision) -> CentreLoss:
        """Make the loss with its centres."""
        return CentreLoss(dimension, supervision.people, self.rate)
