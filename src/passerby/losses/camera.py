"""Camera: which one took the picture, as an auxiliary head or as what embeddings shall not tell."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import LossSpec, Space, Supervision, Target


class CameraLoss(nn.Module):
    """Cross-entropy of a linear head over the training cameras; pictures of unknown cameras are left out.

    With `adversarial`, the gradient turns round between head and embedding, so that the head learns to tell cameras
    apart and the network learns to make that impossible (Ganin and Lempitsky, ICML 2015). The head is of no use once
    training ends.
    """

    def __init__(self, dimension: int, cameras: int, adversarial: bool = False) -> None:
        """Draw the head."""
        super().__init__()
        self.head = nn.Linear(dimension, cameras)
        self._adversarial = adversarial

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 cameras from 0, -1 unknown; 0 if all are."""
        known = labels >= 0
        if self._adversarial:
            turned = _Turned.apply(embeddings)  # type: ignore[no-untyped-call]
            assert isinstance(turned, Tensor)
            embeddings = turned
        logits = self.head(embeddings[known])
        return F.cross_entropy(logits, labels[known], reduction="sum") / known.sum().clamp(min=1)


class _Turned(torch.autograd.Function):
    """The same values; the gradient with its sign turned."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ANN401 - torch has no public type for it
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        return -gradients[0]


class CameraSpec(LossSpec):
    """A head for cameras."""

    target: ClassVar[Target] = "cameras"

    kind: Literal["camera"] = Field(description="An auxiliary head: which camera took the picture.")
    space: Space = Field("neck", description="Which embeddings it sees.")
    adversarial: bool = Field(False, description="Whether embeddings shall rather not tell the camera.")

    def build(self, dimension: int, supervision: Supervision) -> CameraLoss:
        """Make the loss with its head."""
        return CameraLoss(dimension, supervision.cameras, self.adversarial)
