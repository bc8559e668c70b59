"""What of a person a picture shows: which key points, and how much of the whole figure."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from passerby.synthetic.body import PosedBody
from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.keypoints import KEY_POINT_BONES
from passerby.synthetic.mesh import bounds
from passerby.synthetic.skeleton import ARMS, LEGS, Bone
from passerby.types import FloatArray, IntArray

_LIMBS = np.zeros(len(Bone), np.int64)
"""Of every bone, the limb it belongs to: 0 for trunk and head, then both arms and both legs."""
for _number, _bones in enumerate((ARMS[1], ARMS[-1], LEGS[1], LEGS[-1]), start=1):
    _LIMBS[list(_bones)] = _number

_ANKLE, _KNEE, _HIP, _WRIST, _ELBOW, _SHOULDER, _HEAD = 0.10, 0.16, 0.19, 0.07, 0.10, 0.15, 0.15
_DEPTHS = np.array(
    [
        *(_ANKLE, _KNEE, _HIP, _HIP, _KNEE, _ANKLE),
        *(_WRIST, _ELBOW, _SHOULDER, _SHOULDER, _ELBOW, _WRIST),
        *(_HEAD, _HEAD),
    ],
    np.float32,
)
"""How deep each key point may lie beneath the surface that covers it, in metres on an average body of 1.75 m."""

_TOUCHING = 0.01
"""Metres by which another limb must be nearer to hide a key point."""


@lru_cache(maxsize=8)
def projected(camera: Camera, body: PosedBody) -> tuple[FloatArray, FloatArray]:
    """Pixels (V, 2) in the camera's picture and depths (V,) in metres of a body's points."""
    return camera.pixels(body.points), camera.depths(body.points)


def in_picture(camera: Camera, box: Box, size: tuple[int, int], points: FloatArray) -> FloatArray:
    """Project world points (N, 3) to (N, 2) pixels x, y of a picture of `size` rows and columns that shows `box`."""
    scale = np.array([size[1] / box.width, size[0] / box.height], np.float32)
    return np.asarray((camera.pixels(points) - np.array([box.left, box.top], np.float32)) * scale, np.float32)


def key_points_seen(camera: Camera, bodies: Sequence[PosedBody]) -> npt.NDArray[np.bool_]:
    """Say which key points of the first of `bodies` a camera sees.

    A line from the camera to each key point is cut with all surfaces. It is hidden when the nearest surface
    belongs to someone else, to another limb of the same person, or lies farther in front than clothes and flesh do.

    Returns:
        (14,) bool.
    """
    subject = bodies[0]
    places, depths = camera.pixels(subject.key_points), camera.depths(subject.key_points)
    shape = subject.body.person.shape
    allowed = _DEPTHS * np.float32(shape.stature / 1.75 * max(1.0, shape.girth))
    own = _LIMBS[KEY_POINT_BONES]
    seen = np.ones(len(places), np.bool_)
    for body in bodies:
        which, triangles, distances = _cuts(camera, body, places)
        nearer = depths[which] - distances
        if body is not subject:
            seen[which[nearer > 0]] = False
            continue
        limbs = _LIMBS[body.body.mesh.bone_weights[triangles[:, 0]].argmax(axis=1)]
        other_limb = (limbs > 0) & (limbs != own[which]) & (nearer > _TOUCHING)
        seen[which[other_limb | (nearer > allowed[which])]] = False
    return seen


def _cuts(camera: Camera, body: PosedBody, places: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Cut the lines through pixels with a body.

    Returns:
        For every cut: which of `places` (C,), the corners of the triangle (C, 3), and the depth in metres (C,).
    """
    corners = body.body.mesh.triangles
    pixels, depths = projected(camera, body)
    low, high = bounds(pixels)
    near = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    (left, right), (top, bottom) = (_spans(axis, corners) for axis in pixels.T)
    met = []
    for x, y in places[near]:
        # Few triangles are left by the columns, and only these are asked for their rows.
        beside = np.flatnonzero((left <= x) & (right >= x))
        met.append(beside[(top[beside] <= y) & (bottom[beside] >= y)])
    which = np.repeat(near, [len(found) for found in met])
    triangles = corners[np.concatenate([*met, np.zeros(0, np.int64)]).astype(np.int64)]
    first, second, third = (pixels[triangles[:, corner]].astype(np.float64) for corner in range(3))
    point = places[which].astype(np.float64)
    area = _cross(second - first, third - first)
    area = np.where(area == 0, np.inf, area)  # seen from the edge: never cut
    shares = [_cross(third - second, point - second) / area, _cross(first - third, point - third) / area]
    shares.append(1.0 - shares[0] - shares[1])
    # Depths change along a triangle as their inverses do linearly.
    inverse = sum(share / depths[triangles[:, corner]] for corner, share in enumerate(shares))
    inside = np.isfinite(area) & (np.min(shares, axis=0) >= 0)
    cut = np.asarray(1.0 / np.asarray(inverse)[inside], np.float32)
    return which[inside], triangles[inside], cut


def _spans(places: FloatArray, corners: IntArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest of the `places` (V,) of each triangle's `corners` (T, 3), both (T,)."""
    places = np.ascontiguousarray(places)
    first, second, third = (places[corners[:, corner]] for corner in range(3))
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.minimum(low, third), np.maximum(high, third)


def _cross(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


def may_hide(camera: Camera, other: PosedBody, subject: PosedBody) -> bool:
    """Whether any part of `other` may lie in front of any part of `subject`: by their depths and outlines."""
    (pixels, depths), (other_pixels, other_depths) = projected(camera, subject), projected(camera, other)
    if other_depths.min() >= depths.max():
        return False
    (low, high), (other_low, other_high) = bounds(pixels), bounds(other_pixels)
    return bool((other_low < high).all() and (low < other_high).all())
