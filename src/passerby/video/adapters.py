"""The common language of other tools: `supervision.Detections`, both ways."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from passerby.errors import DataError, MissingExtraError
from passerby.video.detection import Detections, nobody
from passerby.video.tracking import Followed


def from_supervision(detections: Any, person: int | None = None) -> Detections:  # noqa: ANN401
    """People in a `supervision.Detections`.

    Args:
        detections: With `xyxy`, and `confidence` and `class_id` where they are known; without confidence, all are
            sure.
        person: Which class people are; None: all are people.

    Raises:
        DataError: It is no such thing, or knows no classes though one is asked for.
    """
    boxes = getattr(detections, "xyxy", None)
    if boxes is None:
        raise DataError(f"expected supervision.Detections, got {type(detections).__name__}")
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    if not len(boxes):
        return nobody()
    confidence = detections.confidence
    scores = np.ones(len(boxes)) if confidence is None else np.asarray(confidence, np.float64)
    if person is None:
        return Detections(boxes, scores)
    if detections.class_id is None:
        raise DataError("expected detections with classes, got some without; leave `person` out")
    people = np.asarray(detections.class_id) == person
    return Detections(boxes[people], scores[people])


def to_supervision(found: Detections | Sequence[Followed]) -> Any:  # noqa: ANN401
    """Detections, or what a tracker follows, as `supervision.Detections` of class 0, with `tracker_id` if followed.

    Raises:
        MissingExtraError: supervision is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise MissingExtraError("giving supervision.Detections", "supervision") from error
    numbers = None
    if isinstance(found, Detections):
        boxes, scores = found.boxes, found.scores
    else:
        boxes = np.array([one.box for one in found], np.float64)
        scores = np.array([one.score for one in found], np.float64)
        numbers = np.array([one.number for one in found], np.int64)
    return supervision.Detections(
        xyxy=boxes.reshape(-1, 4).astype(np.float32),
        confidence=scores.astype(np.float32),
        class_id=np.zeros(len(boxes), np.int64),
        tracker_id=numbers,
    )
