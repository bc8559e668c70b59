"""Draws what lies behind the people in one box of a camera's picture, and the shadows on the ground there."""

import numpy as np
from PIL import Image, ImageFilter

from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.colours import rgb
from passerby.synthetic.lighting import Light, to_display
from passerby.synthetic.scene import Site, Surface
from passerby.types import FloatArray, IntArray


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
    rays = camera.rays(box, *size).reshape(-1, 3)
    eye = np.array([0.0, 0.0, camera.height], np.float32)
    colours = np.broadcast_to(rgb(site.sky), rays.shape).copy()
    nearest = np.full(len(rays), np.inf, np.float32)
    pixel_angle = box.height / size[0] / camera.focal_length
    shadows = GroundShadows(people, light) if len(people) else None
    for surface in site.surfaces:
        hit, distance, across, up = _meet(surface, eye, rays, nearest)
        if not len(hit):
            continue
        nearest[hit] = distance
        footprint = float(np.median(distance)) * pixel_angle
        albedo = surface.material.sample(across, up, footprint)
        colours[hit] = albedo * to_display(
            _light_on(surface, site, light, eye + rays[hit] * distance[:, None], shadows)
        )
    return colours.reshape(*size, 3)


def _meet(
    surface: Surface, eye: FloatArray, rays: FloatArray, nearest: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Which rays meet a surface before anything else: their indices, distances, and places on it in metres."""
    normal = surface.normal
    slope = rays @ normal
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.float32((surface.origin - eye) @ normal) / slope
    candidates = np.flatnonzero((distance > 0.1) & (distance < nearest) & (slope < 0))
    places: FloatArray = eye + rays[candidates] * distance[candidates, None] - surface.origin
    across = np.asarray(places @ surface.right, np.float32)
    up = np.asarray(places @ surface.up, np.float32)
    inside = (across >= 0) & (across < surface.size[0]) & (up >= 0) & (up < surface.size[1])
    hit = candidates[inside]
    return hit, np.asarray(distance[hit], np.float32), across[inside], up[inside]


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
    normals = np.broadcast_to(surface.normal, places.shape)
    return light.on(normals, ambient, lit)


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
        self._low = np.minimum(people[:, :2].min(0), cast.min(0)) - 0.6
        high = np.maximum(people[:, :2].max(0), cast.max(0)) + 0.6
        self._shape = tuple(int(n) for n in np.ceil((high - self._low) / self._CELL)[::-1])
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
