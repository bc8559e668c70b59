"""A camera's empty picture, drawn once, and the shadows that people cast into it from frame to frame."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from passerby.synthetic.backgrounds import FAR, Backdrop
from passerby.synthetic.body import PosedBody
from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.figures import Window
from passerby.synthetic.lighting import GAMMA, Light
from passerby.synthetic.mesh import bounds
from passerby.synthetic.scene import Site
from passerby.synthetic.shadows import GroundShadows
from passerby.types import FloatArray

_FINER = 2
"""The empty picture is drawn this many times as large and averaged down."""

_CONTACT = 0.75
"""Share of the sky's light that bodies keep from the ground right beneath them."""


class Plate:
    """What a camera sees when nobody is there, and how much darker each place gets in somebody's shadow.

    Light adds up, so the empty picture is drawn twice, with and without the sun; a shadow takes from either part.

    Args:
        site: What to draw.
        camera: Through which camera.
        light: The light of the recording.
        box: Which part of the camera's picture to draw.
        size: Rows and columns of the frames.
    """

    def __init__(self, site: Site, camera: Camera, light: Light, box: Box, size: tuple[int, int]) -> None:
        self._light, self._camera, self._box, self._size = light, camera, box, size
        backdrop = Backdrop(site, camera)
        dark = np.zeros(3, np.float32)
        bright, sunless = (_averaged(_drawn(backdrop, box, size, lit)) for lit in (light, replace(light, sun=dark)))
        self.empty = np.asarray(bright ** (1 / GAMMA), np.float32)
        """(rows, columns, 3) float32 display values without anybody."""
        self.depths = backdrop.depths(box, size)
        """(rows, columns) metres along the line of sight to what stands there; ground and sky are endlessly far."""
        rays = camera.rays(box, *size)
        down = np.minimum(rays[..., 2], np.float32(-1e-3))
        along = np.asarray(np.float32(-camera.height) / down, np.float32)
        self._x, self._y = (np.asarray(rays[..., axis] * along, np.float32) for axis in (0, 1))
        self._ground = (self.depths >= FAR) & (rays[..., 2] < -1e-3)
        self._ambient, self._sun = sunless, np.maximum(bright - sunless, 0.0)

    def shaded(self, bodies: Sequence[PosedBody]) -> tuple[FloatArray, list[Window]]:
        """Draw the shadows of bodies on the ground of the empty picture.

        Returns:
            (rows, columns, 3) display values, and the rows and columns in which they differ from `empty`.
        """
        picture = self.empty.copy()
        windows = [self._window(body) for body in bodies]
        open_sky, open_sun = np.ones((2, *self._size), np.float32)
        for body, window in zip(bodies, windows, strict=True):
            on_ground = self._ground[window]
            if on_ground.any():
                contact, cast = GroundShadows(body.points, self._light).at(
                    self._x[window][on_ground], self._y[window][on_ground]
                )
                open_sky[window][on_ground] *= 1 - np.float32(_CONTACT) * contact
                open_sun[window][on_ground] *= 1 - cast
        for window in windows:
            places = np.flatnonzero((open_sky[window] < 1) | (open_sun[window] < 1))
            sky, sun = (share[window].reshape(-1)[places][:, None] for share in (open_sky, open_sun))
            ambient, direct = (light[window].reshape(-1, 3)[places] for light in (self._ambient, self._sun))
            part = picture[window].reshape(-1, 3)
            part[places] = (ambient * sky + direct * sun) ** np.float32(1 / GAMMA)
            picture[window] = part.reshape(picture[window].shape)
        return picture, windows

    def _window(self, body: PosedBody) -> tuple[slice, slice]:
        """The rows and columns in which a body's shadow can fall."""
        along = self._light.direction[:2] / self._light.direction[2]
        low, high = bounds(body.points)
        reach = -along * high[2]
        margin = 0.6
        x = low[0] + min(0.0, reach[0]) - margin, high[0] + max(0.0, reach[0]) + margin
        y = max(0.5, low[1] + min(0.0, reach[1]) - margin), max(0.6, high[1] + max(0.0, reach[1]) + margin)
        corners = np.array([(a, b, 0.0) for a in np.linspace(*x, 5) for b in np.linspace(*y, 5)], np.float32)
        pixels = self._camera.pixels(corners)
        rows, columns = self._size
        across = (pixels[:, 0] - self._box.left) * (columns / self._box.width)
        down = (pixels[:, 1] - self._box.top) * (rows / self._box.height)
        return _span(down, rows), _span(across, columns)


def _span(places: FloatArray, count: int) -> slice:
    low, high = np.clip([np.floor(places.min()) - 1, np.ceil(places.max()) + 1], 0, count)
    return slice(int(low), int(high))


def _drawn(backdrop: Backdrop, box: Box, size: tuple[int, int], light: Light) -> FloatArray:
    fine = size[0] * _FINER, size[1] * _FINER
    return backdrop.draw(box, fine, light, np.zeros((0, 3), np.float32), np.ones(fine, np.bool_))


def _averaged(display: FloatArray) -> FloatArray:
    """Turn display values into linear ones, and average squares of them."""
    rows, columns = display.shape[0] // _FINER, display.shape[1] // _FINER
    linear = np.maximum(display, 0.0) ** np.float32(GAMMA)
    return np.asarray(linear.reshape(rows, _FINER, columns, _FINER, 3).mean(axis=(1, 3)), np.float32)
