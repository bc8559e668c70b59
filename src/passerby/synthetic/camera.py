"""Where a camera hangs, what its lens sees, and who walks past it in which direction."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from passerby.synthetic.randomness import stream
from passerby.types import FloatArray

FRAME_HEIGHT, FRAME_WIDTH = 720, 1280
"""Pixels of a camera's whole picture."""

FARTHEST_BEND = 1.2
"""Squared distance from the picture's middle, in focal lengths, beyond which lenses bend no further: a barrel would
fold the world over there."""

_NEAR, _FAR = 0.4, 120.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a camera's picture, in pixels; may reach beyond its edges."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class Framing:
    """How a camera's detector puts boxes around people.

    Attributes:
        narrowing: 0 for boxes that hold legs and bags that stick out, 1 for boxes of one shape, `aspect`.
        aspect: Width of a usual box over its height.
        margin: Share of a person's height that is left above and below.
        jitter: How far boxes are off, as a factor on what is usual.
    """

    narrowing: float
    aspect: float
    margin: float
    jitter: float


@dataclass(frozen=True)
class Camera:
    """A fixed camera above the ground's origin, looking along +y and downwards.

    Attributes:
        height: Metres above the ground.
        tilt: Degrees below the horizon.
        roll: Degrees by which it hangs askew.
        focal_length: Pixels.
        distances: Nearest and farthest distance on the ground at which people are seen, metres.
        path: Usual walking direction, degrees counter-clockwise from +y (180 walks towards the camera).
        straying: Standard deviation of the walking direction in degrees.
        distortion: First radial coefficient of the lens, below 0 for a barrel: a point at the radius r (in focal
            lengths) from the middle appears at r · (1 + distortion · r²).
        return_share: Share of people who walk the path the other way.
        framing: How boxes are put around people in its pictures.
    """

    height: float
    tilt: float
    roll: float
    focal_length: float
    distances: tuple[float, float]
    path: float
    straying: float
    distortion: float = 0.0
    return_share: float = 0.4
    framing: Framing = Framing(narrowing=0.5, aspect=0.42, margin=0.03, jitter=1.0)

    @cached_property
    def rotation(self) -> FloatArray:
        """(3, 3) rows: the camera's right, up and forward as unit vectors of the world."""
        tilt, roll = np.radians(self.tilt), np.radians(self.roll)
        forward = np.array([0.0, np.cos(tilt), -np.sin(tilt)])
        right, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, np.sin(tilt), np.cos(tilt)])
        return np.array(
            [np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right, forward], np.float32
        )

    def pixels(self, points: FloatArray) -> FloatArray:
        """Project world points (N, 3) in front of the camera to (N, 2) pixels, x to the right, y down."""
        local = self._from_eye(points) @ self.rotation.T
        across, up = _straight(local)
        bend = self._bend(across, up)
        # One column after the other: numpy is slow along rows of two and three.
        pixels = np.empty((len(points), 2), np.float32)
        pixels[:, 0] = across * bend * self.focal_length + np.float32(FRAME_WIDTH / 2)
        pixels[:, 1] = up * bend * -self.focal_length + np.float32(FRAME_HEIGHT / 2)
        return pixels

    def depths(self, points: FloatArray) -> FloatArray:
        """(N,) metres from the camera to world points (N, 3), along its line of sight."""
        return np.asarray(self._from_eye(points) @ self.rotation[2], np.float32)

    def bent(self, points: FloatArray) -> FloatArray:
        """Move world points (N, 3) so that a lens without distortion would show them where this one does."""
        if not self.distortion:
            return points
        local = np.asarray(self._from_eye(points) @ self.rotation.T, np.float32)
        bend = self._bend(*_straight(local))
        for axis in (0, 1):
            local[:, axis] *= bend
        moved = np.asarray(local @ self.rotation, np.float32)
        moved[:, 2] += np.float32(self.height)
        return moved

    def _from_eye(self, points: FloatArray) -> FloatArray:
        """World points (N, 3) as seen from the place of the camera, without its rotation."""
        moved = np.array(points, np.float32)
        moved[:, 2] -= np.float32(self.height)
        return moved

    def _bend(self, across: FloatArray, up: FloatArray) -> FloatArray:
        """(N,) the lens's factor on places, both (N,) in focal lengths from the middle."""
        squared = np.minimum(across * across + up * up, np.float32(FARTHEST_BEND))
        return np.asarray(1.0 + np.float32(self.distortion) * squared, np.float32)

    def projection(self, box: Box) -> FloatArray:
        """(4, 4) matrix that takes world rows (x, y, z, 1) to clip space, `box` filling the picture.

        A matrix cannot hold the lens's distortion: see `bent`.
        """
        axes = self.rotation
        view = np.eye(4, dtype=np.float32)
        view[:3, :3] = axes.T
        view[3, :3] = -self.height * axes[:, 2]
        middle_x = (box.left + box.right - FRAME_WIDTH) / box.width
        middle_y = -(box.top + box.bottom - FRAME_HEIGHT) / box.height
        lens = np.zeros((4, 4), np.float32)
        lens[0, 0] = 2 * self.focal_length / box.width
        lens[1, 1] = 2 * self.focal_length / box.height
        lens[2] = (-middle_x, -middle_y, (_FAR + _NEAR) / (_FAR - _NEAR), 1.0)
        lens[3, 2] = -2 * _FAR * _NEAR / (_FAR - _NEAR)
        return np.asarray(view @ lens, np.float32)

    def rays(self, box: Box, height: int, width: int) -> FloatArray:
        """(height, width, 3) directions through the pixels of a picture of `box`; forward component 1."""
        return np.stack(self.ray_axes(box, height, width), axis=2)

    def ray_axes(self, box: Box, height: int, width: int) -> list[FloatArray]:
        """The x, y and z of `rays`, each (height, width)."""
        x = box.left + (np.arange(width) + 0.5) * (box.width / width) - FRAME_WIDTH / 2
        y = box.top + (np.arange(height) + 0.5) * (box.height / height) - FRAME_HEIGHT / 2
        across = (x / self.focal_length).astype(np.float32)[None]
        down = (y / self.focal_length).astype(np.float32)[:, None]
        if self.distortion:
            # The inverse of the lens's bend has no closed form; a few steps of the fixed point suffice.
            bent = across**2 + down**2
            bend, factor = np.float32(self.distortion), np.ones_like(bent)
            for _ in range(6):
                factor = np.float32(1.0) + bend * np.minimum(bent / factor**2, np.float32(FARTHEST_BEND))
            across, down = np.asarray(across / factor, np.float32), np.asarray(down / factor, np.float32)
        return [forward + across * right - down * up for right, up, forward in self.rotation.T]


def _straight(local: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where a lens without distortion shows points (N, 3) right, up and forward of it: right and up, both (N,)."""
    forward = np.maximum(local[:, 2], np.float32(1e-3))
    return np.asarray(local[:, 0] / forward, np.float32), np.asarray(local[:, 1] / forward, np.float32)


def sample_camera(seed: int, index: int) -> Camera:
    """Hang the camera number `index` of the world `seed`; consecutive ones see other heights and sides."""
    generator = stream(seed, "camera", index)
    # Low, high, middle in turn, so that even a few cameras differ in viewpoint; now and then one on a tripod or roof.
    low, high = ((2.0, 2.8), (4.0, 6.0), (2.6, 3.6), (3.2, 4.8))[index % 4]
    unusual = float(generator.random())
    if unusual < 0.14:
        low, high = (1.3, 2.0) if unusual < 0.07 else (6.0, 9.0)
    height = float(generator.uniform(low, high))
    nearest = float(generator.uniform(3.2, 7.0)) + 0.45 * height
    farthest = nearest + float(generator.uniform(2.5, 8.0))
    middle = (nearest + farthest) / 2
    # Towards the camera, across, obliquely or away in turn, so that neighbouring cameras differ.
    path = (180.0, 90.0, 225.0, 0.0, 270.0, 135.0, 180.0, 315.0, 45.0)[(index + seed) % 9]
    return Camera(
        height=height,
        tilt=float(np.degrees(np.arctan((height - 1.0) / middle)) + generator.normal(0.0, 2.5)),
        roll=float(generator.normal(0.0, 1.5)),
        focal_length=float(np.exp(generator.uniform(np.log(75.0), np.log(230.0)))) * middle / 1.75,
        distances=(nearest, farthest),
        path=path + float(generator.normal(0.0, 12.0)),
        straying=float(generator.uniform(8.0, 24.0)),
        distortion=float(generator.uniform(-0.2, 0.02)) if generator.random() < 0.6 else 0.0,
        return_share=float(generator.choice([0.1, 0.5])),
        framing=Framing(
            narrowing=float(generator.uniform(0.0, 1.0)),
            aspect=float(generator.uniform(0.36, 0.5)),
            margin=float(generator.uniform(-0.01, 0.06)),
            jitter=float(generator.uniform(0.5, 1.6)),
        ),
    )
