"""From what a user calls a detector to one."""

from pathlib import Path

from passerby.errors import DataError
from passerby.video.detection import Detector

NAMES = ("motion", "hog", "hog:3")
"""Detectors by name; hog:3 enlarges frames three times first."""


def open_detector(name: str) -> Detector:
    """A detector by its name, or from a file: an ONNX model, or boxes in MOTChallenge's format.

    Raises:
        DataError: There is none of that name, or the file is none.
        MissingExtraError: What it needs is not installed.
    """
    kind, _, factor = name.partition(":")
    if kind == "motion" and not factor:
        from passerby.video.detectors.opencv import MotionDetector

        return MotionDetector()
    if kind == "hog" and (not factor or factor.isdecimal()) and factor not in ("0",):
        from passerby.video.detectors.opencv import HogDetector

        return HogDetector(float(factor or 1))
    path = Path(name)
    if path.suffix.lower() == ".onnx":
        from passerby.video.detectors.onnx import OnnxDetector

        return OnnxDetector(path)
    if path.suffix.lower() in (".txt", ".csv"):
        from passerby.video.detectors.mot import MotDetector

        return MotDetector(path)
    raise DataError(f"expected a detector ({', '.join(NAMES)}), an .onnx file or a .txt file of boxes, got {name!r}")
