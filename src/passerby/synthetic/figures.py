"""Draws everybody in a frame, each alone and from far to near, and counts how much of whom remains to be seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from passerby.synthetic.body import PosedBody
from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.lighting import GAMMA, Light, to_display
from passerby.synthetic.mesh import bounds
from passerby.synthetic.painting import BRIGHTEST, FINER, averaged, depth_of, light_on
from passerby.synthetic.renderer import Renderer
from passerby.synthetic.scene import Site
from passerby.types import FloatArray

Window = tuple[slice, slice]
"""Rows and columns of a frame."""

_SMALLEST = 128
"""Rows of the smallest canvas that a figure is drawn on; the others are twice as large, and so on."""


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One body in a frame.

    Attributes:
        body: The posed body.
        outline: What holds the whole figure, in pixels of the frame; may reach beyond its edges.
        window: The rows and columns of the frame in which it is.
        depth: Metres from the camera to its feet, along the line of sight.
    """

    body: PosedBody
    outline: Box
    window: Window
    depth: float


class FigureDrawing:
    """Puts people into the frames of one camera. Every figure is drawn whole before others cover it.

    Args:
        camera: Through which camera.
        site: Where; decides who stands in the shade.
        before: (rows, columns) metres along the line of sight to what stands in the empty frame.
        light: The light there.
        box: Which part of the camera's picture the frames show.
        size: Rows and columns of the frames.
    """

    def __init__(
        self, camera: Camera, site: Site, before: FloatArray, light: Light, box: Box, size: tuple[int, int]
    ) -> None:
        self._camera, self._site, self._light, self._box, self._size = camera, site, light, box, size
        self._before = before
        self._canvases: dict[tuple[int, int], Renderer] = {}

    def close(self) -> None:
        """Give the renderers back."""
        for renderer in self._canvases.values():
            renderer.close()

    def figure(self, body: PosedBody) -> Figure | None:
        """Where a body is in the frame; None where it is not in it."""
        scale = self._size[0] / self._box.height
        corner = np.array([self._box.left, self._box.top], np.float32)
        (left, top), (right, bottom) = (
            tuple(map(float, edge))
            for edge in bounds((self._camera.pixels(body.points) - corner) * np.float32(scale))
        )
        rows = slice(max(0, int(top) - 1), min(self._size[0], int(bottom) + 2))
        columns = slice(max(0, int(left) - 1), min(self._size[1], int(right) + 2))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        feet = np.array([*body.key_points[2, :2], 0.0], np.float32)
        depth = depth_of(self._camera, body) if body.pose.seated else float(self._camera.depths(feet[None])[0])
        return Figure(body, Box(left, top, right, bottom), (rows, columns), depth)

    def draw(self, figures: Sequence[Figure], display: FloatArray) -> list[float]:
        """Draw figures over a picture.

        Args:
            figures: Everybody, in any order.
            display: (rows, columns, 3) display values of what is behind them; changed in place.

        Returns:
            Of each figure, the share that the picture shows: what others hide and what lies beyond the picture's
            edges is missing.
        """
        drawn: dict[int, npt.NDArray[np.bool_]] = {}
        owner = np.full((self._size[0] * FINER, self._size[1] * FINER), -1, np.int16)
        for index in sorted(range(len(figures)), key=lambda index: -figures[index].depth):
            figure = figures[index]
            pixels = self._alone(figure)
            drawn[index] = mask = pixels[..., 3] > 0
            hidden = self._before[figure.window] < figure.depth  # by things of the site
            if hidden.any():
                kept = ~hidden.repeat(FINER, axis=0).repeat(FINER, axis=1)
                pixels, mask = pixels * kept[..., None], mask & kept
            owner[_finer(figure.window)][mask] = index
            _put(pixels, display[figure.window])
        shares = []
        for index, figure in enumerate(figures):
            seen = np.count_nonzero(owner[_finer(figure.window)] == index)
            shares.append(int(seen) / max(1, int(np.count_nonzero(drawn[index]))) * self._inside(figure))
        return shares

    def _alone(self, figure: Figure) -> npt.NDArray[np.uint8]:
        """Draw a figure on nothing: (rows, columns, 4) of its window, `FINER` times as large."""
        rows, columns = figure.window
        height, width = (part.stop - part.start for part in figure.window)
        canvas = _large_enough(height * FINER), _large_enough(width * FINER)
        if canvas not in self._canvases:
            self._canvases[canvas] = Renderer(*canvas)
        scale = self._box.height / self._size[0]
        left, top = self._box.left + columns.start * scale, self._box.top + rows.start * scale
        part = Box(left, top, left + canvas[1] / FINER * scale, top + canvas[0] / FINER * scale)
        shade = np.minimum(to_display(light_on(figure.body, self._site, self._light) / BRIGHTEST), 1.0)
        bent = replace(figure.body, points=self._camera.bent(figure.body.points))
        drawing = self._canvases[canvas].draw([bent], [shade], self._camera.projection(part))
        return np.ascontiguousarray(drawing.pixels[: height * FINER, : width * FINER])

    def _inside(self, figure: Figure) -> float:
        """About which share of a figure lies within the picture: of all its surface as the camera sees it."""
        outline, (rows, columns) = figure.outline, self._size
        if outline.left >= 0 and outline.top >= 0 and outline.right <= columns and outline.bottom <= rows:
            return 1.0
        pixels = self._camera.pixels(figure.body.points)
        corners = pixels[figure.body.body.mesh.triangles]
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        areas = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
        x, y = corners.mean(axis=1).T
        box = self._box
        inside = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
        return float(areas[inside].sum() / areas.sum())


def _put(drawn: npt.NDArray[np.uint8], below: FloatArray) -> None:
    """Put a figure, drawn `FINER` times as large, over what is below, in place."""
    people = averaged(drawn)
    uncovered = 1 - people[..., 3]
    for channel in range(3):
        below[..., channel] *= uncovered
        below[..., channel] += people[..., channel] * np.float32(BRIGHTEST ** (1 / GAMMA))


def _finer(window: Window) -> Window:
    rows, columns = (slice(part.start * FINER, part.stop * FINER) for part in window)
    return rows, columns


def _large_enough(pixels: int) -> int:
    """The side of the smallest canvas that holds so many pixels."""
    return max(_SMALLEST, 1 << (pixels - 1).bit_length())
