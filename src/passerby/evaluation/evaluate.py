"""From embeddings and labelled pictures to everything that says how good a ranking is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.data.dataset import people
from passerby.errors import DataError
from passerby.evaluation.blocks import DistanceRows, block_rows, cosine_rows, for_each_block
from passerby.evaluation.bootstrap import Interval, mean_intervals
from passerby.evaluation.draws import DrawnRanks
from passerby.evaluation.histogram import FARTHEST, DistanceHistogram, binned
from passerby.evaluation.pairs import STEPS
from passerby.evaluation.protocols import Pictures, ProtocolOptions, RankingTask, ranking_rule, ranking_task
from passerby.evaluation.ranked_pairs import PairTally, RankedPairs
from passerby.evaluation.ranking import RankMetrics, check_distances, check_row, right_ranks, summarise_draws
from passerby.evaluation.rankings import (
    Ranking,
    evenly_spaced,
    hardest,
    ranking_of,
    surest,
    wrong_first_distance,
)
from passerby.evaluation.rule import RankingRule
from passerby.types import IntArray, Sample

RANKS = (1, 5, 10, 20)
"""Whose CMC is reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How well a gallery was ranked, with what a reader needs to judge the figures.

    Attributes:
        metrics: CMC, mAP, mINP and each query's own figures.
        query_people: (Q,) int64, whom each query shows.
        people: How many people are asked for.
        cameras: How many known cameras there are.
        query_pictures: How many queries were put, answerable or not.
        gallery_pictures: How many pictures the gallery has.
        protocol: The protocol's name.
        rule: A sentence or more that says what was left out of the rankings, pooled or drawn.
        examples: Rankings of queries that lie evenly spaced in the list, whatever their result.
        hardest: Rankings of the queries with the lowest average precision, one a person.
        surest_failures: Rankings of queries whose first answer is wrong, the nearest wrong one first, one a person.
        histogram: Distances of all ranked pairs, of the same person and of different people.
        pairs: The same pairs counted finely: what verification would decide. None where all are of one person.
    """

    metrics: RankMetrics
    query_people: IntArray
    people: int
    cameras: int
    query_pictures: int
    gallery_pictures: int
    protocol: str
    rule: str
    examples: tuple[Ranking, ...]
    hardest: tuple[Ranking, ...]
    surest_failures: tuple[Ranking, ...]
    histogram: DistanceHistogram
    pairs: RankedPairs | None

    def intervals(self, *, confidence: float = 0.95, seed: int = 0) -> dict[str, Interval]:
        """Give rank-1, 5, 10 and 20, mAP and mINP with bootstrap intervals over the people asked for."""
        return mean_intervals(self.values_by_query(), self.query_people, confidence=confidence, seed=seed)

    def values_by_query(self) -> dict[str, npt.NDArray[np.float64]]:
        """Give the (Q,) values whose means these figures are; NaN where a query has no right answer."""
        return {
            **{f"rank_{k}": self.metrics.hits(k) for k in RANKS},
            "mAP": self.metrics.average_precision,
            "mINP": self.metrics.inverse_penalty,
        }

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them: shares from 0 to 1, the CMC up to rank 50."""
        return {
            **{f"rank_{k}": self.metrics.rank(k) for k in RANKS},
            "mAP": self.metrics.mean_ap,
            "mINP": self.metrics.mean_inp,
            "intervals": {name: interval.to_dict() for name, interval in self.intervals().items()},
            "verification": self.pairs.to_dict() if self.pairs else None,
            "cmc": self.metrics.cmc[:50].tolist(),
            "queries": self.metrics.queries,
            "skipped_queries": self.metrics.skipped,
            "people": self.people,
            "cameras": self.cameras,
            "query_pictures": self.query_pictures,
            "gallery_pictures": self.gallery_pictures,
            "same_camera_rule": self.metrics.same_camera_rule,
            "protocol": self.protocol,
            **({"spread_over_draws": dict(self.metrics.spread)} if self.metrics.spread else {}),
            "rule": self.rule,
        }


def evaluate(
    query_embeddings: npt.NDArray[Any],
    query_samples: Sequence[Sample],
    gallery_embeddings: npt.NDArray[Any],
    gallery_samples: Sequence[Sample],
    *,
    protocol: str = "market1501",
    options: ProtocolOptions | None = None,
    shown: int = 8,
    depth: int = 10,
) -> Evaluation:
    """Rank the gallery for every query by cosine distance and score the rankings (see `rank_metrics`).

    A query whose file is in the gallery too is left out of its own ranking. Distances are measured a block
    at a time on all cores, so that memory does not grow with the number of queries.

    Args:
        query_embeddings: (Q, D) real array of any scale; the rows are brought to length 1.
        query_samples: Whom and where each query shows.
        gallery_embeddings: (G, D) real array; may be a memory map, which is not copied where its rows are float32 of
            length 1.
        gallery_samples: Whom and where each gallery picture shows.
        protocol: A name in `passerby.evaluation.protocols.PROTOCOLS`.
        options: Draws, shots and seed of protocols that draw.
        shown: How many examples, and how many hard queries, to keep rankings of.
        depth: How many gallery pictures such a ranking holds.

    Raises:
        DataError: The lengths do not fit, a row has no direction, no query has a right answer, or the pictures are
            not those that the protocol needs.
    """
    task = ranking_task(query_embeddings, query_samples, gallery_embeddings, gallery_samples, protocol, options)
    return evaluate_task(task, shown=shown, depth=depth)


def evaluate_task(
    task: RankingTask, distances: npt.NDArray[Any] | None = None, *, shown: int = 8, depth: int = 10
) -> Evaluation:
    """Score what a protocol prepared, by cosine distance or by distances of one's own, as after re-ranking.

    Args:
        task: As `ranking_task` makes it.
        distances: (Q, G) real array between the task's queries and gallery; None: cosine distances.
        shown: How many examples, and how many hard queries, to keep rankings of.
        depth: How many gallery pictures such a ranking holds.

    Raises:
        DataError: The shapes do not fit, a distance is NaN, or no query has a right answer.
    """
    if distances is None:
        rows = cosine_rows(task.queries.embeddings, task.gallery.embeddings)
        return _evaluate(rows, (0.0, FARTHEST), task, shown, depth)
    check_distances(distances, task.rule)
    low, high = float(distances.min()), float(distances.max())
    if not np.isfinite([low, high]).all():
        row = int((~np.isfinite(distances)).any(axis=1).argmax())
        check_row(distances[row], row)
        raise DataError(f"a distance of query {row} is infinite; expected finite distances")
    if low >= 0 and high <= FARTHEST:
        low, high = 0.0, FARTHEST
    given = distances
    return _evaluate(given.__getitem__, (low, max(high, low + 1e-9)), task, shown, depth)


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
    queries, gallery = (
        Pictures(np.empty((len(s), 0), np.float32), tuple(s)) for s in (query_samples, gallery_samples)
    )
    rule = ranking_rule(query_samples, gallery_samples)
    task = RankingTask(queries, gallery, rule, None, "market1501", ())
    return evaluate_task(task, distances, shown=shown, depth=depth)


def _evaluate(
    rows: DistanceRows, reach: tuple[float, float], task: RankingTask, shown: int, depth: int
) -> Evaluation:
    rule, asked = task.rule, task.queries.column("person_id")
    tally = PairTally(rule, asked, *reach)

    def work(start: int, stop: int) -> tuple[list[DrawnRanks], list[float]]:
        block = rows(slice(start, stop))
        ranks = [_ranks(row, task, query, int(asked[query])) for query, row in enumerate(block, start)]
        wrong_firsts = [wrong_first_distance(query, row, rule) for query, row in enumerate(block, start)]
        tally.add(start, block)
        return ranks, wrong_firsts

    blocks = for_each_block(work, rule.queries, rule.gallery)
    metrics = summarise_draws([drawn for ranks, _ in blocks for drawn in ranks], rule)
    wrong_firsts = np.array([distance for _, distances in blocks for distance in distances])

    def rankings(queries: IntArray) -> tuple[Ranking, ...]:
        height = block_rows(rule.gallery)
        parts = [queries[start : start + height] for start in range(0, len(queries), height)]
        return tuple(
            ranking_of(query, row, rule, metrics, depth)
            for part in parts
            for query, row in zip(part.tolist(), rows(part), strict=True)
        )

    same, different = tally.counts()
    width = (reach[1] - reach[0]) / STEPS
    return Evaluation(
        metrics=metrics,
        query_people=asked,
        people=len(people(task.queries.samples)),
        cameras=rule.cameras,
        query_pictures=rule.queries,
        gallery_pictures=rule.gallery,
        protocol=task.protocol,
        rule=" ".join((_what_was_left_out(rule), *task.notes)),
        examples=rankings(evenly_spaced(metrics, shown)),
        hardest=rankings(hardest(metrics, task.queries.samples, shown)),
        surest_failures=rankings(surest(wrong_firsts, task.queries.samples, shown)),
        histogram=DistanceHistogram(binned(same, reach[0], width), binned(different, reach[0], width)),
        pairs=tally.pairs(),
    )


def _ranks(distances: npt.NDArray[Any], task: RankingTask, query: int, person: int) -> DrawnRanks:
    if task.draws is None:
        ranks = right_ranks(distances, task.rule, query)
        return DrawnRanks(ranks[None], ranks[:1])
    check_row(distances, query)
    return task.draws.ranks(distances, task.rule, query, person)


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
