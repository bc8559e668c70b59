from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import DataError
from passerby.evaluation import ranking
from passerby.evaluation.ranking import rank_metrics

Array = npt.NDArray[np.generic]


@dataclass
class Case:
    distances: Array
    query_ids: Array
    gallery_ids: Array
    query_cameras: Array | None
    gallery_cameras: Array | None
    query_index: Array | None

    def metrics(self) -> ranking.RankMetrics:
        return rank_metrics(
            self.distances,
            self.query_ids,
            self.gallery_ids,
            self.query_cameras,
            self.gallery_cameras,
            self.query_index,
        )


@st.composite
def cases(draw: st.DrawFn, ties: bool = True) -> Case:
    """Few people, cameras and (with ties) distances, so that everything that can meet does."""
    queries, gallery = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if ties:
        dtype = draw(st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.uint32]))
        distances = random.integers(0, 4, (queries, gallery)).astype(dtype)
    else:
        distances = random.permuted(np.arange(queries * gallery)).reshape(queries, gallery) / 7.0
    lowest, highest = draw(st.sampled_from([(1, 1), (1, 2), (-1, 1), (-1, 2)]))
    cameras = draw(st.booleans())
    return Case(
        distances,
        random.integers(1, 4, queries),
        random.integers(-1, 4, gallery),
        random.integers(lowest, highest + 1, queries) if cameras else None,
        random.integers(lowest, highest + 1, gallery) if cameras else None,
        random.integers(-1, gallery, queries) if draw(st.booleans()) else None,
    )


def naive(case: Case) -> tuple[list[float], float, float, list[float], int]:
    """CMC, mAP, mINP, every AP and the skipped queries, by a full sort and a plain loop."""
    queries, gallery = case.distances.shape
    unknown = [-1] * (queries + gallery)
    query_cameras = unknown if case.query_cameras is None else case.query_cameras
    gallery_cameras = unknown if case.gallery_cameras is None else case.gallery_cameras
    use_cameras = len({*query_cameras, *gallery_cameras} - {-1}) >= 2
    hits, precisions, penalties = np.zeros(gallery), [], []
    for q in range(queries):
        right = []
        for g in sorted(range(gallery), key=lambda g: (case.distances[q][g], g)):
            same_person = case.gallery_ids[g] == case.query_ids[q]
            same_camera = use_cameras and query_cameras[q] == gallery_cameras[g] != -1
            itself = case.query_index is not None and case.query_index[q] == g
            if case.gallery_ids[g] == -1 or (same_person and same_camera) or itself:
                continue
            right.append(bool(same_person))
        ranks = [rank for rank, is_right in enumerate(right, 1) if is_right]
        if not ranks:
            precisions.append(np.nan)
            continue
        precisions.append(sum(n / rank for n, rank in enumerate(ranks, 1)) / len(ranks))
        penalties.append(len(ranks) / ranks[-1])
        hits[ranks[0] - 1 :] += 1
    count = len(penalties)
    if not count:
        return [], 0, 0, precisions, queries
    return list(hits / count), np.nansum(precisions) / count, sum(penalties) / count, precisions, queries - count


def agree(case: Case) -> None:
    cmc, mean_ap, mean_inp, precisions, skipped = naive(case)
    if not cmc:
        with pytest.raises(DataError, match="got none among"):
            case.metrics()
        return
    metrics = case.metrics()
    np.testing.assert_allclose(metrics.cmc, cmc, rtol=0, atol=1e-12)
    np.testing.assert_allclose(metrics.average_precision, precisions, rtol=0, atol=1e-12)
    assert metrics.mean_ap == pytest.approx(mean_ap, abs=1e-12)
    assert metrics.mean_inp == pytest.approx(mean_inp, abs=1e-12)
    assert (metrics.skipped, metrics.queries) == (skipped, len(precisions) - skipped)


@settings(max_examples=400, deadline=None)
@given(cases())
def test_equals_a_plain_loop(case: Case) -> None:
    agree(case)


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_sorting_and_counting_agree(case: Case) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "MANY_RIGHT", 0)
        agree(case)


@settings(max_examples=100, deadline=None)
@given(cases(ties=False))
def test_only_the_order_counts(case: Case) -> None:
    try:
        before = case.metrics()
    except DataError:
        return
    case.distances = np.exp(case.distances.astype(np.float64)) - 5
    assert np.array_equal(case.metrics().cmc, before.cmc)
    assert case.metrics().mean_ap == before.mean_ap


@settings(max_examples=100, deadline=None)
@given(cases(ties=False), st.integers(0, 2**32))
def test_the_gallery_may_come_in_any_order(case: Case, seed: int) -> None:
    try:
        before = case.metrics()
    except DataError:
        return
    order = np.random.default_rng(seed).permutation(len(case.gallery_ids))
    case.distances, case.gallery_ids = case.distances[:, order], case.gallery_ids[order]
    if case.gallery_cameras is not None:
        case.gallery_cameras = case.gallery_cameras[order]
    if case.query_index is not None:
        case.query_index = np.where(case.query_index < 0, -1, np.argsort(order)[case.query_index])
    after = case.metrics()
    assert np.array_equal(after.cmc, before.cmc)
    assert np.array_equal(after.average_precision, before.average_precision, equal_nan=True)


def test_a_memory_map_and_infinite_distances_are_read(tmp_path: Path) -> None:
    distances = np.memmap(tmp_path / "distances", np.float32, "w+", shape=(1, 4))
    distances[0] = [np.inf, -np.inf, np.inf, 3]
    metrics = rank_metrics(distances, [1], [1, 2, 1, 2])
    assert metrics.mean_ap == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_rank_k_stops_at_the_gallery_s_end() -> None:
    metrics = rank_metrics(np.array([[2.0, 1.0]]), [1], [1, 2])
    assert (metrics.rank(1), metrics.rank(2), metrics.rank(50)) == (0, 1, 1)
    with pytest.raises(DataError, match="at least 1, got 0"):
        metrics.rank(0)


SQUARE = np.zeros((2, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)), [1, 2], [1, 2]), r"expected distances of shape \(2, 2\).*got \(2, 3\)"),
        ((np.array([[0, 1], [2, np.nan]]), [1, 2], [1, 2]), "query 1 to gallery picture 1 is not a number"),
        ((SQUARE.astype(complex), [1, 2], [1, 2]), "real numbers, got complex128"),
        ((SQUARE, [1, -1], [1, 2]), "query 1 has person id -1"),
        ((SQUARE, [-1, 1], [1, 2]), "query 0 has person id -1"),
        ((SQUARE, [1, 2], [1, -2]), "gallery picture 1 has person id -2"),
        ((SQUARE, [1.5, 2.0], [1, 2]), "query_ids as a list of integers, got float64"),
        ((SQUARE, [1, 2], [1, 2], [1, 2]), "cameras of both query and gallery"),
        ((SQUARE, [1, 2], [1, 2], [1, 2], [1]), "expected 2 integers in gallery_cameras, got 1"),
        ((SQUARE, [1, 2], [1, 2], None, None, [0, 2]), r"query_index\[1\] is 2; expected -1 or a place"),
        ((SQUARE, [5, 6], [1, 2]), "got none among 2 queries"),
        ((np.zeros((0, 2)), [], [1, 2]), "at least one query"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[Array, ...], message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        rank_metrics(*arguments)
    assert "\n" not in str(error.value)
