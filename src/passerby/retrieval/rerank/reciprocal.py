"""k-reciprocal re-ranking, sparse and in blocks."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.retrieval.rerank.encoding import (
    PairDistances,
    averaged,
    expand_encoding,
    reciprocal_sets,
    scaled,
    weights,
)
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, check_share, joined_units
from passerby.retrieval.rerank.jaccard import jaccard, overlap
from passerby.retrieval.rerank.neighbours import EACH, neighbourhood, pair_similarities, squared
from passerby.types import FloatArray, IntArray

QUERIES = 32
"""Queries whose overlaps with the whole gallery are held at a time."""


def k_reciprocal(
    query: npt.NDArray[Any], gallery: npt.NDArray[Any], k1: int = 20, k2: int = 6, lambda_: float = 0.3
) -> FloatArray:
    """Re-rank by how much two pictures' k-reciprocal neighbours have in common.

    The distances are those that the paper defines on queries and gallery together: squared Euclidean distances of
    unit vectors, each picture's divided by its largest; reciprocal sets, expanded; Gaussian weights; local query
    expansion; Jaccard distance mixed with the first one. Nothing of size (Q + G)² is held, and nearly equal distances
    are ordered in double precision.

    Paper: Zhong et al., Re-ranking Person Re-identification with k-reciprocal Encoding, CVPR 2017.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k1: How many neighbours are asked whether they are reciprocal, 1 to G.
        k2: How many nearest pictures' sets are averaged, the picture itself counted; 1 to G, 1 averages nothing.
        lambda_: Share of the original distance in the result, 0 to 1; the rest is the Jaccard distance.

    Returns:
        (Q, G) float32 from 0 to 1; smaller is nearer. Beside it, at 3,368 × 19,732 pictures, less than half of a
        GiB is needed.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            or the memory is too small for the result; raised before the work starts.

    Example:
        >>> gallery = np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]])
        >>> k_reciprocal(np.array([[1.0, 0.0]]), gallery, k1=2, k2=1).round(2)
        array([[0.01, 0.02, 1.  , 0.96]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k1=k1, k2=k2)
    check_share("lambda_", lambda_)
    units = joined_units(query, gallery, EACH)
    queries = len(query)
    distances = np.empty((queries, len(gallery)), np.float32)
    near = neighbourhood(units, max(k1 + 1, k2), distances)
    everybody = np.arange(len(units))
    row, member = reciprocal_sets(near.ranks, everybody, k1)
    encoding = weights(row, member, everybody, near.farthest, distances_among(units))
    encoding = expand_encoding(encoding, averaged(near.ranks, k2))
    return mix_with_jaccard(distances, near.farthest[:queries], encoding, lambda_)


def mix_with_jaccard(
    distances: FloatArray, farthest: FloatArray, encoding: sparse.csr_array, lambda_: float
) -> FloatArray:
    """Mix distances, divided by each query's largest, with the Jaccard distances of sparse vectors (equation 12).

    Args:
        distances: (Q, G) float32; changed in place.
        farthest: (Q,) each query's largest distance.
        encoding: (Q + G, N) sparse, rows of sum 1, the queries first.
        lambda_: The first ones' share.

    Returns:
        The same array.
    """
    queries = len(distances)
    columns = encoding[queries:].tocsc()
    for start in range(0, queries, QUERIES):
        part = slice(start, min(start + QUERIES, queries))
        original = scaled(distances[part], farthest[part, None])
        distances[part] = lambda_ * original + (1 - lambda_) * jaccard(overlap(encoding[part], columns))
    return distances


def distances_among(units: FloatArray) -> PairDistances:
    """Squared distances of pairs of some unit vectors, computed when asked for."""

    def distances(left: IntArray, right: IntArray) -> npt.NDArray[Any]:
        return squared(pair_similarities(units, left, units, right, np.float32))

    return distances
