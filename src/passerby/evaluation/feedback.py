"""What feedback is worth: a simulated examiner who answers truly, round after round."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.rule import RankingRule
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.feedback import FeedbackSession, Refine, discriminate
from passerby.retrieval.rerank.inputs import check_pair
from passerby.types import IntArray

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FeedbackRounds:
    """Average precision of every query after every round; NaN where nothing right is left to find.

    What a person has marked is no longer a prediction, so figures must say what becomes of it. Both ways are given:

    Attributes:
        marked_first: (rounds + 1, Q) what was marked yes comes first, what was marked no comes last, the rest in
            between by the refined query. This is what the person sees; marking alone already raises it, so compare
            it with the same for a `refine` that returns the query as it is.
        residual: (rounds + 1, Q) over the pictures that nobody has marked yet, by the refined query: what refining
            has done for those still to be found.
        residual_unrefined: (rounds + 1, Q) over the very same pictures, by the first query: its yardstick.
        found: (rounds + 1, Q) int64, how many right pictures were marked.
    """

    marked_first: Floats
    residual: Floats
    residual_unrefined: Floats
    found: IntArray


def simulate_feedback(
    query_embeddings: npt.NDArray[Any],
    gallery_embeddings: npt.NDArray[Any],
    rule: RankingRule,
    *,
    refine: Refine = discriminate,
    rounds: int = 3,
    shown: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> FeedbackRounds:
    """Let an examiner who knows the truth mark the nearest unmarked pictures of every query, some a round.

    Pictures that the rule leaves out of a query's ranking are never shown and never ranked.

    Args:
        query_embeddings: (Q, D) real array of any scale; rows are brought to length 1.
        gallery_embeddings: (G, D) real array, likewise.
        rule: Which answers are right, and which pictures are left out.
        refine: What makes a better query out of the first one and the answers.
        rounds: How often pictures are shown, 1 or more.
        shown: How many each time, 1 or more.
        progress: Told queries done and their number.

    Raises:
        DataError: Embeddings do not fit the rule or have no direction, or a number is out of its range.
    """
    check_pair(query_embeddings, gallery_embeddings)
    if (len(query_embeddings), len(gallery_embeddings)) != (rule.queries, rule.gallery):
        raise DataError(
            f"expected embeddings of {rule.queries} queries and {rule.gallery} gallery pictures, got "
            f"{len(query_embeddings)} and {len(gallery_embeddings)}"
        )
    if rounds < 1 or shown < 1:
        raise DataError(f"expected 1 round or more with 1 picture or more, got {rounds} and {shown}")
    queries, gallery = normalise(query_embeddings, "query embeddings"), normalise(gallery_embeddings)
    shape = (rounds + 1, len(queries))
    marked_first, residual, unrefined = np.empty(shape), np.empty(shape), np.empty(shape)
    found = np.zeros(shape, np.int64)
    for number, query in enumerate(queries):
        right, removed = rule.split(number)
        kept = np.setdiff1d(np.arange(rule.gallery), removed)
        is_right = np.isin(kept, right)
        session = FeedbackSession(query, gallery[kept], refine=refine)
        plain = cosine_distances(query[None], session.gallery)[0]
        for turn in range(rounds + 1):
            if turn:
                places = session.show(shown)
                session = session.answer(yes=places[is_right[places]], no=places[~is_right[places]])
            distances = session.distances()
            marked = [*session.yes, *session.no]
            left = np.delete(np.arange(len(kept)), marked)
            residual[turn, number] = average_precision(distances[left], is_right[left])
            unrefined[turn, number] = average_precision(plain[left], is_right[left])
            found[turn, number] = len(session.yes)
            # Beyond all distances on either side, in the order in which they were marked.
            distances[list(session.yes)] = np.arange(len(session.yes)) - float(len(session.yes)) - 1
            distances[list(session.no)] = 3
            marked_first[turn, number] = average_precision(distances, is_right)
        if progress is not None:
            progress(number + 1, len(queries))
    return FeedbackRounds(marked_first, residual, unrefined, found)


def average_precision(distances: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> float:
    """Give the mean precision at the ranks of what is right, as `rank_metrics` does; equal distances in given order.

    Args:
        distances: (G,) real array, smaller is nearer.
        right: (G,) which are right.

    Returns:
        0 to 1, or NaN where nothing is right.

    Example:
        >>> average_precision(np.array([0.1, 0.2, 0.3]), np.array([False, True, False]))
        0.5
    """
    ranks = np.flatnonzero(right[np.argsort(distances, kind="stable")]) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else float("nan")
