"""Every picture as the set of its k-reciprocal neighbours with weights: a sparse vector over all pictures."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.types import FloatArray, IntArray

ROWS = 1024
"""Pictures whose neighbours' neighbours are compared at a time."""

PairDistances: TypeAlias = Callable[[IntArray, IntArray], npt.NDArray[Any]]
"""Squared Euclidean distances of pairs, given as two arrays of places of the same length."""


def reciprocal_sets(ranks: npt.NDArray[np.int32], rows: IntArray, k1: int) -> tuple[IntArray, IntArray]:
    """Find the expanded k-reciprocal neighbours R*(p, k1) of some pictures (equations 2 to 4 of the paper).

    Two pictures are reciprocal when each is among the other's k1 nearest, itself not counted. The set then takes in
    a member's own set, made with half of k1, where more than two thirds of that lie in it already.

    Args:
        ranks: (N, K) each picture's nearest, itself included, K > k1.
        rows: (R,) the pictures to do this for.
        k1: How many neighbours.

    Returns:
        Pairs, as two int64 arrays: a place in `rows`, ascending, and a member of its set, ascending for each.
    """
    total = len(ranks)
    half = int(np.around(k1 / 2)) + 1  # Rounded to even, as the authors' code does.
    wide, narrow = np.ascontiguousarray(ranks[:, : k1 + 1]), np.ascontiguousarray(ranks[:, :half])
    # The smaller set is needed of the neighbours of `rows` only.
    needed = np.unique(wide[rows])
    place = np.zeros(total, np.int64)
    place[needed] = np.arange(len(needed))
    small_sets = _mutual(narrow, needed)
    sizes = small_sets.sum(axis=1)

    pairs = [np.empty(0, np.int64)]
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        neighbours = wide[block]
        mutual = _mutual(wide, block)
        which = place[neighbours]
        candidates, belongs = narrow[neighbours], small_sets[which]
        members = np.where(mutual, neighbours, -1)
        inside = (candidates[..., None] == members[:, None, None, :]).any(axis=-1) & belongs
        taken_in = mutual & (3 * inside.sum(axis=-1) > 2 * sizes[which])
        # A pair is kept as one number, so that what was found twice is dropped by sorting.
        offset = (np.arange(start, start + len(block)) * total)[:, None]
        expanded = (offset[..., None] + candidates)[taken_in[..., None] & belongs]
        pairs.append(np.unique(np.concatenate([(offset + neighbours)[mutual], expanded])))
    row, member = np.divmod(np.concatenate(pairs), total)
    return row, member


def _mutual(lists: npt.NDArray[np.int32], rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """For each picture of a row's list, whether that picture's list holds the row."""
    found = np.empty((len(rows), lists.shape[1]), np.bool_)
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        found[start : start + ROWS] = (lists[lists[block]] == block[:, None, None]).any(axis=-1)
    return found


def weights(
    row: IntArray, member: IntArray, rows: IntArray, farthest: FloatArray, distances: PairDistances
) -> sparse.csr_array:
    """Give the members of some pictures' reciprocal sets the weights exp(-d), scaled to sum 1 (equation 7).

    Args:
        row: (P,) as `reciprocal_sets` gives it.
        member: (P,) likewise.
        rows: (R,) the pictures whose sets these are.
        farthest: (N,) each picture's largest distance; d is the squared distance divided by it.
        distances: Squared Euclidean distances of pairs of pictures.

    Returns:
        (R, N) sparse float32, members in ascending order.
    """
    picture = rows[row]
    values = np.exp(-scaled(distances(picture, member), farthest[picture]).astype(np.float64))
    values /= np.bincount(row, values, minlength=len(rows))[row]
    starts = np.searchsorted(row, np.arange(len(rows) + 1))
    return sparse.csr_array((values.astype(np.float32), member, starts), shape=(len(rows), len(farthest)))


def scaled(distances: npt.NDArray[Any], farthest: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Distances divided by the largest; where even that is 0, as all pictures are the same, 0."""
    result: npt.NDArray[Any] = distances / np.where(farthest > 0, farthest, 1)
    return result


def averaged(ranks: npt.NDArray[np.int32], k2: int) -> npt.NDArray[np.int32]:
    """Whose vectors are averaged for each picture: its k2 nearest; of k2 = 1, itself, even before an equal one."""
    return ranks[:, :k2] if k2 > 1 else np.arange(len(ranks), dtype=np.int32)[:, None]


def expand_encoding(encoding: sparse.csr_array, nearest: npt.NDArray[np.int32]) -> sparse.csr_array:
    """Replace vectors by the mean of those of their nearest pictures, themselves included (equation 11).

    Args:
        encoding: (N, M) sparse.
        nearest: (R, k2) places in it.

    Returns:
        (R, M) sparse.
    """
    rows, k2 = nearest.shape
    shares = np.full(rows * k2, 1 / k2, np.float32)
    starts = np.arange(0, rows * k2 + 1, k2)
    mean = sparse.csr_array((shares, nearest.ravel(), starts), shape=(rows, encoding.shape[0]))
    return mean @ encoding
