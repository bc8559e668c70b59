"""Triplet loss with mining."""

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.losses.distance import mean_or_zero, pairwise_euclidean
from passerby.losses.mining import Mined, at_random, batch_hard, by_hardness, every_positive, semi_hard
from passerby.losses.spec import Extra, LossSpec, Space, Supervision

Mining: TypeAlias = Literal["batch_hard", "every_positive", "semi_hard", "curriculum", "random"]


class TripletLoss(nn.Module):
    """`mean [d_ap - d_an + m]+`, or with the margin "soft" `mean log(1 + exp(d_ap - d_an))`, on Euclidean distances.

    What is compared is the miner's choice: by "batch_hard" each anchor's farthest positive with its nearest negative
    (Hermans et al., "In Defense of the Triplet Loss", 2017, equation 5), by "every_positive" each positive with the
    nearest negative, by "semi_hard" each with the nearest that is farther (Schroff et al., "FaceNet", 2015), by
    "random" triplets as they come, by "curriculum" easy ones first and, from the share `hard_from` of the training
    on, the hardest.
    """

    def __init__(
        self, margin: float | Literal["soft"] = 0.3, mining: Mining = "batch_hard", hard_from: float = 0.5
    ) -> None:
        """Choose margin and miner."""
        super().__init__()
        self._margin = margin
        self._mining = mining
        self._hard_from = hard_from

    def forward(self, embeddings: Tensor, labels: Tensor, share: float = 1.0) -> Tensor:
        """Mean loss over (B, D) float embeddings with (B,) int64 labels, at least two people among them.

        Args:
            embeddings: The batch.
            labels: Whom each shows.
            share: How far training has come, 0 to 1; only the curriculum looks at it.
        """
        positive, negative = self._mined(pairwise_euclidean(embeddings), labels, share)
        if self._margin == "soft":
            return mean_or_zero(F.softplus(positive - negative))
        return mean_or_zero(F.relu(positive - negative + self._margin))

    def _mined(self, distances: Tensor, labels: Tensor, share: float) -> Mined:
        if self._mining == "curriculum":
            return by_hardness(distances, labels, min(1.0, share / self._hard_from))
        return _MINERS[self._mining](distances, labels)


_MINERS = {
    "batch_hard": batch_hard,
    "every_positive": every_positive,
    "semi_hard": semi_hard,
    "random": at_random,
}


class TripletSpec(LossSpec):
    """Triplet loss; on raw embeddings unless said otherwise."""

    extras: ClassVar[tuple[Extra, ...]] = ("share",)
    needs_positives: ClassVar[bool] = True

    kind: Literal["triplet"] = Field(description="Triplet loss with mining.")
    space: Space = Field("raw", description="Which embeddings it sees.")
    mining: Mining = Field(
        "batch_hard", description="batch_hard, every_positive, semi_hard, curriculum (easy ones first), or random."
    )
    margin: float | Literal["soft"] = Field(0.3, description='m, or "soft".')
    hard_from: float = Field(0.5, gt=0, le=1, description="Share of training from which the curriculum is hard.")

    def build(self, dimension: int, supervision: Supervision) -> TripletLoss:
        """Make the loss; it has no parameters."""
        return TripletLoss(self.margin, self.mining, self.hard_from)
