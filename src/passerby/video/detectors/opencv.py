"""Two floors that need no model: the classic people detector of OpenCV, and whatever moves."""

from typing import Any

import numpy as np

from passerby.boxes import suppress
from passerby.errors import MissingExtraError
from passerby.video.detection import Detections, nobody
from passerby.video.frames import Frame

_WINDOW = (128, 64)  # Rows and columns of the HOG detector's window.
_INNER = (0.75, 0.6)  # Share of the window's rows and columns that the person takes.


def _opencv() -> Any:  # noqa: ANN401
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("finding people by HOG or motion", "video") from error
    cv2.setNumThreads(1)  # Frames are read on other threads, and several cameras at once.
    return cv2


class HogDetector:
    """Histograms of oriented gradients and a linear SVM: Dalal and Triggs, CVPR 2005, as OpenCV ships it.

    Its people are 96 pixels tall or more.

    Args:
        enlarge: How many times as large frames are made first, 1 or more; what it costs grows with the square.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """

    def __init__(self, enlarge: float = 1.0) -> None:
        self._cv2 = _opencv()
        self._enlarge = enlarge
        self._hog = self._cv2.HOGDescriptor()
        self._hog.setSVMDetector(self._cv2.HOGDescriptor_getDefaultPeopleDetector())

    def __call__(self, frame: Frame) -> Detections:
        """People in the frame; scores are the SVM's margins, squeezed to 0 to 1."""
        picture = self._cv2.cvtColor(frame.picture, self._cv2.COLOR_RGB2GRAY)
        if self._enlarge != 1:
            picture = self._cv2.resize(picture, None, fx=self._enlarge, fy=self._enlarge)
        if picture.shape[0] < _WINDOW[0] or picture.shape[1] < _WINDOW[1]:
            return nobody()
        windows, margins = self._hog.detectMultiScale(picture, winStride=(8, 8), scale=1.05, groupThreshold=0)
        if not len(windows):
            return nobody()
        left, top, width, height = (np.asarray(windows, np.float64) / self._enlarge).T
        middle, centre = left + width / 2, top + height / 2
        half, tall = width * _INNER[1] / 2, height * _INNER[0] / 2
        boxes = np.stack([middle - half, centre - tall, middle + half, centre + tall], axis=1)
        scores = 1 / (1 + np.exp(-2 * np.asarray(margins, np.float64).ravel()))
        kept = suppress(boxes, scores, 0.3)
        return Detections(boxes[kept], scores[kept])


class MotionDetector:
    """Whatever differs from the background and is as tall as it is wide, or taller.

    The background is a mixture of Gaussians for every pixel: Zivkovic, ICPR 2004, as OpenCV ships it. Only a camera
    that does not move has one; people who stand still become part of it.

    Args:
        smallest: Least height of a person, as a share of the frame's.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """

    memory = 200

    def __init__(self, smallest: float = 0.06) -> None:
        self._cv2 = _opencv()
        self._smallest = smallest
        self._background = self._cv2.createBackgroundSubtractorMOG2(self.memory, 25, True)
        self._background.setBackgroundRatio(0.5)  # What is there half of the time; .9 takes slow walkers for it.
        self._seen = 0

    def __call__(self, frame: Frame) -> Detections:
        """What moves in the frame; the score is half of it and more, the fuller the box is."""
        cv2 = self._cv2
        self._seen += 1
        # Slower than by itself at first, or else whoever walks by in one colour becomes background.
        mask = self._background.apply(frame.picture, None, max(1 / self.memory, 1 / (self._seen + 20)))
        if self._seen <= 2:
            return nobody()  # Before it has seen two frames, everything differs.
        rows = frame.picture.shape[0]
        mask = (mask == 255).astype(np.uint8)  # Without shadows, which it marks otherwise.
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        reach = max(3, round(rows * 0.03))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((reach, max(3, reach // 2)), np.uint8))
        found = cv2.connectedComponentsWithStats(mask)[2][1:].astype(np.float64)
        left, top, width, height, area = found.T
        fill = area / (width * height)
        wanted = (height >= self._smallest * rows) & (height >= width) & (height <= 6 * width) & (fill > 0.3)
        boxes = np.stack([left, top, left + width, top + height], axis=1)[wanted]
        return Detections(boxes, 0.5 + fill[wanted] / 2)
