"""Non-local blocks (Wang et al., CVPR 2018) under the names of AGW's and fast-reid's checkpoints."""

import torch
from torch import Tensor, nn


class NonLocalBlock(nn.Module):
    """Adds to each position of B×C×h×w maps what all positions hold, weighted by how alike they are.

    The form of AGW (Ye et al., TPAMI 2022): `x + W((θ(x)ᵀ φ(x) / N) g(x))` over the N = h·w positions, inner products
    without softmax. W ends in a batch norm whose scale starts at 0, so that a new block changes nothing.

    Args:
        channels: C.
        hidden: Channels of θ, φ and g. The published code divides the reduction by itself, so checkpoints have 1.
    """

    def __init__(self, channels: int, hidden: int = 1) -> None:
        super().__init__()
        self.g = nn.Conv2d(channels, hidden, 1)
        self.W = nn.Sequential(nn.Conv2d(hidden, channels, 1), nn.BatchNorm2d(channels))
        self.theta = nn.Conv2d(channels, hidden, 1)
        self.phi = nn.Conv2d(channels, hidden, 1)
        self.begin_as_identity()

    def begin_as_identity(self) -> None:
        """Set the last scale to 0."""
        scale = self.W[1].weight
        assert isinstance(scale, Tensor)
        nn.init.zeros_(scale)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps of the same shape."""
        values, keys, queries = (part(maps).flatten(2) for part in (self.g, self.phi, self.theta))
        # (θᵀφ)g = θᵀ(φg): the product of hidden×hidden numbers instead of N×N.
        mixed = torch.matmul(torch.matmul(values, keys.transpose(1, 2)), queries) / keys.shape[2]
        added = self.W(mixed.unflatten(2, maps.shape[2:]))
        assert isinstance(added, Tensor)
        return maps + added
