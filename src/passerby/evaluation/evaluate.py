"""From embeddings and labelled pictures to everything that says how good a ranking is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.data.dataset import people
from passerby.errors import DataError
from passerby.evaluation.histogram import BINS, DistanceHistogram, bin_counts
from passerby.evaluation.protocols import RankingRule
from passerby.evaluation.ranking import RankMetrics, check_distances, right_ranks, summarise
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.search import smallest
from passerby.types import IntArray, Sample

ROWS = 256
"""Queries whose distances are held at a time."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How well a gallery was ranked, with what a reader needs to judge the figures.

    Attributes:
        metrics: CMC, mAP, mINP and each query's average precision.
        people: How many people are asked for.
        cameras: How many known cameras there are.
        query_pictures: How many queries were put, answerable or not.
        gallery_pictures: How many pictures the gallery has.
        rule: A sentence or more that says what was left out of the rankings.
        examples: Rankings of queries that lie evenly spaced in the list, whatever their result.
        hardest: Rankings of the queries with the lowest average precision, one a person.
        histogram: Distances of all ranked pairs, of the same person and of different people.
    """

    metrics: RankMetrics
    people: int
    cameras: int
    query_pictures: int
    gallery_pictures: int
    rule: str
    examples: tuple[Ranking, ...]
    hardest: tuple[Ranking, ...]
    histogram: DistanceHistogram

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them: shares from 0 to 1, the CMC up to rank 50."""
        return {
            **{f"rank_{k}": self.metrics.rank(k) for k in (1, 5, 10, 20)},
            "mAP": self.metrics.mean_ap,
            "mINP": self.metrics.mean_inp,
            "cmc": self.metrics.cmc[:50].tolist(),
            "queries": self.metrics.queries,
            "skipped_queries": self.metrics.skipped,
            "people": self.people,
            "cameras": self.cameras,
            "query_pictures": self.query_pictures,
            "gallery_pictures": self.gallery_pictures,
            "same_camera_rule": self.metrics.same_camera_rule,
            "rule": self.rule,
        }


def evaluate(
    query_embeddings: npt.NDArray[Any],
    query_samples: Sequence[Sample],
    gallery_embeddings: npt.NDArray[Any],
    gallery_samples: Sequence[Sample],
    *,
    shown: int = 8,
    depth: int = 10,
) -> Evaluation:
    """Rank the gallery for every query by cosine distance and score the rankings (see `rank_metrics`).

    A query whose file is in the gallery too is left out of its own ranking. Distances are measured a block
    at a time, so that memory does not grow with the number of queries.

    Args:
        query_embeddings: (Q, D) real array of any scale; the rows are brought to length 1.
        query_samples: Whom and where each query shows.
        gallery_embeddings: (G, D) real array.
        gallery_samples: Whom and where each gallery picture shows.
        shown: How many examples, and how many hard queries, to keep rankings of.
        depth: How many gallery pictures such a ranking holds.

    Raises:
        DataError: The lengths do not fit, a row has no direction, or no query has a right answer.
    """
    for name, embeddings, samples in (
        ("query", query_embeddings, query_samples),
        ("gallery", gallery_embeddings, gallery_samples),
    ):
        if len(embeddings) != len(samples):
            raise DataError(
                f"expected one embedding for each of {len(samples)} {name} pictures, got {len(embeddings)}"
            )
    queries, gallery = normalise(query_embeddings), normalise(gallery_embeddings)
    rule = ranking_rule(query_samples, gallery_samples)

    def distance_rows(rows: IntArray) -> npt.NDArray[Any]:
        return cosine_distances(queries[rows], gallery)

    return _evaluate(distance_rows, rule, query_samples, gallery_samples, shown, depth)


def evaluate_distances(
    distances: npt.NDArray[Any],
    query_samples: Sequence[Sample],
    gallery_samples: Sequence[Sample],
    *,
    shown: int = 8,
    depth: int = 10,
) -> Evaluation:
    """Score a matrix of distances as `evaluate` scores embeddings: for re-ranking and pair scorers.

    Args:
        distances: (Q, G) real array, smaller is nearer; may be a memory map.
        query_samples: Whom and where each query shows.
        gallery_samples: Whom and where each gallery picture shows.
        shown: How many examples, and how many hard queries, to keep rankings of.
        depth: How many gallery pictures such a ranking holds.

    Raises:
        DataError: The shapes do not fit, a distance is NaN, or no query has a right answer.
    """
    rule = ranking_rule(query_samples, gallery_samples)
    check_distances(distances, rule)
    return _evaluate(distances.__getitem__, rule, query_samples, gallery_samples, shown, depth)


def _evaluate(
    distance_rows: Callable[[IntArray], npt.NDArray[Any]],
    rule: RankingRule,
    query_samples: Sequence[Sample],
    gallery_samples: Sequence[Sample],
    shown: int,
    depth: int,
) -> Evaluation:
    ranks: list[IntArray] = []
    same, ranked = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    for start in range(0, rule.queries, ROWS):
        block = np.arange(start, min(start + ROWS, rule.queries))
        for query, row in zip(block.tolist(), distance_rows(block), strict=True):
            ranks.append(right_ranks(row, rule, query))
            right, removed = rule.split(query)
            same += bin_counts(row[right])
            ranked += bin_counts(row) - bin_counts(row[removed])
    metrics = summarise(ranks, rule)

    def rankings(queries: IntArray) -> tuple[Ranking, ...]:
        rows = zip(queries.tolist(), distance_rows(queries), strict=True)
        return tuple(_ranking(query, row, rule, ranks[query], metrics, depth) for query, row in rows)

    return Evaluation(
        metrics=metrics,
        people=len(people(query_samples)),
        cameras=rule.cameras,
        query_pictures=rule.queries,
        gallery_pictures=rule.gallery,
        rule=_what_was_left_out(rule),
        examples=rankings(_evenly_spaced(metrics, shown)),
        hardest=rankings(_hardest(metrics, query_samples, shown)),
        histogram=DistanceHistogram(same=same, different=ranked - same),
    )


def ranking_rule(query_samples: Sequence[Sample], gallery_samples: Sequence[Sample]) -> RankingRule:
    """The rule by which labelled pictures are ranked; a query whose file is in the gallery too is its own picture."""
    places: dict[Any, int] = {}
    for place, sample in enumerate(gallery_samples):
        places.setdefault(sample.path, place)
    return RankingRule(
        [sample.person_id for sample in query_samples],
        [sample.person_id for sample in gallery_samples],
        [sample.camera_id for sample in query_samples],
        [sample.camera_id for sample in gallery_samples],
        [places.get(sample.path, -1) for sample in query_samples],
    )


def _what_was_left_out(rule: RankingRule) -> str:
    own = f"the query's own picture (of {rule.own_pictures} queries)" if rule.own_pictures else ""
    if rule.same_camera:
        left_out = " and ".join(filter(None, ["the same person's pictures from the query's camera", own]))
        sentences = [f"Left out of each ranking: {left_out}."]
    else:
        left_out = f"only {own} was left out" if own else "nothing was left out"
        sentences = [
            f"Fewer than two cameras are known, so the same person's pictures stay in and {left_out}; "
            "figures across cameras would be lower."
        ]
    if rule.people < 2:
        sentences.append("All pictures show one person, so there was nobody to confuse: the figures say nothing.")
    if rule.junk:
        sentences.append(f"Junk pictures that are never ranked: {rule.junk}.")
    return " ".join(sentences)


def _evenly_spaced(metrics: RankMetrics, count: int) -> IntArray:
    answered = np.flatnonzero(~np.isnan(metrics.average_precision))
    return answered[np.unique(np.linspace(0, len(answered) - 1, count).round().astype(np.int64))]


def _hardest(metrics: RankMetrics, query_samples: Sequence[Sample], count: int) -> IntArray:
    # NaN, a query that cannot be answered, is sorted last.
    order = np.argsort(metrics.average_precision, kind="stable")[: metrics.queries]
    asked = [query_samples[query].person_id for query in order]
    _, worst_of_each = np.unique(asked, return_index=True)
    return order[np.sort(worst_of_each)[:count]]


def _ranking(
    query: int,
    distances: npt.NDArray[Any],
    rule: RankingRule,
    ranks: IntArray,
    metrics: RankMetrics,
    depth: int,
) -> Ranking:
    right, removed = rule.split(query)
    row = distances.astype(np.float64)
    row[removed] = np.nan
    nearest = smallest(row, depth)
    nearest_right = int(right[row[right].argmin()])
    return Ranking(
        query=query,
        average_precision=float(metrics.average_precision[query]),
        first_right=int(ranks[0]),
        nearest_right=nearest_right,
        nearest_right_distance=float(row[nearest_right]),
        gallery=tuple(nearest.tolist()),
        right=tuple(np.isin(nearest, right).tolist()),
        distances=tuple(row[nearest].tolist()),
    )
