"""Making heads unrecognisable in a crop, for good: coarse cells, coarse colours, noise, blur."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.errors import ImageError
from passerby.types import ImageArray

_SHARE_OF_HEIGHT = 0.2
_SHARE_OF_WIDTH = 0.5
_CELLS = 4  # across the region's shorter side: two or three of them on the face itself
_SMALLEST_CELL = 6  # pixels
_NOISE = 12.0  # standard deviation in levels, of each cell's colour
_STEP = 16  # levels that a cell's colour is rounded to


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a crop in its pixels: rows top to bottom, columns left to right, the ends not included."""

    top: int
    left: int
    bottom: int
    right: int


def head_region(height: int, width: int) -> Region:
    """Where the head is in a person's box of which no key points are known: its top, over the whole width.

    A fifth of the height, or half of the width where that is more: a box that is wide for its height shows somebody
    who bends, sits, or is cut off below, and whose head takes more of it.

    Args:
        height: Of the crop in pixels.
        width: Of the crop in pixels.
    """
    rows = max(_SHARE_OF_HEIGHT * height, _SHARE_OF_WIDTH * width)
    return Region(0, 0, min(height, math.ceil(rows)), width)


def head_region_from_points(
    height: int, width: int, head_top: tuple[float, float], neck: tuple[float, float]
) -> Region:
    """Where the head is when its top and the neck are known.

    A square around the middle of the two, half again as wide as they are apart: chin, ears and hair are in it.
    What lies outside the crop is left out; points that coincide or lie outside give the region that the box's
    proportions give, which is never too small.

    Args:
        height: Of the crop in pixels.
        width: Of the crop in pixels.
        head_top: x and y of the head's top in pixels of the crop.
        neck: x and y of the neck, as in the 14 key points of Leeds Sports Poses.
    """
    x, y = (head_top[0] + neck[0]) / 2, (head_top[1] + neck[1]) / 2
    half = 0.75 * math.hypot(head_top[0] - neck[0], head_top[1] - neck[1])
    if not (math.isfinite(x) and math.isfinite(y) and half >= 1):
        return head_region(height, width)
    top, bottom = max(0, math.floor(y - half)), min(height, math.ceil(y + half))
    left, right = max(0, math.floor(x - half)), min(width, math.ceil(x + half))
    if top >= bottom or left >= right:
        return head_region(height, width)
    return Region(top, left, bottom, right)


def blur_head(crop: ImageArray, region: Region | None = None) -> ImageArray:
    """Make the head in a crop unrecognisable. What is lost cannot be computed back.

    The region becomes a few cells of one colour each; noise is put on the colours, they are rounded to 16 levels, and
    the edges between cells are blurred. The noise comes from the region's own pixels: the same crop always gives the
    same result, so that looking twice tells no more than looking once, and nobody can compute the noise who has not
    the crop already. What stays is roughly the colour of hair, hat and skin.

    Args:
        crop: H×W×3, RGB, uint8. It is not changed.
        region: What to blur; by default where `head_region` puts the head.

    Returns:
        H×W×3, RGB, uint8; outside the region as it was.

    Raises:
        ImageError: It is no such picture.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or not crop.size:
        raise ImageError(f"expected a picture H×W×3 of uint8, got {crop.dtype} {crop.shape}")
    height, width = crop.shape[:2]
    region = head_region(height, width) if region is None else region
    # An end below 0 would count from the other side.
    rows = slice(max(0, region.top), max(0, min(height, region.bottom)))
    columns = slice(max(0, region.left), max(0, min(width, region.right)))
    blurred = crop.copy()
    clear = crop[rows, columns]
    if clear.size:
        blurred[rows, columns] = _coarse(clear)
    return blurred


def _coarse(clear: ImageArray) -> ImageArray:
    """H×W×3 of uint8 that tells no more of `clear` than a few rounded, noisy colours."""
    height, width = clear.shape[:2]
    cell = max(_SMALLEST_CELL, math.ceil(min(height, width) / _CELLS))
    means = _cell_means(clear, cell)
    seed = int.from_bytes(hashlib.sha256(np.ascontiguousarray(clear).tobytes()).digest(), "big")
    noisy = means + np.random.default_rng(seed).normal(0, _NOISE, means.shape)
    colours = np.clip(np.round(noisy / _STEP) * _STEP, 0, 255)
    spread = np.repeat(np.repeat(colours, cell, axis=0), cell, axis=1)[:height, :width]
    smooth = _box_blur(_box_blur(spread, cell // 2, 0), cell // 2, 1)
    return np.clip(np.round(smooth), 0, 255).astype(np.uint8)


def _cell_means(clear: ImageArray, cell: int) -> npt.NDArray[np.float64]:
    """Mean colour of each cell; those at the right and lower edge may be smaller."""
    rows = np.arange(0, clear.shape[0], cell)
    columns = np.arange(0, clear.shape[1], cell)
    sums = np.add.reduceat(np.add.reduceat(clear.astype(np.float64), rows, axis=0), columns, axis=1)
    counts = np.outer(np.diff([*rows, clear.shape[0]]), np.diff([*columns, clear.shape[1]]))
    return np.asarray(sums / counts[:, :, None])


def _box_blur(picture: npt.NDArray[np.float64], radius: int, axis: int) -> npt.NDArray[np.float64]:
    """Mean over 2·radius + 1 pixels along an axis, edges repeated."""
    pad = [(radius + 1, radius) if dimension == axis else (0, 0) for dimension in range(picture.ndim)]
    sums = np.cumsum(np.pad(picture, pad, mode="edge"), axis=axis)
    length = picture.shape[axis]
    window = 2 * radius + 1
    ends, starts = np.arange(window, window + length), np.arange(length)
    return np.asarray((np.take(sums, ends, axis) - np.take(sums, starts, axis)) / window)
