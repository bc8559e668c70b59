"""Online instance matching: a classifier whose rows are running embeddings of the people."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import LossSpec, Space, Supervision


class OnlineInstanceMatchingLoss(nn.Module):
    """Cross-entropy of `v_j · f̂ / T` over a table of people's unit vectors (Xiao et al., OIM, CVPR 2017, equation 3).

    After each training step's loss, every picture in turn moves its person's row: `v ← μ v + (1 - μ) f̂`, scaled back
    to length 1. The table gets no gradient. The paper's queue of people without a name is for whole frames; training
    pictures of re-ID all have a name.
    """

    table: Tensor

    def __init__(self, dimension: int, classes: int, temperature: float = 0.1, momentum: float = 0.5) -> None:
        """Begin with a table of zeros; choose T and μ."""
        super().__init__()
        self.register_buffer("table", torch.zeros(classes, dimension))
        self._temperature = temperature
        self._momentum = momentum

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels; in training, moves the table."""
        unit = F.normalize(embeddings)
        loss = F.cross_entropy(F.linear(unit, self.table) / self._temperature, labels)
        if self.training:
            self._follow(unit.detach(), labels)
        return loss

    @torch.no_grad()
    def _follow(self, unit: Tensor, labels: Tensor) -> None:
        # A new tensor, for the old one is what the loss's gradient remembers.
        self.table = self.table.clone()
        for vector, person in zip(unit, labels.tolist(), strict=True):
            moved = self._momentum * self.table[person] + (1 - self._momentum) * vector
            self.table[person] = F.normalize(moved, dim=0)


class OnlineInstanceMatchingSpec(LossSpec):
    """Online instance matching on cosines."""

    kind: Literal["oim"] = Field(description="Online instance matching: a classifier of running embeddings.")
    space: Space = Field("unit", description="Which embeddings it sees.")
    temperature: float = Field(0.1, gt=0, description="T.")
    momentum: float = Field(0.5, ge=0, lt=1, description="μ: how much of a person's row stays.")

    def build(self, dimension: int, supervision: Supervision) -> OnlineInstanceMatchingLoss:
        """Make the loss with its table."""
        return OnlineInstanceMatchingLoss(dimension, supervision.people, self.temperature, self.momentum)
