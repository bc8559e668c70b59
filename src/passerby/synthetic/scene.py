"""Sites: the ground, walls and things that a camera sees behind the people, and the light there."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from passerby.synthetic.camera import Camera
from passerby.synthetic.colours import Colour
from passerby.synthetic.daylight import shade_map, usual_light
from passerby.synthetic.lighting import Light
from passerby.synthetic.materials import Material, MaterialKind, make_material
from passerby.synthetic.randomness import stream
from passerby.types import FloatArray

SiteKind: TypeAlias = Literal["street", "mall", "campus", "park", "corridor", "station"]

_INDOORS: tuple[SiteKind, ...] = ("mall", "corridor", "station")

SHADE_EXTENT = 48.0
"""Metres along each side of a site's shade map, which begins at x = -24, y = 0."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A rectangle of some material.

    Attributes:
        origin: (3,) its corner, metres.
        right: (3,) unit vector of its first edge.
        up: (3,) unit vector of its second edge.
        size: Metres along both edges.
        material: What it is made of.
    """

    origin: FloatArray
    right: FloatArray
    up: FloatArray
    size: tuple[float, float]
    material: Material

    @cached_property
    def normal(self) -> FloatArray:
        """(3,) unit vector out of its front."""
        return np.asarray(np.cross(self.right, self.up), np.float32)

    @cached_property
    def corners(self) -> FloatArray:
        """(4, 3) metres."""
        edges = self.right * self.size[0], self.up * self.size[1]
        return np.array([self.origin + a * edges[0] + b * edges[1] for a in (0, 1) for b in (0, 1)], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """What one camera sees when nobody is there.

    Attributes:
        kind: What sort of place it is.
        surfaces: Ground first, then walls and things.
        wall_distance: Metres along y to the wall behind.
        sky: Colour beyond all surfaces.
        shade: (R, R) how much sun reaches the ground, 0 to 1, over `SHADE_EXTENT` metres.
        light: Usual light of the place.
    """

    kind: SiteKind
    surfaces: tuple[Surface, ...]
    wall_distance: float
    sky: Colour
    shade: FloatArray
    light: Light

    @property
    def indoors(self) -> bool:
        """Whether the site is under a roof."""
        return self.kind in _INDOORS

    def sunlit(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """How much sun reaches places on the ground, 0 to 1."""
        cells = len(self.shade)
        column = np.clip((x / SHADE_EXTENT + 0.5) * cells, 0, cells - 1).astype(np.int64)
        row = np.clip(y / SHADE_EXTENT * cells, 0, cells - 1).astype(np.int64)
        return np.asarray(self.shade[row, column], np.float32)


def build_site(seed: int, index: int, camera: Camera) -> Site:
    """Build the site of the camera number `index` of the world `seed`; consecutive ones are of different kinds."""
    generator = stream(seed, "site", index)
    kinds: tuple[SiteKind, ...] = ("street", "mall", "campus", "corridor", "park", "station")
    kind = kinds[(index + seed) % len(kinds)]
    wall = camera.distances[1] + float(generator.uniform(0.8, 4.0 if kind != "street" else 7.0))
    builder = _Builder(generator, camera, wall)
    match kind:
        case "street":
            builder.street()
        case "mall":
            builder.mall()
        case "campus":
            builder.campus()
        case "park":
            builder.park()
        case "corridor":
            builder.corridor()
        case "station":
            builder.station()
    indoors = kind in _INDOORS
    return Site(
        kind=kind,
        surfaces=tuple(builder.surfaces),
        wall_distance=wall,
        sky=(0.72, 0.77, 0.82) if not indoors else (0.55, 0.55, 0.54),
        shade=shade_map(generator, indoors),
        light=usual_light(generator, indoors),
    )


class _Builder:
    """Puts surfaces together; all draws come from one generator, so their order matters."""

    def __init__(self, generator: np.random.Generator, camera: Camera, wall: float) -> None:
        self.generator, self.camera, self.wall = generator, camera, wall
        self.surfaces: list[Surface] = []

    def street(self) -> None:
        self._ground("slabs", self._grey(0.50, 0.64))
        kerb = self.camera.distances[1] + 0.4
        road = self._material("asphalt", self._grey(0.28, 0.38))
        self._flat(-30, kerb + 0.25, 60, 6.0, road, lift=0.004)
        self._flat(-30, kerb, 60, 0.25, self._material("plaster", self._grey(0.62, 0.72)), lift=0.005)
        self._wall("windows" if self.generator.random() < 0.6 else "brick", self._masonry_colour(), kerb + 7.0)
        self._car(kerb + 1.6)
        self._poles(2, 0.06, 4.0, self._grey(0.2, 0.4))

    def mall(self) -> None:
        self._ground("tiles", self._warm(0.50, 0.70))
        self._wall("shopfront", self._warm(0.55, 0.85), self.wall)
        self._poles(2, 0.32, 4.5, self._warm(0.6, 0.85))
        self._things(2, (0.5, 0.5, 0.9), "wood")

    def campus(self) -> None:
        self._ground("slabs" if self.generator.random() < 0.6 else "asphalt", self._warm(0.42, 0.62))
        grass = self._material("grass", (0.32, 0.37, 0.22))
        self._flat(-30, self.wall - 1.6, 60, 1.6, grass, lift=0.004)
        self._wall("brick" if self.generator.random() < 0.6 else "windows", self._masonry_colour(), self.wall)
        self._things(2, (2.0, 0.5, 0.8), "hedge", colour=(0.20, 0.30, 0.14))

    def park(self) -> None:
        self._ground("grass", (0.35, 0.39, 0.24))
        path = self._material("gravel" if self.generator.random() < 0.5 else "asphalt", self._warm(0.48, 0.62))
        near, far = self.camera.distances
        self._flat(-30, near - 1.2, 60, far - near + 1.8, path, lift=0.004)
        self._wall("hedge", (0.18, 0.27, 0.13), self.wall + 3.0, height=9.0)
        self._poles(3, 0.14, 5.0, (0.30, 0.24, 0.18))
        self._things(1, (1.6, 0.5, 0.5), "wood")

    def corridor(self) -> None:
        self._ground("vinyl" if self.generator.random() < 0.5 else "tiles", self._warm(0.50, 0.72))
        paint = self._warm(0.66, 0.88)
        self._wall("plaster", paint, self.wall)
        material = self._material("panels", paint)
        for x, right in ((-3.4, (0.0, -1.0, 0.0)), (3.4, (0.0, 1.0, 0.0))):
            start = 60.0 if x < 0 else 0.0
            self._add((x, start, 0.0), right, (0.0, 0.0, 1.0), (60.0, 4.0), material)
        door = self._material("wood", self._masonry_colour())
        for _ in range(2):
            x = float(self.generator.uniform(-3.0, 2.0))
            self._add((x, self.wall - 0.03, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 2.1), door)

    def station(self) -> None:
        self._ground("tiles", self._grey(0.42, 0.62))
        stripe = self._material("tiles", (0.74, 0.62, 0.22))
        self._flat(-30, self.camera.distances[1] - 0.6, 60, 0.4, stripe, lift=0.004)
        self._wall(
            "panels", self._masonry_colour() if self.generator.random() < 0.4 else self._grey(0.5, 0.8), self.wall
        )
        self._things(1, (1.0, 0.7, 1.9), "metal", colour=self._bright())
        self._things(1, (1.6, 0.5, 0.5), "metal")
        self._poles(1, 0.28, 5.0, self._grey(0.5, 0.8))

    def _material(self, kind: MaterialKind, colour: Colour) -> Material:
        return make_material(self.generator, kind, colour)

    def _add(
        self,
        origin: tuple[float, float, float],
        right: tuple[float, float, float],
        up: tuple[float, float, float],
        size: tuple[float, float],
        material: Material,
    ) -> None:
        self.surfaces.append(Surface(_vector(origin), _vector(right), _vector(up), size, material))

    def _flat(self, x: float, y: float, width: float, depth: float, material: Material, lift: float = 0.0) -> None:
        self._add((x, y, lift), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (width, depth), material)

    def _ground(self, kind: MaterialKind, colour: Colour) -> None:
        self._flat(-60, -5, 120, 130, self._material(kind, colour))

    def _wall(self, kind: MaterialKind, colour: Colour, y: float, height: float = 8.0) -> None:
        self._add((-60, y, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (120.0, height), self._material(kind, colour))
        skirting = self._material("plaster", tuple(0.6 * c for c in colour))  # type: ignore[arg-type]
        self._add((-60, y - 0.02, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (120.0, 0.14), skirting)

    def _block(
        self, x: float, y: float, size: tuple[float, float, float], material: Material, base: float = 0.0
    ) -> None:
        """A box: its front, both sides and its top."""
        width, depth, height = size
        self._add((x, y, base), (1, 0, 0), (0, 0, 1), (width, height), material)
        self._add((x, y + depth, base), (0, -1, 0), (0, 0, 1), (depth, height), material)
        self._add((x + width, y, base), (0, 1, 0), (0, 0, 1), (depth, height), material)
        self._add((x, y, base + height), (1, 0, 0), (0, 1, 0), (width, depth), material)

    def _poles(self, count: int, width: float, height: float, colour: Colour) -> None:
        material = self._material("metal", colour)
        for _ in range(count):
            x = float(self.generator.uniform(-5.0, 5.0))
            y = float(self.generator.uniform(self.camera.distances[1] + 0.3, self.wall + 0.4)) - width
            self._block(x, y, (width, width, height), material)

    def _things(
        self, count: int, size: tuple[float, float, float], kind: MaterialKind, colour: Colour | None = None
    ) -> None:
        """Benches, bins, planters, machines: behind where people walk."""
        for _ in range(count):
            material = self._material(kind, colour or self._masonry_colour())
            x = float(self.generator.uniform(-4.5, 4.5))
            self._block(x, self.wall - size[1] - float(self.generator.uniform(0.0, 0.5)), size, material)

    def _car(self, y: float) -> None:
        """A parked car: body, cabin, dark underside."""
        x = float(self.generator.uniform(-5.5, 1.0))
        paint = self._material("metal", self._bright() if self.generator.random() < 0.4 else self._grey(0.12, 0.8))
        for wheel in (0.6, 3.1):
            self._block(x + wheel, y + 0.02, (0.62, 1.6, 0.5), self._material("metal", (0.10, 0.10, 0.11)))
        self._block(x, y + 0.25, (4.2, 1.3, 0.3), self._material("asphalt", (0.12, 0.12, 0.12)))
        self._block(x, y, (4.3, 1.7, 0.55), paint, base=0.28)
        self._block(x + 0.8, y + 0.15, (2.4, 1.4, 0.5), self._material("metal", (0.16, 0.18, 0.20)), base=0.83)
        self._block(x + 0.95, y + 0.2, (2.1, 1.3, 0.06), paint, base=1.33)

    def _grey(self, low: float, high: float) -> Colour:
        value = float(self.generator.uniform(low, high))
        return value, value, value * float(self.generator.uniform(0.95, 1.03))

    def _warm(self, low: float, high: float) -> Colour:
        value, warmth = float(self.generator.uniform(low, high)), float(self.generator.uniform(0.0, 0.14))
        return value, value * (1 - 0.4 * warmth), value * (1 - warmth)

    def _masonry_colour(self) -> Colour:
        choices: list[Colour] = [
            (0.50, 0.30, 0.23), (0.58, 0.44, 0.34), (0.66, 0.60, 0.50), (0.44, 0.42, 0.40), (0.36, 0.26, 0.18),
            (0.55, 0.58, 0.60),
        ]  # fmt: skip
        red, green, blue = choices[int(self.generator.integers(len(choices)))]
        factor = float(self.generator.uniform(0.85, 1.12))
        return red * factor, green * factor, blue * factor

    def _bright(self) -> Colour:
        choices: list[Colour] = [(0.60, 0.14, 0.13), (0.14, 0.26, 0.52), (0.16, 0.40, 0.26), (0.70, 0.55, 0.15)]
        return choices[int(self.generator.integers(len(choices)))]


def _vector(values: tuple[float, float, float]) -> FloatArray:
    return np.array(values, np.float32)
