"""The weighted sum of a recipe's losses."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.losses.spec import LossSpec
from passerby.models.network import Features, ReidNetwork
from passerby.types import FloatArray


class Objective(nn.Module):
    """All losses of a recipe, with the parameters that some of them learn, such as classifiers."""

    person_weights: Tensor | None

    def __init__(
        self,
        specs: Sequence[LossSpec],
        network: ReidNetwork,
        classes: int,
        person_weights: FloatArray | None = None,
        weights_from_epoch: int = 0,
    ) -> None:
        """Build every loss for the network's dimensions and the number of training people.

        Args:
            specs: The recipe's losses.
            network: Whose embeddings they see.
            classes: How many training people there are.
            person_weights: (classes,) how much a person's pictures count in cross-entropy; None: all alike.
            weights_from_epoch: First epoch in which they do.
        """
        super().__init__()
        weights = None if person_weights is None else torch.from_numpy(person_weights)
        self.register_buffer("person_weights", weights, persistent=False)
        self._weights_from_epoch = weights_from_epoch
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
            self._value(loss, spaces[spec.space], labels, epoch)
            if epoch >= spec.from_epoch
            else features.raw.new_zeros(())
            for spec, loss in zip(self._specs, self.losses, strict=True)
        ]
        parts = torch.stack(values)
        weights = parts.new_tensor([spec.weight for spec in self._specs])
        return (weights * parts).sum(), parts.detach()

    def _value(self, loss: nn.Module, embeddings: Tensor, labels: Tensor, epoch: int) -> Tensor:
        weights = self.person_weights if epoch >= self._weights_from_epoch else None
        if weights is not None and isinstance(loss, CrossEntropyLoss):
            value = loss(embeddings, labels, weights[labels])
        else:
            value = loss(embeddings, labels)
        assert isinstance(value, Tensor)
        return value
