"""Puts sites together from walls, railings, cars, bins and other things."""

from collections.abc import Sequence

import numpy as np

from passerby.synthetic.camera import Camera
from passerby.synthetic.colours import Colour, scaled
from passerby.synthetic.materials import Material, MaterialKind, make_material
from passerby.synthetic.surfaces import Surface
from passerby.types import FloatArray


class Builder:
    """Puts surfaces together; all draws come from one generator, so their order matters.

    Places are given as (u, v) on the ground: turned by `yaw` against the camera's x and y around the middle of where
    people walk, so that a camera sees a place from aside.

    Args:
        generator: Draws everything.
        camera: Who looks.
        yaw: Degrees by which the place is turned.
    """

    def __init__(self, generator: np.random.Generator, camera: Camera, yaw: float) -> None:
        self.generator, self.camera, self.yaw = generator, camera, yaw
        self.surfaces: list[Surface] = []
        self.obstacles: list[tuple[float, float, float, float]] = []
        turn = np.radians(yaw)
        self._across = np.array([np.cos(turn), np.sin(turn), 0.0], np.float32)
        self._away = np.array([-np.sin(turn), np.cos(turn), 0.0], np.float32)
        near, far = camera.distances
        self._middle = np.array([0.0, (near + far) / 2, 0.0], np.float32)
        # Nobody walks beyond this v: the farthest corner of where people walk.
        corners = np.array([(side * y, y, 0.0) for y in camera.distances for side in (-0.3, 0.3)], np.float32)
        self.edge = float(((corners - self._middle) @ self._away).max()) + 0.35
        self.wall = self.edge + float(generator.uniform(0.4, 3.5))

    @property
    def back(self) -> FloatArray:
        """(3,) the foot of the wall behind, as `Site` has it."""
        return np.array([*self._away[:2], self.wall + float(self._middle @ self._away)], np.float32)

    def chance(self, probability: float) -> bool:
        """Whether something happens that happens with `probability`."""
        return bool(self.generator.random() < probability)

    def between(self, low: float, high: float) -> float:
        """Draw a number."""
        return float(self.generator.uniform(low, high))

    def material(self, kind: MaterialKind, colour: Colour) -> Material:
        """Make a material."""
        return make_material(self.generator, kind, colour)

    def add(
        self,
        origin: Sequence[float],
        right: Sequence[float],
        up: Sequence[float],
        size: tuple[float, float],
        material: Material,
        glow: float = 0.0,
    ) -> None:
        """Add a rectangle; vectors as (u, v, z)."""
        self.surfaces.append(
            Surface(self._middle + self._turned(origin), self._turned(right), self._turned(up), size, material, glow)
        )

    def flat(self, u: float, v: float, width: float, depth: float, material: Material, lift: float = 0.0) -> None:
        """Add something that lies on the ground."""
        self.add((u, v, lift), (1, 0, 0), (0, 1, 0), (width, depth), material)

    def upright(
        self,
        u: float,
        v: float,
        width: float,
        height: float,
        material: Material,
        base: float = 0.0,
        glow: float = 0.0,
    ) -> None:
        """Add something that stands and faces the camera's side."""
        self.add((u, v, base), (1, 0, 0), (0, 0, 1), (width, height), material, glow)

    def block(
        self, u: float, v: float, size: tuple[float, float, float], material: Material, base: float = 0.0
    ) -> None:
        """Add a box: its sides and its top."""
        width, depth, height = size
        self.upright(u, v, width, height, material, base)
        self.add((u, v + depth, base), (0, -1, 0), (0, 0, 1), (depth, height), material)
        self.add((u + width, v, base), (0, 1, 0), (0, 0, 1), (depth, height), material)
        self.add((u + width, v + depth, base), (-1, 0, 0), (0, 0, 1), (width, height), material)
        self.add((u, v, base + height), (1, 0, 0), (0, 1, 0), (width, depth), material)

    def obstacle(self, u: float, v: float, width: float, depth: float) -> None:
        """Keep people off a rectangle on the ground."""
        corners = np.array([self._turned((u + a * width, v + b * depth, 0)) for a in (0, 1) for b in (0, 1)])
        (left, near), (right, far) = (corners + self._middle)[:, :2].min(0), (corners + self._middle)[:, :2].max(0)
        self.obstacles.append((float(left), float(near), float(right), float(far)))

    def in_the_way(self, depth: float) -> tuple[float, float]:
        """Draw a place (u, v) among the people, or between them and the camera, for a thing that is `depth` deep."""
        near, far = self.camera.distances
        y = near + (far - near) * self.between(-0.25, 0.75) - depth
        return self.plan_of((self.between(-0.3, 0.2) * y, y))

    def plan_of(self, place: tuple[float, float]) -> tuple[float, float]:
        """Turn a place (x, y) in front of the camera into (u, v)."""
        away = np.array([*place, 0.0], np.float32) - self._middle
        return float(away @ self._across), float(away @ self._away)

    def place_at(self, u: float, v: float) -> tuple[float, float]:
        """Turn (u, v) into a place (x, y) in front of the camera."""
        x, y, _ = self._middle + self._turned((u, v, 0.0))
        return float(x), float(y)

    def railing(self, u: float, v: float, length: float, colour: Colour) -> None:
        """A handrail on posts with bars, rails or a panel below it."""
        material, height = self.material("metal", colour), self.between(0.9, 1.15)
        thick = self.between(0.03, 0.06)
        self.block(u, v, (length, thick, thick), material, base=height)
        style = int(self.generator.integers(3))
        for number in range(round(length / 1.6) + 1):
            self.upright(u + number * 1.6, v, thick, height, material)
        if style == 0:
            spacing = self.between(0.12, 0.2)
            for number in range(round(length / spacing)):
                self.upright(u + number * spacing, v + 0.01, 0.018, height - 0.1, material, base=0.1)
        elif style == 1:
            for number in range(1, 5):
                self.upright(u, v + 0.01, length, 0.025, material, base=number * height / 5)
        else:
            panel = self.material("panels", scaled(colour, 1.2))
            self.upright(u, v + 0.01, length, height - 0.2, panel, base=0.1)

    def poles(self, count: int, width: float, height: float, colour: Colour) -> None:
        """Poles, trunks or pillars behind where people walk."""
        material = self.material("metal", colour)
        for _ in range(count):
            v = self.between(self.edge, self.wall + 0.4)
            self.block(self.between(-5.0, 5.0), v, (width, width, height), material)

    def things(
        self, count: int, size: tuple[float, float, float], kind: MaterialKind, colour: Colour | None = None
    ) -> None:
        """Benches, bins, planters, machines: at the wall behind."""
        for _ in range(count):
            material = self.material(kind, colour or self.masonry())
            v = self.wall - size[1] - self.between(0.0, 0.4)
            self.block(self.between(-5.0, 4.0), v, size, material)

    def car(self, u: float, v: float) -> None:
        """A parked car: body, cabin, wheels and dark underside."""
        paint = self.material("metal", self.bright() if self.chance(0.35) else self.grey(0.08, 0.85))
        glass = self.material("metal", (0.13, 0.15, 0.17))
        tyre = self.material("metal", (0.07, 0.07, 0.08))
        for wheel in (0.6, 3.1):
            self.block(u + wheel, v - 0.02, (0.62, 1.74, 0.55), tyre)
        self.block(u + 0.05, v + 0.2, (4.2, 1.3, 0.3), self.material("asphalt", (0.10, 0.10, 0.10)))
        self.block(u, v, (4.3, 1.7, 0.52), paint, base=0.28)
        self.block(u + 0.8, v + 0.12, (2.5, 1.46, 0.46), glass, base=0.8)
        for post in (0.8, 2.0, 3.2):
            self.upright(u + post, v + 0.11, 0.09, 0.46, paint, base=0.8)
        self.block(u + 0.9, v + 0.16, (2.25, 1.38, 0.06), paint, base=1.26)
        for lamp in (0.02, 4.1):
            self.upright(u + lamp, v - 0.01, 0.2, 0.13, self.material("metal", (0.75, 0.72, 0.68)), base=0.6)

    def in_front(self) -> None:
        """One thing that people walk round and that hides a part of those behind it."""
        kind = int(self.generator.integers(7))
        sizes = (
            (self.between(1.0, 2.2), 0.7, self.between(0.7, 0.95)),  # table, counter
            (0.5, 0.5, self.between(0.8, 1.1)),  # bin
            (self.between(1.2, 3.0), 0.5, self.between(0.5, 1.0)),  # planter, hedge
            (0.16, 0.16, 5.0),  # pole
            (4.3, 1.7, 1.3),  # car
            (self.between(2.0, 6.0), 0.08, 1.1),  # railing
            (0.7, 0.1, self.between(0.9, 1.3)),  # board
        )
        width, depth, height = sizes[kind]
        u, v = self.in_the_way(depth)
        self.obstacle(u, v, width, depth)
        if kind == 4:
            self.car(u, v)
        elif kind == 5:
            self.railing(u, v, width, self.grey(0.15, 0.7))
        elif kind == 0:
            self.block(u, v, (width, depth, 0.05), self.material("wood", self.masonry()), base=height - 0.05)
            leg = self.material("metal", self.grey(0.1, 0.5))
            for right, back in ((0.05, 0.05), (0.9, 0.05), (0.05, 0.85), (0.9, 0.85)):
                self.block(u + right * width, v + back * depth, (0.05, 0.05, height - 0.05), leg)
        else:
            materials: tuple[MaterialKind, ...] = ("wood", "metal", "hedge", "metal", "metal", "metal", "poster")
            colour = (0.20, 0.30, 0.14) if kind == 2 else self.bright() if self.chance(0.4) else self.grey(0.12, 0.7)
            self.block(u, v, (width, depth, height), self.material(materials[kind], colour))

    def grey(self, low: float, high: float) -> Colour:
        """Draw a grey."""
        value = self.between(low, high)
        return value, value, value * self.between(0.95, 1.03)

    def warm(self, low: float, high: float) -> Colour:
        """Draw a grey that tends to yellow."""
        value, warmth = self.between(low, high), self.between(0.0, 0.16)
        return value, value * (1 - 0.4 * warmth), value * (1 - warmth)

    def masonry(self) -> Colour:
        """Draw a colour of stone, brick or wood."""
        choices: list[Colour] = [
            (0.50, 0.30, 0.23), (0.58, 0.44, 0.34), (0.66, 0.60, 0.50), (0.44, 0.42, 0.40), (0.36, 0.26, 0.18),
            (0.55, 0.58, 0.60), (0.74, 0.72, 0.68), (0.30, 0.31, 0.33),
        ]  # fmt: skip
        red, green, blue = choices[int(self.generator.integers(len(choices)))]
        factor = self.between(0.8, 1.15)
        return red * factor, green * factor, blue * factor

    def bright(self) -> Colour:
        """Draw a colour of paint."""
        choices: list[Colour] = [
            (0.62, 0.13, 0.12), (0.13, 0.25, 0.53), (0.15, 0.40, 0.25), (0.72, 0.56, 0.14), (0.80, 0.42, 0.12),
            (0.30, 0.50, 0.62), (0.82, 0.80, 0.76), (0.42, 0.20, 0.42),
        ]  # fmt: skip
        return choices[int(self.generator.integers(len(choices)))]

    def _turned(self, vector: Sequence[float]) -> FloatArray:
        u, v, z = vector
        turned = u * self._across + v * self._away
        turned[2] = z
        return np.asarray(turned, np.float32)
