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


def draw_background(
    site: Site, camera: Camera, box: Box, size: tuple[int, int], light: Light, people: FloatArray
) -> FloatArray:
    """Draw a site through a camera.

    Args:
        site: What to draw.
        camera: Through which camera.
        box: Which part of its picture.
        size: Rows and columns of the result.
        light: The light at this moment.
        people: (N, 3) points of all bodies, which cast shadows on the ground; N may be 0.

    Returns:
        (rows, columns, 3) float32 display values, 0 to about 1.
    """
    rays = camera.rays(box, *size)
    eye = np.array([0.0, 0.0, camera.height], np.float32)
    colours = np.broadcast_to(rgb(site.sky), rays.shape).copy()
    nearest = np.full(size, np.inf, np.float32)
    pixel_angle = box.height / size[0] / camera.focal_length
    shadows = GroundShadows(people, light) if len(people) else None
    for surface in site.surfaces:
        window = _window(surface, camera, box, size)
        met = _meet(surface, eye, rays[window], nearest[window])
        if met is None:
            continue
        inside, distance, places = met
        nearest[window][inside] = distance
        on_surface = places - surface.origin
        footprint = float(distance[len(distance) // 2]) * pixel_angle
        across = np.asarray(on_surface @ surface.right, np.float32)
        up = np.asarray(on_surface @ surface.up, np.float32)
        albedo = surface.material.sample(across, up, footprint)
        colours[window][inside] = albedo * to_display(_light_on(surface, site, light, places, shadows))
    return colours


def _window(surface: Surface, camera: Camera, box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of a picture that a surface can appear in."""
    rows, columns = size
    if camera.depths(surface.corners).min() < 0.1:
        return slice(0, rows), slice(0, columns)
    pixels = camera.pixels(surface.corners)
    x = (pixels[:, 0] - box.left) * (columns / box.width)
    y = (pixels[:, 1] - box.top) * (rows / box.height)
    return _span(y, rows), _span(x, columns)


def _span(places: FloatArray, count: int) -> slice:
    low, high = np.clip([np.floor(places.min()), np.ceil(places.max())], 0, count)
    return slice(int(low), int(high))


def _meet(
    surface: Surface, eye: FloatArray, rays: FloatArray, nearest: FloatArray
) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray] | None:
    """Where rays (R, C, 3) meet a surface before anything else.

    Returns:
        Which rays do (R, C), and for these their distances (N,) and the places they meet (N, 3) in metres;
        None when none does.
    """
    slope = rays @ surface.normal
    offset = np.float32((surface.origin - eye) @ surface.normal)
    # Only surfaces that face the eye are seen; there both numbers are below 0.
    if offset >= 0 or not slope.size:
        return None
    distance = offset / np.minimum(slope, np.float32(-1e-6))
    inside = distance < nearest
    for edge, length in zip((surface.right, surface.up), surface.size, strict=True):
        along = (rays @ edge) * distance - np.float32((surface.origin - eye) @ edge)
        inside &= (along >= 0) & (along < length)
    if not inside.any():
        return None
    met = distance[inside]
    return inside, met, np.asarray(eye + rays[inside] * met[:, None], np.float32)


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
    upper = grid[top, left] * (1 - dx) + grid[top, left + 1] * dx
    lower = grid[top + 1, left] * (1 - dx) + grid[top + 1, left + 1] * dx
    values[inside] = upper * (1 - dy) + lower * dy
    return values
