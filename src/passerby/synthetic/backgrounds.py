"""Draws what lies around the people in one box of a camera's picture, and the shadows on the ground there."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from passerby.synthetic.camera import FRAME_HEIGHT, FRAME_WIDTH, Box, Camera
from passerby.synthetic.colours import rgb
from passerby.synthetic.lighting import Light, to_display
from passerby.synthetic.pixels import channels, cropped
from passerby.synthetic.scene import Site
from passerby.synthetic.shadows import GroundShadows
from passerby.synthetic.surfaces import Surface
from passerby.synthetic.weather import Weather, on_ground
from passerby.types import FloatArray, ImageArray

FAR = 1000.0
"""Metres to the sky, and to the ground, which hides nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class _Plate:
    """A part of a camera's empty picture, in layers that the light of a moment is put on.

    Attributes:
        part: Which part.
        albedo: (H, W, 4) uint8: sRGB, and how much of the surrounding light arrives.
        facing: (H, W) uint8, which of the site's ways to face the light, 0 for level ground; 255 for the sky.
        sunlit: (H, W) uint8, how much of the sun arrives.
        depths: (H, W) float32 metres along the line of sight to what stands there; very far where only ground is.
    """

    part: Box
    albedo: ImageArray
    facing: npt.NDArray[np.uint8]
    sunlit: npt.NDArray[np.uint8]
    depths: FloatArray

    def holds(self, box: Box) -> bool:
        """Whether a box lies inside, or beyond the edges of the camera's picture only."""
        return (
            (box.left >= self.part.left or self.part.left <= 0)
            and (box.top >= self.part.top or self.part.top <= 0)
            and (box.right <= self.part.right or self.part.right >= FRAME_WIDTH)
            and (box.bottom <= self.part.bottom or self.part.bottom >= FRAME_HEIGHT)
        )

    def layers(self, box: Box, size: tuple[int, int]) -> ImageArray:
        """(4, rows, columns): a box of `albedo`, scaled to `size`, one channel after the other."""
        return channels(np.asarray(self.cut(self.albedo, box, size, smooth=True), np.uint8))

    def cut(self, layer: npt.NDArray[np.generic], box: Box, size: tuple[int, int], smooth: bool) -> FloatArray:
        """A box of a layer, scaled to `size`."""
        left, top = self.part.left, self.part.top
        window = box.left - left, box.top - top, box.right - left, box.bottom - top
        return np.asarray(cropped(layer, window, size, smooth))


class Backdrop:
    """A site through a camera: what lies around the people in any box of its picture.

    The empty picture is drawn once, and only that part of it where people walk until more is asked for.

    Args:
        site: What to draw.
        camera: Through which camera.
    """

    def __init__(self, site: Site, camera: Camera) -> None:
        self._site, self._camera = site, camera
        self._eye = np.array([0.0, 0.0, camera.height], np.float32)
        ways = {_way(surface): (surface.normal, surface.glow) for surface in site.surfaces}
        ways = {_way(site.surfaces[0]): ways[_way(site.surfaces[0])], **ways}
        self._numbers = {way: number for number, way in enumerate(ways)}
        self._normals = np.array([normal for normal, _ in ways.values()], np.float32)
        self._glows = np.array([glow for _, glow in ways.values()], np.float32)

    def draw(
        self,
        box: Box,
        size: tuple[int, int],
        light: Light,
        people: FloatArray,
        wanted: npt.NDArray[np.bool_],
        weather: Weather = "clear",
    ) -> FloatArray:
        """Draw a part of the camera's picture.

        Args:
            box: Which part.
            size: Rows and columns of the result.
            light: The light at this moment.
            people: (N, 3) points of all bodies, which cast shadows on the ground; N may be 0.
            wanted: (rows, columns) which pixels are; shadows are left out elsewhere.
            weather: Decides whether the ground is wet or white.

        Returns:
            (rows, columns, 3) float32 display values, 0 to about 1.
        """
        plate = self._plate_of(box)
        # By channel: numpy is slow along rows of four.
        layers = plate.layers(box, size) * np.float32(1 / 255)
        sunlit = plate.cut(plate.sunlit, box, size, smooth=True) * np.float32(1 / 255)
        facing = plate.cut(plate.facing, box, size, smooth=False)
        level, beyond = facing == 0, facing == 255
        ambient, colour = layers[3], on_ground(weather, layers[:3], level)
        if len(people):
            ground = np.flatnonzero(level & wanted)
            if len(ground):
                contact, cast = GroundShadows(people, light).at(*self._on_ground(box, size, ground))
                ambient.reshape(-1)[ground] *= 1 - 0.75 * contact
                sunlit.reshape(-1)[ground] *= 1 - cast
        number = np.minimum(facing, len(self._normals)).astype(np.intp)
        up = 0.5 + 0.5 * self._normals[:, 2]
        sun = np.clip((self._normals @ light.direction + 0.15) / 1.15, 0.0, 1.0)
        colours = np.empty((*size, 3), np.float32)
        for channel, sky in enumerate(rgb(self._site.sky)):
            around = light.sky[channel] * up + light.ground[channel] * (1 - up) + self._glows
            # The sky itself is as bright as the light that comes from it makes white paper, and a little more.
            around = np.append(around, 1.3 * light.sky[channel] + 0.3 * light.sun[channel]).astype(np.float32)
            direct = np.append(light.sun[channel] * sun, 0.0).astype(np.float32)
            lit = around.take(number) * ambient + direct.take(number) * sunlit
            base = colour[channel]
            base[beyond] = sky
            colours[..., channel] = base * to_display(lit)
        return colours

    def depths(self, box: Box, size: tuple[int, int]) -> FloatArray:
        """(rows, columns) metres along the line of sight to what stands in a box of the camera's picture."""
        plate = self._plate_of(box)
        return plate.cut(plate.depths, box, size, smooth=False)

    def depths_with_ground(self, box: Box, size: tuple[int, int]) -> FloatArray:
        """(rows, columns) metres along the line of sight to what is seen in a box, the ground among it."""
        down = -self._camera.ray_axes(box, *size)[2]
        ground = np.where(down > 1e-4, self._eye[2] / np.maximum(down, np.float32(1e-4)), np.float32(FAR))
        return np.asarray(np.minimum(self.depths(box, size), ground), np.float32)

    def depths_at(self, places: FloatArray) -> FloatArray:
        """(N,) metres along the line of sight at places (N, 2) in pixels of the camera's picture."""
        low, high = places.min(axis=0) - 1.0, places.max(axis=0) + 1.0
        plate = self._plate_of(Box(float(low[0]), float(low[1]), float(high[0]), float(high[1])))
        column, row = (np.floor(places - (plate.part.left, plate.part.top)).astype(np.int64)).T
        rows, columns = plate.depths.shape
        return np.asarray(plate.depths[row.clip(0, rows - 1), column.clip(0, columns - 1)], np.float32)

    def _on_ground(
        self, box: Box, size: tuple[int, int], pixels: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray]:
        """Where, x and y both (N,), the lines through pixels of a box meet the ground."""
        x, y, z = (axis.take(pixels) for axis in self._camera.ray_axes(box, *size))
        along = self._eye[2] / np.maximum(-z, np.float32(1e-4))
        return x * along, y * along

    def _plate_of(self, box: Box) -> _Plate:
        return self._walked if self._walked.holds(box) else self._whole

    @cached_property
    def _walked(self) -> _Plate:
        """Where people walk, with room for boxes that are too large."""
        (near, far), reach = self._camera.distances, 0.36
        corners = [(side * y, y, z) for y in (near, far) for side in (-reach, reach) for z in (0.0, 2.1)]
        pixels = self._camera.pixels(np.array(corners, np.float32))
        (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
        room = 0.12 * float(bottom - top)
        return self._drawn(
            Box(
                float(np.floor(max(0.0, left - room))),
                float(np.floor(max(0.0, top - room))),
                float(np.ceil(min(FRAME_WIDTH, right + room))),
                float(np.ceil(min(FRAME_HEIGHT, bottom + room))),
            )
        )

    @cached_property
    def _whole(self) -> _Plate:
        return self._drawn(Box(0.0, 0.0, float(FRAME_WIDTH), float(FRAME_HEIGHT)))

    def _drawn(self, part: Box) -> _Plate:
        """Draw a part of the empty picture; its sides are whole pixels."""
        size = round(part.height), round(part.width)
        rays = self._camera.rays(part, *size)
        nearest = np.full(size, np.inf, np.float32)
        owner = np.full(size, -1, np.int16)
        for number, surface in enumerate(self._site.surfaces):
            # Only surfaces that face the eye are seen: this is below 0 for them.
            offset = np.float32((surface.origin - self._eye) @ surface.normal)
            if offset < 0:
                window = _window(_outline(surface, self._camera), part, size)
                _meet(surface, offset, self._eye, rays[window], nearest[window], owner[window], number)
        plate = _Plate(
            part,
            albedo=np.full((*size, 4), 255, np.uint8),
            facing=np.full(size, 255, np.uint8),
            sunlit=np.zeros(size, np.uint8),
            depths=np.where(np.isfinite(nearest), nearest, np.float32(FAR)),
        )
        pixel_angle = 1.0 / self._camera.focal_length
        for number in np.unique(owner[owner >= 0]):
            surface = self._site.surfaces[number]
            rows, columns = (np.flatnonzero((owner == number).any(axis=axis)) for axis in (1, 0))
            window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
            shown = owner[window] == number
            far = np.where(shown, nearest[window], np.float32(1.0))
            places = rays[window] * far[..., None] + self._eye
            on_surface = places - surface.origin
            # Surfaces seen at a slant fold more of themselves into every pixel.
            slant = np.maximum(-(rays[window] @ surface.normal), np.float32(0.08))
            footprint = far * np.float32(pixel_angle) / np.sqrt(slant)
            albedo = surface.material.sample(on_surface @ surface.right, on_surface @ surface.up, footprint)
            ambient, sunlit = self._shading(surface, places)
            np.copyto(plate.albedo[window][..., :3], albedo, where=shown[..., None])
            np.copyto(plate.albedo[window][..., 3], np.asarray(ambient * 255, np.uint8), where=shown)
            np.copyto(plate.sunlit[window], np.asarray(sunlit * 255, np.uint8), where=shown)
            number_of_way = np.uint8(self._numbers[_way(surface)])
            np.copyto(plate.facing[window], number_of_way, where=shown)
            if surface.is_ground:
                np.copyto(plate.depths[window], np.float32(FAR), where=shown)
        return plate

    def _shading(self, surface: Surface, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How much of the surrounding light and of the sun reaches places (H, W, 3) on a surface, each (H, W)."""
        x, y, z = places[..., 0], places[..., 1], places[..., 2]
        if surface.normal[2] > 0.5:
            # Corners are darker: less of the sky is seen from there.
            right, away, distance = self._site.back
            ambient = 1.0 - 0.35 * np.exp(-np.abs(distance - x * right - y * away) / 0.5)
            sunlit = self._site.sunlit(x, y)
        else:
            ambient = 1.0 - 0.30 * np.exp(-np.maximum(z, 0.0) / 0.35)
            sunlit = np.full(x.shape, 0.8, np.float32)
        return np.asarray(ambient, np.float32), sunlit


def _way(surface: Surface) -> tuple[float, ...]:
    """What decides how much light a surface gets: which way it faces, and how it glows."""
    return *(round(float(v), 3) for v in surface.normal), round(surface.glow, 3)


def _outline(surface: Surface, camera: Camera) -> FloatArray | None:
    """(N, 2) pixels around a surface's edges in the camera's picture; None where some is not in front of it."""
    if camera.depths(surface.corners).min() < 0.1:
        return None
    first, second, third, fourth = surface.corners
    # A lens bends edges, so their middles may stick out.
    shares = np.linspace(0.0, 1.0, 9, dtype=np.float32)[:, None]
    edges = [a + (b - a) * shares for a, b in ((first, second), (first, third), (second, fourth), (third, fourth))]
    return camera.pixels(np.concatenate(edges))


def _window(outline: FloatArray | None, box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of a picture that a surface can appear in."""
    rows, columns = size
    if outline is None:
        return slice(0, rows), slice(0, columns)
    return _span(outline[:, 1] - box.top, rows), _span(outline[:, 0] - box.left, columns)


def _span(places: FloatArray, count: int) -> slice:
    low, high = np.clip([np.floor(places.min()) - 1, np.ceil(places.max()) + 1], 0, count)
    return slice(int(low), int(high))


def _meet(
    surface: Surface,
    offset: np.float32,
    eye: FloatArray,
    rays: FloatArray,
    nearest: FloatArray,
    owner: npt.NDArray[np.int16],
    number: int,
) -> None:
    """Note in `nearest` and `owner` (R, C) where rays (R, C, 3) meet a surface before anything else."""
    if not rays.size:
        return
    distance = offset / np.minimum(rays @ surface.normal, np.float32(-1e-6))
    inside = distance < nearest
    for edge, length in zip((surface.right, surface.up), surface.size, strict=True):
        along = (rays @ edge) * distance - np.float32((surface.origin - eye) @ edge)
        inside &= (along >= 0) & (along < length)
    np.copyto(nearest, distance, where=inside)
    np.copyto(owner, np.int16(number), where=inside)
