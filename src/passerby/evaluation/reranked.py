"""An evaluation before and after re-ranking, and the rankings that it changed most."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.blocks import cosine_rows
from passerby.evaluation.evaluate import Evaluation, evaluate_task
from passerby.evaluation.protocols import RankingTask
from passerby.evaluation.rankings import Ranking, one_a_person, ranking_of


@dataclass(frozen=True, slots=True, eq=False)
class Reranked:
    """What re-ranking made of an evaluation.

    Attributes:
        label: The method, such as "k-reciprocal".
        evaluation: After it.
        changed: Rankings of the same query before and after, those that gained most first, those that lost most last.
        gained: How many queries' average precision rose.
        lost: How many fell.
    """

    label: str
    evaluation: Evaluation
    changed: tuple[tuple[Ranking, Ranking], ...]
    gained: int
    lost: int


def evaluate_reranked(
    task: RankingTask, before: Evaluation, distances: npt.NDArray[Any], label: str, *, shown: int = 3, depth: int = 10
) -> Reranked:
    """Score re-ranked distances of the same task, and find what changed.

    Args:
        task: What `before` evaluated, by cosine distance.
        before: The evaluation of the task's own distances.
        distances: (Q, G) real array, as a method of `passerby.retrieval.rerank` gives it.
        label: What to call the method.
        shown: How many queries to show that gained, and how many that lost.
        depth: How many answers of each.

    Raises:
        DataError: The shapes do not fit, or a distance is NaN.
    """
    if before.query_pictures != task.rule.queries or before.gallery_pictures != task.rule.gallery:
        raise DataError(
            f"expected an evaluation of the {task.rule.queries} queries and {task.rule.gallery} gallery pictures "
            f"that were re-ranked, got one of {before.query_pictures} and {before.gallery_pictures}"
        )
    after = evaluate_task(task, distances, depth=depth)
    gain = np.nan_to_num(after.metrics.average_precision - before.metrics.average_precision)
    order = np.argsort(-gain, kind="stable")
    ups = one_a_person(order[gain[order] > 0], task.queries.samples, shown)
    downs = one_a_person(order[gain[order] < 0][::-1], task.queries.samples, shown)[::-1]
    queries = np.concatenate([ups, downs])
    rows = cosine_rows(task.queries.embeddings, task.gallery.embeddings)(queries)
    changed = tuple(
        (
            ranking_of(query, row, task.rule, before.metrics, depth),
            ranking_of(query, distances[query], task.rule, after.metrics, depth),
        )
        for query, row in zip(queries.tolist(), rows, strict=True)
    )
    return Reranked(label, after, changed, int((gain > 0).sum()), int((gain < 0).sum()))
