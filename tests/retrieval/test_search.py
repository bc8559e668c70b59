import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import DataError
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.search import nearest, smallest


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, float("nan")]), min_size=1, max_size=20), st.integers(1, 25))
def test_smallest_equals_a_full_sort(values: list[float], top: int) -> None:
    expected = sorted((value, place) for place, value in enumerate(values) if value == value)[:top]
    assert smallest(np.array(values), top).tolist() == [place for _, place in expected]


def test_nearest_equals_the_matrix_sorted() -> None:
    random = np.random.default_rng(0)
    queries, gallery = normalise(random.normal(size=(300, 8))), normalise(random.normal(size=(40, 8)))
    indices, distances = nearest(queries, gallery, top=5)
    matrix = cosine_distances(queries, gallery)
    assert np.array_equal(indices, np.argsort(matrix, axis=1, kind="stable")[:, :5])
    np.testing.assert_allclose(distances, np.sort(matrix, axis=1)[:, :5], atol=1e-6)


def test_equal_embeddings_come_in_gallery_order_and_a_small_gallery_gives_less() -> None:
    indices, distances = nearest(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), top=9)
    assert indices.tolist() == [1, 2, 0]
    assert distances.tolist() == [0, 0, 1]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="at least 1 nearest, got 0"):
        nearest(np.array([1.0, 0.0]), np.eye(2), top=0)
    with pytest.raises(DataError, match=r"got \(1, 3\) and \(2, 2\)"):
        nearest(np.array([1.0, 0.0, 0.0]), np.eye(2), top=1)
