"""Non-local blocks (Wang et al., CVPR 2018) under the names of AGW's and fast-reid's checkpoints."""

import torch
from torch import Tensor, nn

from passerby.models.attention.module import Attention, received


class NonLocalBlock(Attention):
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

    def change(self, maps: Tensor) -> Tensor:
        """The addition, of the maps' shape."""
        values, keys, queries = (part(maps).flatten(2) for part in (self.g, self.phi, self.theta))
        # (θᵀφ)g = θᵀ(φg): the product of hidden×hidden numbers instead of N×N.
        mixed = torch.matmul(torch.matmul(values, keys.transpose(1, 2)), queries) / keys.shape[2]
        added = self.W(mixed.unflatten(2, maps.shape[2:]))
        assert isinstance(added, Tensor)
        return added

    def attention(self, maps: Tensor) -> Tensor:
        """`θᵀφ / N`, B×N×N: how alike positions are; no shares, since there is no softmax."""
        keys, queries = self.phi(maps).flatten(2), self.theta(maps).flatten(2)
        alike: Tensor = torch.matmul(queries.transpose(1, 2), keys) / keys.shape[2]
        return alike

    def products(self, maps: Tensor) -> int:
        """Two products of hidden×hidden numbers for each position."""
        return 2 * self.g.out_channels**2 * len(maps) * maps.shape[2] * maps.shape[3]

    def heat(self, maps: Tensor) -> Tensor:
        """How much of each position all others take, B×h×w."""
        return received(self.attention(maps).abs(), maps)
