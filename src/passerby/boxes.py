"""Boxes around people in frames: overlaps, and which of several boxes around one person to keep.

A box is left, top, right and bottom in pixels of the frame; right and bottom are where it ends, so that its width is
right minus left.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

BoxArray: TypeAlias = npt.NDArray[np.float64]
"""(N, 4): left, top, right, bottom of each box."""

Numbers: TypeAlias = npt.NDArray[np.float64]


def intersections(first: BoxArray, second: BoxArray) -> Numbers:
    """Area that each of (N, 4) boxes has in common with each of (M, 4): (N, M) square pixels."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    opposite = np.minimum(first[:, None, 2:], second[None, :, 2:])
    area: Numbers = (opposite - corner).clip(min=0).prod(axis=2)
    return area


def areas(boxes: BoxArray) -> Numbers:
    """Area of each of (N, 4) boxes: (N,) square pixels."""
    area: Numbers = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)
    return area


def intersection_over_union(first: BoxArray, second: BoxArray) -> Numbers:
    """IoU of each of (N, 4) boxes with each of (M, 4): (N, M), 0 to 1; boxes without area overlap nothing.

    >>> intersection_over_union(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])).round(3).tolist()
    [[0.333]]
    """
    common = intersections(first, second)
    union = areas(first)[:, None] + areas(second)[None, :] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def covered(boxes: BoxArray) -> Numbers:
    """Largest share of each of (N, 4) boxes that one other takes whose feet are lower, who stands in front: (N,)."""
    if not len(boxes):
        return np.empty(0)
    shares = intersections(boxes, boxes) / np.maximum(areas(boxes), 1e-9)[:, None]
    in_front = boxes[None, :, 3] > boxes[:, None, 3]
    covering: Numbers = np.where(in_front, shares, 0.0).max(axis=1)
    return covering


def clip_boxes(boxes: BoxArray, height: int, width: int) -> BoxArray:
    """The parts of (N, 4) boxes that lie in a frame of `height` and `width` pixels."""
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float64))


def suppress(boxes: BoxArray, scores: Numbers, overlap: float) -> npt.NDArray[np.int64]:
    """Greedy non-maximum suppression: of boxes that overlap, the one with the highest score stays.

    Args:
        boxes: (N, 4).
        scores: (N,).
        overlap: IoU above which two boxes are around one person, 0 to 1.

    Returns:
        (K,) places of the boxes that stay, by falling score; of equal scores the first comes first.
    """
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        kept.append(left[0])
        overlaps = intersection_over_union(boxes[left[:1]], boxes[left[1:]])[0]
        left = left[1:][overlaps <= overlap]
    return np.array(kept, np.int64)


def with_sizes(boxes: BoxArray) -> BoxArray:
    """Left, top, width and height of (N, 4) boxes."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def with_corners(boxes: BoxArray) -> BoxArray:
    """Left, top, right and bottom of (N, 4) boxes of which left, top, width and height are known."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
