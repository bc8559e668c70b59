"""Feature maps to one float32 vector, whatever the maps are in: global average, generalised-mean, and maximum."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class AveragePooling(nn.Module):
    """B×C×h×w to B×C: the mean over all positions."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        return maps.float().mean((2, 3))


class MaxPooling(nn.Module):
    """B×C×h×w to B×C: the maximum over all positions."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        return maps.float().amax((2, 3))


class GeneralisedMeanPooling(nn.Module):
    """B×C×h×w to B×C: `(mean x^p)^(1/p)` with a learnt p that starts at 3 (Radenović et al., TPAMI 2019).

    p = 1 is the average, p → ∞ the maximum. Values below 1e-6 count as 1e-6, so that all powers exist.
    """

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor([3.0]))

    def forward(self, maps: Tensor) -> Tensor:
        """Pool, in float32, where the powers keep their precision."""
        with torch.autocast(maps.device.type, enabled=False):
            return maps.float().clamp(min=1e-6).pow(self.p).mean((2, 3)).pow(1.0 / self.p)


POOLINGS: dict[str, Callable[[], nn.Module]] = {
    "average": AveragePooling,
    "gem": GeneralisedMeanPooling,
    "max": MaxPooling,
}
"""Every pooling by name."""
