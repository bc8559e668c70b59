import numpy as np
import pytest

import passerby.machine
from passerby.errors import DataError
from passerby.retrieval.expansion import (
    alpha_query_expansion,
    average_query_expansion,
    database_augmentation,
    expanded_distances,
)


@pytest.fixture
def embeddings() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(8)
    return random.normal(size=(20, 12)), 5 * random.normal(size=(600, 12))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.mark.parametrize(("k", "alpha"), [(1, 0.0), (5, 3.0), (600, 0.5)])
def test_queries_are_averaged_with_their_nearest(
    k: int, alpha: float, embeddings: tuple[np.ndarray, np.ndarray]
) -> None:
    query, gallery = (unit(rows) for rows in embeddings)
    found = alpha_query_expansion(*embeddings, k, alpha)
    for q, row in zip(query, found, strict=True):
        cosines = gallery @ q
        total = q.copy()
        for g in np.argsort(-cosines)[:k]:
            total += max(cosines[g], 0) ** alpha * gallery[g]
        np.testing.assert_allclose(row, unit(total), atol=1e-5)


def test_alpha_0_is_the_average(embeddings: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(average_query_expansion(*embeddings, 4), alpha_query_expansion(*embeddings, 4, 0.0))


@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_gallery_embeddings_are_averaged_with_others_even_beside_copies(
    alpha: float, embeddings: tuple[np.ndarray, np.ndarray]
) -> None:
    gallery = np.concatenate([embeddings[1], embeddings[1][:40]])
    units = unit(gallery)
    found = database_augmentation(gallery, 3, alpha)
    for place, row in enumerate(found):
        cosines = units @ units[place]
        cosines[place] = -2
        nearest = np.argsort(-cosines)[:3]
        total = units[place] + (np.maximum(cosines[nearest], 0) ** alpha) @ units[nearest]
        np.testing.assert_allclose(row, unit(total), atol=1e-5)


def test_distances_are_cosine_after_both(embeddings: tuple[np.ndarray, np.ndarray]) -> None:
    query, gallery = embeddings
    expected = 1 - alpha_query_expansion(query, gallery, 4, 2) @ unit(gallery).T
    np.testing.assert_allclose(expanded_distances(query, gallery, 4, 2), expected, atol=1e-5)
    augmented = database_augmentation(gallery, 6, 2)
    expected = 1 - alpha_query_expansion(query, augmented, 4, 2) @ augmented.T
    np.testing.assert_allclose(expanded_distances(query, gallery, 4, 2, augment=6), expected, atol=1e-5)


def test_bad_input_is_refused(embeddings: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    query, gallery = embeddings
    with pytest.raises(DataError, match="expected k of at most 600"):
        average_query_expansion(query, gallery, 601)
    with pytest.raises(DataError, match="alpha of 0 or more, got -1"):
        alpha_query_expansion(query, gallery, 2, -1)
    with pytest.raises(DataError, match="expected k of at most 599"):
        database_augmentation(gallery, 600)
    with pytest.raises(DataError, match="same dimension, got 12 and 3"):
        average_query_expansion(query, gallery[:, :3])
    with pytest.raises(DataError, match="row 3 of the gallery embeddings is not finite"):
        average_query_expansion(query, np.where(np.arange(600)[:, None] == 3, np.inf, gallery))
    monkeypatch.setattr(passerby.machine, "available_memory", lambda: 1000)
    with pytest.raises(DataError, match="re-ranking 600 pictures for 20 queries needs about"):
        expanded_distances(query, gallery)
