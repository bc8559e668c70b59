"""Position self-attention, the PAM of dual attention networks."""

import torch
from torch import Tensor, nn

from passerby.models.attention.module import Attention, position_products, received, unhalved


class PositionAttention(Attention):
    """`α · (D Sᵀ)` with `S = softmax(Bᵀ C)` over N positions; B, C, D are 1×1 convolutions (ABD-Net, ICCV 2019).

    Each position gets what alike ones hold, wherever they are. α is learnt and starts at 0, so that a new module
    changes nothing.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        """Draw the convolutions: B and C to channels/reduction, D to as many as there are."""
        super().__init__()
        hidden = max(1, channels // reduction)
        self.query = nn.Conv2d(channels, hidden, 1)
        self.key = nn.Conv2d(channels, hidden, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.alpha = nn.Parameter(torch.zeros(()))

    def attention(self, maps: Tensor) -> Tensor:
        """S: B×N×N, rows of shares: how much each position looks at each."""
        queries, keys = self.query(maps).flatten(2), self.key(maps).flatten(2)
        with unhalved(maps):
            shares: Tensor = torch.softmax(queries.float().transpose(1, 2) @ keys.float(), -1)
            return shares

    def change(self, maps: Tensor) -> Tensor:
        """The addition, B×C×h×w."""
        values = self.value(maps).flatten(2)
        mixed = values @ self.attention(maps).transpose(1, 2).to(values.dtype)
        changed: Tensor = (self.alpha * mixed).reshape(maps.shape)
        return changed

    def products(self, maps: Tensor) -> int:
        """Comparing and mixing positions."""
        return position_products(maps, self.query.out_channels, self.value.out_channels)

    def heat(self, maps: Tensor) -> Tensor:
        """How much all positions look at each, B×h×w."""
        return received(self.attention(maps), maps)
