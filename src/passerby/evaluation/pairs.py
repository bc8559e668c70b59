"""All pairs of pictures of a set, counted by distance without ever holding them."""

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import CalibrationError, DataError
from passerby.evaluation.blocks import block_rows, cosine_rows, for_each_block, working_bytes
from passerby.evaluation.roc import RocCurve
from passerby.machine import require_memory
from passerby.retrieval.distance import normalise
from passerby.types import DISTRACTOR, JUNK, UNKNOWN_CAMERA, FloatArray, IntArray

STEPS = 2**20
"""The thresholds from 0 to 2 are counted at this many equal steps: some 2e-6, near float32's own noise."""


GROUPS = 2048
"""Where errors are counted by person, more people than this share so many groups, drawn together by the bootstrap."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPairs:
    """Pictures whose pairs can be counted: sorted by person, without those that make no pair.

    Attributes:
        units: (N, D) float32 of length 1.
        people: (N,) int64, ascending; 0 is a distractor.
        cameras: (N,) int64.
        known: How many people there are, distractors apart.
        cross_camera: Whether only pairs from two different cameras count.
    """

    units: FloatArray
    people: IntArray
    cameras: IntArray
    known: int
    cross_camera: bool

    def of_people(self, chosen: IntArray) -> "LabelledPairs":
        """The same less everybody but some people; their pairs may be none."""
        kept = np.isin(self.people, chosen)
        known = len(np.unique(self.people[kept & (self.people != DISTRACTOR)]))
        return replace(
            self, units=self.units[kept], people=self.people[kept], cameras=self.cameras[kept], known=known
        )


@dataclass(frozen=True, slots=True, eq=False)
class ErrorsByPerson:
    """What one threshold decides wrongly, person by person: what the bootstrap over people draws from.

    Attributes:
        rejected: (P,) int64, pairs of the same person that are farther.
        positive: (P,) int64, all pairs of the same person.
        accepted: (C, C) int64, pairs of different people up to the threshold, by the two people or, where there are
            more than `GROUPS`, by their groups. Each pair is counted once, on either side of the diagonal; what
            lies on the diagonal, between people of one group, is of no use.
        negative: (C, C) int64, all such pairs, the diagonal left out.
    """

    rejected: IntArray
    positive: IntArray
    accepted: IntArray
    negative: IntArray

    @property
    def spans_people(self) -> bool:
        """Whether there is a pair of two people, or of two groups of them, to draw."""
        return bool((self.negative.sum() - np.trace(self.negative)) > 0)


def labelled_pairs(
    embeddings: npt.NDArray[Any], person_ids: npt.ArrayLike, camera_ids: npt.ArrayLike | None = None
) -> LabelledPairs:
    """Prepare pictures for counting the distances of all unordered pairs of different ones.

    Where two or more cameras are known, only pairs from two different known cameras count: pictures from one
    camera are easier than what a threshold is for. Junk never counts, and a pair of two distractors does not
    either, as nobody knows whether they show the same person.

    Args:
        embeddings: (N, D) real array of any scale; the rows are brought to length 1.
        person_ids: (N,) integers; -1 is junk, 0 a distractor.
        camera_ids: (N,) integers, -1 where unknown; None: all unknown.

    Raises:
        CalibrationError: There are fewer than two people.
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
    require_memory(
        2 * 4 * len(order) * embeddings.shape[1] + working_bytes(len(order)),
        f"comparing {len(order):,} pictures with each other",
        "take fewer pictures of each person",
    )
    return LabelledPairs(normalise(embeddings[order]), people[order], cameras[order], known, cross_camera)


def count_pairs(pairs: LabelledPairs) -> RocCurve:
    """Count what each of `STEPS` + 1 thresholds from 0 to 2 would accept, exactly; memory does not grow with pairs.

    Raises:
        CalibrationError: Nobody has two pictures that make a pair, or no two people make one.
    """
    positive, negative = _accepted(pairs)
    if not positive[-1]:
        apart, otherwise = (
            (" from different cameras", ", or leave out the camera ids to compare within a camera")
            if pairs.cross_camera
            else ("", "")
        )
        raise CalibrationError(
            f"expected at least one person with two pictures{apart}, got none among {pairs.known} people; "
            f"add pictures of the same people{apart}{otherwise}"
        )
    if not negative[-1]:
        raise CalibrationError(
            f"expected two people seen by different cameras, got none among {pairs.known} people; "
            "add pictures, or leave out the camera ids to compare within a camera"
        )
    thresholds = np.linspace(0, 2, STEPS + 1, dtype=np.float64)
    return RocCurve(thresholds, positive, negative, int(positive[-1]), int(negative[-1]))


def errors_by_person(pairs: LabelledPairs, threshold: float) -> ErrorsByPerson:
    """Count, for each person and each two people, what a threshold decides wrongly."""
    names, people = np.unique(pairs.people, return_inverse=True)
    count = len(names)
    groups = people * min(count, GROUPS) // count
    clusters = int(groups[-1]) + 1
    found, accepted = np.zeros(count, np.int64), np.zeros(clusters**2, np.int64)
    rows = cosine_rows(pairs.units, pairs.units)
    height = block_rows(len(people))
    for start in range(0, len(people), height):
        near = rows(slice(start, start + height), start) <= threshold
        first, second = np.nonzero(near)  # few, so that looking at each of them is quick
        first, second = first + start, second + start
        once = first < second
        if pairs.cross_camera:
            once &= pairs.cameras[first] != pairs.cameras[second]
        same = people[first] == people[second]
        found += np.bincount(people[first[once & same]], minlength=count)
        first, second = groups[first[once & ~same]], groups[second[once & ~same]]
        accepted += np.bincount(first * clusters + second, minlength=clusters**2)
    # How many pairs there are follows from how many pictures each camera has of each person.
    _, cameras = np.unique(pairs.cameras, return_inverse=True)
    seen = _table(people, cameras)
    positive = np.square(seen.sum(1)) - (np.square(seen).sum(1) if pairs.cross_camera else seen.sum(1))
    by_group = _table(groups, cameras)
    negative = np.outer(by_group.sum(1), by_group.sum(1)) - (by_group @ by_group.T if pairs.cross_camera else 0)
    known = names != DISTRACTOR
    return ErrorsByPerson(
        rejected=(positive // 2 - found)[known],
        positive=positive[known] // 2,
        accepted=accepted.reshape(clusters, clusters),
        negative=np.triu(negative, 1),
    )


def _table(rows: IntArray, columns: IntArray) -> IntArray:
    """How often each two numbers come together."""
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def _accepted(pairs: LabelledPairs) -> tuple[IntArray, IntArray]:
    """Count the positive and the negative pairs up to each threshold."""
    units, people, cameras = pairs.units, pairs.people, pairs.cameras
    ends = np.searchsorted(people, people, side="right")
    rows = cosine_rows(units, units)
    positive, negative = np.zeros(STEPS + 2, np.int64), np.zeros(STEPS + 2, np.int64)
    lock = threading.Lock()

    def work(start: int, stop: int) -> None:
        # The scale is a power of two, so this rounds each distance up to a threshold without any error:
        # what falls on a threshold or below it is exactly what that threshold accepts.
        scaled = rows(slice(start, stop), start)
        scaled *= STEPS // 2
        steps = np.ceil(scaled, out=scaled).astype(np.int64)
        # What is no pair is counted behind the last threshold.
        steps[:, : stop - start][np.tri(stop - start, dtype=bool)] = STEPS + 1
        if pairs.cross_camera:
            steps[cameras[start:stop, None] == cameras[None, start:]] = STEPS + 1
        mine = [steps[row, : ends[start + row] - start] for row in range(stop - start)]
        known = np.repeat(people[start:stop] != DISTRACTOR, [len(row) for row in mine])
        same = np.concatenate(mine)
        every = np.bincount(steps.ravel(), minlength=STEPS + 2)
        with lock:
            # Few of them: adding one by one is quicker than another pass over all thresholds.
            np.add.at(positive, same[known], 1)
            np.subtract.at(every, same, 1)
            negative[...] += every

    for_each_block(work, len(units), len(units))
    return positive[:-1].cumsum(), negative[:-1].cumsum()
