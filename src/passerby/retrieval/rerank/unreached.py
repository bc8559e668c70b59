"""Order for the pictures that a method says nothing about."""

import numpy as np

from passerby.types import FloatArray


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
    for row, embedding in zip(distances, query, strict=True):
        unreached = np.flatnonzero(row >= 1)
        row[unreached] = 2 - np.clip(gallery[unreached] @ embedding, -1, 1)
    return distances
