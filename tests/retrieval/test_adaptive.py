import numpy as np
import pytest
from scipy.optimize import minimize

from passerby.errors import DataError
from passerby.retrieval.adaptive import local_metric_distances
from passerby.retrieval.distance import cosine_distances, normalise


@pytest.fixture
def embeddings() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    query, gallery, others = (random.normal(size=(rows, 6)) for rows in (5, 40, 30))
    return query, gallery, others


def literal(query: np.ndarray, gallery: np.ndarray, negatives: np.ndarray, reach: float, bound: float) -> np.ndarray:
    """The metric by a general solver of the dual, the distances by their definition."""
    target = reach * np.mean([(query - g) @ (query - g) for g in gallery])
    directions = query - negatives
    kernel = (directions @ directions.T) ** 2
    gain = target - (directions**2).sum(axis=1)
    start = np.zeros(len(negatives))
    solved = minimize(
        lambda a: a @ kernel @ a / 2 - gain @ a,
        start,
        jac=lambda a: kernel @ a - gain,
        bounds=[(0, bound)] * len(negatives),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000},
    )
    metric = np.eye(len(query)) + (directions.T * solved.x) @ directions
    return np.array([(query - g) @ metric @ (query - g) for g in gallery])


@pytest.mark.parametrize(("count", "reach", "bound"), [(1, 1.0, 1.0), (6, 1.0, 0.2), (10, 1.5, 100.0)])
def test_equals_the_definition(
    count: int, reach: float, bound: float, embeddings: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    query, gallery, others = (normalise(rows).astype(np.float64) for rows in embeddings)
    found = local_metric_distances(*embeddings, count=count, reach=reach, bound=bound)
    for q, row in zip(query, found, strict=True):
        hardest = others[np.argsort(((q - others) ** 2).sum(axis=1))[:count]]
        np.testing.assert_allclose(row, literal(q, gallery, hardest, reach, bound), rtol=1e-3, atol=1e-3)


def test_negatives_come_from_the_gallery_beyond_what_may_be_right(
    embeddings: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    query, gallery, _ = embeddings
    for q in range(5):
        order = np.argsort(cosine_distances(normalise(query[q : q + 1]), normalise(gallery))[0])
        chosen = gallery[order[4:10]]
        np.testing.assert_allclose(
            local_metric_distances(query[q : q + 1], gallery, count=6, skip=4),
            local_metric_distances(query[q : q + 1], gallery, chosen, count=6),
            atol=1e-6,
        )


def test_hard_negatives_are_as_far_as_strangers_when_nothing_bounds_it() -> None:
    query = np.array([[1.0, 0.0, 0.0]])
    gallery = normalise(np.array([[0.9, 0.1, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.95, 0.0, 0.3]]))
    negatives = gallery[3:]
    distances = local_metric_distances(query, gallery, negatives, count=1, bound=1e6)
    strangers = (2 - 2 * gallery @ query[0]).mean()
    assert distances[0, 3] == pytest.approx(strangers, rel=1e-3)
    assert distances[0, 0] < 0.2


def test_bad_input_is_refused(embeddings: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    query, gallery, others = embeddings
    with pytest.raises(DataError, match="expected count of at most 20"):
        local_metric_distances(query, gallery, count=21)
    with pytest.raises(DataError, match="expected count of at most 30"):
        local_metric_distances(query, gallery, others, count=31)
    with pytest.raises(DataError, match="reach and bound above 0"):
        local_metric_distances(query, gallery, others, reach=0)
    with pytest.raises(DataError, match="same dimension, got 6 and 2"):
        local_metric_distances(query, gallery, others[:, :2])
    with pytest.raises(DataError, match="row 0 of the negative embeddings is all zeros"):
        local_metric_distances(query, gallery, others * 0)


def test_a_negative_that_is_the_query_itself_pushes_nothing() -> None:
    query, gallery = np.eye(3)[:1], np.eye(3)
    distances = local_metric_distances(query, gallery, query, count=1)
    np.testing.assert_allclose(distances, [[0, 2, 2]], atol=1e-6)
