import numpy as np
import pytest

from passerby.errors import DataError
from passerby.retrieval.rerank import ReciprocalGallery, k_reciprocal


def cluttered(seed: int, pictures: int = 260, dimension: int = 16) -> tuple[np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(pictures // 9, dimension))
    return centres[random.integers(0, len(centres), pictures)] + random.normal(size=(pictures, dimension)), random


@pytest.mark.parametrize(("k1", "k2", "lambda_"), [(20, 6, 0.3), (7, 3, 0.0), (5, 1, 0.3), (4, 9, 0.5), (1, 1, 0.3)])
def test_answers_what_re_ranking_the_query_alone_gives(k1: int, k2: int, lambda_: float) -> None:
    gallery, random = cluttered(k1)
    live = ReciprocalGallery(gallery, k1, k2, lambda_)
    near_someone = gallery[:30] + 0.3 * random.normal(size=(30, gallery.shape[1]))
    nobody = random.normal(size=(10, gallery.shape[1]))
    copies = gallery[40:50]
    # Farther from most than anybody else: everybody's weights change.
    outside = -gallery.mean(axis=0, keepdims=True)
    for query in np.concatenate([near_someone, nobody, copies, outside]):
        expected = k_reciprocal(query[None], gallery, k1, k2, lambda_)[0]
        answer = live.distances(query)
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)


def test_copies_in_the_gallery_change_nothing_about_that() -> None:
    gallery, _ = cluttered(3, 60)
    gallery = np.concatenate([gallery, gallery[:20], gallery[:10]])
    live = ReciprocalGallery(gallery, 8, 4)
    for query in gallery[:30]:
        np.testing.assert_allclose(
            live.distances(query), k_reciprocal(query[None], gallery, 8, 4)[0], rtol=0, atol=1e-5
        )


def test_asking_changes_nothing() -> None:
    gallery, random = cluttered(5)
    live = ReciprocalGallery(gallery)
    first, second = random.normal(size=(2, gallery.shape[1]))
    before = live.distances(first)
    live.distances(second)
    assert np.array_equal(live.distances(first), before)


def test_bad_input_is_refused() -> None:
    gallery, _ = cluttered(1, 30)
    with pytest.raises(DataError, match="expected k1 of at most 19"):
        ReciprocalGallery(gallery[:20], k1=20)
    with pytest.raises(DataError, match="at least one query embedding, got none"):
        ReciprocalGallery(gallery[:0])
    live = ReciprocalGallery(gallery, k1=5, k2=2)
    with pytest.raises(DataError, match=r"one query embedding of shape \(numbers,\), got \(2, 16\)"):
        live.distances(gallery[:2])
    with pytest.raises(DataError, match="of the same dimension, got 3 and 16"):
        live.distances(np.ones(3))
    with pytest.raises(DataError, match="row 0 of the query embeddings is not finite"):
        live.distances(np.full(16, np.nan))
