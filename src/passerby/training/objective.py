"""The weighted sum of a recipe's losses."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.losses.spec import LossSpec, Place, Supervision, loss_names
from passerby.models.network import Features, ReidNetwork
from passerby.training.targets import Targets
from passerby.training.weighting import Weighting
from passerby.types import FloatArray


class Objective(nn.Module):
    """All losses of a recipe, with the parameters that some of them learn, such as classifiers.

    Attributes:
        sees: What its losses look at.
    """

    person_weights: Tensor | None

    def __init__(
        self,
        specs: Sequence[LossSpec],
        network: ReidNetwork,
        supervision: Supervision,
        person_weights: FloatArray | None = None,
        weights_from_epoch: int = 0,
        epochs: int = 1,
        weighting: Weighting | None = None,
    ) -> None:
        """Build every loss for the network's dimensions and the number of training people.

        Args:
            specs: The recipe's losses.
            network: Whose embeddings they see.
            supervision: How many training people, cameras and attributes there are.
            person_weights: (people,) how much a person's pictures count in cross-entropy; None: all alike.
            weights_from_epoch: First epoch in which they do.
            epochs: How long training is, for losses that change as it goes on.
            weighting: How losses are weighed against each other; None: as they say themselves.
        """
        super().__init__()
        weights = None if person_weights is None else torch.from_numpy(person_weights)
        self.register_buffer("person_weights", weights, persistent=False)
        self._weights_from_epoch = weights_from_epoch
        self._epochs = epochs
        self._specs = tuple(specs)
        self.sees: frozenset[Place] = frozenset(spec.space for spec in specs)
        # A tuple, since parameters in a module's attribute would become the objective's own.
        self._network_weights = tuple(_matrices(network)) if "weights" in self.sees else ()
        self.losses = nn.ModuleList(
            spec.build(network.raw_dimension if spec.space == "raw" else network.dimension, supervision)
            for spec in specs
        )
        self.weighting = (weighting or Weighting()).build(self.names, [spec.weight for spec in specs])

    @property
    def names(self) -> list[str]:
        """A name for each loss, in order; told apart by number where a kind comes twice."""
        return loss_names(self._specs)

    def forward(self, features: Features, targets: Targets, epoch: int) -> tuple[Tensor, Tensor]:
        """Compute the sum to minimise, and each loss by itself, unweighted: a scalar and (losses,)."""
        seen = {
            "raw": features.raw,
            "neck": features.neck,
            "unit": F.normalize(features.neck),
            "maps": features.maps,
            "masks": features.masks,
            "weights": self._network_weights,
        }
        counting = [epoch >= spec.from_epoch for spec in self._specs]
        parts = torch.stack(
            [
                loss(seen[spec.space], *self._told(spec, targets, epoch)) if counts else features.raw.new_zeros(())
                for spec, loss, counts in zip(self._specs, self.losses, counting, strict=True)
            ]
        )
        return self.weighting(parts, torch.tensor(counting, device=parts.device)), parts.detach()

    def end_epoch(self, means: Sequence[float]) -> None:
        """Hear each loss's mean over an epoch that has ended."""
        self.weighting.end_epoch(torch.tensor(means))

    @torch.no_grad()
    def turn(self, matrix: Tensor) -> None:
        """Have the identity classifiers on the neck follow embeddings that are multiplied by a (D, D) matrix."""
        for spec, loss in zip(self._specs, self.losses, strict=True):
            if spec.space == "neck" and isinstance(loss, CrossEntropyLoss):
                first = loss.hidden[0].weight if isinstance(loss.hidden, nn.Sequential) else loss.weight
                assert isinstance(first, Tensor)
                first.copy_(first @ matrix)

    def _told(self, spec: LossSpec, targets: Targets, epoch: int) -> list[Tensor | float | None]:
        """A loss's labels and its extras."""
        labels = {"people": targets.people, "cameras": targets.cameras, "attributes": targets.attributes}
        told: list[Tensor | float | None] = [labels[spec.target]]
        for extra in spec.extras:
            if extra == "pairs":
                told.append(targets.pairs())
            elif extra == "cameras":
                told.append(targets.cameras)
            elif extra == "share":
                told.append((epoch + 1) / self._epochs)
            elif self.person_weights is not None and epoch >= self._weights_from_epoch:
                told.append(self.person_weights[targets.people])
            else:
                told.append(None)
        return told


def _matrices(network: ReidNetwork) -> list[Tensor]:
    """Weights of convolutions over all channels and of linear layers."""
    return [
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)
    ]
