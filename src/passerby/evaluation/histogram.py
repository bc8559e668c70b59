"""How distances of the same and of different people are spread: for drawing, in bins of fixed width."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.types import IntArray

BINS = 100
FARTHEST = 2.0
"""The largest cosine distance; the bins share 0 to this equally."""


@dataclass(frozen=True, slots=True, eq=False)
class DistanceHistogram:
    """Counts of pairs in `BINS` bins of equal width from 0 to `FARTHEST`.

    Attributes:
        same: (`BINS`,) int64, pairs of the same person.
        different: (`BINS`,) int64, pairs of different people.
    """

    same: IntArray
    different: IntArray


def distance_histogram(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> DistanceHistogram:
    """Count distances of pairs of the same person and of different people.

    Args:
        positive: (P,) distances of pairs that show the same person.
        negative: (N,) distances of pairs that show different people.

    Example:
        >>> histogram = distance_histogram(np.array([0.01, 0.03]), np.array([0.03, 2.0]))
        >>> histogram.same[:2], histogram.different[1], histogram.different[-1]
        (array([1, 1]), np.int64(1), np.int64(1))
    """
    return DistanceHistogram(bin_counts(positive), bin_counts(negative))


def binned(steps: IntArray, low: float, width: float) -> IntArray:
    """Gather counts at fine steps of distance in `BINS` bins.

    Args:
        steps: (S,) int64; step n counts distances above low + (n - 1) · width, up to low + n · width.
        low: Where the first step ends.
        width: Of a step.

    Returns:
        (`BINS`,) int64.
    """
    middles = low + (np.arange(len(steps)) - 0.5) * width
    places = np.clip(middles * (BINS / FARTHEST), 0, BINS - 1).astype(np.int64)
    return np.bincount(places, steps, BINS).round().astype(np.int64)


def bin_counts(distances: npt.NDArray[Any]) -> IntArray:
    """Count distances in `BINS` bins; what lies outside 0 to `FARTHEST` goes to the nearest bin.

    Args:
        distances: (N,) real array without NaN.

    Returns:
        (`BINS`,) int64.
    """
    scaled = np.clip(distances * (BINS / FARTHEST), 0, BINS - 1)
    return np.bincount(scaled.astype(np.int64), minlength=BINS)
