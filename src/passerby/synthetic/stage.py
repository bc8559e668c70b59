"""Where the cameras of a world stand, and where people come into their views and go out of them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from passerby.synthetic.camera import FRAME_WIDTH, Camera, sample_camera
from passerby.synthetic.randomness import stream
from passerby.synthetic.scene import Site, build_site
from passerby.synthetic.script import Placement, Point

Side: TypeAlias = Literal[-1, 1]
"""Left (-1) or right (+1) of a camera's view."""

_BEHIND = 2.0
"""Metres behind a camera's place on the square where people pass by it."""

_TALL, _BROAD = 2.1, 0.5
"""Metres that nobody reaches above the ground and to either side."""

_OUTSIDE = 1.3
"""Metres beyond the edge of a view where paths begin and end, so that those beside one another are outside, too."""

_CLEARANCE = 0.45
"""Metres that people keep from walls, from their middle."""

_NEAREST = 1.6
"""Metres in front of the camera that people keep at least."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One camera's ground: the part that it sees and people can walk on.

    Attributes:
        camera: The camera.
        site: What it sees when nobody is there.
        placement: Where it stands in the world.
        setback: Metres by which it stands out of the square's edge.
        reaches: For the left and the right side, the nearest and the farthest distance at which people come in and
            go out there, metres.
        edges: (2, N) distances, and the metres aside at which a whole person is out of the picture there.
    """

    camera: Camera
    site: Site
    placement: Placement
    setback: float
    reaches: dict[Side, tuple[float, float]]
    edges: npt.NDArray[np.float64]

    def edge(self, distance: float) -> float:
        """Metres aside, at a distance, beyond which a whole person is out of the picture."""
        return float(np.interp(distance, *self.edges))

    def gate(self, side: Side, distance: float) -> Point:
        """A place beside the view, at a distance from the camera."""
        return side * (self.edge(distance) + _OUTSIDE), distance

    def behind(self, gate: Point) -> Point:
        """The place in the world, at the square's edge, to which people go straight from a gate."""
        return self.placement.to_world((gate[0], -self.setback - _BEHIND))

    def is_free(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which of the places (N, 2) are out of the picture, or on ground where nothing stands."""
        aside = np.interp(places[:, 1], *self.edges)
        free = [self.site.is_free(float(x), float(y)) for x, y in places]
        return (np.abs(places[:, 0]) > aside) | (
            np.array(free, np.bool_) & before_walls(self.camera, self.site, places)
        )


def set_stages(seed: int, cameras: int, benches: bool = False) -> tuple[Stage, ...]:
    """Place the cameras of a world around an open square, all of them looking away from it.

    What one camera sees lies in front of it and no camera sees the square, so views never overlap, and people who
    walk across the square from one camera's gates to another's are seen by nobody.

    Args:
        seed: The world's seed.
        cameras: How many cameras.
        benches: Whether there are benches in front of them.
    """
    seen = [sample_camera(seed, index) for index in range(cameras)]
    sites = [build_site(seed, index, camera, benches) for index, camera in enumerate(seen)]
    sides: tuple[Side, ...] = (-1, 1)
    edges = [_edges(camera) for camera in seen]
    widest = max(float(table[1].max()) for table in edges) + _OUTSIDE
    turn = 2 * np.pi / cameras
    # A regular polygon with a side for every camera; with one or two, a strip.
    middle = (widest + 3.0) / np.tan(turn / 2) if cameras > 2 else 8.0
    start = float(stream(seed, "square").uniform(0.0, 360.0))
    stages = []
    for index, (camera, site, table) in enumerate(zip(seen, sites, edges, strict=True)):
        reaches = {side: _reach(camera, site, table, side) for side in sides}
        setback = float(stream(seed, "setback", index).uniform(0.0, 4.0))
        heading = start + float(np.degrees(index * turn))
        outward = np.radians(heading)
        distance = middle + setback
        placement = Placement(float(-np.sin(outward) * distance), float(np.cos(outward) * distance), heading % 360.0)
        stages.append(Stage(camera, site, placement, setback, reaches, table))
    return tuple(stages)


def _edges(camera: Camera) -> npt.NDArray[np.float64]:
    """(2, N) distances, and the metres to either side beyond which a whole person is out of the picture there."""
    aside = np.arange(0.5, 60.0, 0.1, dtype=np.float32)
    distances = np.arange(_NEAREST, camera.distances[1] + 2.0, 0.25, dtype=np.float32)
    across, away = (grid.ravel() for grid in np.meshgrid(aside, distances))
    out = np.ones(len(across), np.bool_)
    for side in (-1.0, 1.0):
        for height in (0.0, _TALL):
            inner = np.stack([side * (across - _BROAD), away, np.full_like(away, height)], axis=1)
            x = camera.pixels(inner)[:, 0]
            out &= (x < 0) if side < 0 else (x >= FRAME_WIDTH)
    table = out.reshape(len(distances), len(aside))
    table[:, -1] = True
    return np.array([distances, aside[table.argmax(axis=1)]], np.float64)


def before_walls(camera: Camera, site: Site, places: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which of the places (N, 2) lie before all walls, and before the things that stand along the wall behind."""
    x, y, _ = (float(v) for v in site.back)
    corners = np.array([(side * far, far) for far in camera.distances for side in (-0.3, 0.3)])
    before = places @ (x, y) <= (corners @ (x, y)).max() + 0.35
    for surface in site.surfaces:
        if surface.size[0] > 10.0 and surface.up[2] > 0.9 and surface.size[1] > 2.0:
            before &= (places - surface.origin[:2]) @ surface.normal[:2] >= _CLEARANCE
    return np.asarray(before, np.bool_)


def _reach(camera: Camera, site: Site, edges: npt.NDArray[np.float64], side: Side) -> tuple[float, float]:
    """Nearest and farthest distance at which people can leave the view at a side, for the walls that stand there."""
    near, far = camera.distances
    distances = np.arange(far, _NEAREST, -0.25)
    gates = np.stack([side * np.interp(distances, *edges), distances], axis=1)
    free = before_walls(camera, site, gates)
    usual = distances[free & (distances >= near)]
    if len(usual):
        return float(usual.min()), float(usual.max())
    # Between walls only the ground close by the camera lies beside its view.
    close = distances[free]
    farthest = float(close.max()) if len(close) else _NEAREST
    return max(_NEAREST, farthest - 0.6), farthest
