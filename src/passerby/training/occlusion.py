"""Adversarially occluded samples: hide what the network knows a person by."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.models.network import ReidNetwork


class Occlusion(BaseModel):
    """How many pictures of a batch lose the window without which the network errs most.

    Huang et al., "Adversarially Occluded Samples for Person Re-identification", CVPR 2018.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.0, ge=0, le=1, description="Share of a batch's pictures; each costs as much as many.")
    rows: float = Field(0.3, gt=0, le=1, description="The window's share of a picture's rows.")
    columns: float = Field(0.6, gt=0, le=1, description="The window's share of a picture's columns.")
    from_epoch: int = Field(0, ge=0, description="First epoch; the network should know people by then.")


def occlude(
    network: ReidNetwork, identity: CrossEntropyLoss, pictures: Tensor, labels: Tensor, occlusion: Occlusion
) -> Tensor:
    """Put 0, the mean colour, into some pictures' window that makes the identity loss largest.

    Windows lie half their size apart. Which pictures are chosen is drawn from torch's random numbers.

    Args:
        network: Looks at every window, in evaluation mode; left as it was.
        identity: Whose classifier says how wrong the network is.
        pictures: B×3×H×W float32, normalised; left as they are.
        labels: (B,) int64.
        occlusion: How many, how large.

    Returns:
        The pictures.
    """
    chosen = torch.randperm(len(pictures))[: round(occlusion.share * len(pictures))].to(pictures.device)
    if not len(chosen):
        return pictures
    windows = _windows(pictures.shape[2], pictures.shape[3], occlusion)
    losses = torch.empty(len(chosen), len(windows), device=pictures.device)
    modes = {module: module.training for module in network.modules()}
    network.eval()
    with torch.no_grad():
        for number, (rows, columns) in enumerate(windows):
            hidden = pictures[chosen]
            hidden[:, :, rows, columns] = 0
            logits = identity.logits(network(hidden).neck)
            losses[:, number] = F.cross_entropy(logits, labels[chosen], reduction="none")
    for module, training in modes.items():
        module.training = training
    occluded = pictures.clone(memory_format=torch.preserve_format)
    for picture, worst in zip(chosen.tolist(), losses.argmax(1).tolist(), strict=True):
        rows, columns = windows[worst]
        occluded[picture, :, rows, columns] = 0
    return occluded


def _windows(height: int, width: int, occlusion: Occlusion) -> list[tuple[slice, slice]]:
    """Rows and columns of every window, the last ones at the borders."""
    spans = []
    for side, share in ((height, occlusion.rows), (width, occlusion.columns)):
        size = max(1, round(share * side))
        starts = [*range(0, side - size, max(1, size // 2)), side - size]
        spans.append([slice(start, start + size) for start in starts])
    return [(rows, columns) for rows in spans[0] for columns in spans[1]]
