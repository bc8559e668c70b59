import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import DataError
from passerby.retrieval.fusion import fuse_by_score_curve, fuse_ranks, fuse_scores


@pytest.fixture
def rankings() -> list[np.ndarray]:
    random = np.random.default_rng(4)
    return [random.random((300, 25)), 100 * random.random((300, 25)), random.integers(0, 5, (300, 25))]


@pytest.mark.parametrize("weights", [None, [0.2, 0.0, 5.0]])
@pytest.mark.parametrize("scaling", ["min-max", "z"])
def test_scores_are_averaged_on_one_scale(scaling: str, weights: list[float] | None, rankings: list) -> None:
    found = fuse_scores(rankings, scaling, weights)
    shares = np.array(weights or [1, 1, 1]) / np.sum(weights or 3)
    for q in range(300):
        expected = np.zeros(25)
        for matrix, share in zip(rankings, shares, strict=True):
            row = matrix[q].astype(float)
            if scaling == "min-max":
                expected += share * (row - min(row)) / (max(row) - min(row))
            else:
                expected += share * (row - np.mean(row)) / np.std(row)
        np.testing.assert_allclose(found[q], expected, atol=1e-5)


@pytest.mark.parametrize("rule", ["borda", "reciprocal"])
def test_ranks_are_averaged(rule: str, rankings: list[np.ndarray]) -> None:
    found = fuse_ranks(rankings, rule, k=10)
    for q in range(0, 300, 17):
        ranks = [sorted(range(25), key=lambda g, row=matrix[q]: (row[g], g)) for matrix in rankings]
        for g in range(25):
            places = [1 + order.index(g) for order in ranks]
            if rule == "borda":
                expected = (np.mean(places) - 1) / 25
            else:
                expected = 1 - 11 * np.mean([1 / (10 + place) for place in places])
            assert found[q, g] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("with_references", [False, True])
def test_score_curves_weigh_as_defined(with_references: bool, rankings: list[np.ndarray]) -> None:
    rankings = [matrix[:40] for matrix in rankings]
    random = np.random.default_rng(1)
    references = [random.random((12, 25)), 100 * random.random((12, 25)), random.random((12, 25))]
    found = fuse_by_score_curve(rankings, references if with_references else None, nearest=3, tail=0.4)

    def scaled(row: np.ndarray) -> np.ndarray:
        return (row - row.min()) / (row.max() - row.min())

    for q in range(40):
        areas = []
        for matrix, reference in zip(rankings, references, strict=True):
            curve = np.array(sorted(-matrix[q].astype(float), reverse=True))
            if with_references:
                others = -np.sort(reference, axis=1)
                tail = [np.sum((curve[15:] - other[15:]) ** 2) for other in others]
                curve = curve - others[np.argsort(tail)[:3]].mean(axis=0)
            areas.append(scaled(curve).mean())
        weights = (1 / np.array(areas)) / np.sum(1 / np.array(areas))
        product = np.prod([scaled(-m[q].astype(float)) ** w for m, w in zip(rankings, weights, strict=True)], axis=0)
        np.testing.assert_allclose(found[q], 1 - product, atol=1e-5)


def test_references_of_another_length_are_stretched() -> None:
    random = np.random.default_rng(1)
    ranking, reference = random.random((5, 40)), random.random((9, 20))
    at = np.linspace(0, 19, 40)
    stretched = np.array([np.interp(at, range(20), np.sort(row)) for row in reference])
    np.testing.assert_allclose(
        fuse_by_score_curve([ranking, ranking[::-1]], [reference] * 2),
        fuse_by_score_curve([ranking, ranking[::-1]], [stretched] * 2),
        atol=1e-6,
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 20))
def test_one_ranking_keeps_its_order(seed: int, queries: int, gallery: int) -> None:
    ranking = np.random.default_rng(seed).permuted(np.tile(np.arange(gallery), (queries, 1)), axis=1)
    for fused in (
        fuse_scores([ranking]),
        fuse_scores([ranking], "z"),
        fuse_ranks([ranking], "borda"),
        fuse_ranks([ranking]),
        fuse_by_score_curve([ranking]),
    ):
        assert np.array_equal(np.argsort(fused, axis=1), np.argsort(ranking, axis=1))


def test_a_sure_ranking_counts_more_than_an_unsure_one() -> None:
    sure = np.array([[0.0, 0.9, 0.95, 0.97, 1.0, 1.0]])
    unsure = np.array([[0.4, 0.0, 0.1, 0.2, 0.9, 1.0]])
    assert fuse_by_score_curve([sure, unsure]).argmin() == 0
    assert fuse_by_score_curve([unsure, sure]).argmin() == 0


def test_a_ranking_that_says_nothing_changes_nothing() -> None:
    ranking = np.random.default_rng(0).random((3, 9))
    flat = np.full((3, 9), 0.5)
    for fuse in (fuse_scores, fuse_by_score_curve):
        fused = fuse([ranking, flat])
        assert np.isfinite(fused).all()
        assert np.array_equal(np.argsort(fused, axis=1), np.argsort(ranking, axis=1))


def test_bad_input_is_refused(rankings: list[np.ndarray]) -> None:
    for fuse in (fuse_scores, fuse_ranks, fuse_by_score_curve):
        with pytest.raises(DataError, match="at least one ranking to fuse, got none"):
            fuse([])
        with pytest.raises(DataError, match=r"same shape, got \(300, 25\) and \(300, 24\)"):
            fuse([rankings[0], rankings[1][:, :24]])
        with pytest.raises(DataError, match="finite distances in ranking 1"):
            fuse([rankings[0], np.where(rankings[0] > 0.5, np.nan, 0)])
        with pytest.raises(DataError, match=r"in ranking 0, got float64 of shape \(3,\)"):
            fuse([np.ones(3)])
    for weights in ([1, 1], [0, 0, 0], [1, -1, 1], [1, np.nan, 1]):
        with pytest.raises(DataError, match="expected 3 weights of 0 or more"):
            fuse_scores(rankings, weights=weights)
    with pytest.raises(DataError, match="min-max or z"):
        fuse_scores(rankings, "zz")
    with pytest.raises(DataError, match="borda or reciprocal"):
        fuse_ranks(rankings, "rrf")
    with pytest.raises(DataError, match="expected k of 0 or more"):
        fuse_ranks(rankings, k=-1)
    with pytest.raises(DataError, match="references for each of 3 rankings, got 1"):
        fuse_by_score_curve(rankings, rankings[:1])
    with pytest.raises(DataError, match="tail above 0 to 1"):
        fuse_by_score_curve(rankings, tail=0)


def test_too_little_memory_is_noticed_before_the_work(
    rankings: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerby.machine.available_memory", lambda: 1000)
    for fuse in (fuse_scores, fuse_ranks, fuse_by_score_curve):
        with pytest.raises(DataError, match=r"rankings of 25 pictures for 300 queries needs about .* fuse fewer"):
            fuse(rankings)
