"""Flattening the spectrum of feature maps."""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from passerby.losses.spec import LossSpec, Supervision
from passerby.losses.spectrum import spectral_spread


class FeatureOrthogonalityLoss(nn.Module):
    """`mean (λ₁ - λ₂)²`, λ₁ the largest and λ₂ the smallest eigenvalue of F·Fᵀ (Chen et al., ABD-Net, ICCV 2019).

    F are a picture's maps as a C×N matrix; where C > N, the smaller Gram matrix FᵀF is taken, which has the same
    eigenvalues but for zeros. An even spectrum means channels that tell different things.
    """

    def __init__(self, iterations: int = 2) -> None:
        """Choose how many power iterations find an eigenvalue."""
        super().__init__()
        self._iterations = iterations

    def forward(self, maps: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Mean over pictures and over all maps, B×C×h×w each."""
        spreads = [spectral_spread(each.flatten(2), self._iterations).square().mean() for each in maps]
        return torch.stack(spreads).mean()


class FeatureOrthogonalitySpec(LossSpec):
    """The feature half of ABD-Net's orthogonality."""

    kind: Literal["feature_orthogonality"] = Field(description="An even spectrum of the feature maps (ABD-Net).")
    space: Literal["maps"] = Field("maps", description="The maps that are pooled.")
    weight: float = Field(1e-6, ge=0, description="Factor in the sum of all losses.")
    iterations: int = Field(2, ge=1, le=1000, description="Power iterations for each eigenvalue.")

    def build(self, dimension: int, supervision: Supervision) -> FeatureOrthogonalityLoss:
        """Make the loss; it has no parameters."""
        return FeatureOrthogonalityLoss(self.iterations)
