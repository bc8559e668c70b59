"""Boxes that somebody else has found, in a MOT file."""

from pathlib import Path

from passerby.data.mot import read_mot
from passerby.video.detection import Detections, nobody
from passerby.video.frames import Frame


class MotDetector:
    """Gives the boxes of a MOT file, frame by frame; whose they are is forgotten.

    Args:
        path: Frames in it are numbered from 1, as in the video.
        factor: How many times as large the video's frames are as those that the boxes are of.

    Raises:
        DataError: It is no MOT file.
    """

    def __init__(self, path: Path, factor: float = 1.0) -> None:
        boxes = read_mot(path).scaled(factor)
        self._by_frame = {number: Detections(part.boxes, part.scores.clip(0, 1)) for number, part in boxes.by_frame()}

    def __call__(self, frame: Frame) -> Detections:
        """The boxes of the frame's number."""
        return self._by_frame.get(frame.number, nobody())
