"""All pairs of pictures of a set, counted by distance without ever holding them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import CalibrationError, DataError
from passerby.evaluation.roc import RocCurve
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import DISTRACTOR, JUNK, UNKNOWN_CAMERA, IntArray

STEPS = 2**20
"""The thresholds from 0 to 2 are counted at this many equal steps: some 2e-6, near float32's own noise."""

ROWS = 256
"""Pictures that are compared with the others at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """How the distances of all pairs of a set are spread.

    Attributes:
        curve: What each of `STEPS` + 1 thresholds from 0 to 2 accepts, counted exactly.
        people: How many people the pairs show.
        cross_camera: Whether only pairs from two different cameras were counted.
    """

    curve: RocCurve
    people: int
    cross_camera: bool


def count_pairs(
    embeddings: npt.NDArray[Any], person_ids: npt.ArrayLike, camera_ids: npt.ArrayLike | None = None
) -> PairCounts:
    """Measure every unordered pair of different pictures and count what each threshold would accept.

    Where two or more cameras are known, only pairs from two different known cameras count: pictures from one
    camera are easier than what a threshold is for. Junk never counts, and a pair of two distractors does not
    either, as nobody knows whether they show the same person. Memory does not grow with the pairs.

    Args:
        embeddings: (N, D) real array of any scale; the rows are brought to length 1.
        person_ids: (N,) integers; -1 is junk, 0 a distractor.
        camera_ids: (N,) integers, -1 where unknown; None: all unknown.

    Returns:
        The counts, the people and whether cameras were told apart.

    Raises:
        CalibrationError: There are fewer than two people, or nobody has two pictures that make a pair.
        DataError: The lengths differ, or a row has no direction.
    """
    people = np.asarray(person_ids)
    cameras = np.full(len(people), UNKNOWN_CAMERA) if camera_ids is None else np.asarray(camera_ids)
    if not people.shape == cameras.shape == embeddings.shape[:1]:
        raise DataError(
            f"expected as many person ids and camera ids as embeddings, got {people.shape}, {cameras.shape} "
            f"and {embeddings.shape[:1]}"
        )
    used = people != JUNK
    cross_camera = len(np.unique(cameras[used & (cameras != UNKNOWN_CAMERA)])) >= 2
    if cross_camera:
        used &= cameras != UNKNOWN_CAMERA
    known = len(np.unique(people[used & (people != DISTRACTOR)]))
    if known < 2:
        where = " with a known camera" if cross_camera else ""
        raise CalibrationError(f"expected pictures{where} of at least two people, got {known}; label more people")

    # Sorted by person, a picture's partners are two slices: the same person's, and everybody else's.
    order = np.flatnonzero(used)
    order = order[np.argsort(people[order], kind="stable")]
    positive, negative = _accepted(normalise(embeddings[order]), people[order], cameras[order], cross_camera)
    if not positive[-1]:
        apart, otherwise = (
            (" from different cameras", ", or leave out the camera ids to compare within a camera")
            if cross_camera
            else ("", "")
        )
        raise CalibrationError(
            f"expected at least one person with two pictures{apart}, got none among {known} people; "
            f"add pictures of the same people{apart}{otherwise}"
        )
    if not negative[-1]:
        raise CalibrationError(
            f"expected two people seen by different cameras, got none among {known} people; "
            "add pictures, or leave out the camera ids to compare within a camera"
        )
    thresholds = np.linspace(0, 2, STEPS + 1, dtype=np.float64)
    curve = RocCurve(thresholds, positive, negative, int(positive[-1]), int(negative[-1]))
    return PairCounts(curve, known, cross_camera)


def _accepted(
    units: npt.NDArray[np.float32], people: IntArray, cameras: IntArray, cross_camera: bool
) -> tuple[IntArray, IntArray]:
    """Count the positive and the negative pairs up to each threshold, for pictures sorted by person."""
    ends = np.searchsorted(people, people, side="right")
    positive, negative = np.zeros(STEPS + 1, np.int64), np.zeros(STEPS + 1, np.int64)
    for start in range(0, len(units), ROWS):
        # The scale is a power of two, so this rounds each distance up to a threshold without any error:
        # what falls on a threshold or below it is exactly what that threshold accepts.
        steps = cosine_distances(units[start : start + ROWS], units[start:])
        steps *= STEPS // 2
        steps = np.ceil(steps, out=steps).astype(np.int64)
        same, different = [], []
        for row, picture in enumerate(range(start, start + len(steps))):
            partners, split = steps[row, row + 1 :], ends[picture] - picture - 1
            mine, others = partners[:split], partners[split:]
            if cross_camera:
                apart = cameras[picture + 1 :] != cameras[picture]
                mine, others = mine[apart[:split]], others[apart[split:]]
            different.append(others)
            if people[picture] != DISTRACTOR:
                same.append(mine)
        negative += np.bincount(np.concatenate(different), minlength=STEPS + 1)
        if same:
            positive += np.bincount(np.concatenate(same), minlength=STEPS + 1)
    return positive.cumsum(), negative.cumsum()
