"""Divide and fuse: re-ranking by the neighbourhoods that parts of the embedding see."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.errors import DataError
from passerby.retrieval.distance import normalise
from passerby.retrieval.rerank.encoding import averaged, expand_encoding, reciprocal_sets, weights
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, check_share, joined_units
from passerby.retrieval.rerank.neighbours import EACH, neighbourhood
from passerby.retrieval.rerank.reciprocal import distances_among, mix_with_jaccard
from passerby.types import FloatArray


def divide_and_fuse(
    query: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    parts: int = 4,
    k1: int = 20,
    k2: int = 6,
    lambda_: float = 0.3,
    power: float = 1.0,
) -> FloatArray:
    """Re-rank as `k_reciprocal` does, with a picture's neighbourhood fused from those of its embedding's parts.

    The embedding is divided into parts of equal length, each scaled to length 1. Each part has its own neighbours,
    encoded as sparse vectors over all pictures, which are averaged over the nearest and then fused place by place:
    (mean over parts of v^power)^(1 / power), scaled to sum 1. Their Jaccard distance is mixed with the original one.

    After Yu et al., Divide and Fuse: A Re-ranking Approach for Person Re-identification, BMVC 2017, which fuses
    iteratively encoded k-nearest neighbours; the encoding here is the k-reciprocal one.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        parts: How many parts, 1 to D; with 1 this is `k_reciprocal`.
        k1: As for `k_reciprocal`.
        k2: Likewise.
        lambda_: Likewise.
        power: Exponent of the mean, above 0: 1 is the arithmetic mean, more leans towards the largest.

    Returns:
        (Q, G) float32 from 0 to 1; smaller is nearer.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            a row of a part is all zeros, or the memory is too small.

    Example:
        >>> gallery = np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]])
        >>> divide_and_fuse(np.array([[1.0, 0.01]]), gallery, parts=1, k1=2, k2=1).round(2)
        array([[0.01, 0.02, 1.  , 0.96]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k1=k1, k2=k2)
    check_share("lambda_", lambda_)
    if not 1 <= parts <= query.shape[1]:
        raise DataError(f"expected 1 to {query.shape[1]} parts, as many as embeddings have numbers, got {parts}")
    if not 0 < power < np.inf:
        raise DataError(f"expected a power above 0, got {power}")
    units, queries = joined_units(query, gallery, 2 * EACH), len(query)
    distances = np.empty((queries, len(gallery)), np.float32)
    farthest = neighbourhood(units, 1, distances).farthest[:queries]

    everybody = np.arange(len(units))
    fused = sparse.csr_array((len(units), len(units)), dtype=np.float32)
    for part in np.array_split(units, parts, axis=1):
        part_units = normalise(part, "part of the embeddings")
        near = neighbourhood(part_units, max(k1 + 1, k2))
        row, member = reciprocal_sets(near.ranks, everybody, k1)
        encoding = weights(row, member, everybody, near.farthest, distances_among(part_units))
        fused = fused + expand_encoding(encoding, averaged(near.ranks, k2)).power(power)
    fused = fused.power(1 / power)
    fused = sparse.dia_array((1 / fused.sum(axis=1)[None], [0]), shape=fused.shape) @ fused
    return mix_with_jaccard(distances, farthest, fused.tocsr(), lambda_)
