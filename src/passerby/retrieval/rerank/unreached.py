"""Order for the pictures that a method says nothing about."""

import numpy as np

from passerby.types import FloatArray

QUERIES = 128
"""Queries whose cosines are held at a time."""


def place_unreached(distances: FloatArray, query: FloatArray, gallery: FloatArray) -> FloatArray:
    """Put pairs that a method left at distance 1, as having nothing in common, into the order of their cosine.

    Sparse methods compare a query with the pictures that its neighbours lead to, and leave all others equal: at
    1, the largest distance. Ranked in gallery order they would make figures depend on that order.

    Args:
        distances: (Q, G) float32 from 0 to 1; changed in place.
        query: (Q, D) float32 unit vectors.
        gallery: (G, D) float32 unit vectors.

    Returns:
        The same array: what was less than 1 is untouched, the others are 1 + their cosine distance, 1 to 3.
    """
    for start in range(0, len(query), QUERIES):
        block = distances[start : start + QUERIES]
        # All of them, as a whole product takes less time than picking rows.
        cosines = query[start : start + QUERIES] @ gallery.T
        np.copyto(block, 2 - np.clip(cosines, -1, 1, out=cosines), where=block >= 1)
    return distances
