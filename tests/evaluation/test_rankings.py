"""Which rankings are shown: against plain loops over all queries."""

from pathlib import Path

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation.evaluate import evaluate, evaluate_task
from passerby.evaluation.protocols import ranking_task
from passerby.evaluation.rankings import wrong_first_distance
from passerby.evaluation.reranked import evaluate_reranked
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import Sample

Case = tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]]


@pytest.fixture
def case() -> Case:
    random = np.random.default_rng(3)
    samples = [Sample(Path(f"{n}.png"), n % 7 + 1, n // 7 % 3) for n in range(84)]
    embeddings = normalise(random.normal(size=(8, 6))[[s.person_id for s in samples]] + random.normal(size=(84, 6)))
    # One query whom nobody answers.
    alone = Sample(Path("alone.png"), 99, 0)
    return (
        np.concatenate([embeddings[:30], normalise(random.normal(size=(1, 6)))]),
        (*samples[:30], alone),
        embeddings[30:],
        tuple(samples[30:]),
    )


def wrong_firsts(case: Case) -> dict[int, float]:
    found = {}
    for query, (sample, row) in enumerate(zip(case[1], cosine_distances(case[0], case[2]), strict=True)):
        kept = [
            (distance, place)
            for place, (distance, other) in enumerate(zip(row.tolist(), case[3], strict=True))
            if not (other.person_id == sample.person_id and other.camera_id == sample.camera_id)
        ]
        first = min(kept)
        answered = any(case[3][place].person_id == sample.person_id for _, place in kept)
        if answered and case[3][first[1]].person_id != sample.person_id:
            found[query] = first[0]
    return found


def test_the_surest_failures_are_the_nearest_wrong_first_answers(case: Case) -> None:
    expected = wrong_firsts(case)
    seen: list[int] = []
    for query in sorted(expected, key=lambda query: (expected[query], query)):
        if case[1][query].person_id not in {case[1][other].person_id for other in seen}:
            seen.append(query)
    evaluation = evaluate(*case, shown=5)
    assert [ranking.query for ranking in evaluation.surest_failures] == seen[:5]
    for ranking in evaluation.surest_failures:
        assert ranking.distances[0] == pytest.approx(expected[ranking.query], abs=1e-6)


def test_a_query_is_a_failure_or_not_as_counted_by_hand(case: Case) -> None:
    rule, expected = ranking_task(*case).rule, wrong_firsts(case)
    rows = cosine_distances(case[0], case[2])
    found = {q: wrong_first_distance(q, row, rule) for q, row in enumerate(rows)}
    assert {q for q, distance in found.items() if np.isfinite(distance)} == set(expected)


def test_reranking_shows_those_who_gained_most_then_those_who_lost_most(case: Case) -> None:
    task = ranking_task(*case)
    before = evaluate_task(task)
    distances = cosine_distances(case[0], case[2]) + np.random.default_rng(0).random((31, 54)).astype(np.float32)
    after = evaluate_task(task, distances)
    gain = after.metrics.average_precision - before.metrics.average_precision
    found = evaluate_reranked(task, before, distances, "noise", shown=2, depth=5)
    assert found.gained == int((gain > 0).sum())
    assert found.lost == int((gain < 0).sum())
    assert found.evaluation.metrics.mean_ap == after.metrics.mean_ap
    shown = [pair[0].query for pair in found.changed]
    assert len(shown) == 4
    assert gain[shown[0]] == np.nanmax(gain)
    assert gain[shown[-1]] == np.nanmin(gain)
    assert (np.diff(gain[shown]) <= 0).all()
    for first, second in found.changed:
        assert first.query == second.query
        assert first.distances == tuple(sorted(first.distances))
        assert second.average_precision - first.average_precision == pytest.approx(gain[first.query])


def test_an_evaluation_of_other_pictures_is_refused(case: Case) -> None:
    task = ranking_task(*case)
    other = evaluate(case[0][:30], case[1][:30], case[2], case[3])
    with pytest.raises(
        DataError, match="31 queries and 54 gallery pictures that were re-ranked, got one of 30 and 54"
    ):
        evaluate_reranked(task, other, np.zeros((31, 54)), "zero")
