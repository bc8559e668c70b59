"""Feature maps to one float32 vector, whatever the maps are in: average, generalised-mean, maximum, regions."""

import torch
from torch import Tensor, nn


class Pooling(nn.Module):
    """B×C×h×w maps, or a transformer's (B, C) class token, to B×(factor·C) vectors.

    Attributes:
        factor: How many vectors of C it puts side by side.
        takes_class_token: Whether it sees the class token in place of the maps.
    """

    factor = 1
    takes_class_token = False


class AveragePooling(Pooling):
    """B×C×h×w to B×C: the mean over all positions."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        return maps.float().mean((2, 3))


class MaxPooling(Pooling):
    """B×C×h×w to B×C: the maximum over all positions."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        return maps.float().amax((2, 3))


class GeneralisedMeanPooling(Pooling):
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


class RegionsPooling(Pooling):
    """B×C×h×w to B×5C: mean and maximum of all rows, and the means of the upper, middle and lower third of them.

    Where a third ends inside a row, both thirds have the row. An upright person's head and shoulders, middle, and
    legs and shoes so keep vectors of their own, as stripes do in part-based models (Sun et al., ECCV 2018).
    """

    factor = 5

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        maps = maps.float()
        height = int(maps.shape[2])  # A tracing exporter would take it for a variable, and round it otherwise.
        thirds = [maps[:, :, height * third // 3 : -(-height * (third + 1) // 3)].mean((2, 3)) for third in range(3)]
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3)), *thirds], 1)


class ClassTokenPooling(Pooling):
    """(B, C) to (B, C): a transformer's class token as it is, for it has looked at all positions already."""

    takes_class_token = True

    def forward(self, token: Tensor) -> Tensor:
        """Take it in float32."""
        return token.float()


POOLINGS: dict[str, type[Pooling]] = {
    "average": AveragePooling,
    "gem": GeneralisedMeanPooling,
    "max": MaxPooling,
    "regions": RegionsPooling,
    "class_token": ClassTokenPooling,
}
"""Every pooling by name."""
