"""A running mean of a network's weights, which is measured and kept in place of the weights themselves."""

from copy import deepcopy

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from passerby.models.network import ReidNetwork


class Averaging(BaseModel):
    """Whether to average weights over the steps, and how far back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decay: float | None = Field(
        None, gt=0, lt=1, description="Share of the mean that a step leaves, such as 0.999; null: no averaging."
    )

    def build(self, network: ReidNetwork) -> "WeightAverage | None":
        """Begin the mean at the network's weights; None where nothing is averaged."""
        return None if self.decay is None else WeightAverage(network, self.decay)


class WeightAverage(nn.Module):
    """An exponential moving average of weights and of the statistics of batch norms (Polyak and Juditsky, 1992).

    After n updates the decay is `min(decay, (1 + n) / (10 + n))`, so that the mean leaves the random first weights
    soon, as in TensorFlow's ExponentialMovingAverage.

    Attributes:
        network: Of the mean weights, in evaluation mode.
    """

    updates: Tensor

    def __init__(self, network: ReidNetwork, decay: float) -> None:
        """Begin at the network's weights.

        Args:
            network: Left as it is.
            decay: Above 0 and below 1.
        """
        super().__init__()
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's weights; counters are taken as they are."""
        done = int(self.updates)
        towards = 1 - min(self._decay, (1 + done) / (10 + done))
        for mean, current in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(current, towards)
            else:
                mean.copy_(current)
        self.updates += 1
