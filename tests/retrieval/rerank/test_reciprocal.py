import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import passerby.machine
from passerby.errors import DataError
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.rerank import k_reciprocal


def literal(query: np.ndarray, gallery: np.ndarray, k1: int, k2: int, lambda_: float) -> np.ndarray:
    """The paper and its authors' program, step by step and dense, in double precision."""
    units = np.concatenate([query, gallery]).astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    distances = ((units[:, None] - units[None]) ** 2).sum(axis=2)
    distances = (distances / distances.max(axis=0)).T
    ranks = np.argsort(distances, axis=1, kind="stable")

    def reciprocal(picture: int, k: int) -> np.ndarray:
        forward = ranks[picture, : k + 1]
        return np.array([other for other in forward if picture in ranks[other, : k + 1]], np.int64)

    encoding = np.zeros_like(distances)
    for picture in range(len(units)):
        members = expanded = reciprocal(picture, k1)
        for member in members:
            further = reciprocal(member, int(np.around(k1 / 2)))
            if len(np.intersect1d(further, members)) > 2 / 3 * len(further):
                expanded = np.union1d(expanded, further)
        weights = np.exp(-distances[picture, expanded])
        encoding[picture, expanded] = weights / weights.sum()
    if k2 > 1:
        encoding = np.array([encoding[ranks[picture, :k2]].mean(axis=0) for picture in range(len(units))])

    result = np.empty((len(query), len(gallery)))
    for q in range(len(query)):
        for g in range(len(gallery)):
            one, other = encoding[q], encoding[len(query) + g]
            jaccard = 1 - np.minimum(one, other).sum() / np.maximum(one, other).sum()
            result[q, g] = (1 - lambda_) * jaccard + lambda_ * distances[q, len(query) + g]
    return result


def people(seed: int, queries: int, gallery: int, dimension: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings that cluster by person, of no particular length."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(max(2, gallery // 8), dimension))
    shown = random.integers(0, len(centres), queries + gallery)
    embeddings = 3 * (centres[shown] + 0.8 * random.normal(size=(queries + gallery, dimension)))
    return embeddings[:queries], embeddings[queries:]


@pytest.mark.parametrize(
    ("k1", "k2", "lambda_"),
    [(20, 6, 0.3), (20, 1, 0.3), (30, 6, 0.0), (7, 9, 0.1), (5, 3, 1.0), (25, 6, 0.5), (1, 1, 0.3)],
)
def test_equals_the_literal_paper(k1: int, k2: int, lambda_: float) -> None:
    query, gallery = people(k1, 30, 170)
    distances = k_reciprocal(query, gallery, k1, k2, lambda_)
    assert distances.shape == (30, 170)
    assert distances.dtype == np.float32
    np.testing.assert_allclose(distances, literal(query, gallery, k1, k2, lambda_), rtol=0, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 40), st.data())
def test_equals_the_literal_paper_for_any_shape(seed: int, queries: int, gallery: int, data: st.DataObject) -> None:
    k1, k2 = (data.draw(st.integers(1, gallery), label=name) for name in ("k1", "k2"))
    lambda_ = data.draw(st.sampled_from([0.0, 0.3, 1.0]), label="lambda_")
    query, gallery_ = people(seed, queries, gallery, dimension=8)
    np.testing.assert_allclose(
        k_reciprocal(query, gallery_, k1, k2, lambda_), literal(query, gallery_, k1, k2, lambda_), rtol=0, atol=1e-5
    )


def test_copies_of_pictures_come_in_order_of_place_as_in_a_stable_sort() -> None:
    query, gallery = people(2, 10, 60)
    gallery = np.concatenate([gallery, gallery[:25], query[:5]])
    np.testing.assert_allclose(
        k_reciprocal(query, gallery, 9, 4, 0.3), literal(query, gallery, 9, 4, 0.3), rtol=0, atol=1e-5
    )


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    query, gallery = people(4, 70, 330)
    whole = k_reciprocal(query, gallery)
    monkeypatch.setattr("passerby.retrieval.rerank.neighbours.ROWS", 37)
    monkeypatch.setattr("passerby.retrieval.rerank.neighbours.PAIRS", 11)
    monkeypatch.setattr("passerby.retrieval.rerank.encoding.ROWS", 23)
    monkeypatch.setattr("passerby.retrieval.rerank.reciprocal.QUERIES", 3)
    np.testing.assert_allclose(k_reciprocal(query, gallery), whole, rtol=0, atol=1e-6)


def test_only_directions_count() -> None:
    query, gallery = people(5, 8, 60)
    scale = np.random.default_rng(1).uniform(0.01, 100, size=(60, 1))
    whole = k_reciprocal(normalise(query), normalise(gallery))
    np.testing.assert_allclose(k_reciprocal(query, gallery * scale), whole, rtol=0, atol=1e-5)


def test_with_lambda_1_only_the_scaled_distance_is_left() -> None:
    query, gallery = people(6, 5, 50)
    distances = k_reciprocal(query, gallery, lambda_=1)
    original = cosine_distances(normalise(query), normalise(gallery))
    for row, plain in zip(distances, original, strict=True):
        np.testing.assert_allclose(row / plain, (row / plain)[0], rtol=1e-4)
    assert distances.max() <= 1


def test_pictures_that_are_all_the_same_are_at_no_distance() -> None:
    np.testing.assert_allclose(k_reciprocal(np.ones((2, 4)), np.ones((6, 4)), 3, 2), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("query", "gallery", "settings_", "says"),
    [
        (np.ones((2, 4)), np.ones((3, 4)), {"k1": 4}, "expected k1 of at most 3, the gallery's pictures, got 4"),
        (np.ones((2, 4)), np.ones((3, 4)), {"k1": 2, "k2": 0}, "expected k2 of at least 1, got 0"),
        (np.ones((2, 4)), np.ones((3, 4)), {"k1": 2, "k2": 2, "lambda_": 1.5}, "lambda_ from 0 to 1, got 1.5"),
        (np.ones((2, 4)), np.ones((3, 4)), {"k1": 2, "k2": 2, "lambda_": np.nan}, "lambda_ from 0 to 1, got nan"),
        (np.ones((2, 4)), np.ones((3, 5)), {}, "of the same dimension, got 4 and 5"),
        (np.ones((2, 4)), np.ones((0, 4)), {}, "at least one gallery embedding, got none"),
        (np.ones((0, 4)), np.ones((3, 4)), {}, "at least one query embedding, got none"),
        (
            np.ones(4),
            np.ones((3, 4)),
            {},
            r"query embeddings as real numbers of shape .*, got float64 of shape \(4,\)",
        ),
        (np.ones((2, 4)), np.full((3, 4), "a"), {}, "gallery embeddings as real numbers"),
        (np.ones((2, 4)), np.diag([1, np.nan, 1, 1]), {"k1": 2, "k2": 2}, "row 1 of the gallery embeddings is not f"),
        (np.diag([1, 1, np.inf, 1]), np.ones((3, 4)), {"k1": 2, "k2": 2}, "row 2 of the query embeddings is not fin"),
        (np.ones((2, 4)), np.diag([1, 1, 0, 1]), {"k1": 2, "k2": 2}, "row 2 of the gallery embeddings is all zeros"),
    ],
)
def test_bad_input_is_refused(query: np.ndarray, gallery: np.ndarray, settings_: dict[str, float], says: str) -> None:
    with pytest.raises(DataError, match=says) as refused:
        k_reciprocal(query, gallery, **settings_)
    assert "\n" not in str(refused.value)


def test_a_billion_pairs_are_refused_on_a_small_machine_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passerby.machine, "available_memory", lambda: 2**30)
    # Views of one row: nothing of that size is ever allocated.
    many = np.broadcast_to(np.ones((1, 8), np.float32), (31_623, 8))
    with pytest.raises(
        DataError, match=r"re-ranking 31,623 pictures for 31,623 queries needs about \d\.\d GiB .*1\.0"
    ):
        k_reciprocal(many, many)
