"""The filter in blocks of 2×2 against the textbook's filter with matrices of 8×8."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.video import kalman


def textbook(boxes: np.ndarray, steps: list[float]) -> tuple[np.ndarray, np.ndarray, float]:
    """One box through prediction and correction; gives mean and covariance (8, 8×8) and the last gate distance."""
    first = kalman.begin(boxes[:1])
    mean = first.mean[0].reshape(8)
    covariance = np.zeros((8, 8))
    for axis in range(4):
        covariance[2 * axis : 2 * axis + 2, 2 * axis : 2 * axis + 2] = first.covariance[0, axis]
    observe = np.zeros((4, 8))
    observe[range(4), range(0, 8, 2)] = 1
    distance = 0.0
    for box, step in zip(boxes[1:], steps, strict=True):
        height = max(1.0, mean[6])
        move, noise = np.eye(8), np.zeros((8, 8))
        for axis in range(4):
            move[2 * axis, 2 * axis + 1] = step
            push = np.array([step**2 / 2, step]) * height * kalman._ACCELERATION[axis]
            noise[2 * axis : 2 * axis + 2, 2 * axis : 2 * axis + 2] = np.outer(push, push)
        mean, covariance = move @ mean, move @ covariance @ move.T + noise
        measurement = np.diag((max(1.0, mean[6]) * kalman._MEASUREMENT) ** 2)
        innovation = observe @ covariance @ observe.T + measurement
        difference = kalman.measured(box[None])[0] - observe @ mean
        distance = float(difference @ np.linalg.inv(innovation) @ difference)
        gain = covariance @ observe.T @ np.linalg.inv(innovation)
        mean = mean + gain @ difference
        covariance = (np.eye(8) - gain @ observe) @ covariance
    return mean, covariance, distance


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 2), min_size=1, max_size=12))
def test_blocks_are_the_whole_filter(seed: int, steps: list[float]) -> None:
    random = np.random.default_rng(seed)
    corner = np.cumsum(random.normal(3, 4, (len(steps) + 1, 2)), axis=0)
    boxes = np.concatenate([corner, corner + random.uniform(20, 60, (len(steps) + 1, 2))], axis=1)
    motion = kalman.begin(boxes[:1])
    distance = np.zeros((1, 1))
    for box, step in zip(boxes[1:], steps, strict=True):
        motion = kalman.predict(motion, np.array([step]))
        distance = kalman.squared_distances(motion, box[None])
        motion = kalman.correct(motion, box[None])
    mean, covariance, expected = textbook(boxes, steps)
    np.testing.assert_allclose(motion.mean[0].reshape(8), mean, rtol=1e-6, atol=1e-6)
    assert distance[0, 0] == pytest.approx(expected, rel=1e-6)
    for axis in range(4):
        block = covariance[2 * axis : 2 * axis + 2, 2 * axis : 2 * axis + 2]
        np.testing.assert_allclose(motion.covariance[0, axis], block, rtol=1e-5, atol=1e-7)


def test_a_walker_is_expected_where_walking_leads() -> None:
    motion = kalman.begin(np.array([[0.0, 0, 20, 50]]))
    for frame in range(1, 30):
        motion = kalman.predict(motion, np.array([0.1]))
        motion = kalman.correct(motion, np.array([[3.0 * frame, 0, 20 + 3.0 * frame, 50]]))
    ahead = kalman.predict(motion, np.array([1.0]))
    assert ahead.boxes()[0] == pytest.approx([3.0 * 29 + 30, 0, 20 + 3.0 * 29 + 30, 50], abs=1.5)
