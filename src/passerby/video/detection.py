"""Where people are in a frame. A detector is any function from a frame to boxes and scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from passerby.boxes import BoxArray, Numbers, clip_boxes
from passerby.errors import DataError
from passerby.video.frames import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """People in one frame.

    Attributes:
        boxes: (N, 4) float64: left, top, right and bottom in pixels of the frame.
        scores: (N,) float64, 0 to 1.
    """

    boxes: BoxArray
    scores: Numbers

    def __len__(self) -> int:
        return len(self.boxes)


Detector: TypeAlias = Callable[[Frame], Detections]
"""Finds people in a frame. One that remembers earlier frames says how many in an attribute `memory`."""


def nobody() -> Detections:
    """A frame without people."""
    return Detections(np.empty((0, 4)), np.empty(0))


def checked(detections: Detections, frame: Frame) -> Detections:
    """What a detector has found, inside of the frame; boxes of which less than a pixel is left are left out.

    Raises:
        DataError: It has found something that is no boxes and scores.
    """
    boxes, scores = np.asarray(detections.boxes, np.float64), np.asarray(detections.scores, np.float64)
    if boxes.size == 0:
        return nobody()
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (len(boxes),):
        raise DataError(
            f"expected boxes (N, 4) and scores (N,) of a detector, got {boxes.shape} and {scores.shape}; a detector "
            "is a function from a frame to passerby.video.detection.Detections"
        )
    if not np.isfinite(boxes).all() or not ((scores >= 0) & (scores <= 1)).all():
        raise DataError("expected finite boxes and scores of 0 to 1 of a detector, got others")
    boxes = clip_boxes(boxes, *frame.picture.shape[:2])
    whole = (boxes[:, 2:] - boxes[:, :2] >= 1).all(axis=1)
    return Detections(boxes[whole], scores[whole])


def memory_of(detector: Detector) -> int:
    """How many frames a detector remembers: so many come before the first whose answer counts."""
    return int(getattr(detector, "memory", 0))
