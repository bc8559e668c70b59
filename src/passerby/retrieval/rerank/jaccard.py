"""Overlap of sparse vectors of sum 1, from which the Jaccard distance follows."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse


def overlap(left: sparse.csr_array, right: sparse.csc_array) -> npt.NDArray[np.float64]:
    """Sum up, for every pair of vectors, the smaller of their two numbers at each place.

    Only pairs that share a place are visited, by the columns of `right`: an inverted index.

    Args:
        left: (Q, N) sparse, not negative.
        right: (G, N) sparse, not negative.

    Returns:
        (Q, G) float64.
    """
    queries, gallery = left.shape[0], right.shape[0]
    lengths = np.diff(right.indptr)[left.indices].astype(np.int64)
    ends = np.cumsum(lengths)
    # Where in `right` the entries lie that meet each entry of `left`: slices, one after the other.
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(right.indptr[left.indices] - ends + lengths, lengths)
    smaller = np.minimum(np.repeat(left.data, lengths), right.data[places])
    query = np.repeat(np.arange(queries), np.diff(left.indptr))
    pair = np.repeat(query * gallery, lengths) + right.indices[places]
    sums = np.bincount(pair, smaller, minlength=queries * gallery)
    return sums.astype(np.float64, copy=False).reshape(queries, gallery)


def jaccard(shared: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Jaccard distance, 0 to 1, of vectors of sum 1 from their overlap (equation 10): 1 - s / (2 - s)."""
    distances: npt.NDArray[Any] = 1 - shared / (2 - shared)
    return distances
