"""Surfaces lofted through rings: the one kind of geometry that bodies, clothes and bags are made of.

Rest pose: the person stands at the origin, z up, facing +y, the right hand at +x; metres.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from passerby.synthetic.atlas_layout import Patch
from passerby.types import FloatArray, IntArray

Weighting: TypeAlias = Callable[[FloatArray], FloatArray]
"""Points (N, 3) in the rest pose → share of every bone (N, bones), each row adding up to 1."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """A surface in the rest pose.

    Attributes:
        points: (V, 3) metres.
        normals: (V, 3) unit vectors pointing outwards.
        texture_coordinates: (V, 2), 0 to 1, origin at the texture's lower left.
        bone_weights: (V, bones), how far each bone moves each vertex.
        triangles: (T, 3) indices of vertices.
    """

    points: FloatArray
    normals: FloatArray
    texture_coordinates: FloatArray
    bone_weights: FloatArray
    triangles: IntArray


@dataclass(frozen=True, slots=True)
class Ring:
    """One cross-section of a loft.

    Attributes:
        centre: (x, y, z) in metres.
        side: Half width along the loft's first axis.
        front: Half depth along the second axis.
        back: Half depth against the second axis; `front` when None.
    """

    centre: tuple[float, float, float]
    side: float
    front: float
    back: float | None = None


UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32)
"""Axes of horizontal rings: for trunk, limbs, head."""

LENGTHWISE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
"""Axes of rings that stand across the walking direction: for feet."""


def loft(
    rings: Sequence[Ring],
    patch: Patch,
    weighting: Weighting,
    *,
    rows: int = 12,
    segments: int = 16,
    axes: FloatArray = UPRIGHT,
    squareness: float = 2.0,
    relief: FloatArray | None = None,
) -> Mesh:
    """Stretch a closed skin over `rings`, smoothly, from first to last.

    Args:
        rings: At least two cross-sections; the texture's lower edge lies at the first.
        patch: Which part of the texture covers the surface; its middle faces the second axis (the front).
        weighting: Which bones move it.
        rows: Rings of the finished surface.
        segments: Corners of every ring.
        axes: (2, 3) unit vectors of side and front.
        squareness: 2 for ellipses, larger for boxes with rounded edges.
        relief: (rows', segments') displacement along the normal in metres, stretched over the surface.
    """
    control = np.array(
        [(*r.centre, r.side, r.front, r.front if r.back is None else r.back) for r in rings], np.float32
    )
    profile = _smooth(control, rows)
    around = np.linspace(0.0, 1.0, segments + 1, dtype=np.float32)
    sine, cosine = np.sin(2 * np.pi * around), -np.cos(2 * np.pi * around)
    stretch = (np.abs(sine) ** squareness + np.abs(cosine) ** squareness) ** (-1.0 / squareness)
    sine, cosine = sine * stretch, cosine * stretch
    depth = np.where(cosine[None] > 0, profile[:, 4:5], profile[:, 5:6])
    sideways, forwards = (profile[:, 3:4] * sine)[..., None], (depth * cosine)[..., None]
    grid = np.asarray(profile[:, None, :3] + sideways * axes[0] + forwards * axes[1], np.float32)
    normals = _grid_normals(grid, profile[:, :3])
    if relief is not None:
        grid = grid + _stretched(relief, rows, segments)[..., None] * normals
        normals = _grid_normals(grid, profile[:, :3])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(grid, axis=0), axis=2).mean(1))])
    along = np.broadcast_to((length / max(length[-1], 1e-6))[:, None], grid.shape[:2])
    coordinates = np.stack(patch.coordinates(np.broadcast_to(around, grid.shape[:2]), along), axis=-1)
    points = grid.reshape(-1, 3).astype(np.float32)
    return Mesh(
        points=points,
        normals=normals.reshape(-1, 3).astype(np.float32),
        texture_coordinates=coordinates.reshape(-1, 2).astype(np.float32),
        bone_weights=weighting(points),
        triangles=_grid_triangles(rows, segments),
    )


def sweep(
    path: Sequence[tuple[float, float, float]],
    half_width: float,
    half_thickness: float,
    facing: tuple[float, float, float],
    patch: Patch,
    weighting: Weighting,
    *,
    rows: int = 12,
) -> Mesh:
    """Draw a strap along `path`, its broad side facing away from the point `facing` at every height.

    Args:
        path: Points in metres that the strap passes through, smoothly.
        half_width: Half of its breadth in metres.
        half_thickness: Half of its thickness in metres.
        facing: A point that the strap's inner side faces; its height is ignored.
        patch: Which part of the texture covers it.
        weighting: Which bones move it.
        rows: Cross-sections along the path.
    """
    line = _smooth(np.array(path, np.float32), rows)
    tangent = _unit(np.gradient(line, axis=0))
    outward = line - np.array(facing, np.float32)
    outward[:, 2] = 0.0
    outward = _unit(outward - (outward * tangent).sum(1, keepdims=True) * tangent)
    across = np.cross(tangent, outward)
    angles = np.linspace(0.0, 2 * np.pi, 7, dtype=np.float32)
    middle = line[:, None] + half_width * np.cos(angles)[None, :, None] * across[:, None]
    grid = np.asarray(middle + half_thickness * np.sin(angles)[None, :, None] * outward[:, None], np.float32)
    along, around = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, 7), indexing="ij")
    points = grid.reshape(-1, 3).astype(np.float32)
    return Mesh(
        points=points,
        normals=_grid_normals(grid, line).reshape(-1, 3).astype(np.float32),
        texture_coordinates=np.stack(patch.coordinates(around, along), -1).reshape(-1, 2).astype(np.float32),
        bone_weights=weighting(points),
        triangles=_grid_triangles(rows, 6),
    )


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """Put several surfaces into one."""
    offsets = np.cumsum([0, *(len(mesh.points) for mesh in meshes[:-1])])
    return Mesh(
        points=np.concatenate([mesh.points for mesh in meshes]),
        normals=np.concatenate([mesh.normals for mesh in meshes]),
        texture_coordinates=np.concatenate([mesh.texture_coordinates for mesh in meshes]),
        bone_weights=np.concatenate([mesh.bone_weights for mesh in meshes]),
        triangles=np.concatenate([m.triangles + o for m, o in zip(meshes, offsets, strict=True)]),
    )


def bounds(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest coordinates of `points` (N, D), each (D,); by column, which is many times faster."""
    low, high = [column.min() for column in points.T], [column.max() for column in points.T]
    return np.array(low, np.float32), np.array(high, np.float32)


def _smooth(control: FloatArray, rows: int) -> FloatArray:
    """Interpolate the rows of `control` at `rows` equally spaced places, by cubic Hermite without overshoot."""
    count = len(control)
    step = np.linalg.norm(np.diff(control[:, :3], axis=0), axis=1) + 1e-4
    knots = np.concatenate([[0.0], np.cumsum(step)])
    slopes = np.diff(control, axis=0) / step[:, None]
    tangents = np.zeros_like(control)
    if count > 2:
        before, after = slopes[:-1], slopes[1:]
        # Harmonic mean of the neighbouring slopes where they agree, flat where they do not.
        product, total = before * after, before + after
        tangents[1:-1] = np.where(product > 0, 2 * product / np.where(product > 0, total, 1.0), 0.0)
    tangents[0], tangents[-1] = slopes[0], slopes[-1]
    places = np.linspace(0.0, knots[-1], rows)
    left = np.clip(np.searchsorted(knots, places, side="right") - 1, 0, count - 2)
    width = step[left][:, None]
    t = ((places - knots[left]) / step[left])[:, None]
    result = (
        (2 * t**3 - 3 * t**2 + 1) * control[left]
        + (t**3 - 2 * t**2 + t) * width * tangents[left]
        + (3 * t**2 - 2 * t**3) * control[left + 1]
        + (t**3 - t**2) * width * tangents[left + 1]
    )
    return np.asarray(result, np.float32)


def _grid_normals(grid: FloatArray, centres: FloatArray) -> FloatArray:
    """Outward unit normals of a (rows, segments + 1, 3) grid whose last column repeats the first."""
    ring = grid[:, :-1]
    around = np.roll(ring, -1, axis=1) - np.roll(ring, 1, axis=1)
    normals = _unit(np.cross(around, np.gradient(ring, axis=0)))
    outward = ((ring - centres[:, None]) * normals).sum() >= 0
    normals = normals if outward else -normals
    return np.concatenate([normals, normals[:, :1]], axis=1)


def _grid_triangles(rows: int, segments: int) -> IntArray:
    corner = np.arange(rows - 1)[:, None] * (segments + 1) + np.arange(segments)[None]
    above = corner + segments + 1
    quads = np.stack([corner, corner + 1, above + 1, corner, above + 1, above], axis=-1)
    return quads.reshape(-1, 3).astype(np.int64)


def _stretched(relief: FloatArray, rows: int, segments: int) -> FloatArray:
    """Sample `relief` (R, S) at `rows` × `segments` + 1 places, linearly; it closes around the ring."""
    closed = np.concatenate([relief, relief[:, :1]], axis=1)
    y = np.linspace(0, len(relief) - 1, rows)
    x = np.linspace(0, closed.shape[1] - 1, segments + 1)
    top, left = np.minimum(y.astype(int), len(relief) - 2), np.minimum(x.astype(int), closed.shape[1] - 2)
    dy, dx = (y - top)[:, None], (x - left)[None]
    upper = closed[top][:, left] * (1 - dx) + closed[top][:, left + 1] * dx
    lower = closed[top + 1][:, left] * (1 - dx) + closed[top + 1][:, left + 1] * dx
    return np.asarray(upper * (1 - dy) + lower * dy, np.float32)


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9), np.float32)
