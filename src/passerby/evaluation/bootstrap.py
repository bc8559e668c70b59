"""How far a figure may be off because these people were measured and not others: resampling people, never pictures.

Pictures of one person rise and fall together, so an interval from resampled pictures would be too narrow.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError

RESAMPLES = 2000
"""Enough for the ends of a 95 % interval to be steady to about a tenth of its half width."""

CONFIDENCE = 0.95

_BLOCK = 2**22
"""Weights that are held at a time: what a resample counts of each person."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it would lie for most other draws of as many people.

    Attributes:
        value: The figure of the people measured.
        low: Lower end.
        high: Upper end.
        confidence: How much of such intervals hold the true figure, 0 to 1.
        people: How many people were resampled.
    """

    value: float
    low: float
    high: float
    confidence: float = CONFIDENCE
    people: int = 0

    def __str__(self) -> str:
        """As shares are printed: `61.2% [58.9, 63.4]`."""
        return f"{100 * self.value:.1f}% [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def to_dict(self) -> dict[str, float]:
        """The same as JSON takes it."""
        return {"value": self.value, "low": self.low, "high": self.high, "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Whether two ways of doing the same thing differ by more than chance.

    Attributes:
        difference: Mean of the second less mean of the first, with its interval.
        p_value: How often a difference at least as large comes about where nothing differs, above 0, at most 1.
    """

    difference: Interval
    p_value: float

    def to_dict(self) -> dict[str, float]:
        """The same as JSON takes it."""
        return {**self.difference.to_dict(), "p_value": self.p_value}


def mean_intervals(
    values: Mapping[str, npt.ArrayLike],
    people: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> dict[str, Interval]:
    """Give means over queries (or pictures) with percentile intervals over people.

    Each resample draws as many people as there are, with replacement, with all their values. A share that is 0 or 1
    for everybody has no spread to resample; its interval is the exact binomial one of as many people.

    Paper: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.

    Args:
        values: For each figure (N,) real numbers, one a query; NaN where a query has none.
        people: (N,) whom each query shows: integers or strings.
        resamples: How many draws.
        confidence: Share of intervals that are to hold the true figure, above 0 and below 1.
        seed: Which draws; all figures see the same.

    Raises:
        DataError: Lengths differ, a figure has no value at all, or an option is not as above.

    Example:
        >>> hits = {"rank-1": [1, 1, 0, 1, 0, 1]}
        >>> print(mean_intervals(hits, ["ann", "ann", "bob", "bob", "cem", "cem"])["rank-1"])
        66.7% [50.0, 100.0]
    """
    columns = {name: np.asarray(column, np.float64) for name, column in values.items()}
    whom, count = _numbered(people)
    for name, column in columns.items():
        if column.shape != whom.shape:
            raise DataError(f"expected {len(whom)} values of {name}, one for each query, got {column.shape}")
        if np.isnan(column).all():
            raise DataError(f"expected at least one value of {name}, got none; no query can be answered")
    _check(resamples, confidence)
    sums = [np.bincount(whom, np.nan_to_num(column), count) for column in columns.values()]
    known = [np.bincount(whom, ~np.isnan(column), count) for column in columns.values()]
    drawn = _resampled(np.array(sums, np.float64).T, np.array(known, np.float64).T, resamples, seed)
    return {
        name: _interval(
            float(np.nanmean(column)), drawn[:, place], confidence, int(np.count_nonzero(known[place])), column
        )
        for place, (name, column) in enumerate(columns.items())
    }


def mean_interval(
    values: npt.ArrayLike,
    people: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """Give one mean with its interval, as `mean_intervals` does.

    Raises:
        DataError: As there.
    """
    figures = mean_intervals({"it": values}, people, resamples=resamples, confidence=confidence, seed=seed)
    return figures["it"]


def ratio_interval(
    counted: npt.ArrayLike,
    of: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """Give a share of what everybody brought, such as rejected pairs of all pairs, with its interval over people.

    Args:
        counted: (P,) how much of it was so, person by person.
        of: (P,) how much of it there was.
        resamples: How many draws.
        confidence: Of the interval, above 0 and below 1.
        seed: Which draws.

    Raises:
        DataError: Lengths differ, there was nothing at all, or an option is not as above.

    Example:
        >>> print(ratio_interval([0, 1, 2], [2, 2, 2]))
        50.0% [0.0, 100.0]
    """
    hits, all_ = np.asarray(counted, np.float64), np.asarray(of, np.float64)
    if hits.shape != all_.shape or hits.ndim != 1:
        raise DataError(f"expected two numbers for each person, got {hits.shape} and {all_.shape}")
    if not all_.sum():
        raise DataError("expected at least one person with something to count, got none")
    _check(resamples, confidence)
    drawn = _resampled(hits[:, None], all_[:, None], resamples, seed)[:, 0]
    known = all_ > 0
    return _interval(float(hits.sum() / all_.sum()), drawn, confidence, int(known.sum()), hits[known] / all_[known])


def paired_test(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    people: npt.ArrayLike,
    *,
    resamples: int = 10_000,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> PairedTest:
    """Compare two values of the same queries: the bootstrap gives the interval, a permutation test the p-value.

    The test swaps first and second for all queries of a person at once, person by person at random: were they alike,
    the swapped difference would be as large as the real one about as often as not.

    Paper: Smucker, Allan and Carterette, A Comparison of Statistical Significance Tests for Information Retrieval
    Evaluation, CIKM 2007 (with people, not queries, as the units).

    Args:
        first: (N,) real numbers, one a query; NaN where it has none.
        second: (N,) likewise; queries without either are left out of both.
        people: (N,) whom each query shows.
        resamples: How many draws, for each of the two.
        confidence: Of the interval, above 0 and below 1.
        seed: Which draws.

    Raises:
        DataError: Lengths differ, no query has both, or an option is not as above.

    Example:
        >>> test = paired_test([0, 0, 0, 1], [1, 1, 1, 1], [1, 2, 3, 4])
        >>> test.difference.value, test.p_value > 0.05
        (0.75, True)
    """
    before, after = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if before.shape != after.shape:
        raise DataError(f"expected two values of the same queries, got {before.shape} and {after.shape}")
    differences = after - before
    difference = mean_interval(differences, people, resamples=resamples, confidence=confidence, seed=seed)
    whom, count = _numbered(people)
    sums = np.bincount(whom, np.nan_to_num(differences), count)
    random = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    as_large = 0
    # Sums of the same numbers in another order differ in the last digits, and must count as equal.
    bar = abs(sums.sum()) - 1e-9 * np.abs(sums).sum()
    for rows in _blocks(resamples, count):
        signs = random.integers(0, 2, (rows, count), np.int8)
        as_large += int(np.count_nonzero(np.abs(2 * (signs @ sums) - sums.sum()) >= bar))
    return PairedTest(difference, (as_large + 1) / (resamples + 1))


def pair_rate_interval(
    accepted: npt.NDArray[Any],
    measured: npt.NDArray[Any],
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """Give the share of accepted pairs of different people, resampling the people on both sides of a pair.

    A pair counts as often as its first person was drawn times as often as its second. Of very many people, the rows
    may be groups of people, so that the matrices stay small.

    Paper: Bolle, Ratha and Pankanti, Error Analysis of Pattern Recognition Systems: the Subsets Bootstrap, CVIU 2004.

    Args:
        accepted: (P, P) accepted pairs between each two people; only sums with the transpose matter, and the
            diagonal is left out.
        measured: (P, P) all pairs, likewise.
        resamples: How many draws.
        confidence: Of the interval, above 0 and below 1.
        seed: Which draws.

    Raises:
        DataError: The shapes do not fit, there is no pair, or an option is not as above.

    Example:
        >>> accepted, measured = np.zeros((3, 3)), np.full((3, 3), 4)
        >>> accepted[0, 1] = 2
        >>> print(pair_rate_interval(accepted, measured))
        8.3% [0.0, 25.0]
    """
    if accepted.shape != measured.shape or accepted.ndim != 2 or accepted.shape[0] != accepted.shape[1]:
        raise DataError(f"expected two matrices of people by people, got {accepted.shape} and {measured.shape}")
    _check(resamples, confidence)
    people = len(accepted)
    hits, all_ = (_between_people(matrix) for matrix in (accepted, measured))
    if not all_.sum():
        raise DataError("expected at least one pair of different people, got none")
    value = float(hits.sum() / all_.sum())
    rates = []
    for weights in _weights(len(hits), resamples, seed):
        pairs = np.einsum("bp,bp->b", weights @ all_, weights)
        with np.errstate(invalid="ignore"):
            rates.append(np.einsum("bp,bp->b", weights @ hits, weights) / pairs)
    return _interval(value, np.concatenate(rates), confidence, people, np.array([value]))


def curve_draws(
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
    figures: Callable[[Floats, Floats], Floats],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Recompute figures from two tables of counts by person, as they are and for each resample.

    Args:
        first: (P, K) what each person adds to the first table's columns.
        second: (P, K) to the second's.
        figures: From (B, K) sums of each table to (B, F) figures.
        resamples: How many draws.
        seed: Which draws.

    Returns:
        (F,) figures of everybody, and (resamples, F) of the draws; NaN where a draw has nothing to count.
    """
    tables = first.astype(np.float64), second.astype(np.float64)
    whole = figures(*(table.sum(0)[None] for table in tables))[0]
    drawn = []
    for weights in _weights(len(first), resamples, seed):
        with np.errstate(invalid="ignore"):
            drawn.append(figures(weights @ tables[0], weights @ tables[1]))
    return whole, np.concatenate(drawn)


def percentile_interval(value: float, drawn: Floats, *, confidence: float = CONFIDENCE, people: int) -> Interval:
    """Give a figure with the percentiles of its resamples, which may hold NaN.

    Raises:
        DataError: The confidence is not between 0 and 1.
    """
    _check(len(drawn), confidence)
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(value, float(low), float(high), confidence, people)


def _numbered(people: npt.ArrayLike) -> tuple[npt.NDArray[np.intp], int]:
    """Each entry's person as a number from 0, and how many people there are."""
    names, numbers = np.unique(np.asarray(people), return_inverse=True)
    return numbers, len(names)


def _check(resamples: int, confidence: float) -> None:
    if resamples < 1:
        raise DataError(f"expected at least 1 resample, got {resamples}")
    if not 0 < confidence < 1:
        raise DataError(f"expected a confidence between 0 and 1, got {confidence:g}")


def _blocks(resamples: int, people: int) -> list[int]:
    """How many resamples to hold at a time."""
    size = max(1, _BLOCK // max(1, people))
    return [min(size, resamples - start) for start in range(0, resamples, size)]


def _weights(people: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each person was drawn, a (rows, people) block of resamples at a time."""
    random = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    for rows in _blocks(resamples, people):
        drawn = random.integers(0, people, (rows, people))
        drawn += people * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * people).reshape(rows, people).astype(np.float64)


def _resampled(sums: Floats, counts: Floats, resamples: int, seed: int) -> Floats:
    """(resamples, figures): each figure's mean in each resample, NaN where nobody with a value was drawn."""
    means = []
    for weights in _weights(len(sums), resamples, seed):
        with np.errstate(invalid="ignore"):
            means.append((weights @ sums) / (weights @ counts))
    return np.concatenate(means)


def _interval(value: float, drawn: Floats, confidence: float, people: int, values: Floats) -> Interval:
    interval = percentile_interval(value, drawn, confidence=confidence, people=people)
    if np.nanmin(values) == np.nanmax(values) and value in (0, 1):
        bound = (1 - confidence) / 2
        low, high = (bound ** (1 / people), 1.0) if value == 1 else (0.0, 1 - bound ** (1 / people))
        return replace(interval, low=low, high=high)
    return interval


def _between_people(matrix: npt.NDArray[Any]) -> Floats:
    symmetric: Floats = np.add(matrix, matrix.T, dtype=np.float64)
    np.fill_diagonal(symmetric, 0)
    return symmetric
