"""Benches that stand among the people, and the seats on them."""

from dataclasses import dataclass

import numpy as np

from passerby.synthetic.camera import Camera
from passerby.synthetic.furniture import Builder
from passerby.synthetic.randomness import stream, weighted
from passerby.synthetic.sitting import REACH, SEAT_HEIGHT
from passerby.synthetic.surfaces import Surface

_TRIES = 40
_DEPTH, _PLACE = 0.44, 0.62
"""Metres from the front of a bench to its back, and of its length for one person."""

_APART = 2.2
"""Metres between the middles of two benches."""

_FREE = 1.2
"""Metres around the middle of a bench in which nothing else stands, and where nobody walks but who sits down."""

_ACROSS = 0.26
"""How far aside of the line of sight benches stand, as a share of the distance."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A place to sit.

    Attributes:
        bench: On which bench of the site.
        place: The middle of what is sat on, (x, y) on the ground, metres.
        heading: Where who sits there faces, degrees counter-clockwise from the camera's line of sight.
    """

    bench: int
    place: tuple[float, float]
    heading: float

    @property
    def before(self) -> tuple[float, float]:
        """Where somebody stands who is about to sit down, (x, y) on the ground."""
        turn = np.radians(self.heading)
        return self.place[0] - REACH * float(np.sin(turn)), self.place[1] + REACH * float(np.cos(turn))


@dataclass(frozen=True, slots=True)
class Benches:
    """All benches of a site.

    Attributes:
        surfaces: What they are made of.
        obstacles: Lowest x, lowest y, highest x and highest y of each, metres.
        seats: The places on them, bench by bench.
    """

    surfaces: tuple[Surface, ...]
    obstacles: tuple[tuple[float, float, float, float], ...]
    seats: tuple[Seat, ...]


def set_benches(
    seed: int, index: int, camera: Camera, yaw: float, things: list[tuple[float, float, float, float]]
) -> Benches:
    """Put one to three benches into the site of the camera number `index` of the world `seed`.

    Args:
        seed: The world's seed.
        index: Which camera.
        camera: The camera.
        yaw: Degrees by which the site is turned.
        things: What stands there already, as `Site.obstacles` has it.

    Returns:
        The same benches for the same arguments; fewer where other things leave no room.
    """
    builder = Builder(stream(seed, "benches", index), camera, yaw)
    generator = builder.generator
    wanted = weighted(generator, [(30, 1), (50, 2), (20, 3)])
    middles: list[tuple[float, float]] = []
    seats: list[Seat] = []
    for _ in range(_TRIES):
        if len(middles) == wanted:
            break
        near, far = camera.distances
        y = near + (far - near) * builder.between(0.1, 1.0)
        x = builder.between(-_ACROSS, _ACROSS) * y
        # Most benches face the camera's side; some turn their backs to it, or their ends.
        facing = weighted(generator, [(50, 180.0), (14, 0.0), (18, 90.0), (18, -90.0)])
        count = 2 if builder.chance(0.4) else 3
        if all(np.hypot(x - a, y - b) > _APART for a, b in middles) and _is_clear((x, y), things):
            seats += _bench(builder, len(middles), (x, y), facing, count)
            middles.append((x, y))
    return Benches(tuple(builder.surfaces), tuple(builder.obstacles), tuple(seats))


def _is_clear(place: tuple[float, float], things: list[tuple[float, float, float, float]]) -> bool:
    x, y = place
    return not any(
        left - _FREE < x < right + _FREE and near - _FREE < y < far + _FREE for left, near, right, far in things
    )


def _bench(builder: Builder, number: int, middle: tuple[float, float], facing: float, count: int) -> list[Seat]:
    """Build one bench: planks on legs or a block, with a back or without."""
    u, v = builder.plan_of(middle)
    turn = np.radians(facing)
    ahead, along = np.array([-np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), np.sin(turn)])
    length = count * _PLACE + 0.1

    def extent(forward: tuple[float, float], sideways: tuple[float, float]) -> tuple[float, float, float, float]:
        """Least u and v, width and depth of what lies so many metres ahead of the middle, and along the bench."""
        corners = np.array([u, v]) + np.array([f * ahead + s * along for f in forward for s in sideways])
        (left, front), (right, back) = corners.min(axis=0), corners.max(axis=0)
        return float(left), float(front), float(right - left), float(back - front)

    def slab(forward: tuple[float, float], sideways: tuple[float, float], base: float, height: float) -> None:
        left, front, width, depth = extent(forward, sideways)
        builder.block(left, front, (width, depth, height), material, base=base)

    half, ends = _DEPTH / 2, (-length / 2, length / 2)
    is_block = builder.chance(0.3)
    material = builder.material("terrazzo" if is_block else "wood", builder.masonry())
    if is_block:
        slab((-half, half), ends, 0.0, SEAT_HEIGHT)
    else:
        slab((-half, half), ends, SEAT_HEIGHT - 0.06, 0.06)
        if builder.chance(0.5):
            slab((-half - 0.05, -half), ends, SEAT_HEIGHT + 0.1, 0.32)
        material = builder.material("metal", builder.grey(0.1, 0.5))
        for end in (ends[0] + 0.08, ends[1] - 0.13):
            slab((-half + 0.02, half - 0.04), (end, end + 0.05), 0.0, SEAT_HEIGHT - 0.06)
    builder.obstacle(*extent((-half, half), ends))
    places = [np.array([u, v]) + (seat - (count - 1) / 2) * _PLACE * along for seat in range(count)]
    return [Seat(number, builder.place_at(float(a), float(b)), (facing + builder.yaw) % 360.0) for a, b in places]
