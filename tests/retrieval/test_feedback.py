from functools import partial

import numpy as np
import pytest
from scipy.optimize import minimize

from passerby.errors import DataError
from passerby.retrieval.distance import normalise
from passerby.retrieval.feedback import FeedbackSession, Refine, discriminate, rocchio


@pytest.fixture
def gallery() -> np.ndarray:
    return normalise(np.random.default_rng(3).normal(size=(50, 8)))


def test_rocchio_is_the_weighted_sum(gallery: np.ndarray) -> None:
    query = 7 * gallery[0]
    moved = 1.0 * gallery[0] + 0.5 * gallery[1:4].mean(axis=0) - 0.25 * gallery[4:9].mean(axis=0)
    found = rocchio(query, 3 * gallery[1:4], gallery[4:9], beta=0.5, gamma=0.25)
    np.testing.assert_allclose(found, moved / np.linalg.norm(moved), atol=1e-6)


@pytest.mark.parametrize(("yes", "no"), [(3, 5), (0, 4), (2, 0), (0, 0), (1, 30)])
@pytest.mark.parametrize("strength", [1.0, 50.0])
def test_the_discriminative_model_minimises_its_objective(
    yes: int, no: int, strength: float, gallery: np.ndarray
) -> None:
    """Against a general solver in the space of embeddings, not in that of examples."""
    query, right, wrong = gallery[0].astype(float), gallery[1 : 1 + yes], gallery[10 : 10 + no]
    examples = np.concatenate([query[None], right, wrong])
    side = np.concatenate([np.ones(1 + yes), -np.ones(no)])
    anchor = (10 * examples @ query)[side > 0].min() - 1

    def loss(unknown: np.ndarray) -> float:
        w, b = unknown[:-1], unknown[-1]
        prior = 100 / (2 * strength) * np.sum((w - query) ** 2) + 1e-2 / 2 * (b - anchor) ** 2
        return prior + np.logaddexp(0, -side * (10 * examples @ w - b)).sum()

    solved = minimize(loss, np.append(query, anchor), method="BFGS", options={"gtol": 1e-7}).x[:-1]
    found = discriminate(query, right, wrong, scale=10, strength=strength)
    np.testing.assert_allclose(found, solved / np.linalg.norm(solved), atol=2e-4)


@pytest.mark.parametrize("refine", [rocchio, discriminate, partial(rocchio, gamma=0.5)])
def test_answers_pull_and_push(refine: Refine, gallery: np.ndarray) -> None:
    session = FeedbackSession(gallery[0], gallery[1:], refine=refine)
    before = session.distances()
    yes, no = session.show(2)
    after = session.answer(yes=[yes], no=[no]).distances()
    assert after[yes] - after[no] < before[yes] - before[no]


def test_without_answers_the_query_is_as_it_was(gallery: np.ndarray) -> None:
    for refine in (rocchio, discriminate):
        session = FeedbackSession(3 * gallery[0], gallery, refine=refine)
        np.testing.assert_allclose(session.refined, gallery[0], atol=1e-5)


def test_several_rounds_never_show_a_picture_twice_and_leave_earlier_sessions_alone(gallery: np.ndarray) -> None:
    first = FeedbackSession(gallery[0], gallery)
    session, seen = first, set()
    for _ in range(5):
        shown = session.show(4).tolist()
        assert not seen & set(shown)
        seen |= set(shown)
        session = session.answer(yes=shown[:1], no=shown[1:])
    assert set(session.yes + session.no) == seen
    assert (first.yes, first.no) == ((), ())
    assert len(session.show(100)) == 30


def test_copies_of_one_picture_do_not_stop_it(gallery: np.ndarray) -> None:
    found = discriminate(gallery[0], np.repeat(gallery[:1], 5, axis=0), np.repeat(gallery[1:2], 5, axis=0))
    assert np.isfinite(found).all()
    contradiction = discriminate(gallery[0], gallery[1:2], gallery[1:2])
    assert np.isfinite(contradiction).all()


def test_bad_input_is_refused(gallery: np.ndarray) -> None:
    none = np.empty((0, 8))
    for refine in (rocchio, discriminate):
        with pytest.raises(DataError, match=r"one query embedding of shape \(numbers,\), got \(1, 8\)"):
            refine(gallery[:1], none, none)
        with pytest.raises(DataError, match="same dimension, got 8 and 3"):
            refine(gallery[0], gallery[:, :3], none)
        with pytest.raises(DataError, match="row 0 of the no is not finite"):
            refine(gallery[0], none, gallery[:2] * np.nan)
    with pytest.raises(DataError, match="weights of 0 or more"):
        rocchio(gallery[0], none, none, gamma=-1)
    with pytest.raises(DataError, match="row 0 of the refined query is all zeros"):
        rocchio(gallery[0], none, none, alpha=0)
    with pytest.raises(DataError, match="scale and strength above 0"):
        discriminate(gallery[0], none, none, scale=0)
    session = FeedbackSession(gallery[0], gallery)
    with pytest.raises(DataError, match="gallery places from 0 to 49, got 50"):
        session.answer(yes=[50])
    with pytest.raises(DataError, match="one answer for each picture, got two for 3"):
        session.answer(yes=[3]).answer(no=[3])
