from itertools import combinations

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.retrieval.metric import MahalanobisMetric, kissme, xqda
from passerby.retrieval.metric.scatter import pair_scatter


@pytest.fixture
def labelled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People differ along the first axes, cameras and noise along the last."""
    random = np.random.default_rng(6)
    ids, cameras = random.integers(0, 40, 300), random.integers(0, 3, 300)
    scale = np.linspace(2, 0.1, 10)
    people = random.normal(size=(40, 10)) * scale
    cast = random.normal(size=(3, 10)) * scale[::-1]
    return people[ids] + cast[cameras] + random.normal(size=(300, 10)) * scale[::-1], ids, cameras


@pytest.mark.parametrize("across_cameras", [False, True])
def test_scatter_equals_a_loop_over_all_pairs(
    across_cameras: bool, labelled: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    embeddings, ids, cameras = (values[:90] for values in labelled)
    same, different = [], []
    for one, other in combinations(range(90), 2):
        if not across_cameras or cameras[one] != cameras[other]:
            apart = embeddings[one] - embeddings[other]
            (same if ids[one] == ids[other] else different).append(np.outer(apart, apart))
    found = pair_scatter(embeddings, ids, cameras if across_cameras else None)
    assert (found.same_pairs, found.different_pairs) == (len(same), len(different))
    np.testing.assert_allclose(found.same, np.mean(same, axis=0), atol=1e-9)
    np.testing.assert_allclose(found.different, np.mean(different, axis=0), atol=1e-9)


def test_kissme_is_the_difference_of_the_inverse_covariances(
    labelled: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    embeddings, ids, _ = labelled
    scatter = pair_scatter(embeddings, ids)
    metric = kissme(embeddings, ids, regularisation=1e-9)
    difference = np.linalg.inv(scatter.same) - np.linalg.inv(scatter.different)
    values, vectors = np.linalg.eigh(difference)
    expected = (vectors * values.clip(0)) @ vectors.T
    whole = metric.projection @ metric.matrix @ metric.projection.T
    np.testing.assert_allclose(whole, expected, atol=1e-4 * np.abs(expected).max())


def test_xqda_solves_the_generalised_eigenproblem(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    embeddings, ids, cameras = labelled
    scatter = pair_scatter(embeddings, ids, cameras)
    metric = xqda(embeddings, ids, cameras, regularisation=1e-9)
    w = metric.projection
    values = np.sort(np.linalg.eigvals(np.linalg.solve(scatter.same, scatter.different)).real)[::-1]
    kept = int((values > 1).sum())
    assert w.shape == (10, kept)
    for column, value in zip(w.T, values, strict=False):
        np.testing.assert_allclose(scatter.different @ column, value * scatter.same @ column, atol=1e-5)
    within = np.linalg.inv(w.T @ scatter.same @ w) - np.linalg.inv(w.T @ scatter.different @ w)
    np.testing.assert_allclose(metric.matrix, within, atol=1e-6)


def test_distances_equal_their_definition(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    embeddings, ids, cameras = labelled
    for metric in (kissme(embeddings, ids), xqda(embeddings, ids, cameras)):
        found = metric.distances(embeddings[:5], embeddings[5:30])
        for q in range(5):
            for g in range(25):
                apart = (embeddings[q] - embeddings[5 + g]) @ metric.projection
                expected = apart @ metric.matrix @ apart
                assert found[q, g] == pytest.approx(expected, rel=1e-3, abs=1e-3 * float(np.abs(found).max()))


@pytest.mark.parametrize("learn", [kissme, xqda])
def test_what_is_learnt_finds_new_people_better(learn: type) -> None:
    random = np.random.default_rng(0)
    scale = np.linspace(2, 0.05, 16)

    def draw(people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ids, cameras = np.repeat(np.arange(people), 4), np.tile([0, 0, 1, 1], people)
        own = random.normal(size=(people, 16)) * scale
        return own[ids] + random.normal(size=(4 * people, 16)) * scale[::-1], ids, cameras

    metric = learn(*draw(200))
    embeddings, ids, cameras = draw(50)
    query, gallery = cameras == 0, cameras == 1

    def rank_1(distances: np.ndarray) -> float:
        return float((ids[gallery][distances.argmin(axis=1)] == ids[query]).mean())

    plain = ((embeddings[query][:, None] - embeddings[gallery][None]) ** 2).sum(axis=2)
    assert rank_1(metric.distances(embeddings[query], embeddings[gallery])) > rank_1(plain) + 0.2


def test_ids_may_be_strings(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    embeddings, ids, cameras = labelled
    named = np.char.add("person ", ids.astype(str))
    np.testing.assert_allclose(
        xqda(embeddings, named, cameras.astype(str)).matrix, xqda(embeddings, ids, cameras).matrix
    )


def test_a_dimension_limits_what_is_kept(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    embeddings, ids, cameras = labelled
    assert kissme(embeddings, ids, dimension=3).projection.shape == (10, 3)
    assert xqda(embeddings, ids, cameras, dimension=2).projection.shape == (10, 2)


def test_bad_input_is_refused(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    embeddings, ids, cameras = labelled
    for learn in (kissme, xqda):
        with pytest.raises(DataError, match="expected ids as 300 integers or strings"):
            learn(embeddings, ids[:5])
        with pytest.raises(DataError, match="expected finite embeddings"):
            learn(np.where(embeddings > 2, np.nan, embeddings), ids)
        with pytest.raises(DataError, match="same person and of different people, got 0 and 44850"):
            learn(embeddings, np.arange(300))
        with pytest.raises(DataError, match="got 0 and 0"):
            learn(embeddings, ids, cameras * 0)
        with pytest.raises(DataError, match="regularisation above 0"):
            learn(embeddings, ids, regularisation=0)
        with pytest.raises(DataError, match="expected a dimension of"):
            learn(embeddings, ids, dimension=0)
    metric = MahalanobisMetric(np.eye(10), np.eye(10))
    with pytest.raises(DataError, match="expected embeddings of dimension 10, got 9"):
        metric.distances(embeddings[:2, :9], embeddings[:3, :9])
    with pytest.raises(DataError, match="row 1 of the gallery embeddings is not finite"):
        metric.distances(embeddings[:2], np.where(np.arange(3)[:, None] == 1, np.nan, embeddings[:3]))
