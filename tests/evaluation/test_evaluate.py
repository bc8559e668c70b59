import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation import blocks
from passerby.evaluation.evaluate import evaluate, evaluate_distances
from passerby.evaluation.ranking import rank_metrics
from passerby.evaluation.verification import calibrate
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import Sample


def pictures(prefix: str, people: list[int], cameras: list[int]) -> tuple[Sample, ...]:
    labels = enumerate(zip(people, cameras, strict=True))
    return tuple(Sample(Path(f"{prefix}{n}.jpg"), person, camera) for n, (person, camera) in labels)


@pytest.fixture
def case() -> tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]]:
    """Twenty queries, the last of a person whom the gallery lacks, and sixty gallery pictures."""
    random = np.random.default_rng(5)
    query_people = [*(n % 6 + 1 for n in range(19)), 9]
    gallery_people = [n % 8 - 1 for n in range(60)]
    queries = pictures("q", query_people, random.integers(1, 4, 20).tolist())
    gallery = pictures("g", gallery_people, random.integers(1, 4, 60).tolist())
    centres = random.normal(size=(11, 8))
    noise = random.normal(size=(80, 8))
    embeddings = 3 * (centres[query_people + gallery_people] + noise)
    return embeddings[:20], queries, embeddings[20:], gallery


def test_equals_rank_metrics_on_the_whole_matrix(
    case: tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 7)
    query_embeddings, queries, gallery_embeddings, gallery = case
    evaluation = evaluate(*case, shown=4, depth=5)
    matrix = cosine_distances(normalise(query_embeddings), normalise(gallery_embeddings))
    expected = rank_metrics(
        matrix,
        [sample.person_id for sample in queries],
        [sample.person_id for sample in gallery],
        [sample.camera_id for sample in queries],
        [sample.camera_id for sample in gallery],
    )
    for metrics in (evaluation.metrics, evaluate_distances(matrix, queries, gallery).metrics):
        assert np.array_equal(metrics.cmc, expected.cmc)
        assert np.array_equal(metrics.average_precision, expected.average_precision, equal_nan=True)
    assert (expected.queries, expected.skipped) == (19, 1)
    assert (evaluation.people, evaluation.cameras) == (7, 3)
    assert "from the query's camera" in evaluation.rule
    assert "Junk pictures that are never ranked: 8." in evaluation.rule


def test_rankings_show_what_the_figures_count(
    case: tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]],
) -> None:
    _, queries, _, gallery = case
    evaluation = evaluate(*case, shown=4, depth=60)
    precisions = evaluation.metrics.average_precision
    assert [ranking.query for ranking in evaluation.examples] == [0, 6, 12, 18]
    assert evaluation.hardest[0].average_precision == np.nanmin(precisions)
    assert len({queries[ranking.query].person_id for ranking in evaluation.hardest}) == 4
    for ranking in evaluation.examples + evaluation.hardest:
        query = queries[ranking.query]
        answers = [gallery[place] for place in ranking.gallery]
        assert list(ranking.right) == [answer.person_id == query.person_id for answer in answers]
        assert list(ranking.distances) == sorted(ranking.distances)
        assert ranking.first_right == ranking.right.index(True) + 1
        assert not any(answer.person_id == -1 for answer in answers)
        assert (query.person_id, query.camera_id) not in {(a.person_id, a.camera_id) for a in answers}
        right_ranks = np.flatnonzero(ranking.right) + 1
        assert ranking.average_precision == np.mean(np.arange(1, len(right_ranks) + 1) / right_ranks)
    ranked = sum(
        answer.person_id != -1 and (answer.person_id, answer.camera_id) != (query.person_id, query.camera_id)
        for query in queries
        for answer in gallery
    )
    assert evaluation.histogram.same.sum() + evaluation.histogram.different.sum() == ranked


def test_without_cameras_only_the_query_itself_is_left_out() -> None:
    samples = pictures("p", [1, 1, 2, 2], [-1, -1, -1, -1])
    embeddings = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    evaluation = evaluate(embeddings, samples, embeddings, samples)
    assert evaluation.metrics.rank(1) == evaluation.metrics.mean_ap == 1
    assert not evaluation.metrics.same_camera_rule
    assert "only the query's own picture (of 4 queries) was left out" in evaluation.rule
    assert [ranking.gallery[0] for ranking in evaluation.examples] == [1, 0, 3, 2]


def test_the_dictionary_is_json(
    case: tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]],
) -> None:
    figures = json.loads(json.dumps(evaluate(*case).to_dict(), allow_nan=False))
    assert 0 < figures["rank_1"] <= figures["rank_20"] <= 1
    assert len(figures["cmc"]) == 50
    assert (figures["queries"], figures["skipped_queries"], figures["same_camera_rule"]) == (19, 1, True)


def test_what_does_not_fit_is_refused(
    case: tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]],
) -> None:
    query_embeddings, queries, gallery_embeddings, gallery = case
    with pytest.raises(DataError, match="one embedding for each of 19 query pictures, got 20"):
        evaluate(query_embeddings, queries[:-1], gallery_embeddings, gallery)
    with pytest.raises(DataError, match=r"expected distances of shape \(20, 60\)"):
        evaluate_distances(np.zeros((60, 20)), queries, gallery)


def test_a_machine_with_too_little_memory_says_so_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passerby.machine.available_memory", lambda: 2**20)
    samples = pictures("p", [1, 1, 2, 2], [1, 2, 1, 2])
    with pytest.raises(DataError, match=r"ranking 4 pictures for 4 queries needs about .* GiB of memory") as error:
        evaluate(np.eye(4), samples, np.eye(4), samples)
    assert "\n" not in str(error.value)
    with pytest.raises(DataError, match="comparing 4 pictures with each other needs about"):
        calibrate(np.eye(4), [1, 1, 2, 2], source="a test")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: np.where(np.arange(4)[:, None] == 2, np.nan, e), "row 2 of the embeddings is not finite"),
        (lambda e: np.where(np.arange(4)[:, None] == 1, np.inf, e), "row 1 of the embeddings is not finite"),
        (lambda e: np.where(np.arange(4)[:, None] == 0, 0, e), "row 0 of the embeddings is all zeros"),
        (lambda e: e[:0], r"expected one embedding for each of 4 gallery pictures, got 0"),
    ],
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_embeddings_without_a_direction_are_refused(change: Any, message: str, kind: Any) -> None:
    samples = pictures("p", [1, 1, 2, 2], [1, 2, 1, 2])
    with pytest.raises(DataError, match=message):
        evaluate(np.eye(4, dtype=kind), samples, change(np.eye(4, dtype=kind)), samples)


def test_rows_of_any_length_are_brought_to_length_one(
    case: tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]],
) -> None:
    query_embeddings, queries, gallery_embeddings, gallery = case
    scaled = evaluate(query_embeddings * 100, queries, gallery_embeddings / 100, gallery)
    assert scaled.metrics.mean_ap == pytest.approx(evaluate(*case).metrics.mean_ap)


def test_other_distances_may_be_of_any_scale_but_not_infinite(
    case: tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]],
) -> None:
    _, queries, _, gallery = case
    matrix = np.random.default_rng(1).random((20, 60))
    one, other = (evaluate_distances(m, queries, gallery) for m in (matrix, 300 * matrix - 50))
    assert one.metrics.mean_ap == other.metrics.mean_ap
    assert one.pairs.figures["auc"] == pytest.approx(other.pairs.figures["auc"], abs=1e-4)
    matrix[3, 4] = np.inf
    with pytest.raises(DataError, match="a distance of query 3 is infinite"):
        evaluate_distances(matrix, queries, gallery)
    matrix[3, 4] = np.nan
    with pytest.raises(DataError, match="query 3 to gallery picture 4 is not a number"):
        evaluate_distances(matrix, queries, gallery)
