"""The weighted sum of a recipe's losses."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import LossSpec
from passerby.models.network import Features, ReidNetwork


class Objective(nn.Module):
    """All losses of a recipe, with the parameters that some of them learn, such as classifiers."""

    def __init__(self, specs: Sequence[LossSpec], network: ReidNetwork, classes: int) -> None:
        """Build every loss for the network's dimensions and the number of training people."""
        super().__init__()
        self._specs = tuple(specs)
        self.losses = nn.ModuleList(
            spec.build(network.raw_dimension if spec.space == "raw" else network.dimension, classes) for spec in specs
        )

    @property
    def names(self) -> list[str]:
        """A name for each loss, in order; told apart by number where a kind comes twice."""
        kinds = [spec.kind for spec in self._specs]
        return [kind if kinds.count(kind) == 1 else f"{kind}_{index}" for index, kind in enumerate(kinds)]

    def forward(self, features: Features, labels: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Compute the sum to minimise, and each loss by itself, unweighted: a scalar and (losses,)."""
        spaces = {"raw": features.raw, "neck": features.neck, "unit": F.normalize(features.neck)}
        values = [
            loss(spaces[spec.space], labels) if epoch >= spec.from_epoch else features.raw.new_zeros(())
            for spec, loss in zip(self._specs, self.losses, strict=True)
        ]
        parts = torch.stack(values)
        weights = parts.new_tensor([spec.weight for spec in self._specs])
        return (weights * parts).sum(), parts.detach()
