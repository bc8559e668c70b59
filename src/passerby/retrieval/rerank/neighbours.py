"""The nearest neighbours of all pictures among each other, without ever holding all distances."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.retrieval.largest import largest
from passerby.types import FloatArray, IntArray

ROWS = 512
"""Pictures whose similarities to all others are held at a time."""

EACH = 4 * 6 * ROWS + 8192
"""Bytes a picture: a few blocks of similarities to all pictures, and what its sparse vector takes, usually."""

SPARE = 8
"""How many neighbours more than wanted are looked at, to settle which of two nearly equal ones comes first."""

PAIRS = 4096
"""Pairs of embeddings that are gathered at a time: few enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """Who is near to whom among N pictures.

    Attributes:
        ranks: (N, K) int32, each picture's K nearest, nearest first; itself is one of them, as a rule the first.
        distances: (N, K) float32, their squared Euclidean distances, 0 to 4.
        farthest: (N,) float32, each picture's largest squared distance to any other.
    """

    ranks: npt.NDArray[np.int32]
    distances: FloatArray
    farthest: FloatArray


def neighbourhood(units: FloatArray, count: int, corner: FloatArray | None = None) -> Neighbourhood:
    """Find every picture's nearest neighbours among all, and how far the farthest is.

    Single precision decides wherever two similarities differ by more than its rounding error; where they do not,
    they are computed again in double precision, so the order is that of the exact distances. Exactly equal ones
    come in order of place, as long as no more than a few tie with the last.

    Args:
        units: (N, D) float32 unit vectors.
        count: K, 1 to N.
        corner: (Q, N - Q) float32 to fill with the squared distances between the first Q pictures and the others.
    """
    total = len(units)
    near = Neighbourhood(
        np.empty((total, count), np.int32), np.empty((total, count), np.float32), np.empty(total, np.float32)
    )
    queries = 0 if corner is None else len(corner)
    buffer = np.empty((min(ROWS, total), total), np.float32)
    for start in range(0, total, ROWS):
        part = slice(start, min(start + ROWS, total))
        similarities = np.matmul(units[part], units.T, out=buffer[: part.stop - start])
        near.ranks[part], near.distances[part] = nearest_exactly(similarities, units[part], units, count)
        near.farthest[part] = squared(similarities.min(axis=1))
        if corner is not None and start < queries:
            block = corner[part]
            np.multiply(similarities[: len(block), queries:], -2, out=block)
            block += 2
            np.clip(block, 0, 4, out=block)
    return near


def sparse_rows(values: npt.NDArray[Any], columns: npt.NDArray[np.int32]) -> sparse.csr_array:
    """Make a square sparse matrix with equally many numbers in each row.

    Args:
        values: (N, K) the numbers; those that a row has in the same place are added up.
        columns: (N, K) their places.
    """
    rows, count = columns.shape
    starts = np.arange(0, rows * count + 1, count)
    # Copies, as what follows sorts and adds up in place.
    matrix = sparse.csr_array((values.flatten(), columns.flatten(), starts), shape=(rows, rows))
    matrix.sum_duplicates()
    return matrix


def squared(similarities: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Squared Euclidean distances of unit vectors, 0 to 4, from their cosine similarities."""
    distances: npt.NDArray[Any] = np.clip(2 - 2 * similarities, 0, 4)
    return distances


def nearest_exactly(
    similarities: FloatArray, left: FloatArray, right: FloatArray, count: int
) -> tuple[IntArray, FloatArray]:
    """Find the nearest in the order of the exact similarities.

    Args:
        similarities: (R, N) float32, as single precision gives them.
        left: (R, D) float32 unit vectors.
        right: (N, D) float32 unit vectors.
        count: How many of `right`, 1 to N.

    Returns:
        (R, count) int64 places in `right`, nearest first, and their float32 squared distances.
    """
    places = largest(similarities, min(count + SPARE, similarities.shape[1]))
    values = np.take_along_axis(similarities, places, axis=1).astype(np.float64)
    close = values[:, :-1] - values[:, 1:] <= 2 * rounding(right)
    doubtful = np.zeros(values.shape, np.bool_)
    doubtful[:, :-1] |= close
    doubtful[:, 1:] |= close
    row, slot = np.nonzero(doubtful)
    values[row, slot] = pair_similarities(left, row, right, places[row, slot], np.float64)
    order = np.lexsort((places, -values), axis=1)[:, :count]
    return np.take_along_axis(places, order, axis=1), squared(np.take_along_axis(values, order, axis=1))


def rounding(units: FloatArray) -> float:
    """How far a dot product of two unit vectors in single precision is from the exact one at most."""
    return float(units.shape[1] * np.finfo(np.float32).eps / 2)


def pair_similarities(
    left: FloatArray,
    rows: npt.NDArray[Any],
    right: FloatArray,
    columns: npt.NDArray[Any],
    dtype: type[np.float32] | type[np.float64],
) -> npt.NDArray[Any]:
    """Cosine similarities of chosen pairs of unit vectors.

    Args:
        left: (N, D) float32.
        rows: (P,) the pairs' places in it.
        right: (M, D) float32.
        columns: (P,) the pairs' places in it.
        dtype: What the products are added up in.
    """
    products = np.empty(len(rows), dtype)
    for start in range(0, len(rows), PAIRS):
        part = slice(start, start + PAIRS)
        np.einsum("nd,nd->n", left[rows[part]], right[columns[part]], dtype=dtype, out=products[part])
    return products
