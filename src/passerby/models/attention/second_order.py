"""Second-order non-local attention: positions compared by how their channels vary together."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.attention.module import Attention, position_products, received, unhalved


class SecondOrderAttention(Attention):
    """`W(softmax(Σ / √c) g)` with the positions' covariance `Σ = θᵀ (I - 11ᵀ/c) θ / c` over the c channels of θ.

    Xia et al., "Second-Order Non-Local Attention Networks for Person Re-Identification", ICCV 2019, section 3. W ends
    in a batch norm whose scale starts at 0, so that a new module changes nothing.
    """

    def __init__(self, channels: int, reduction: int = 2) -> None:
        """Draw θ, g and W; c is channels/reduction."""
        super().__init__()
        hidden = max(1, channels // reduction)
        self.theta = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.BatchNorm2d(hidden), nn.LeakyReLU(0.1))
        self.g = nn.Conv2d(channels, hidden, 1)
        last = nn.BatchNorm2d(channels)
        nn.init.zeros_(last.weight)
        self.W = nn.Sequential(nn.Conv2d(hidden, channels, 1), last)

    def attention(self, maps: Tensor) -> Tensor:
        """The softmax, B×N×N: rows of shares."""
        return self._of(self.theta(maps))

    def _of(self, theta: Tensor) -> Tensor:
        with unhalved(theta):
            centred = theta.flatten(2).float()
            centred = centred - centred.mean(1, keepdim=True)
            count = centred.shape[1]
            return torch.softmax(centred.transpose(1, 2) @ centred / count / count**0.5, -1)

    def change(self, maps: Tensor) -> Tensor:
        """The addition, B×C×h×w."""
        values = self.g(maps).flatten(2)
        mixed = values @ self.attention(maps).transpose(1, 2).to(values.dtype)
        added = self.W(mixed.unflatten(2, maps.shape[2:]))
        assert isinstance(added, Tensor)
        return added

    def products(self, maps: Tensor) -> int:
        """Comparing and mixing positions."""
        return position_products(maps, self.g.out_channels, self.g.out_channels)

    @torch.no_grad()
    def heat(self, maps: Tensor) -> Tensor:
        """How much all positions look at each, B×h×w; looks at statistics as they are and changes none."""
        convolution, norm, activation = self.theta
        assert isinstance(norm, nn.BatchNorm2d)
        theta = convolution(maps)
        theta = F.batch_norm(theta, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0, norm.eps)
        return received(self._of(activation(theta)), maps)
