"""Light on bodies and the ground, computed on vertices: the software renderer has no shaders.

Colours are display values (sRGB); light is linear. A surface of display value c under light l shows as
c · l^(1/2.2), so light is raised to that power once and then multiplies textures.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.types import FloatArray

GAMMA = 2.2
"""Exponent between display values and linear light."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light at a place and a moment; all intensities are linear, 1 being a well exposed white surface.

    Attributes:
        sky: (3,) colour of the light from above.
        ground: (3,) colour of the light from below.
        sun: (3,) colour of the directed light, from the sun or the strongest lamp.
        direction: (3,) unit vector towards the sun.
        softness: Radius of the edge of its shadows in metres, at the height of a person.
    """

    sky: FloatArray
    ground: FloatArray
    sun: FloatArray
    direction: FloatArray
    softness: float

    def on(self, normals: FloatArray, ambient: FloatArray, lit: FloatArray) -> FloatArray:
        """Light on surfaces.

        Args:
            normals: (N, 3) unit vectors, or (1, 3) for a level surface.
            ambient: (N,) how much of the surrounding light arrives, 0 to 1.
            lit: (N,) how much of the sun arrives, 0 to 1.

        Returns:
            (N, 3) linear light.
        """
        up = 0.5 + 0.5 * normals[:, 2]
        # Cloth scatters a little past the terminator, hence the wrapped cosine.
        sunlit = np.clip((normals @ self.direction + 0.15) / 1.15, 0.0, 1.0) * lit
        # One colour after the other: numpy is slow along rows of three.
        light = np.empty((3, len(sunlit)), np.float32)
        for channel, (sky, ground, sun) in enumerate(zip(self.sky, self.ground, self.sun, strict=True)):
            light[channel] = (sky * up + ground * (1 - up)) * ambient + sun * sunlit
        return light.T


def to_display(light: FloatArray) -> FloatArray:
    """Turn linear light into the factor that it puts on display values."""
    return np.asarray(np.maximum(light, 0.0) ** (1.0 / GAMMA), np.float32)


def reaching(points: FloatArray, direction: FloatArray, cell: float = 0.045, slack: float = 0.05) -> FloatArray:
    """Say how much light from `direction` reaches each point past the others (a shadow map of points).

    Args:
        points: (N, 3) vertices of the surfaces, metres.
        direction: (3,) unit vector towards the light.
        cell: Width of the map's cells in metres; at least the distance between vertices.
        slack: Depth in metres within which points do not shade one another.

    Returns:
        (N,) 0 in full shadow to 1.
    """
    towards = np.asarray(direction, np.float64)
    aside = _cross(towards, np.array((0.0, 1.0, 0.0) if abs(direction[1]) < 0.9 else (1.0, 0.0, 0.0)))
    aside = aside / np.linalg.norm(aside)
    across = np.stack([aside, _cross(towards, aside)], axis=1).astype(np.float32)
    flat = points @ across / cell
    column, row = (np.floor(axis - axis.min()).astype(np.int64) for axis in flat.T)
    index = column * (row.max() + 1) + row
    depth = points @ direction.astype(np.float32)
    nearest = np.full(index.max() + 1, -np.inf, np.float32)
    np.maximum.at(nearest, index, depth)
    return np.asarray(np.clip(1.6 - (nearest[index] - depth) / slack, 0.0, 1.0), np.float32)


def _cross(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The cross product of two vectors (3,): of single ones, `np.cross` takes twenty times as long."""
    (a, b, c), (x, y, z) = first.tolist(), second.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


def ambient_access(points: FloatArray, normals: FloatArray) -> FloatArray:
    """Say how much of the surrounding light reaches each vertex of a body in the rest pose.

    Args:
        points: (V, 3) metres.
        normals: (V, 3) unit vectors.

    Returns:
        (V,) 0.35 (deep in a crease) to 1.
    """
    total = np.zeros(len(points), np.float32)
    weight = np.full(len(points), 1e-3, np.float32)
    for turn in np.arange(8) * (2 * np.pi / 8):
        for lift in (0.2, 0.9):
            direction = np.array([np.cos(turn) * np.cos(lift), np.sin(turn) * np.cos(lift), np.sin(lift)], np.float32)
            facing = np.clip(normals @ direction, 0.0, 1.0)
            total += facing * reaching(points, direction)
            weight += facing
    return np.asarray(0.35 + 0.65 * np.clip(total / weight, 0.0, 1.0), np.float32)
