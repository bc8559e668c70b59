"""Fast operations on pictures: scale, blur, JPEG. The only module here that imports OpenCV, when first used."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import MissingExtraError
from passerby.types import FloatArray, ImageArray


def to_bytes(picture: FloatArray) -> ImageArray:
    """Turn display values 0 to 1 into uint8."""
    return np.asarray(np.clip(picture, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


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


def smeared(picture: FloatArray, length: float) -> FloatArray:
    """Blur along the rows by a box of `length` pixels, which need not be whole; 1 and less change nothing."""
    if length <= 1.0:
        return picture
    reach = int(np.ceil((length - 1.0) / 2))
    kernel = np.ones((1, 2 * reach + 1), np.float32)
    kernel[0, 0] = kernel[0, -1] = (length - (2 * reach - 1)) / 2
    return np.asarray(_opencv().filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def turned_round(picture: ImageArray) -> ImageArray:
    """Turn (H, W, 4) with the lowest row and blue first into one with the highest row and red first."""
    opencv = _opencv()
    return np.asarray(opencv.cvtColor(opencv.flip(picture, 0), opencv.COLOR_BGRA2RGBA), np.uint8)


def channels(picture: ImageArray) -> ImageArray:
    """Take (H, W, C) apart into (C, H, W)."""
    return np.stack(_opencv().split(picture))


def in_three(values: FloatArray) -> FloatArray:
    """Repeat (H, W) in three channels (H, W, 3): numpy is slow where it has to do so along rows of three."""
    return np.asarray(_opencv().merge([values, values, values]), np.float32)


def through_jpeg(picture: ImageArray, quality: int) -> ImageArray:
    """Compress a picture and read it again; its colours lose half their resolution, as JPEG's usually do."""
    opencv = _opencv()
    # Which of the channels is red matters to the codec alone: it must turn the right ones into brightness.
    blue_first = opencv.cvtColor(picture, opencv.COLOR_RGB2BGR)
    done, compressed = opencv.imencode(".jpg", blue_first, [opencv.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot compress a picture of {picture.shape}")
    blue_first = opencv.imdecode(compressed, opencv.IMREAD_COLOR)
    return np.asarray(opencv.cvtColor(blue_first, opencv.COLOR_BGR2RGB), np.uint8)


def looked_up(texture: ImageArray, x: FloatArray, y: FloatArray) -> ImageArray:
    """Read a repeating texture at places (H, W), in its pixels from its upper left corner, linearly."""
    opencv = _opencv()
    wrapping = opencv.BORDER_WRAP
    return np.asarray(opencv.remap(texture, x - 0.5, y - 0.5, opencv.INTER_LINEAR, borderMode=wrapping), np.uint8)


def cropped(
    layer: npt.NDArray[Any], window: tuple[float, float, float, float], size: tuple[int, int], smooth: bool
) -> Any:  # noqa: ANN401
    """Cut a window out of a picture and scale it to `size`; beyond the edges they are repeated.

    Args:
        layer: (H, W) or (H, W, up to 4) of uint8 or float32.
        window: Left, top, right and bottom edge in pixels.
        size: Rows and columns of the result.
        smooth: Whether to interpolate linearly, or to take the nearest pixel.
    """
    opencv = _opencv()
    left, top, right, bottom = window
    across, down = (right - left) / size[1], (bottom - top) / size[0]
    # From the middle of a new pixel to places between the middles of old ones.
    back = np.array([[across, 0.0, left + 0.5 * across - 0.5], [0.0, down, top + 0.5 * down - 0.5]])
    flags = opencv.WARP_INVERSE_MAP | (opencv.INTER_LINEAR if smooth else opencv.INTER_NEAREST)
    return opencv.warpAffine(layer, back, size[::-1], flags=flags, borderMode=opencv.BORDER_REPLICATE)


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
