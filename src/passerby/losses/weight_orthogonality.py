"""Flattening the spectrum of the network's weights."""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from passerby.losses.spec import LossSpec, Supervision
from passerby.losses.spectrum import spectral_spread


class WeightOrthogonalityLoss(nn.Module):
    """`mean (λ₁ - λ₂)²` over layers, λ₁ and λ₂ the extreme eigenvalues of W·Wᵀ (Chen et al., ABD-Net, ICCV 2019).

    W is a convolution's or linear layer's weight as a matrix of its outputs by everything else, or its transpose,
    whichever has the smaller Gram matrix. Depthwise convolutions, a filter for each channel, have no such matrix.
    """

    def __init__(self, iterations: int = 2) -> None:
        """Choose how many power iterations find an eigenvalue."""
        super().__init__()
        self._iterations = iterations

    def forward(self, weights: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Mean over weights of two dimensions or more, outputs first."""
        spreads = [spectral_spread(weight.flatten(1), self._iterations).square() for weight in weights]
        return torch.stack(spreads).mean()


class WeightOrthogonalitySpec(LossSpec):
    """The weight half of ABD-Net's orthogonality."""

    kind: Literal["weight_orthogonality"] = Field(description="An even spectrum of the network's weights (ABD-Net).")
    space: Literal["weights"] = Field("weights", description="Weights of convolutions and linear layers.")
    weight: float = Field(1e-3, ge=0, description="Factor in the sum of all losses.")
    iterations: int = Field(2, ge=1, le=1000, description="Power iterations for each eigenvalue.")

    def build(self, dimension: int, supervision: Supervision) -> WeightOrthogonalityLoss:
        """Make the loss; it has no parameters."""
        return WeightOrthogonalityLoss(self.iterations)
