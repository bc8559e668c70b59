"""SVDNet's turns of restraint and relaxation: an embedding layer whose rows do not repeat each other."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from passerby.models.network import ReidNetwork

LINEAR_NECKS = ("projection", "reduced")
"""The necks with a layer that can be decorrelated."""


class Decorrelation(BaseModel):
    """When the weights of the neck's linear layer are decorrelated, and for how long they then keep still.

    Sun et al., "SVDNet for Pedestrian Retrieval", ICCV 2017, section 3.2. After `from_epoch`, each round decorrelates
    the weights, trains everything else with them fixed (restraint), then trains all (relaxation). Beyond the paper,
    the identity classifiers behind the layer turn with its outputs, so that they know everybody as before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(0, ge=0, description="Turns of restraint and relaxation; 0: none.")
    from_epoch: int = Field(20, ge=0, description="Epoch of the first restraint, from 0.")
    restraint: int = Field(6, ge=1, description="Epochs with the decorrelated weights fixed.")
    relaxation: int = Field(4, ge=1, description="Epochs in which they learn again.")

    def apply(self, network: ReidNetwork, epoch: int, *, starts: bool) -> Tensor | None:
        """Prepare an epoch, from 0: decorrelate where a restraint begins, fix the weights in it, else free them.

        Args:
            network: With one of `LINEAR_NECKS`.
            epoch: Which one.
            starts: Whether the epoch is at its start; where a training goes on in the middle, nothing is changed.

        Returns:
            (outputs, outputs), by which the layer's outputs were multiplied; None where its weights are as before.
        """
        if self.rounds == 0:
            return None
        linear = embedding_layer(network)
        assert linear is not None
        place = (epoch - self.from_epoch) % (self.restraint + self.relaxation)
        round_ = (epoch - self.from_epoch) // (self.restraint + self.relaxation)
        restrains = 0 <= round_ < self.rounds and place < self.restraint
        linear.weight.requires_grad_(not restrains)
        if not (restrains and place == 0 and starts):
            return None
        with torch.no_grad():
            turned, turn = decorrelated(linear.weight)
            linear.weight.copy_(turned)
        return turn


def embedding_layer(network: ReidNetwork) -> nn.Linear | None:
    """The linear layer of a neck that has one without shift; None of others."""
    if network.architecture.neck not in LINEAR_NECKS:
        return None
    return next(module for module in network.neck.modules() if isinstance(module, nn.Linear))


def decorrelated(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Replace `W = U S Vᵀ` by `U S`: orthogonal rows that leave all distances between outputs as they are.

    Args:
        weight: (outputs, inputs) as linear layers have it, which is Wᵀ.

    Returns:
        The new weight, (outputs, inputs), whose last rows are 0 where there are fewer inputs than outputs; and V,
        (outputs, outputs), by which outputs are multiplied: `U S = W V`.
    """
    u, s, v = torch.linalg.svd(weight.T.float(), full_matrices=False)
    turned, turn = torch.zeros_like(weight), weight.new_zeros(len(weight), len(weight))
    turned[: len(s)] = (u * s).T.to(weight.dtype)
    turn[:, : len(s)] = v.T.to(weight.dtype)
    return turned, turn
