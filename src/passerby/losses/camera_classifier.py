"""Camera-aware classifier: each camera has its own idea of each person."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import Extra, LossSpec, Space, Supervision


class CameraClassifierLoss(nn.Module):
    """Softmax cross-entropy over the training people, with a classifier for each camera.

    A picture is classified by its own camera's classifier, so that what only that camera does to colours and poses
    can be learnt there and not in the embedding (the camera-specific classifiers of Zhu et al., "Intra-Camera
    Supervised Person Re-Identification", IJCV 2021). Pictures of unknown cameras are left out. The classifiers are of
    no use once training ends.
    """

    def __init__(self, dimension: int, people: int, cameras: int, label_smoothing: float = 0.0) -> None:
        """Draw a classifier for each camera."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(cameras, people, dimension))
        nn.init.normal_(self.weight, std=0.001)
        self._label_smoothing = label_smoothing

    def forward(self, embeddings: Tensor, labels: Tensor, cameras: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels and (B,) int64 cameras, -1 unknown."""
        total = embeddings.new_zeros(())
        for camera in range(len(self.weight)):
            taken = cameras == camera
            logits = F.linear(embeddings[taken], self.weight[camera])
            smoothing = self._label_smoothing
            total = total + F.cross_entropy(logits, labels[taken], label_smoothing=smoothing, reduction="sum")
        return total / (cameras >= 0).sum().clamp(min=1)


class CameraClassifierSpec(LossSpec):
    """Identity loss with a classifier for each camera."""

    extras: ClassVar[tuple[Extra, ...]] = ("cameras",)

    kind: Literal["camera_classifier"] = Field(description="Identity loss with a classifier for each camera.")
    space: Space = Field("neck", description="Which embeddings it sees.")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="Share of the target spread over all people.")

    def build(self, dimension: int, supervision: Supervision) -> CameraClassifierLoss:
        """Make the loss with its classifiers."""
        return CameraClassifierLoss(dimension, supervision.people, supervision.cameras, self.label_smoothing)
