"""One step of training: pictures in, parameters changed, losses out."""

import torch
from torch import Tensor

from passerby.models.network import ReidNetwork
from passerby.training.objective import Objective
from passerby.training.precision import Precision, autocast


def training_step(
    network: ReidNetwork,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    pictures: Tensor,
    labels: Tensor,
    epoch: int,
    precision: Precision,
) -> list[float]:
    """Compute the losses, their gradients, and a step of the optimizer.

    Args:
        network: In training mode.
        objective: The recipe's losses.
        optimizer: Of the parameters of both.
        pictures: B×3×H×W float32, normalised, on the network's device.
        labels: (B,) int64, training people from 0.
        epoch: Which losses count.
        precision: Of the network's forward pass; losses are always float32.

    Returns:
        The weighted sum, then each loss by itself, unweighted.
    """
    with autocast(precision, pictures.device):
        features = network(pictures)
    loss, parts = objective(features, labels, epoch)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    # One transfer from the device for all of them.
    values: list[float] = torch.cat([loss.detach().reshape(1), parts]).tolist()
    return values
