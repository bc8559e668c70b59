"""All ranked pairs of a query and a gallery picture, counted by distance: what verification would decide."""

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.evaluation.bootstrap import Interval, curve_draws, percentile_interval
from passerby.evaluation.pairs import GROUPS, STEPS
from passerby.evaluation.roc import RocCurve
from passerby.evaluation.rule import RankingRule
from passerby.types import IntArray

FALSE_ACCEPT_RATES = (0.1, 0.01, 0.001, 0.0001)
"""At which the true positive rate is reported."""

_COARSE = 9
"""Two to this power are the steps in one of the bins in which the pairs of each person are kept."""

_BINS = STEPS >> _COARSE


@dataclass(frozen=True, eq=False)
class RankedPairs:
    """How the distances of all ranked pairs are spread.

    Attributes:
        curve: What each of 2²⁰ + 1 thresholds accepts, counted exactly.
        same: (P, 2049) int64, pairs of the same person in coarse bins of distance, by the person (or, where more
            than 2048 are asked for, the group of people) asked for.
        different: (P, 2049) int64, pairs of different people, likewise.
    """

    curve: RocCurve
    same: IntArray
    different: IntArray

    @cached_property
    def figures(self) -> dict[str, float]:
        """AUC, EER and TPR at FPR 10⁻¹ to 10⁻⁴, each 0 to 1."""
        return {
            "auc": self.curve.area(),
            "eer": self.curve.equal_error_rate(),
            **{_name(rate): self.curve.true_accept_rate_at(rate) for rate in FALSE_ACCEPT_RATES},
        }

    def intervals(self, *, confidence: float = 0.95, seed: int = 0) -> dict[str, Interval]:
        """Give the same figures with bootstrap intervals over the people asked for.

        How the figures vary is measured in coarse bins, some 0.001 of a cosine distance wide; the figures are exact.
        """
        coarse, drawn = curve_draws(self.same, self.different, coarse_figures, seed=seed)
        people = int(np.count_nonzero(self.same.sum(1) + self.different.sum(1)))
        return {
            name: percentile_interval(
                value, (drawn[:, place] - coarse[place] + value).clip(0, 1), confidence=confidence, people=people
            )
            for place, (name, value) in enumerate(self.figures.items())
        }

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them."""
        return {
            **self.figures,
            "intervals": {name: interval.to_dict() for name, interval in self.intervals().items()},
            "pairs_of_the_same_person": self.curve.positive_pairs,
            "pairs_of_different_people": self.curve.negative_pairs,
        }


class PairTally:
    """Counts pairs as blocks of distances come in, from several threads at a time.

    Args:
        rule: What is right and what is left out.
        query_ids: (Q,) whom each query shows.
        low: No distance is less.
        high: No distance is more.
    """

    def __init__(self, rule: RankingRule, query_ids: IntArray, low: float, high: float) -> None:
        self._rule = rule
        self._low, self._scale = low, STEPS / (high - low)
        self._thresholds = np.linspace(low, high, STEPS + 1, dtype=np.float64)
        names, numbers = np.unique(query_ids, return_inverse=True)
        groups = min(len(names), GROUPS)
        self._groups = numbers * groups // len(names)
        self._positive, self._ranked = np.zeros(STEPS + 1, np.int64), np.zeros(STEPS + 2, np.int64)
        self._same, self._all = (np.zeros((groups, _BINS + 1), np.int64) for _ in range(2))
        self._lock = threading.Lock()

    def add(self, start: int, distances: npt.NDArray[Any]) -> None:
        """Count the pairs of some queries.

        Args:
            start: The first query's number.
            distances: (N, G) without NaN.
        """
        # With cosine distances the scale is a power of two, so this rounds each up to a threshold without any error:
        # what falls on a threshold or below it is exactly what that threshold accepts.
        scaled = (distances - np.float32(self._low) if self._low else distances) * np.float32(self._scale)
        steps = np.ceil(scaled, out=scaled).astype(np.int64)
        if self._scale != STEPS / 2:  # Rounding may put the farthest of other distances beyond the last step.
            np.clip(steps, 0, STEPS, out=steps)
        rows = np.arange(len(steps))
        right = []
        for row in range(len(steps)):
            mine, removed = self._rule.split(start + row)
            right.append(steps[row, mine])
            steps[row, removed] = STEPS + 1
        owners = np.repeat(rows, [len(mine) for mine in right])
        same = np.concatenate(right)
        ranked = np.bincount(steps.ravel(), minlength=STEPS + 2)
        # From here on `steps` holds coarse bins: another array of its size would take as long as counting it.
        coarse, mine = _by_row(steps, rows[:, None], len(rows)), _by_row(same.copy(), owners, len(rows))
        with self._lock:
            self._ranked += ranked
            np.add.at(self._positive, same, 1)
            np.add.at(self._all, self._groups[start + rows], coarse)
            np.add.at(self._same, self._groups[start + rows], mine)

    def counts(self) -> tuple[IntArray, IntArray]:
        """(`STEPS` + 1,) pairs of the same person, and of different people, at each step."""
        return self._positive, self._ranked[:-1] - self._positive

    def pairs(self) -> RankedPairs | None:
        """Give everything counted so far; None where either kind of pairs is missing."""
        positive, negative = (counts.cumsum() for counts in self.counts())
        if not positive[-1] or not negative[-1]:
            return None
        curve = RocCurve(self._thresholds, positive, negative, int(positive[-1]), int(negative[-1]))
        return RankedPairs(curve, self._same, self._all - self._same)


def _by_row(steps: IntArray, rows: IntArray, count: int) -> IntArray:
    """(count, 2049) steps of each row, counted in the coarse bin that ends at or after them; overwrites `steps`."""
    steps += (1 << _COARSE) - 1
    steps >>= _COARSE
    width = _BINS + 2  # What was removed stays behind the last bin.
    steps += width * rows
    return np.bincount(steps.ravel(), minlength=width * count).reshape(count, width)[:, :-1]


def coarse_bins(distances: npt.NDArray[np.float64], owners: IntArray, count: int) -> IntArray:
    """Count cosine distances in coarse bins, for each of `count` owners: (count, 2049) int64."""
    return _by_row(np.ceil(distances * (STEPS // 2)).astype(np.int64), owners, count)


def coarse_figures(same: npt.NDArray[np.float64], different: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """AUC, EER and TPR at `FALSE_ACCEPT_RATES` of curves in coarse bins.

    Args:
        same: (B, K) pairs of the same person, bin by bin, of B curves.
        different: (B, K) pairs of different people.

    Returns:
        (B, 6).
    """
    accepted, false = same.cumsum(1), different.cumsum(1)
    tpr, far = accepted / accepted[:, -1:], false / false[:, -1:]
    before = np.pad(tpr, ((0, 0), (1, 0)))
    area = (np.diff(far, axis=1, prepend=0) * (before[:, 1:] + before[:, :-1]) / 2).sum(1)
    rows = np.arange(len(far))
    # FAR - FRR never falls along the curve; between the two bins where it crosses zero a straight line is drawn.
    gap = far + tpr - 1
    after = np.minimum((gap < 0).sum(1), gap.shape[1] - 1)
    ahead = np.maximum(after - 1, 0)
    rise = gap[rows, after] - gap[rows, ahead]
    share = np.divide(-gap[rows, ahead], rise, out=np.zeros_like(rise), where=rise > 0)
    error = far[rows, ahead] + share * (far[rows, after] - far[rows, ahead])
    at_rates = [np.interp(FALSE_ACCEPT_RATES, line, hits) for line, hits in zip(far, tpr, strict=True)]
    return np.column_stack([area, error, np.array(at_rates)])


def _name(rate: float) -> str:
    return f"tpr_at_fpr_{rate:g}"
