"""IVF-SQ8 beside the exact index: how much it finds, and what it does at the edges."""

import sys

import numpy as np
import pytest

from passerby.errors import DataError, MissingExtraError
from passerby.retrieval.approximate import ApproximateIndex
from passerby.retrieval.distance import normalise
from passerby.retrieval.index import Index


@pytest.fixture(scope="module")
def index() -> Index:
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, 16))
    made = Index(16)
    made.add(
        np.arange(1000, 4000), normalise(centres[random.integers(0, 60, 3000)] + 0.3 * random.normal(size=(3000, 16)))
    )
    return made


@pytest.fixture(scope="module")
def queries(index: Index) -> np.ndarray:
    random = np.random.default_rng(1)
    return normalise(index.vectors(random.choice(index.ids, 40)) + 0.05 * random.normal(size=(40, 16)))


def test_recall_grows_with_the_probes_and_is_nearly_whole_with_all(index: Index, queries: np.ndarray) -> None:
    few, all_ = ApproximateIndex(index, lists=40, probes=1), ApproximateIndex(index, lists=40, probes=40)
    assert 0.2 < few.recall(index, queries, 20) < all_.recall(index, queries, 20)
    assert all_.recall(index, queries, 20) > 0.95


@pytest.mark.parametrize("wanted", [0.6, 0.9, 0.99])
def test_as_few_lists_are_looked_into_as_give_the_recall(wanted: float) -> None:
    random = np.random.default_rng(2)
    everywhere = Index(16)
    everywhere.add(np.arange(3000), normalise(random.normal(size=(3000, 16))))
    copy = ApproximateIndex(everywhere, lists=40, expected_recall=wanted)
    assert 1 < copy.probes < 40
    assert copy.recall(everywhere, normalise(random.normal(size=(200, 16))), 50) >= wanted - 0.05
    assert wanted <= copy.expected_recall < wanted + 0.05
    fewer = ApproximateIndex(everywhere, lists=40, probes=copy.probes - 1)
    assert fewer.expected_recall < wanted


def test_the_expected_recall_is_that_of_its_own_vectors(index: Index) -> None:
    copy = ApproximateIndex(index, lists=40, probes=3)
    everybody = index.vectors(index.ids)
    # Each finds itself, which is not counted.
    measured = (51 * copy.recall(index, everybody, 51) - 1) / 50
    assert copy.expected_recall == pytest.approx(measured, abs=0.03)
    assert repr(copy).startswith("<ApproximateIndex of 3,000 vectors: looks into 3 of 40 lists, expected recall 0.")


def test_recall_is_the_share_of_exact_answers(index: Index, queries: np.ndarray) -> None:
    copy = ApproximateIndex(index, lists=40, probes=2)
    exact, found = index.search(queries, 10)[1].tolist(), copy.search(queries, 10)[1].tolist()
    by_hand = sum(len(set(a) & set(b)) for a, b in zip(exact, found, strict=True)) / (10 * len(queries))
    assert copy.recall(index, queries, 10) == pytest.approx(by_hand)


def test_distances_are_nearly_exact_and_ascend(index: Index, queries: np.ndarray) -> None:
    distances, ids = ApproximateIndex(index, probes=1000).search(queries, 30)
    assert (np.diff(distances) >= 0).all()
    for row, (query, found) in enumerate(zip(queries, ids, strict=True)):
        np.testing.assert_allclose(distances[row], 1 - index.vectors(found) @ query, atol=0.02)


def test_the_same_seed_gives_the_same_answers(index: Index, queries: np.ndarray) -> None:
    first, second = (ApproximateIndex(index, probes=2, seed=5).search(queries, 9) for _ in range(2))
    np.testing.assert_array_equal(first[1], second[1])


def test_more_asked_for_than_there_are(queries: np.ndarray) -> None:
    small = Index(16)
    small.add(np.array([3, 4]), queries[:2])
    copy = ApproximateIndex(small)
    assert len(copy) == 2
    assert copy.search(queries[:1], 50)[1].tolist() == [[3, 4]]
    assert copy.search(queries[:0], 50)[1].shape == (0, 2)


def test_where_its_lists_hold_too_few_a_query_looks_into_all(index: Index, queries: np.ndarray) -> None:
    copy = ApproximateIndex(index, lists=200, probes=1)
    distances, ids = copy.search(queries, 100)
    assert ids.shape == (40, 100)
    assert (ids >= 1000).all()
    assert (np.diff(distances) >= 0).all()


def test_what_does_not_fit_is_refused(index: Index, queries: np.ndarray) -> None:
    with pytest.raises(DataError, match="empty index"):
        ApproximateIndex(Index(16))
    with pytest.raises(DataError, match="at least 1 list and 1 probe"):
        ApproximateIndex(index, probes=0)
    with pytest.raises(DataError, match="recall above 0"):
        ApproximateIndex(index, expected_recall=95)
    copy = ApproximateIndex(index, lists=4)
    with pytest.raises(DataError, match=r"shape \(N, 16\), got \(40, 3\)"):
        copy.search(queries[:, :3], 5)
    with pytest.raises(DataError, match="at least 1 nearest"):
        copy.search(queries, 0)
    with pytest.raises(DataError, match="at least one query"):
        copy.recall(index, queries[:0], 5)


def test_without_faiss_the_error_names_the_extra(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'passerby\[gallery\]'"):
        ApproximateIndex(index)
