"""Fast operations on pictures: scale, blur, JPEG. The only module here that imports OpenCV, when first used."""

from functools import cache
from typing import Any

import numpy as np

from passerby.errors import MissingExtraError
from passerby.types import FloatArray, ImageArray


def shrunk(picture: FloatArray, height: int, width: int) -> FloatArray:
    """Scale a picture down to (height, width), each new pixel the mean of those that it covers."""
    if picture.shape[:2] == (height, width):
        return picture
    opencv = _opencv()
    return np.asarray(opencv.resize(picture, (width, height), interpolation=opencv.INTER_AREA), np.float32)


def enlarged(picture: ImageArray, height: int, width: int) -> ImageArray:
    """Scale a uint8 picture up (or a little down) to (height, width), by cubic interpolation."""
    if picture.shape[:2] == (height, width):
        return picture
    opencv = _opencv()
    return np.asarray(opencv.resize(picture, (width, height), interpolation=opencv.INTER_CUBIC), np.uint8)


def blurred(picture: FloatArray, across: float, along: float | None = None) -> FloatArray:
    """Blur by Gaussians of the deviations `across` the columns and `along` the rows, pixels; one when None."""
    along = across if along is None else along
    if max(across, along) < 0.05:
        return picture
    blurring = _opencv().GaussianBlur(
        picture, (_reach(across), _reach(along)), sigmaX=max(across, 0.05), sigmaY=max(along, 0.05)
    )
    return np.asarray(blurring, np.float32)


def through_jpeg(picture: ImageArray, quality: int) -> ImageArray:
    """Compress a picture and read it again; its colours lose half their resolution, as JPEG's usually do."""
    opencv = _opencv()
    # Which of the channels is red matters to the codec alone: it must turn the right ones into brightness.
    done, compressed = opencv.imencode(".jpg", picture[..., ::-1], [opencv.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot compress a picture of {picture.shape}")
    return np.asarray(opencv.imdecode(compressed, opencv.IMREAD_COLOR)[..., ::-1], np.uint8)


def _reach(deviation: float) -> int:
    """Odd number of taps that hold all but a thousandth of a Gaussian."""
    return 2 * max(0, round(3.0 * deviation + 0.2)) + 1


@cache
def _opencv() -> Any:  # noqa: ANN401
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("drawing synthetic people", "synthetic") from error
    return cv2
