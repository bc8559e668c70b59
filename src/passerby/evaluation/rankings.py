"""Rankings to look at: one query's nearest answers, and which queries are worth looking at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.evaluation.ranking import RankMetrics, right_ranks
from passerby.evaluation.rule import RankingRule
from passerby.retrieval.search import smallest
from passerby.types import IntArray, Sample


@dataclass(frozen=True, slots=True)
class Ranking:
    """The nearest gallery pictures of one query, less those that the rule leaves out.

    Attributes:
        query: Its place among the queries.
        average_precision: How good the whole ranking is, 0 to 1.
        first_right: The rank of its nearest right answer, from 1.
        nearest_right: That answer's place in the gallery, which may be too far down to be in `gallery`.
        nearest_right_distance: How far it is.
        gallery: Places of the nearest in the gallery, nearest first.
        right: For each of them, whether it shows the same person.
        distances: For each of them, how far it is.
    """

    query: int
    average_precision: float
    first_right: int
    nearest_right: int
    nearest_right_distance: float
    gallery: tuple[int, ...]
    right: tuple[bool, ...]
    distances: tuple[float, ...]


def ranking_of(
    query: int, distances: npt.NDArray[Any], rule: RankingRule, metrics: RankMetrics, depth: int
) -> Ranking:
    """Give the `depth` nearest answers of one query that has a right one.

    Args:
        query: Its place among the queries.
        distances: (G,) its distances to the gallery.
        rule: What is right and what is left out.
        metrics: All queries' figures.
        depth: How many answers.
    """
    right, removed = rule.split(query)
    row = distances.astype(np.float64)
    row[removed] = np.nan
    nearest = smallest(row, depth)
    nearest_right = int(right[row[right].argmin()])
    return Ranking(
        query=query,
        average_precision=float(metrics.average_precision[query]),
        first_right=int(right_ranks(distances, rule, query)[0]),
        nearest_right=nearest_right,
        nearest_right_distance=float(row[nearest_right]),
        gallery=tuple(nearest.tolist()),
        right=tuple(np.isin(nearest, right).tolist()),
        distances=tuple(row[nearest].tolist()),
    )


def wrong_first_distance(query: int, distances: npt.NDArray[Any], rule: RankingRule) -> float:
    """Give how far the first answer of a query is where it is wrong and another would have been right; else infinity.

    Args:
        query: Its place among the queries.
        distances: (G,) its distances to the gallery.
        rule: What is right and what is left out.
    """
    right, removed = rule.split(query)
    if not len(right):
        return np.inf
    row = distances.astype(np.result_type(distances, np.float16))
    row[removed] = np.inf
    first = int(row.argmin())
    return np.inf if (right == first).any() else float(row[first])


def evenly_spaced(metrics: RankMetrics, count: int) -> IntArray:
    """Queries with a right answer, evenly spaced through the list."""
    answered = np.flatnonzero(~np.isnan(metrics.average_precision))
    return answered[np.unique(np.linspace(0, len(answered) - 1, count).round().astype(np.int64))]


def hardest(metrics: RankMetrics, samples: Sequence[Sample], count: int) -> IntArray:
    """Queries of the lowest average precision, one a person."""
    # NaN, a query that cannot be answered, is sorted last.
    order = np.argsort(metrics.average_precision, kind="stable")[: metrics.queries]
    return one_a_person(order, samples, count)


def surest(wrong_firsts: npt.NDArray[np.float64], samples: Sequence[Sample], count: int) -> IntArray:
    """Queries whose first answer is wrong, those first where it is nearest, one a person.

    Args:
        wrong_firsts: (Q,) as `wrong_first_distance` gives them.
        samples: The queries.
        count: How many at most.
    """
    order = np.argsort(wrong_firsts, kind="stable")[: np.isfinite(wrong_firsts).sum()]
    return one_a_person(order, samples, count)


def one_a_person(queries: IntArray, samples: Sequence[Sample], count: int) -> IntArray:
    """The first of each person's queries, in the order given, `count` at most."""
    asked = [samples[query].person_id for query in queries.tolist()]
    _, first_of_each = np.unique(asked, return_index=True)
    return queries[np.sort(first_of_each)[:count]]
