"""Which distances of a batch a metric loss compares."""

from torch import Tensor

from passerby.errors import PasserbyError
from passerby.losses.distance import same_identity


def batch_hard(distances: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Each anchor's farthest positive and nearest negative (Hermans et al., 2017, equation 5).

    Args:
        distances: (N, N) within the batch.
        labels: (N,) int64.

    Returns:
        Two (N,) tensors: the largest distance to the same person (to itself, where a person has one picture) and
        the smallest to another.

    Raises:
        PasserbyError: All pictures show one person.
    """
    same = same_identity(labels)
    if bool(same.all()):
        raise PasserbyError("expected a batch of at least two people for mining negatives, got one")
    hardest_positive = distances.masked_fill(~same, float("-inf")).amax(1)
    hardest_negative = distances.masked_fill(same, float("inf")).amin(1)
    return hardest_positive, hardest_negative
