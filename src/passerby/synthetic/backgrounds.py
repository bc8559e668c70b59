"""Draws what lies behind the people in one box of a camera's picture, and the shadows on the ground there."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.colours import rgb
from passerby.synthetic.lighting import Light, to_display
from passerby.synthetic.mesh import bounds
from passerby.synthetic.scene import Site, Surface
from passerby.types import FloatArray


class Backdrop:
    """A site through a camera: what lies behind the people in any box of its picture.

    Args:
        site: What to draw.
        camera: Through which camera.
    """

    def __init__(self, site: Site, camera: Camera) -> None:
        self._site, self._camera = site, camera
        self._eye = np.array([0.0, 0.0, camera.height], np.float32)
        # Only surfaces that face the eye are seen: this is below 0 for them.
        offsets = [np.float32((surface.origin - self._eye) @ surface.normal) for surface in site.surfaces]
        self._facing = [
            (surface, offset, _outline(surface, camera))
            for surface, offset in zip(site.surfaces, offsets, strict=True)
            if offset < 0
        ]

    def draw(
        self, box: Box, size: tuple[int, int], light: Light, people: FloatArray, wanted: npt.NDArray[np.bool_]
    ) -> FloatArray:
        """Draw a part of the camera's picture.

        Args:
            box: Which part.
            size: Rows and columns of the result.
            light: The light at this moment.
            people: (N, 3) points of all bodies, which cast shadows on the ground; N may be 0.
            wanted: (rows, columns) which pixels are; the others, which people hide, come out as sky.

        Returns:
            (rows, columns, 3) float32 display values, 0 to about 1.
        """
        rays = self._camera.rays(box, *size)
        nearest = np.full(size, np.inf, np.float32)
        owner = np.zeros(size, np.int16)
        met = []
        for surface, offset, outline in self._facing:
            window = _window(outline, box, size)
            meeting = _meet(surface, offset, self._eye, rays[window], nearest[window])
            if meeting is not None:
                inside, distance = meeting
                np.copyto(nearest[window], distance, where=inside)
                met.append((surface, window, inside, distance))
                np.copyto(owner[window], len(met), where=inside)
        colours = np.empty((size[0] * size[1], 3), np.float32)
        colours[:] = rgb(self._site.sky)
        owner[~wanted] = 0
        shadows = GroundShadows(people, light) if len(people) else None
        pixel_angle = box.height / size[0] / self._camera.focal_length
        for number, (surface, window, inside, distance) in enumerate(met, start=1):
            shown = np.flatnonzero(owner == number)
            if not len(shown):
                continue
            reached = np.flatnonzero(inside)
            kept = np.flatnonzero((owner[window] == number).reshape(-1)[reached])
            far = distance.reshape(-1)[reached]
            footprint = float(far[len(far) // 2]) * pixel_angle
            # Columns and whole arrays at a time: broadcasting along rows of three is many times slower.
            places = rays[window].reshape(-1, 3).take(reached, axis=0)
            places *= np.repeat(far, 3).reshape(-1, 3)
            places[:, 2] += self._eye[2]
            on_surface = places.copy()
            for axis in range(3):
                on_surface[:, axis] -= surface.origin[axis]
            across = np.asarray(on_surface @ surface.right, np.float32)
            up = np.asarray(on_surface @ surface.up, np.float32)
            albedo = surface.material.sample(across[kept], up[kept], footprint)
            lit = _light_on(surface, self._site, light, places.take(kept, axis=0), shadows)
            colours[shown] = albedo * to_display(lit)
        return colours.reshape(*size, 3)


def _outline(surface: Surface, camera: Camera) -> FloatArray | None:
    """(4, 2) pixels of a surface's corners in the camera's picture; None where one is not in front of it."""
    return None if camera.depths(surface.corners).min() < 0.1 else camera.pixels(surface.corners)


def _window(outline: FloatArray | None, box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of a picture that a surface can appear in."""
    rows, columns = size
    if outline is None:
        return slice(0, rows), slice(0, columns)
    x = (outline[:, 0] - box.left) * (columns / box.width)
    y = (outline[:, 1] - box.top) * (rows / box.height)
    return _span(y, rows), _span(x, columns)


def _span(places: FloatArray, count: int) -> slice:
    low, high = np.clip([np.floor(places.min()), np.ceil(places.max())], 0, count)
    return slice(int(low), int(high))


def _meet(
    surface: Surface, offset: np.float32, eye: FloatArray, rays: FloatArray, nearest: FloatArray
) -> tuple[npt.NDArray[np.bool_], FloatArray] | None:
    """Where rays (R, C, 3) meet a surface before anything else.

    Returns:
        Which rays do, and the distances of all, both (R, C); None when none does.
    """
    if not rays.size:
        return None
    slope = rays @ surface.normal
    distance = offset / np.minimum(slope, np.float32(-1e-6))
    inside = distance < nearest
    for edge, length in zip((surface.right, surface.up), surface.size, strict=True):
        along = (rays @ edge) * distance - np.float32((surface.origin - eye) @ edge)
        inside &= (along >= 0) & (along < length)
    if not inside.any():
        return None
    return inside, distance


def _light_on(
    surface: Surface, site: Site, light: Light, places: FloatArray, shadows: "GroundShadows | None"
) -> FloatArray:
    """(N, 3) linear light at places on a surface."""
    level = surface.normal[2] > 0.5
    lit = site.sunlit(places[:, 0], places[:, 1]) if level else np.full(len(places), 0.8, np.float32)
    ambient = np.ones(len(places), np.float32)
    if level:
        # Corners are darker: less of the sky is seen from there.
        ambient -= 0.35 * np.exp(-np.abs(site.wall_distance - places[:, 1]) / 0.5)
        if shadows is not None and surface.origin[2] < 0.1:
            contact, cast = shadows.at(places[:, 0], places[:, 1])
            ambient, lit = ambient * (1 - 0.75 * contact), lit * (1 - cast)
    else:
        ambient -= 0.30 * np.exp(-np.maximum(places[:, 2], 0.0) / 0.35)
    return light.on(surface.normal[None], ambient, lit)


class GroundShadows:
    """The shadows that bodies leave on the ground, as two soft maps around them.

    Args:
        people: (N, 3) points of all bodies, metres.
        light: Gives the direction and softness of the cast shadow.
    """

    _CELL = 0.05

    def __init__(self, people: FloatArray, light: Light) -> None:
        along = light.direction[:2] / light.direction[2]
        cast = people[:, :2] - people[:, 2:] * along
        (low, high), (cast_low, cast_high) = bounds(people[:, :2]), bounds(cast)
        self._low = np.asarray(np.minimum(low, cast_low) - 0.6, np.float32)
        upper = np.maximum(high, cast_high) + 0.6
        self._shape = tuple(int(n) for n in np.ceil((upper - self._low) / self._CELL)[::-1])
        # What is near the ground keeps the sky's light from it: feet, hems, hanging bags.
        self._contact = self._soft(people[:, :2], np.exp(-people[:, 2] / 0.12), 0.07, 0.16)
        self._cast = self._soft(cast, np.ones(len(people), np.float32), light.softness, 0.5)

    def at(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Darkness at places on the ground, each (N,) 0 to 1: beneath the feet, and in the cast shadow."""
        column = (x - self._low[0]) / self._CELL - 0.5
        row = (y - self._low[1]) / self._CELL - 0.5
        return _bilinear(self._contact, row, column), _bilinear(self._cast, row, column)

    def _soft(self, places: FloatArray, weights: FloatArray, softness: float, strength: float) -> FloatArray:
        rows, columns = self._shape
        cells = ((places - self._low) / self._CELL).astype(np.int64)
        count = np.bincount(cells[:, 1] * columns + cells[:, 0], weights=weights, minlength=rows * columns)
        dense = 1.0 - np.exp(-strength * count[: rows * columns].reshape(rows, columns))
        image = Image.fromarray((dense * 255).astype(np.uint8))
        image = image.filter(ImageFilter.GaussianBlur(max(0.8, softness / self._CELL)))
        return np.asarray(image, np.float32) / 255.0


def _bilinear(grid: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    """Sample a map between its cells; outside it is 0."""
    rows, columns = grid.shape
    inside = (row >= 0) & (row < rows - 1) & (column >= 0) & (column < columns - 1)
    values = np.zeros(len(row), np.float32)
    y, x = row[inside], column[inside]
    top, left = y.astype(np.int64), x.astype(np.int64)
    dy, dx = y - top, x - left
    cells, corner = np.ascontiguousarray(grid).reshape(-1), top * columns + left
    upper = cells.take(corner) * (1 - dx) + cells.take(corner + 1) * dx
    corner += columns
    lower = cells.take(corner) * (1 - dx) + cells.take(corner + 1) * dx
    values[inside] = upper * (1 - dy) + lower * dy
    return values
