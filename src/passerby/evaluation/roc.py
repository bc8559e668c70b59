"""The receiver operating characteristic: what each threshold accepts, of pairs that should be and should not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import CalibrationError, DataError
from passerby.machine import require_memory
from passerby.types import IntArray

FloatCurve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """Counts of accepted pairs over rising thresholds; a pair is accepted at a distance of at most that.

    FAR, the share of negative pairs accepted, never falls along the curve, and FRR, the share of positive
    pairs rejected, never rises. Both shares are of exact counts.

    Attributes:
        thresholds: (T,) float64 distances, ascending.
        accepted_positive: (T,) int64, accepted pairs of the same person.
        accepted_negative: (T,) int64, accepted pairs of different people.
        positive_pairs: How many pairs show the same person, at least 1.
        negative_pairs: How many show different people, at least 1.
    """

    thresholds: FloatCurve
    accepted_positive: IntArray
    accepted_negative: IntArray
    positive_pairs: int
    negative_pairs: int

    @property
    def false_accept_rates(self) -> FloatCurve:
        """(T,) FAR, 0 to 1."""
        return self.accepted_negative / self.negative_pairs

    @property
    def false_reject_rates(self) -> FloatCurve:
        """(T,) FRR, 0 to 1."""
        return 1 - self.accepted_positive / self.positive_pairs

    def place_at_far(self, max_far: float) -> int:
        """Find the largest threshold whose FAR is at most `max_far`, as a place in the arrays.

        Raises:
            CalibrationError: `max_far` is not from 0 to 1, or no threshold of the curve is strict enough.
        """
        if not 0 <= max_far <= 1:
            raise CalibrationError(f"expected a false accept rate from 0 to 1, got {max_far:g}")
        place = int(np.searchsorted(self.false_accept_rates, max_far, side="right")) - 1
        if place < 0:
            raise CalibrationError(
                f"expected a threshold with a FAR of at most {max_far:g}, but {self.accepted_negative[0]} of "
                f"{self.negative_pairs} pairs of different people are at a distance of "
                f"{self.thresholds[0]:.4g} or less; look for one person under two ids, or for the same "
                "picture twice"
            )
        return place

    def place_of_equal_error(self) -> int:
        """Find the threshold where FAR and FRR are nearest to each other, as a place in the arrays.

        Where a stretch of thresholds decides alike, the middle one is taken: it leaves most room both ways.
        """
        difference = self.false_accept_rates - self.false_reject_rates
        first = int(np.abs(difference).argmin())
        last = int(np.searchsorted(difference, difference[first], side="right")) - 1
        return (first + last) // 2

    def area(self) -> float:
        """Give the area under TPR over FPR (AUC), 0 to 1: how often a pair of the same person is the nearer of two.

        Pairs that no threshold of the curve tells apart count half.
        """
        far = np.concatenate([[0.0], self.false_accept_rates])
        tpr = np.concatenate([[0.0], self.accepted_positive / self.positive_pairs])
        return float(np.diff(far) @ (tpr[1:] + tpr[:-1]) / 2)

    def true_accept_rate_at(self, max_far: float) -> float:
        """Give the TPR at the largest threshold whose FAR is at most `max_far`, 0 where none is strict enough.

        Raises:
            CalibrationError: `max_far` is not from 0 to 1.
        """
        if not 0 <= max_far <= 1:
            raise CalibrationError(f"expected a false accept rate from 0 to 1, got {max_far:g}")
        place = int(np.searchsorted(self.false_accept_rates, max_far, side="right")) - 1
        return float(self.accepted_positive[place] / self.positive_pairs) if place >= 0 else 0.0

    def equal_error_rate(self) -> float:
        """Give the mean of FAR and FRR where the two are nearest to each other, 0 to 1."""
        place = self.place_of_equal_error()
        return float(self.false_accept_rates[place] + self.false_reject_rates[place]) / 2


def roc_curve(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> RocCurve:
    """Build the exact curve from the distances of all pairs.

    Each threshold is the largest number that accepts just those pairs; the first accepts none.

    Args:
        positive: (P,) distances of pairs that show the same person.
        negative: (N,) distances of pairs that show different people.

    Returns:
        A curve of at most P + N + 1 thresholds.

    Raises:
        DataError: Either is empty, not a list of real numbers, or holds NaN, or the memory is too small.

    Example:
        >>> curve = roc_curve(np.array([0.1, 0.2, 0.6]), np.array([0.5, 0.7]))
        >>> curve.accepted_positive, curve.accepted_negative
        (array([0, 1, 2, 2, 3, 3]), array([0, 0, 0, 1, 1, 2]))
    """
    require_memory(
        56 * (np.size(positive) + np.size(negative)),
        f"sorting the distances of {np.size(positive) + np.size(negative):,} pairs",
        "evaluate embeddings, whose pairs are counted in blocks, or draw fewer pairs",
    )
    positive, negative = checked_pairs(positive, negative)
    steps = np.union1d(positive, negative)
    thresholds = np.append(np.nextafter(steps, -np.inf), steps[-1])
    return RocCurve(
        thresholds=thresholds,
        accepted_positive=np.searchsorted(np.sort(positive), thresholds, side="right"),
        accepted_negative=np.searchsorted(np.sort(negative), thresholds, side="right"),
        positive_pairs=len(positive),
        negative_pairs=len(negative),
    )


def checked_pairs(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> tuple[FloatCurve, FloatCurve]:
    """Give both lists of distances as float64, or say what is wrong with them.

    Raises:
        DataError: Either is empty, not a list of real numbers, or holds NaN.
    """
    for name, distances in (("positive", positive), ("negative", negative)):
        if distances.ndim != 1 or distances.dtype.kind not in "fiu" or not len(distances):
            raise DataError(
                f"expected the {name} pairs' distances as a list of one or more real numbers, "
                f"got {distances.dtype} of shape {distances.shape}"
            )
        if np.isnan(distances.max()):
            place = int(np.isnan(distances).argmax())
            raise DataError(f"the distance of {name} pair {place} is not a number; check the embeddings")
    return positive.astype(np.float64, copy=False), negative.astype(np.float64, copy=False)
