"""Exact search for the nearest gallery embeddings."""

from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.distance import distance_blocks
from passerby.types import FloatArray, IntArray


def nearest(query: npt.NDArray[Any], gallery: npt.NDArray[Any], top: int) -> tuple[IntArray, FloatArray]:
    """Find the `top` gallery embeddings nearest to each query, by exact comparison with all of them.

    Args:
        query: (D,) unit vector, or (Q, D) of them.
        gallery: (G, D) unit vectors.
        top: How many to return at most; G where the gallery is smaller.

    Returns:
        Gallery indices (int64) and their cosine distances (float32, 0 to 2), nearest first, equal distances
        in gallery order: each of shape (top,), or (Q, top) for several queries.

    Raises:
        DataError: The shapes do not fit, a row is not of length 1, or `top` is less than 1.

    Example:
        >>> gallery = np.array([[0.0, 1.0], [1.0, 0.0], [0.6, 0.8]])
        >>> indices, distances = nearest(np.array([1.0, 0.0]), gallery, top=2)
        >>> indices
        array([1, 2])
        >>> distances.round(3)
        array([0. , 0.4], dtype=float32)
    """
    if top < 1:
        raise DataError(f"expected to look for at least 1 nearest, got {top}")
    queries = np.atleast_2d(query)
    shape = (len(queries), min(top, len(gallery)))
    indices, distances = np.empty(shape, np.int64), np.empty(shape, np.float32)
    for start, block in distance_blocks(queries, gallery):
        for row, among in enumerate(block, start):
            indices[row] = smallest(among, top)
            distances[row] = among[indices[row]]
    return (indices, distances) if query.ndim == 2 else (indices[0], distances[0])


def smallest(distances: npt.NDArray[Any], top: int) -> IntArray:
    """Give the places of the `top` smallest of a row of distances, smallest first, ties in order of place.

    Args:
        distances: (G,) real array; what is NaN is never among the answers.
        top: How many at most, 1 or more.

    Returns:
        (min(top, numbers that are not NaN),) int64.

    Example:
        >>> smallest(np.array([0.5, np.nan, 0.2, 0.5]), top=2)
        array([2, 0])
    """
    top = min(top, len(distances) - int(np.isnan(distances).sum()))
    if top == 0:
        return np.empty(0, np.int64)
    # All that tie with the last place stay in, so that the stable sort decides among them by place.
    candidates = np.flatnonzero(distances <= np.partition(distances, top - 1)[top - 1])
    return candidates[np.argsort(distances[candidates], kind="stable")[:top]]
