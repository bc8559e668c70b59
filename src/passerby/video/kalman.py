"""A Kalman filter for boxes that move: centre, width and height, each with its speed, at any intervals of time.

Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960. Position and speed of one coordinate are
driven by white noise in acceleration (Bar-Shalom et al., "Estimation with Applications to Tracking and Navigation",
2001, section 6.3.2). The four coordinates do not depend on one another, so that each has a covariance of 2×2. As in
SORT's successors, noise grows with the height of a person in the picture; here time is in seconds, so that frames
that come late, or are missing, need no special care.
"""

from dataclasses import dataclass

import numpy as np

from passerby.boxes import BoxArray, Numbers

CHI_SQUARE = 9.4877
"""95 % of measurements of a box lie nearer than this squared Mahalanobis distance (4 degrees of freedom)."""

_ACCELERATION = np.array([1.5, 1.0, 0.5, 0.5])
"""Standard deviation for left-right, up-down, width and height, in heights per second²: people start and stop."""

_MEASUREMENT = np.array([0.05, 0.05, 0.08, 0.06])
"""How far detectors' boxes are off, in heights."""

_FIRST_SPEED = np.array([0.8, 0.5, 0.2, 0.2])
"""How fast somebody may be who has been seen once, in heights per second."""


@dataclass(slots=True)
class Motion:
    """Where N boxes are and how they move.

    Attributes:
        mean: (N, 4, 2) float64: centre x, centre y, width, height, each in pixels and in pixels per second.
        covariance: (N, 4, 2, 2) float64.
    """

    mean: Numbers
    covariance: Numbers

    def boxes(self) -> BoxArray:
        """(N, 4): left, top, right and bottom."""
        centre, size = self.mean[:, :2, 0], self.mean[:, 2:, 0].clip(min=1.0)
        return np.concatenate([centre - size / 2, centre + size / 2], axis=1)

    def rows(self, places: "np.ndarray[tuple[int], np.dtype[np.int64]] | slice | list[int]") -> "Motion":
        """Some of the boxes, copied."""
        return Motion(self.mean[places].copy(), self.covariance[places].copy())


def measured(boxes: BoxArray) -> Numbers:
    """Centre x, centre y, width and height of (N, 4) boxes."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate([boxes[:, :2] + size / 2, size], axis=1)


def begin(boxes: BoxArray) -> Motion:
    """What is known of boxes (N, 4) that have been seen once: they stand still, more or less."""
    values = measured(boxes)
    height = values[:, 3:].clip(min=1.0)
    covariance = np.zeros((len(boxes), 4, 2, 2))
    covariance[:, :, 0, 0] = (height * _MEASUREMENT) ** 2
    covariance[:, :, 1, 1] = (height * _FIRST_SPEED) ** 2
    return Motion(np.stack([values, np.zeros_like(values)], axis=2), covariance)


def predict(motion: Motion, seconds: Numbers) -> Motion:
    """Where the boxes will be.

    Args:
        motion: N boxes.
        seconds: (N,), how far ahead for each, 0 or more.
    """
    count = len(motion.mean)
    step = np.zeros((count, 1, 2, 2))
    step[:, 0] = np.eye(2)
    step[:, 0, 0, 1] = seconds
    height = motion.mean[:, 3, 0].clip(min=1.0)[:, None]
    power = (height * _ACCELERATION) ** 2
    ahead = seconds[:, None]
    noise = np.empty((count, 4, 2, 2))
    noise[:, :, 0, 0] = power * ahead**4 / 4
    noise[:, :, 0, 1] = noise[:, :, 1, 0] = power * ahead**3 / 2
    noise[:, :, 1, 1] = power * ahead**2
    mean = (step @ motion.mean[..., None])[..., 0]
    return Motion(mean, step @ motion.covariance @ step.swapaxes(-1, -2) + noise)


def correct(motion: Motion, boxes: BoxArray) -> Motion:
    """What is known once N boxes (N, 4) have been seen where N were expected."""
    variance = _innovation(motion)
    gain = motion.covariance[..., 0] / variance[..., None]
    mean = motion.mean + gain * (measured(boxes) - motion.mean[..., 0])[..., None]
    keep = np.broadcast_to(np.eye(2), motion.covariance.shape).copy()
    keep[..., 0] -= gain
    # Joseph's form, which stays symmetric and positive whatever the rounding.
    noise = variance - motion.covariance[..., 0, 0]
    covariance = keep @ motion.covariance @ keep.swapaxes(-1, -2)
    covariance += gain[..., :, None] * gain[..., None, :] * noise[..., None, None]
    return Motion(mean, covariance)


def squared_distances(motion: Motion, boxes: BoxArray) -> Numbers:
    """Squared Mahalanobis distances (N, M) of M boxes (M, 4) from where N are expected; compare with `CHI_SQUARE`."""
    difference = measured(boxes)[None] - motion.mean[:, None, :, 0]
    distances: Numbers = (difference**2 / _innovation(motion)[:, None]).sum(axis=2)
    return distances


def _innovation(motion: Motion) -> Numbers:
    """Variance (N, 4) of a measurement around what is expected."""
    height = motion.mean[:, 3, 0].clip(min=1.0)[:, None]
    variance: Numbers = motion.covariance[..., 0, 0] + (height * _MEASUREMENT) ** 2
    return variance
