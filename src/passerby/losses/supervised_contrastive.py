"""Supervised contrastive loss: every positive of the batch against everything else."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import positives
from passerby.losses.spec import LossSpec, Space, Supervision


class SupervisedContrastiveLoss(nn.Module):
    """`mean_i -1/|P(i)| Σ_p log( exp(cos_ip/T) / Σ_{a≠i} exp(cos_ia/T) )` (Khosla et al., NeurIPS 2020, equation 2).

    P(i) are the batch's other pictures of anchor i's person; anchors without any are left out. Unlike batch hard it
    weighs all pairs, and so starts to learn from random weights where batch hard can collapse.
    """

    def __init__(self, temperature: float = 0.2) -> None:
        """Choose T, above 0."""
        super().__init__()
        self._temperature = temperature

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings, of any length, with (B,) int64 labels; 0 without any positive."""
        unit = F.normalize(embeddings)
        similarity = unit @ unit.T / self._temperature
        similarity = similarity.fill_diagonal_(float("-inf"))
        positive = positives(labels)
        log_share = similarity - similarity.logsumexp(1, keepdim=True)
        per_anchor = log_share.masked_fill(~positive, 0.0).sum(1) / positive.sum(1).clamp(min=1)
        return -per_anchor.sum() / positive.any(1).sum().clamp(min=1)


class SupervisedContrastiveSpec(LossSpec):
    """Supervised contrastive loss on cosines."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["supervised_contrastive"] = Field(description="Supervised contrastive loss on cosines.")
    space: Space = Field("unit", description="Which embeddings it sees.")
    temperature: float = Field(0.2, gt=0, description="T.")

    def build(self, dimension: int, supervision: Supervision) -> SupervisedContrastiveLoss:
        """Make the loss; it has no parameters."""
        return SupervisedContrastiveLoss(self.temperature)
