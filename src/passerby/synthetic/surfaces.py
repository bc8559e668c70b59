"""Rectangles, of which the built world is made."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from passerby.synthetic.materials import Material
from passerby.types import FloatArray


@dataclass(frozen=True, eq=False)
class Surface:
    """A rectangle of some material.

    Attributes:
        origin: (3,) its corner, metres.
        right: (3,) unit vector of its first edge.
        up: (3,) unit vector of its second edge.
        size: Metres along both edges.
        material: What it is made of.
        glow: Linear light that it gives off itself, as lamps and windows towards the sky do.
    """

    origin: FloatArray
    right: FloatArray
    up: FloatArray
    size: tuple[float, float]
    material: Material
    glow: float = 0.0

    @cached_property
    def normal(self) -> FloatArray:
        """(3,) unit vector out of its front."""
        return np.asarray(np.cross(self.right, self.up), np.float32)

    @property
    def is_ground(self) -> bool:
        """Whether it lies on the ground, so that nobody stands behind it."""
        return bool(self.normal[2] > 0.5 and self.origin[2] < 0.1)

    @cached_property
    def corners(self) -> FloatArray:
        """(4, 3) metres."""
        edges = self.right * self.size[0], self.up * self.size[1]
        return np.array([self.origin + a * edges[0] + b * edges[1] for a in (0, 1) for b in (0, 1)], np.float32)
