"""Decorrelated centralised loss with normalise-and-scale."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from passerby.losses.centre import CentreLoss
from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.losses.spec import LossSpec, Space, Supervision


class DecorrelatedCentralisedLoss(nn.Module):
    """`CE(s·Ŵᵀf̂) + λc/2 · mean‖f - c_y‖² + λd/(d(d-1)) · Σ_{i≠j} Cov(f)²_ij`: cosine classes, centres, no redundancy.

    Embeddings and classes are normalised and scaled by s for the identity loss (Wang et al., "NormFace", 2017); each
    person's embeddings are drawn to their centre (Wen et al., ECCV 2016); and the d numbers of an embedding are kept
    from saying the same (Cogswell et al., ICLR 2016). The covariance is that of the batch, divided by B - 1.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        scale: float = 16.0,
        centre_weight: float = 5e-4,
        decorrelation_weight: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> None:
        """Draw the classifier, put the centres at the origin, and choose s, λc and λd."""
        super().__init__()
        self.classifier = CrossEntropyLoss(dimension, classes, label_smoothing, scale)
        self.centre = CentreLoss(dimension, classes)
        self._weights = centre_weight, decorrelation_weight

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels, B and D at least 2."""
        centre_weight, decorrelation_weight = self._weights
        identity = self.classifier(embeddings, labels)
        # CentreLoss has the factor ½ already.
        centred = centre_weight * self.centre(embeddings, labels)
        total = identity + centred + decorrelation_weight * redundancy(embeddings)
        assert isinstance(total, Tensor)
        return total


def redundancy(embeddings: Tensor) -> Tensor:
    """The mean squared covariance of two different numbers of (B, D) embeddings."""
    count, dimension = embeddings.shape
    centred = embeddings - embeddings.mean(0)
    covariance = centred.T @ centred / max(1, count - 1)
    others = covariance.square().sum() - covariance.diagonal().square().sum()
    return others / (dimension * (dimension - 1))


class DecorrelatedCentralisedSpec(LossSpec):
    """Decorrelated centralised loss with normalise-and-scale."""

    kind: Literal["decorrelated_centralised"] = Field(
        description="Cosine identity loss, centres, and decorrelated numbers."
    )
    space: Space = Field("neck", description="Which embeddings it sees.")
    scale: float = Field(16.0, gt=0, description="s.")
    centre_weight: float = Field(5e-4, ge=0, description="λc.")
    decorrelation_weight: float = Field(1.0, ge=0, description="λd.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all people.")

    def build(self, dimension: int, supervision: Supervision) -> DecorrelatedCentralisedLoss:
        """Make the loss with its classifier and centres."""
        return DecorrelatedCentralisedLoss(
            dimension,
            supervision.people,
            self.scale,
            self.centre_weight,
            self.decorrelation_weight,
            self.label_smoothing,
        )
