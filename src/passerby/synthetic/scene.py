"""Sites: the ground, walls and things that a camera sees around the people, and the light there."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from passerby.synthetic.benches import Benches, Seat, set_benches
from passerby.synthetic.camera import Camera
from passerby.synthetic.colours import Colour
from passerby.synthetic.daylight import shade_map, usual_light
from passerby.synthetic.furniture import Builder
from passerby.synthetic.lighting import Light
from passerby.synthetic.randomness import stream
from passerby.synthetic.site_kinds import INDOORS, SITE_KINDS, SiteKind, furnish
from passerby.synthetic.surfaces import Surface
from passerby.types import FloatArray

SHADE_EXTENT = 48.0
"""Metres along each side of a site's shade map, which begins at x = -24, y = 0."""

_CLEARANCE = 0.4
"""Metres that people keep from things."""


@dataclass(frozen=True, eq=False)
class Site:
    """What one camera sees when nobody is there.

    Attributes:
        kind: What sort of place it is.
        surfaces: Ground first, then walls and things.
        obstacles: (N, 4) lowest x, lowest y, highest x and highest y of the things that people walk round, metres.
        back: (3,) the foot of the wall behind: unit vector towards it on the ground, and its distance in metres.
        sky: Colour beyond all surfaces.
        shade: (R, R) how much sun reaches the ground, 0 to 1, over `SHADE_EXTENT` metres.
        light: Usual light of the place.
        seats: Where people may sit down.
    """

    kind: SiteKind
    surfaces: tuple[Surface, ...]
    obstacles: FloatArray
    back: FloatArray
    sky: Colour
    shade: FloatArray
    light: Light
    seats: tuple[Seat, ...] = ()

    @property
    def indoors(self) -> bool:
        """Whether the site is under a roof."""
        return self.kind in INDOORS

    @cached_property
    def nearest_obstacle(self) -> float:
        """Metres on the ground to the nearest thing that may hide people; infinite without any."""
        return float(self.obstacles[:, 1].min()) if len(self.obstacles) else float("inf")

    def sunlit(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """How much sun reaches places on the ground, 0 to 1."""
        cells = len(self.shade)
        column = np.clip((x / SHADE_EXTENT + 0.5) * cells, 0, cells - 1).astype(np.int64)
        row = np.clip(y / SHADE_EXTENT * cells, 0, cells - 1).astype(np.int64)
        return np.asarray(self.shade[row, column], np.float32)

    def is_free(self, x: float, y: float) -> bool:
        """Whether a person can stand at a place: not in or right beside a thing."""
        if not len(self.obstacles):
            return True
        low, high = self.obstacles[:, :2] - _CLEARANCE, self.obstacles[:, 2:] + _CLEARANCE
        return not bool(((low < (x, y)) & (high > (x, y))).all(axis=1).any())


def build_site(seed: int, index: int, camera: Camera, benches: bool = False) -> Site:
    """Build the site of the camera number `index` of the world `seed`; consecutive ones are of different kinds.

    Args:
        seed: The world's seed.
        index: Which camera.
        camera: The camera.
        benches: Whether there are benches to sit on; nothing else changes with them.
    """
    generator = stream(seed, "site", index)
    kind = SITE_KINDS[(index + seed) % len(SITE_KINDS)]
    yaw = float(generator.uniform(-12.0, 12.0)) if kind == "corridor" else _yaw(generator)
    builder = Builder(generator, camera, yaw)
    furnish(builder, kind)
    indoors = kind in INDOORS
    brightness = float(generator.uniform(0.7, 0.98))
    site = Site(
        kind=kind,
        surfaces=tuple(builder.surfaces),
        obstacles=np.array(builder.obstacles, np.float32).reshape(-1, 4),
        back=builder.back,
        sky=(0.55, 0.55, 0.54) if indoors else (0.93 * brightness, 0.97 * brightness, brightness),
        shade=shade_map(generator, indoors),
        light=usual_light(generator, indoors),
    )
    return _with_benches(site, set_benches(seed, index, camera, yaw, builder.obstacles)) if benches else site


def _with_benches(site: Site, benches: Benches) -> Site:
    return replace(
        site,
        surfaces=site.surfaces + benches.surfaces,
        obstacles=np.concatenate([site.obstacles, np.array(benches.obstacles, np.float32).reshape(-1, 4)]),
        seats=benches.seats,
    )


def _yaw(generator: np.random.Generator) -> float:
    """Half of all cameras look at a place squarely, the others from aside."""
    return float(generator.normal(0.0, 5.0) if generator.random() < 0.4 else generator.uniform(-55.0, 55.0))
