"""Channel self-attention, the CAM of dual attention networks."""

import torch
from torch import Tensor, nn

from passerby.models.attention.module import Attention, unhalved


class ChannelSelfAttention(Attention):
    """`β · (X A)` with `X = softmax(A Aᵀ)` over the last axis, A the maps as C×N (Chen et al., ABD-Net, ICCV 2019).

    Channels that are active in the same places strengthen one another. β is learnt and starts at 0, so that a new
    module changes nothing. The products are computed in float32, each row less its largest before the exponential:
    they are sums over all positions, and in fewer bits the softmax would saturate on rounding. (The code published
    with dual attention networks takes the largest less each product, which prefers unlike channels; we follow the
    equation.)
    """

    def __init__(self, channels: int) -> None:
        """Begin with β = 0; the number of channels plays no part."""
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(()))

    def attention(self, maps: Tensor) -> Tensor:
        """X: B×C×C, rows of shares."""
        with unhalved(maps):
            flat = maps.flatten(2).float()
            return torch.softmax(flat @ flat.transpose(1, 2), -1)

    def change(self, maps: Tensor) -> Tensor:
        """The addition, B×C×h×w."""
        with unhalved(maps):
            mixed = self.attention(maps) @ maps.flatten(2).float()
            return (self.beta * mixed).to(maps.dtype).reshape(maps.shape)

    def products(self, maps: Tensor) -> int:
        """Every channel with every one over all positions, and the mixing."""
        return 2 * maps.shape[1] * maps.numel()
