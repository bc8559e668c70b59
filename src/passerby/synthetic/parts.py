"""Which part of a person every pixel shows: the labels of part masks, from the very surfaces that are drawn."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.atlas_layout import ATLAS_SIZE, Patch
from passerby.synthetic.body import Body
from passerby.synthetic.skeleton import ARMS, LEGS, Bone
from passerby.types import FloatArray, IntArray

PARTS = ("background", "head", "upper body", "arms", "lower body", "shoes", "bag")
"""Names of the labels 0 to 6: head with hair and hat; arms with hands and sleeves; shoes with socks; bag with straps
and whatever else is carried. What stands in front, other people among it, is background."""

_HEAD, _UPPER, _ARMS, _LOWER, _SHOES, _BAG = range(1, len(PARTS))

_PATCHES: list[tuple[Patch, int]] = [
    (layout.TORSO, _UPPER), (layout.INNER, _UPPER), (layout.SLEEVE, _ARMS), (layout.LEG, _LOWER),
    (layout.SKIRT, _LOWER), (layout.LEGWEAR, _LOWER), (layout.HEAD, _HEAD), (layout.HAIR, _HEAD), (layout.HAT, _HEAD),
    (layout.BAG, _BAG), (layout.STRAP, _BAG), (layout.THING, _BAG), (layout.PHONE, _BAG), (layout.SHOE, _SHOES),
    (layout.SOCK, _SHOES),
]  # fmt: skip
"""What each patch of the texture covers; skin and trimmings (0) are told by the bones that they move with."""

_BONES = np.full(len(Bone), _UPPER, np.int64)
_BONES[[*ARMS[1], *ARMS[-1]]] = _ARMS
_BONES[[*LEGS[1], *LEGS[-1]]] = _LOWER
_BONES[Bone.HEAD] = _HEAD


@lru_cache(maxsize=64)
def part_labels(body: Body) -> IntArray:
    """(V,) the label of every vertex of a body; the vertices of one closed surface all have the same."""
    of_atlas = np.zeros((ATLAS_SIZE, ATLAS_SIZE), np.int64)
    for patch, label in _PATCHES:
        of_atlas[patch.pixels] = label
    mesh = body.mesh
    column = (mesh.texture_coordinates[:, 0] * ATLAS_SIZE).astype(np.int64).clip(0, ATLAS_SIZE - 1)
    row = ((1.0 - mesh.texture_coordinates[:, 1]) * ATLAS_SIZE).astype(np.int64).clip(0, ATLAS_SIZE - 1)
    by_patch, by_bone = of_atlas[row, column], _BONES[mesh.bone_weights.argmax(axis=1)]
    each = np.where(by_patch > 0, by_patch, by_bone)
    labels = np.empty_like(each)
    for vertices in _surfaces(mesh.triangles, len(each)):
        labels[vertices] = np.bincount(each[vertices]).argmax()
    return np.asarray(labels, np.int64)


@lru_cache(maxsize=64)
def in_white(body: Body) -> Body:
    """A body all in white, on which light shows as what it is."""
    return replace(body, texture=np.full_like(body.texture, 255))


def label_colours(body: Body) -> FloatArray:
    """(V, 3) the labels as brightness, which `labels_of` reads back from a drawing of the body in white."""
    brightness = (part_labels(body) / np.float32(len(PARTS) - 1)).astype(np.float32)
    return np.repeat(brightness[:, None], 3, axis=1)


def labels_of(brightness: FloatArray) -> IntArray:
    """Read labels back from brightness 0 to 1."""
    return np.asarray(np.rint(brightness * (len(PARTS) - 1)), np.int64)


def _surfaces(triangles: IntArray, count: int) -> list[slice]:
    """The vertices of each surface of a merged mesh: they lie one after another, and no triangle joins two."""
    reached = np.maximum.accumulate(triangles.max(axis=1))
    starts = triangles.min(axis=1)[1:]
    edges = [0, *starts[starts > reached[:-1]].tolist(), count]
    return [slice(low, high) for low, high in pairwise(edges)]
