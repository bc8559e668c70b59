"""Identity loss: each training person is a class."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.spec import Extra, LossSpec, Space, Supervision


class CrossEntropyLoss(nn.Module):
    """Softmax cross-entropy over the training people, with label smoothing (Szegedy et al., CVPR 2016, §7).

    The classifier is part of the loss, has no bias, and is of no use once training ends. With a scale s it is a
    cosine classifier: embeddings and class weights have length 1 and logits are `s · cos` (Wang et al., "NormFace",
    2017). With a hidden layer the classifier has two fully connected ones.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        label_smoothing: float = 0.0,
        scale: float | None = None,
        hidden: int | None = None,
    ) -> None:
        """Draw the classifier.

        Args:
            dimension: Of the embeddings.
            classes: Number of training people.
            label_smoothing: Share of the target that is spread evenly over all people, 0 to 1.
            scale: s of the cosine classifier; None for plain inner products.
            hidden: Units of a fully connected layer with ReLU before the classes; None for no such layer.
        """
        super().__init__()
        self.hidden = nn.Identity() if hidden is None else nn.Sequential(nn.Linear(dimension, hidden), nn.ReLU())
        self.weight = nn.Parameter(torch.empty(classes, dimension if hidden is None else hidden))
        nn.init.normal_(self.weight, std=0.001 if scale is None else 1.0)
        self._label_smoothing = label_smoothing
        self._scale = scale

    def forward(self, embeddings: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels; by (B,) weights, if there are any."""
        logits = self.logits(embeddings)
        if weights is None:
            return F.cross_entropy(logits, labels, label_smoothing=self._label_smoothing)
        losses = F.cross_entropy(logits, labels, label_smoothing=self._label_smoothing, reduction="none")
        return (weights * losses).sum() / weights.sum()

    def logits(self, embeddings: Tensor) -> Tensor:
        """What the classifier says of (B, D) embeddings: (B, classes)."""
        embeddings = self.hidden(embeddings)
        if self._scale is None:
            return F.linear(embeddings, self.weight)
        return self._scale * F.linear(F.normalize(embeddings), F.normalize(self.weight))


class CrossEntropySpec(LossSpec):
    """Identity loss with label smoothing; with `scale`, by cosine."""

    extras: ClassVar[tuple[Extra, ...]] = ("person_weights",)

    kind: Literal["cross_entropy"] = Field(description="Identity loss: each training person is a class.")
    space: Space = Field("neck", description="Which embeddings it sees.")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="Share of the target spread over all people.")
    scale: float | None = Field(None, gt=0, description="Scale of a cosine classifier; null for inner products.")
    hidden: int | None = Field(None, ge=1, description="Units of a layer before the classes; null for none.")

    def build(self, dimension: int, supervision: Supervision) -> CrossEntropyLoss:
        """Make the loss."""
        return CrossEntropyLoss(dimension, supervision.people, self.label_smoothing, self.scale, self.hidden)
