"""Circle loss: every similarity at its own pace."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import mean_or_zero, positives, same_identity
from passerby.losses.spec import LossSpec, Space, Supervision


class CircleLoss(nn.Module):
    """`log(1 + Σ_n e^{γ α_n (s_n - m)} Σ_p e^{-γ α_p (s_p - 1 + m)})` on cosines (Sun et al., CVPR 2020, equation 6).

    `α_p = [1 + m - s_p]+` and `α_n = [s_n + m]+` give a similarity that is far from its optimum a larger step; they
    count as constants for the gradient. Averaged over anchors; those without another picture of the person are left
    out.
    """

    def __init__(self, margin: float = 0.25, scale: float = 128.0) -> None:
        """Choose m and γ."""
        super().__init__()
        self._margin = margin
        self._scale = scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over (B, D) float embeddings, of any length, with (B,) int64 labels."""
        unit = F.normalize(embeddings)
        similarity = unit @ unit.T
        paces = F.relu(1 + self._margin - similarity).detach(), F.relu(similarity + self._margin).detach()
        return self.at_paces(similarity, labels, *paces)

    def at_paces(self, similarity: Tensor, labels: Tensor, pace: Tensor, negative_pace: Tensor) -> Tensor:
        """The loss of (B, B) cosines for given α_p and α_n, (B, B) each."""
        positive, same = positives(labels), same_identity(labels)
        anchors = positive.any(1) & ~same.all(1)
        near = -self._scale * pace * (similarity - 1 + self._margin)
        far = self._scale * negative_pace * (similarity - self._margin)
        near = near.masked_fill(~positive, float("-inf"))[anchors].logsumexp(1)
        far = far.masked_fill(same, float("-inf"))[anchors].logsumexp(1)
        return mean_or_zero(F.softplus(near + far))


class CircleSpec(LossSpec):
    """Circle loss on cosines."""

    needs_positives: ClassVar[bool] = True

    kind: Literal["circle"] = Field(description="Circle loss on cosines.")
    space: Space = Field("unit", description="Which embeddings it sees.")
    margin: float = Field(0.25, gt=0, lt=1, description="m: how wide the circle is.")
    scale: float = Field(128.0, gt=0, description="γ.")

    def build(self, dimension: int, supervision: Supervision) -> CircleLoss:
        """Make the loss; it has no parameters."""
        return CircleLoss(self.margin, self.scale)
