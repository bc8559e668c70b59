from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import CalibrationError, DataError
from passerby.evaluation import blocks
from passerby.evaluation.histogram import BINS, distance_histogram
from passerby.evaluation.roc import roc_curve
from passerby.evaluation.verification import calibrate, choose_threshold, verification_metrics
from passerby.retrieval.distance import cosine_distances, normalise

distances = st.lists(st.integers(0, 8).map(lambda n: n / 4), min_size=1, max_size=12).map(np.array)


def naive_pairs(embeddings: np.ndarray, people: np.ndarray, cameras: np.ndarray) -> tuple[list[float], list[float]]:
    """Distances of positive and negative pairs, one at a time."""
    across = len({c for c, p in zip(cameras, people, strict=True) if c != -1 and p != -1}) >= 2
    matrix = cosine_distances(embeddings, embeddings)
    positive, negative = [], []
    for a, b in combinations(range(len(people)), 2):
        unusable = -1 in (people[a], people[b]) or people[a] == people[b] == 0
        if unusable or (across and (cameras[a] == cameras[b] or -1 in (cameras[a], cameras[b]))):
            continue
        (positive if people[a] == people[b] else negative).append(float(matrix[a, b]))
    return positive, negative


@settings(max_examples=200, deadline=None)
@given(distances, distances, st.integers(0, 10).map(lambda n: n / 10))
def test_the_threshold_is_the_largest_that_keeps_to_the_rate(
    positive: np.ndarray, negative: np.ndarray, max_far: float
) -> None:
    threshold = choose_threshold(positive, negative, max_far=max_far)
    assert verification_metrics(positive, negative, threshold).false_accept_rate <= max_far
    above = verification_metrics(positive, negative, np.nextafter(threshold, np.inf))
    assert above.false_accept_rate > max_far or threshold == max(*positive, *negative)


@settings(max_examples=200, deadline=None)
@given(distances, distances)
def test_no_threshold_brings_the_errors_nearer_to_each_other(positive: np.ndarray, negative: np.ndarray) -> None:
    def gap(threshold: float) -> float:
        metrics = verification_metrics(positive, negative, threshold)
        return abs(metrics.false_accept_rate - metrics.false_reject_rate)

    threshold = choose_threshold(positive, negative, max_far=None)
    everywhere = [-1.0, *positive, *negative]
    assert gap(threshold) == pytest.approx(min(gap(other) for other in everywhere))
    metrics = verification_metrics(positive, negative, threshold)
    rate = (metrics.false_accept_rate + metrics.false_reject_rate) / 2
    assert roc_curve(positive, negative).equal_error_rate() == pytest.approx(rate)


@settings(max_examples=100, deadline=None)
@given(distances, distances, st.integers(0, 8).map(lambda n: n / 4))
def test_metrics_equal_plain_counting(positive: np.ndarray, negative: np.ndarray, threshold: float) -> None:
    metrics = verification_metrics(positive, negative, threshold)
    true_accepts = sum(distance <= threshold for distance in positive)
    false_accepts = sum(distance <= threshold for distance in negative)
    far, frr = false_accepts / len(negative), 1 - true_accepts / len(positive)
    right = true_accepts + len(negative) - false_accepts
    assert metrics.false_accept_rate == pytest.approx(far)
    assert metrics.false_reject_rate == pytest.approx(frr)
    assert metrics.accuracy == pytest.approx(right / (len(positive) + len(negative)))
    assert metrics.balanced_accuracy == pytest.approx(1 - (far + frr) / 2)
    accepted = true_accepts + false_accepts
    assert metrics.precision == pytest.approx(true_accepts / accepted if accepted else 0)


@pytest.mark.parametrize("cameras", [1, 3])
@pytest.mark.parametrize("criterion", ["max_far", "equal_error"])
def test_calibration_equals_all_pairs_counted_one_by_one(
    cameras: int, criterion: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 7)
    random = np.random.default_rng(cameras)
    people = random.integers(-1, 6, 60)
    camera_ids = random.integers(-1 if cameras > 1 else 1, cameras + 1, 60)
    embeddings = normalise(random.normal(size=(7, 8))[people] + random.normal(size=(60, 8)) / 2)
    positive, negative = map(np.array, naive_pairs(embeddings, people, camera_ids))

    found = calibrate(embeddings * 3, people, camera_ids, max_far=0.05, criterion=criterion, source="a test")
    assert (found.positive_pairs, found.negative_pairs) == (len(positive), len(negative))
    assert (found.people, found.cross_camera) == (5, cameras > 1)
    recount = verification_metrics(positive, negative, found.threshold)
    for figure in ("false_accept_rate", "false_reject_rate", "accuracy", "balanced_accuracy", "precision"):
        assert getattr(found, figure) == pytest.approx(getattr(recount, figure), abs=1e-12)
    exact = choose_threshold(positive, negative, max_far=0.05 if criterion == "max_far" else None)
    assert found.threshold == pytest.approx(exact, abs=3e-6 if criterion == "max_far" else 0.02)
    assert found.equal_error_rate == pytest.approx(roc_curve(positive, negative).equal_error_rate())


def test_equal_error_takes_the_middle_between_clearly_apart_people() -> None:
    embeddings = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    found = calibrate(embeddings, [1, 1, 2, 2], criterion="equal_error", source="a test")
    assert (found.threshold, found.equal_error_rate) == (pytest.approx(0.5, abs=1e-5), 0)


EYE = np.eye(4)


@pytest.mark.parametrize(
    ("embeddings", "people", "cameras", "message"),
    [
        (EYE, [1, 1, 1, 1], None, "at least two people, got 1; label more people"),
        (EYE, [1, 1, 0, -1], None, "at least two people, got 1"),
        (EYE, [1, 2, 3, 4], None, "one person with two pictures, got none among 4 people"),
        (EYE, [1, 1, 2, 2], [1, 1, 2, 2], "two pictures from different cameras, got none among 2 people"),
        (EYE, [1, 1, 2, 2], [1, 2, -1, -1], "with a known camera of at least two people, got 1"),
        (EYE[[0, 0, 0, 0]], [1, 1, 2, 2], None, "4 of 4 pairs of different people are at a distance of 0"),
    ],
)
def test_too_little_to_calibrate_on_is_said(
    embeddings: np.ndarray, people: list[int], cameras: list[int] | None, message: str
) -> None:
    with pytest.raises(CalibrationError, match=message) as error:
        calibrate(embeddings, people, cameras, source="a test")
    assert "\n" not in str(error.value)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match=r"got \(3,\), \(4,\) and \(4,\)"):
        calibrate(EYE, [1, 2, 3], [1, 1, 1, 1], source="a test")
    with pytest.raises(CalibrationError, match="false accept rate from 0 to 1, got 2"):
        calibrate(EYE, [1, 1, 2, 2], max_far=2, source="a test")
    with pytest.raises(CalibrationError, match='got "best"'):
        calibrate(EYE, [1, 1, 2, 2], criterion="best", source="a test")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="distance of negative pair 1 is not a number"):
        choose_threshold(np.array([1.0]), np.array([1.0, np.nan]), max_far=0.1)
    with pytest.raises(DataError, match=r"positive pairs' distances .* got float64 of shape \(0,\)"):
        verification_metrics(np.array([]), np.array([1.0]), 0.5)


def test_histogram_counts_every_pair_once() -> None:
    values = np.array([-0.1, 0.0, 0.019, 0.02, 1.999, 2.0, 2.5])
    histogram = distance_histogram(values, values[:3])
    assert histogram.same[[0, 1, BINS - 1]].tolist() == [3, 1, 3]
    assert (histogram.same.sum(), histogram.different.sum()) == (7, 3)


def test_more_pairs_than_the_memory_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passerby.machine.available_memory", lambda: 2**30)
    many = np.broadcast_to(np.float32(0.5), 1_000_000_000)
    with pytest.raises(DataError, match=r"of 2,000,000,000 pairs needs about 104\.3 GiB of memory, got 1\.0 GiB"):
        roc_curve(many, many)
