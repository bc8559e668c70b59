"""Domain guided dropout: each camera leaves out the numbers that do not help it."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import Extra, LossSpec, Space, Supervision


class DomainGuidedLoss(nn.Module):
    """Identity loss with domain guided dropout, each camera a domain (Xiao et al., CVPR 2016, section 3.3).

    The impact of number i of an embedding is how much the loss would rise without it,
    `s_i ≈ -f_i ∂L/∂f_i + ½ f_i² ∂²L/∂f_i²` (equation 5). Each camera keeps a running mean of its pictures' impacts.
    In training, number i of a camera's picture stays with the probability `1 / (1 + exp(-s_i / T))` (equation 7; s
    scaled to deviation 1 within the camera, so that T means the same everywhere), and what stays is not scaled.
    Pictures of unknown cameras are left whole. The classifier is of no use once training ends.
    """

    impact: Tensor

    def __init__(
        self, dimension: int, people: int, cameras: int, temperature: float = 1.0, momentum: float = 0.9
    ) -> None:
        """Draw the classifier; choose T and how much of an impact stays at each step."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(people, dimension))
        nn.init.normal_(self.weight, std=0.001)
        self.register_buffer("impact", torch.zeros(cameras, dimension))
        self._temperature = temperature
        self._momentum = momentum

    def forward(self, embeddings: Tensor, labels: Tensor, cameras: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels and (B,) int64 cameras, -1 unknown.

        Draws by torch's random numbers while training, and follows the impacts.
        """
        if self.training:
            self._follow(embeddings.detach(), labels, cameras)
            stays = torch.rand_like(embeddings) < self.probabilities(cameras)
            embeddings = embeddings * stays
        return F.cross_entropy(F.linear(embeddings, self.weight), labels)

    def probabilities(self, cameras: Tensor) -> Tensor:
        """With which probability each number stays, for (B,) cameras: (B, D)."""
        deviation = self.impact.std(1, keepdim=True, correction=0).clamp(min=1e-12)
        keep = torch.sigmoid(self.impact / deviation / self._temperature)
        known = torch.cat([keep, torch.ones_like(keep[:1])])
        # The row of ones stands last, where -1 finds it.
        return known[cameras]

    @torch.no_grad()
    def _follow(self, embeddings: Tensor, labels: Tensor, cameras: Tensor) -> None:
        impacts = impact(embeddings, labels, self.weight)
        for camera in torch.unique(cameras[cameras >= 0]).tolist():
            mean = impacts[cameras == camera].mean(0)
            self.impact[camera] = self._momentum * self.impact[camera] + (1 - self._momentum) * mean


def impact(embeddings: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """How much each picture's softmax loss rises without number i, to second order: (B, D) of (B, D) and (P, D)."""
    shares = F.linear(embeddings, weight).softmax(1)
    mean = shares @ weight
    gradient = mean - weight[labels]
    curvature = shares @ weight.square() - mean.square()
    return -embeddings * gradient + 0.5 * embeddings.square() * curvature


class DomainGuidedSpec(LossSpec):
    """Identity loss with domain guided dropout."""

    extras: ClassVar[tuple[Extra, ...]] = ("cameras",)

    kind: Literal["domain_guided"] = Field(description="Identity loss with domain guided dropout, by camera.")
    space: Space = Field("neck", description="Which embeddings it sees.")
    temperature: float = Field(1.0, gt=0, description="T: how much chance there is in what stays.")
    momentum: float = Field(0.9, ge=0, lt=1, description="How much of a running impact stays at each step.")

    def build(self, dimension: int, supervision: Supervision) -> DomainGuidedLoss:
        """Make the loss with its classifier."""
        return DomainGuidedLoss(dimension, supervision.people, supervision.cameras, self.temperature, self.momentum)
