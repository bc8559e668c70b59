"""Which part of a person's one texture covers what: the renderer draws a person with a single texture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ATLAS_SIZE = 256
"""Pixels along each side of a person's texture."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of the texture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    def coordinates(
        self, across: npt.NDArray[np.floating], up: npt.NDArray[np.floating]
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        """Turn places in the patch (0 to 1, from its lower left) into texture coordinates.

        Half a pixel is kept from the edges, so that filtering never reaches the neighbouring patch.
        """
        x = self.left + 0.5 + across * (self.width - 1)
        y = self.top + self.height - 0.5 - up * (self.height - 1)
        return x / ATLAS_SIZE, 1.0 - y / ATLAS_SIZE

    @property
    def pixels(self) -> tuple[slice, slice]:
        """The rows and columns of the texture that the patch covers."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


TORSO = Patch(0, 0, 128, 128)
SLEEVE = Patch(128, 0, 64, 128)
LEG = Patch(192, 0, 64, 128)
SKIRT = Patch(0, 128, 128, 64)
HEAD = Patch(128, 128, 64, 64)
BAG = Patch(192, 128, 64, 64)
SKIN = Patch(0, 192, 32, 64)
HAIR = Patch(32, 192, 64, 64)
SHOE = Patch(96, 192, 32, 32)
SOCK = Patch(96, 224, 32, 32)
HAT = Patch(128, 192, 32, 32)
INNER = Patch(160, 192, 32, 32)
STRAP = Patch(128, 224, 32, 32)
LEGWEAR = Patch(160, 224, 32, 32)
TRIM = Patch(192, 192, 64, 32)
THING = Patch(192, 224, 32, 32)
PHONE = Patch(224, 224, 32, 32)
