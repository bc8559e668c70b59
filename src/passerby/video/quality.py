"""How much a picture of a person is worth for knowing the person again: 0 useless, 1 perfect."""

from dataclasses import dataclass

import numpy as np

from passerby.boxes import BoxArray, Numbers, covered
from passerby.data.images import resize_image
from passerby.types import ImageArray

_TALL = 128.0  # Pixels; more height shows nothing more to models for re-identification.
_SMALLEST = 4  # Pixels of a side of a picture.
_BORDER = 2.0  # Pixels from the frame's edge that count as touching it.
_CUT = 0.5  # What is left of the worth of somebody whom the frame's edge cuts.
_UPRIGHT = (1.6, 4.5)  # Height by width of people who stand or walk.
_ROWS, _COLUMNS = 64, 32  # In which sharpness is measured, so that it does not depend on size.
_SHARP = 0.22  # Detail of a sharp picture; see `sharpness`.


@dataclass(frozen=True, slots=True)
class Quality:
    """What a picture of a person is worth, part by part; each 0 to 1.

    Attributes:
        size: How tall the person is, up to 128 pixels.
        sharpness: How much detail there is.
        whole: How little the frame's edge cuts off, and how far the box has the shape of somebody upright.
        free: How little of the box is taken by people in front.
    """

    size: float
    sharpness: float
    whole: float
    free: float

    @property
    def total(self) -> float:
        """The geometric mean of all: whatever spoils a picture spoils it, however good the rest is."""
        return float((self.size * self.sharpness * self.whole * self.free) ** 0.25)


def qualities(picture: ImageArray, boxes: BoxArray) -> list[Quality]:
    """Of everybody in a frame.

    Args:
        picture: The frame, H×W×3 RGB uint8.
        boxes: (N, 4) of everybody in it, inside of it.
    """
    rows, columns = picture.shape[:2]
    free = 1 - covered(boxes)
    return [
        Quality(
            size=min(1.0, float(box[3] - box[1]) / _TALL),
            sharpness=sharpness(cut(picture, box)),
            whole=whole(box, rows, columns),
            free=float(clear),
        )
        for box, clear in zip(boxes, free, strict=True)
    ]


def cut(picture: ImageArray, box: Numbers) -> ImageArray:
    """The pixels of a box (4,), at least 4×4: a copy, which does not keep the whole frame in memory."""
    rows, columns = picture.shape[:2]
    left, right = _inside(box[0], box[2], columns)
    top, bottom = _inside(box[1], box[3], rows)
    return picture[top:bottom, left:right].copy()


def sharpness(crop: ImageArray) -> float:
    """How much of a picture's contrast lies between neighbouring pixels: 0 all blurred, 1 sharp."""
    grey = resize_image(crop, _ROWS, _COLUMNS).astype(np.float64).mean(axis=2)
    steps = np.concatenate([np.abs(np.diff(grey, 2, axis=0)).ravel(), np.abs(np.diff(grey, 2, axis=1)).ravel()])
    return float(min(1.0, steps.mean() / (grey.std() + 4) / _SHARP))


def whole(box: Numbers, rows: int, columns: int) -> float:
    """How far a box (4,) shows somebody whole in a frame of `rows` and `columns` pixels."""
    left, top, right, bottom = box
    touching = [left <= _BORDER, top <= _BORDER, right >= columns - _BORDER, bottom >= rows - _BORDER]
    shape = (bottom - top) / max(1.0, right - left)
    upright = min(1.0, shape / _UPRIGHT[0], _UPRIGHT[1] / shape) if shape > 0 else 0.0
    return float(upright * _CUT ** sum(touching))


def _inside(first: float, last: float, size: int) -> tuple[int, int]:
    """Where a side of a box begins and ends among `size` pixels; one that is too short for a picture is longer."""
    start = int(np.clip(np.floor(first), 0, max(0, size - _SMALLEST)))
    return start, int(np.clip(np.ceil(last), start + _SMALLEST, size)) if size > _SMALLEST else size
