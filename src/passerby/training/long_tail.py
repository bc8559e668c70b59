"""People with few pictures beside people with many: who is drawn how often, and whose loss weighs how much."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from passerby.types import FloatArray, IntArray

Sampling = Literal["pictures", "square_root", "people"]

POWERS: dict[Sampling, float] = {"pictures": 1.0, "square_root": 0.5, "people": 0.0}
"""With which power of their number of pictures people are drawn."""


class LongTail(BaseModel):
    """What is done for people with few pictures, and from when on.

    Deferred re-sampling and re-weighting (Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware
    Margin Loss", NeurIPS 2019) let a network first learn from all pictures alike.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampling: Sampling = Field(
        "pictures",
        description="How often people are drawn: by their pictures, by the square root of these, or all alike.",
    )
    reweighting: Literal["none", "effective_number"] = Field(
        "none",
        description="How pictures count in cross-entropy: alike, or by the effective number of their person's.",
    )
    beta: float = Field(0.999, ge=0, lt=1, description="Of the effective number, (1 - beta^n) / (1 - beta).")
    from_epoch: int = Field(0, ge=0, description="First epoch of both; later ones than 0 defer them.")

    def power_in(self, epoch: int) -> float:
        """With which power of their number of pictures people are drawn in an epoch, from 0."""
        return POWERS[self.sampling] if epoch >= self.from_epoch else 1.0

    def weights(self, pictures: IntArray) -> FloatArray | None:
        """Each person's weight, for (people,) numbers of pictures; None where all count alike."""
        return effective_number_weights(pictures, self.beta) if self.reweighting == "effective_number" else None


def effective_number_weights(pictures: IntArray, beta: float) -> FloatArray:
    """Weights in inverse proportion to the effective number of samples, `(1 - β^n) / (1 - β)`, with a mean of 1.

    β = 0 weighs all people alike, β → 1 by the inverse of n (Cui et al., "Class-Balanced Loss Based on Effective
    Number of Samples", CVPR 2019, equation 4).

    Args:
        pictures: (people,) how many each has, at least 1.
        beta: From 0 to below 1.

    Returns:
        (people,) float32.

    >>> effective_number_weights(np.array([1, 3]), 0.5).round(4)
    array([1.2727, 0.7273], dtype=float32)
    """
    weights = (1 - beta) / (1 - beta ** np.asarray(pictures, np.float64))
    return np.asarray(weights / weights.mean(), np.float32)
