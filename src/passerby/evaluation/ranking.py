"""Rank-k, CMC, mAP and mINP, from a matrix of distances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.draws import DrawnRanks
from passerby.evaluation.rule import RankingRule
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
        average_precision: (Q,) float64, each query's own, averaged over draws; NaN where a query has no right answer.
        inverse_penalty: (Q,) float64, likewise.
        first_ranks: (Q, R) int64, the rank of the nearest right answer in each of R drawn galleries (1 where nothing
            is drawn); 0 where a query has no right answer.
        queries: How many queries had a right answer; only these count.
        skipped: How many had none.
        same_camera_rule: Whether pictures of the same person from the same camera were left out.
        spread: Standard deviations over the drawn galleries of "rank_1", "mAP" and "mINP"; empty without draws.
    """

    cmc: npt.NDArray[np.float64]
    mean_ap: float
    mean_inp: float
    average_precision: npt.NDArray[np.float64]
    inverse_penalty: npt.NDArray[np.float64]
    first_ranks: IntArray
    queries: int
    skipped: int
    same_camera_rule: bool
    spread: Mapping[str, float] = field(default_factory=dict)

    def rank(self, k: int) -> float:
        """Give the share of queries with a right answer among the first `k`, or among all if G is less.

        Raises:
            DataError: `k` is less than 1.
        """
        if k < 1:
            raise DataError(f"expected a rank of at least 1, got {k}")
        return float(self.cmc[min(k, len(self.cmc)) - 1])

    def hits(self, k: int) -> npt.NDArray[np.float64]:
        """Give each query's share of draws with a right answer among the first `k`; NaN where it has none."""
        found = (self.first_ranks <= k).mean(axis=1)
        found[np.isnan(self.average_precision)] = np.nan
        return np.asarray(found, np.float64)


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


def check_row(distances: npt.NDArray[Any], query: int) -> None:
    """Refuse a query's distances that cannot be ranked.

    Raises:
        DataError: One is NaN.
    """
    if np.isnan(distances.max()):
        raise DataError(
            f"the distance of query {query} to gallery picture {np.isnan(distances).argmax()} is not a number; "
            "check the embeddings for NaN and infinity"
        )


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
    check_row(row, query)
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
    return summarise_draws([DrawnRanks(places[None], places[:1]) for places in ranks], rule)


def summarise_draws(ranks: Sequence[DrawnRanks], rule: RankingRule) -> RankMetrics:
    """Turn every query's ranks in several drawn galleries into the usual figures, averaged over the draws.

    CMC is that of people, mAP and mINP are those of pictures.

    Args:
        ranks: For each query of the rule, what `GalleryDraws.ranks` gives.
        rule: The rule they were ranked by.

    Raises:
        DataError: No query has a right answer.
    """
    found = np.array([drawn.pictures.shape[1] > 0 for drawn in ranks])
    if not found.any():
        apart = ", once pictures from the query's own camera are left out" if rule.same_camera else ""
        raise DataError(
            f"expected at least one query whose person is in the gallery{apart}, got none among "
            f"{len(ranks)} queries; check the person ids and cameras of query and gallery"
        )
    draws = len(ranks[int(found.argmax())].people)
    precision, penalty = np.full((len(ranks), draws), np.nan), np.full((len(ranks), draws), np.nan)
    first = np.zeros((len(ranks), draws), np.int64)
    for query in np.flatnonzero(found).tolist():
        places = ranks[query].pictures
        count = places.shape[1]
        precision[query] = (np.arange(1, count + 1) / places).mean(1)
        penalty[query] = count / places[:, -1]
        first[query] = ranks[query].people
    return RankMetrics(
        cmc=np.bincount(first[found].ravel() - 1, minlength=rule.gallery).cumsum() / first[found].size,
        mean_ap=float(np.nanmean(precision)),
        mean_inp=float(np.nanmean(penalty)),
        average_precision=precision.mean(1),
        inverse_penalty=penalty.mean(1),
        first_ranks=first,
        queries=int(found.sum()),
        skipped=int((~found).sum()),
        same_camera_rule=rule.same_camera,
        spread={
            "rank_1": float((first[found] == 1).mean(0).std()),
            "mAP": float(precision[found].mean(0).std()),
            "mINP": float(penalty[found].mean(0).std()),
        }
        if draws > 1
        else {},
    )
