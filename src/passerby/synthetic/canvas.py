"""How large the pixels are in which one box of a camera's picture is drawn."""

from dataclasses import dataclass
from math import ceil

from passerby.synthetic.body import PosedBody
from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.mesh import bounds
from passerby.synthetic.visibility import projected

_ROOM = 1.2, 1.6
"""Rows and columns of the largest canvas over those of the finished pictures."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A grid of pixels over a box, and as far beyond it as the whole figure in it reaches.

    It has the pixels of the camera's own picture, but never more than the finished picture.

    Attributes:
        box: What the picture shows.
        size: Rows and columns of the box.
        drawn: What is drawn: the box and all of the figure.
        drawn_size: Rows and columns of what is drawn.
        corner: Row and column at which the box begins in what is drawn.
    """

    box: Box
    size: tuple[int, int]
    drawn: Box
    drawn_size: tuple[int, int]
    corner: tuple[int, int]

    @classmethod
    def largest(cls, height: int, width: int) -> tuple[int, int]:
        """Most rows and columns that are drawn for pictures of `height` × `width`."""
        return ceil(_ROOM[0] * height) + 4, ceil(_ROOM[1] * width) + 4

    @classmethod
    def around(cls, camera: Camera, box: Box, subject: PosedBody, size: tuple[int, int]) -> "Canvas":
        """Lay a canvas over the box of a figure, for a finished picture of `size`."""
        (left, top), (right, bottom) = (tuple(map(float, edge)) for edge in bounds(projected(camera, subject)[0]))
        over = [max(0.0, v) for v in (box.left - left, box.top - top, right - box.right, bottom - box.bottom)]
        height, width = size
        factor = min(
            1.0,
            height / box.height,
            width / box.width,
            _ROOM[0] * height / (box.height + over[1] + over[3]),
            _ROOM[1] * width / (box.width + over[0] + over[2]),
        )
        rows, columns = max(16, round(factor * box.height)), max(8, round(factor * box.width))
        tall, wide = box.height / rows, box.width / columns
        before, after = (ceil(over[0] / wide), ceil(over[1] / tall)), (ceil(over[2] / wide), ceil(over[3] / tall))
        drawn = Box(
            box.left - before[0] * wide,
            box.top - before[1] * tall,
            box.right + after[0] * wide,
            box.bottom + after[1] * tall,
        )
        drawn_size = rows + before[1] + after[1], columns + before[0] + after[0]
        return cls(box, (rows, columns), drawn, drawn_size, (before[1], before[0]))

    def window(self, finer: int) -> tuple[slice, slice]:
        """Rows and columns of the box in what is drawn with `finer` times as many of both."""
        (top, left), (rows, columns) = self.corner, self.size
        return slice(top * finer, (top + rows) * finer), slice(left * finer, (left + columns) * finer)
