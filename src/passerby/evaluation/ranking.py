"""Rank-k, CMC, mAP and mINP, from a matrix of distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.protocols import RankingRule
from passerby.types import IntArray

MANY_RIGHT = 256
"""With more right answers than this, sorting the row once is quicker than counting for each of them."""


@dataclass(frozen=True, slots=True, eq=False)
class RankMetrics:
    """How well galleries were ranked, averaged over the queries that had a right answer.

    Attributes:
        cmc: (G,) float64; `cmc[k - 1]` is the share of queries with a right answer among the first k.
        mean_ap: Mean average precision, 0 to 1.
        mean_inp: Mean inverse negative penalty, 0 to 1: how early the *last* right answer comes.
        average_precision: (Q,) float64, each query's own; NaN where a query has no right answer.
        queries: How many queries had a right answer; only these count.
        skipped: How many had none.
        same_camera_rule: Whether pictures of the same person from the same camera were left out.
    """

    cmc: npt.NDArray[np.float64]
    mean_ap: float
    mean_inp: float
    average_precision: npt.NDArray[np.float64]
    queries: int
    skipped: int
    same_camera_rule: bool

    def rank(self, k: int) -> float:
        """Give the share of queries with a right answer among the first `k`, or among all if G is less.

        Raises:
            DataError: `k` is less than 1.
        """
        if k < 1:
            raise DataError(f"expected a rank of at least 1, got {k}")
        return float(self.cmc[min(k, len(self.cmc)) - 1])


def rank_metrics(
    distances: npt.ArrayLike,
    query_ids: npt.ArrayLike,
    gallery_ids: npt.ArrayLike,
    query_cameras: npt.ArrayLike | None = None,
    gallery_cameras: npt.ArrayLike | None = None,
    query_index: npt.ArrayLike | None = None,
) -> RankMetrics:
    """Score the rankings that a matrix of distances gives, by the rule of Market-1501 (`RankingRule`).

    Equal distances are ranked in gallery order, as by a stable sort. The matrix is read row by row and may be
    a memory map; no copy of it is made.

    Average precision is the mean, over a query's right answers, of the precision at their rank, as in
    torchreid and nearly every later paper; Market-1501's first evaluation code integrated by trapezoids
    and gives slightly other figures. mINP is the mean of (right answers / rank of the last one).

    Papers: Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015 (CMC, mAP);
    Ye et al., Deep Learning for Person Re-identification: A Survey and Outlook, TPAMI 2021 (mINP).

    Args:
        distances: (Q, G) real array, smaller is nearer.
        query_ids: (Q,) integers of 0 and more, whom each query shows.
        gallery_ids: (G,) integers; -1 is junk and never ranked; ids that no query has are always wrong.
        query_cameras: (Q,) integers, -1 where unknown; None: all unknown.
        gallery_cameras: (G,) integers, likewise.
        query_index: (Q,) integers, where in the gallery the query's own picture lies, or -1; it is left out.

    Returns:
        The figures over all queries that have a right answer.

    Raises:
        DataError: Shapes or values do not fit, a distance is NaN, or no query has a right answer.

    Example:
        >>> distances = np.array([[0.1, 0.2, 0.3], [0.5, 0.1, 0.4]])
        >>> metrics = rank_metrics(distances, query_ids=[1, 2], gallery_ids=[1, 1, 2])
        >>> metrics.rank(1), metrics.mean_ap, metrics.cmc
        (0.5, 0.75, array([0.5, 1. , 1. ]))
    """
    rule = RankingRule(query_ids, gallery_ids, query_cameras, gallery_cameras, query_index)
    distances = np.asanyarray(distances)  # Lists and CPU tensors are welcome; a memory map stays one.
    check_distances(distances, rule)
    return summarise([right_ranks(row, rule, query) for query, row in enumerate(distances)], rule)


def check_distances(distances: npt.NDArray[Any], rule: RankingRule) -> None:
    """Refuse a matrix of distances that does not belong to the rule's queries and gallery.

    Raises:
        DataError: It has another shape or does not hold real numbers.
    """
    if distances.shape != (rule.queries, rule.gallery):
        raise DataError(
            f"expected distances of shape {(rule.queries, rule.gallery)}, queries by gallery pictures, "
            f"got {distances.shape}"
        )
    if distances.dtype.kind not in "fiu":
        raise DataError(f"expected distances as real numbers, got {distances.dtype}")


def right_ranks(distances: npt.NDArray[Any], rule: RankingRule, query: int) -> IntArray:
    """Rank one query's right answers among the gallery pictures that the rule leaves.

    Args:
        distances: (G,) the query's distances to the whole gallery.
        rule: What is right and what is removed.
        query: The query's number.

    Returns:
        Ranks from 1, ascending; empty where the query has no right answer.

    Raises:
        DataError: A distance is NaN.
    """
    # A copy of one row fits into the cache. NaN is neither smaller than anything nor equal to it, so
    # removed pictures drop out of every count below.
    row = distances.astype(np.result_type(distances, np.float16))
    if np.isnan(row.max()):
        raise DataError(
            f"the distance of query {query} to gallery picture {np.isnan(row).argmax()} is not a number; "
            "check the embeddings for NaN and infinity"
        )
    right, removed = rule.split(query)
    row[removed] = np.nan
    if len(right) > MANY_RIGHT:
        ranks = np.empty(len(row), np.int64)
        ranks[np.argsort(row, kind="stable")] = np.arange(1, len(row) + 1)
        return np.sort(ranks[right])
    # Nearer are all smaller distances, and the equal ones that come first in the gallery. Comparing the
    # row with a number takes microseconds, sorting it hundreds.
    nearer = [
        np.count_nonzero(row[:place] <= row[place]) + np.count_nonzero(row[place:] < row[place]) for place in right
    ]
    return np.sort(np.array(nearer, np.int64)) + 1


def summarise(ranks: Sequence[IntArray], rule: RankingRule) -> RankMetrics:
    """Turn every query's ranks of right answers into the usual figures.

    Args:
        ranks: For each query of the rule, what `right_ranks` gives.
        rule: The rule they were ranked by.

    Raises:
        DataError: No query has a right answer.
    """
    found = [places for places in ranks if len(places)]
    if not found:
        apart = ", once pictures from the query's own camera are left out" if rule.same_camera else ""
        raise DataError(
            f"expected at least one query whose person is in the gallery{apart}, got none among "
            f"{len(ranks)} queries; check the person ids and cameras of query and gallery"
        )
    average_precision = np.array([_average_precision(places) for places in ranks])
    first = np.array([places[0] for places in found])
    inverse_penalty = [len(places) / places[-1] for places in found]
    return RankMetrics(
        cmc=np.bincount(first - 1, minlength=rule.gallery).cumsum() / len(found),
        mean_ap=float(np.nanmean(average_precision)),
        mean_inp=float(np.mean(inverse_penalty)),
        average_precision=average_precision,
        queries=len(found),
        skipped=len(ranks) - len(found),
        same_camera_rule=rule.same_camera,
    )


def _average_precision(ranks: IntArray) -> float:
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else np.nan
