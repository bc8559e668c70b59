from collections.abc import Callable

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.retrieval.distance import cosine_distances, distance_blocks, euclidean_distances, normalise


@pytest.fixture
def units() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return normalise(random.normal(size=(7, 16))), normalise(random.normal(size=(11, 16)))


def test_equals_a_plain_loop(units: tuple[np.ndarray, np.ndarray]) -> None:
    queries, gallery = units
    distances = cosine_distances(queries, gallery)
    assert distances.dtype == np.float32
    for q in range(7):
        for g in range(11):
            expected = 1 - np.dot(queries[q].astype(float), gallery[g].astype(float))
            assert distances[q, g] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_blocks_make_up_the_matrix(units: tuple[np.ndarray, np.ndarray], rows: int) -> None:
    starts, blocks = zip(*distance_blocks(*units, rows=rows), strict=True)
    assert list(starts) == list(range(0, 7, rows))
    np.testing.assert_allclose(np.concatenate(blocks), cosine_distances(*units), atol=1e-6)


@pytest.mark.parametrize("offset", [0, 1000])
def test_euclidean_distances_equal_a_plain_loop(offset: float) -> None:
    random = np.random.default_rng(5)
    queries, gallery = 3 * random.normal(size=(7, 16)) + offset, 3 * random.normal(size=(11, 16)) + offset
    distances = euclidean_distances(queries, gallery)
    assert distances.dtype == np.float32
    for q in range(7):
        for g in range(11):
            assert distances[q, g] == pytest.approx(np.linalg.norm(queries[q] - gallery[g]), rel=1e-5)
    np.testing.assert_allclose(euclidean_distances(queries, gallery, squared=True), distances**2, rtol=1e-5)
    for kind, whole in (("euclidean", distances), ("squared", distances**2)):
        blocks = [block for _, block in distance_blocks(queries, gallery, 3, kind)]
        np.testing.assert_allclose(np.concatenate(blocks), whole, rtol=1e-5)


def test_squared_distances_of_unit_vectors_are_twice_the_cosine_distances(
    units: tuple[np.ndarray, np.ndarray],
) -> None:
    np.testing.assert_allclose(euclidean_distances(*units, squared=True), 2 * cosine_distances(*units), atol=1e-5)


def test_never_leaves_0_to_2() -> None:
    units = normalise(np.random.default_rng(1).normal(size=(200, 64)))
    assert cosine_distances(units, units).min() == 0
    assert cosine_distances(units, -units).max() == 2


@pytest.mark.parametrize("scale", [1e-30, 1, 1e30])
def test_rows_become_unit_vectors_whatever_their_size(scale: float) -> None:
    rows = (np.random.default_rng(1).normal(size=(5, 8)) * scale).astype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(normalise(rows), axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("value", "what"), [(0, "all zeros"), (np.nan, "not finite"), (np.inf, "not finite")])
def test_the_row_without_a_direction_is_named(value: float, what: str) -> None:
    rows = np.ones((4, 3))
    rows[2] = value
    with pytest.raises(DataError, match=f"row 2 of the embeddings is {what}"):
        normalise(rows)


def test_what_does_not_fit_is_refused() -> None:
    units = np.eye(3)
    with pytest.raises(DataError, match=r"got \(3, 3\) and \(3, 2\)"):
        cosine_distances(units, units[:, :2])
    with pytest.raises(DataError, match=r"row 1 of the gallery embeddings has length 2"):
        cosine_distances(units, units * [[1], [2], [1]])
    with pytest.raises(DataError, match="row 0 of the query embeddings is not finite"):
        cosine_distances(units * np.nan, units)
    with pytest.raises(DataError, match="at least 1 row"):
        next(distance_blocks(units, units, rows=0))
    with pytest.raises(DataError, match=r"got \(3, 3\) and \(3, 2\)"):
        euclidean_distances(units, units[:, :2])
    with pytest.raises(DataError, match="row 0 of the gallery embeddings is not finite"):
        euclidean_distances(units, np.full((3, 3), np.inf))
    with pytest.raises(DataError, match="cosine, euclidean or squared, got manhattan"):
        next(distance_blocks(units, units, kind="manhattan"))
    with pytest.raises(DataError, match=r"got \(3,\)"):
        normalise(np.ones(3))


@pytest.mark.parametrize("measure", [cosine_distances, euclidean_distances])
def test_a_matrix_that_does_not_fit_is_refused_before_the_work(
    measure: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerby.machine.available_memory", lambda: 2**30)
    # Of a billion pairs, one number each; the rows themselves are one row, seen many times.
    many = np.broadcast_to(np.float32([1, 0]), (100_000, 2))
    with pytest.raises(DataError, match=r"100,000 pictures for 10,000 queries needs about 3\.7 GiB .* got 1\.0 GiB"):
        measure(many[:10_000], many)
