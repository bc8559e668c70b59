"""Re-ranking as a graph neural network without parameters."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.errors import DataError
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, joined_units
from passerby.retrieval.rerank.neighbours import EACH, neighbourhood, sparse_rows
from passerby.retrieval.rerank.unreached import place_unreached
from passerby.types import FloatArray

QUERIES = 64
"""Queries whose rows are made dense at a time."""

STORED = 16_384
"""Bytes that the graph takes for a picture, usually."""


def graph_propagation(
    query: npt.NDArray[Any], gallery: npt.NDArray[Any], k1: int = 26, k2: int = 7, layers: int = 2, alpha: float = 2.0
) -> FloatArray:
    """Re-rank by what propagating neighbourhoods along a graph of all pictures makes of them.

    Each picture begins as the set of its k1 nearest, itself one of them, as a row of zeros and ones. In every layer
    rows are added to columns (A + Aᵀ), each picture takes the sum of the rows of its k2 nearest weighted by
    cosine^alpha, and rows are scaled to length 1. The result is the cosine distance of the rows.

    Paper: Zhang et al., Understanding Image Retrieval Re-Ranking: A Graph Neural Network Perspective, 2020; k1 and
    k2 as there for Market-1501.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k1: How many nearest a picture begins as, 1 to G.
        k2: Over how many nearest rows are propagated, 1 to G.
        layers: How often, 1 or more.
        alpha: Exponent of the weights, 0 or more; a negative cosine weighs nothing.

    Returns:
        (Q, G) float32: 0 to 1, smaller is nearer; pictures whose rows have nothing in common follow in the order of
        their cosine distance, which is added to 1.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            or the memory is too small; raised before the work starts.

    Example:
        >>> gallery = np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]])
        >>> graph_propagation(np.array([[1.0, 0.0]]), gallery, k1=2, k2=1).round(2)
        array([[0.07, 0.72, 1.9 , 1.78]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k1=k1, k2=k2)
    if layers < 1 or not 0 <= alpha < np.inf:
        raise DataError(f"expected 1 layer or more and alpha of 0 or more, got {layers} and {alpha}")
    units, queries = joined_units(query, gallery, EACH + STORED), len(query)
    near = neighbourhood(units, max(k1, k2))
    graph = sparse_rows(np.ones((len(units), k1), np.float32), near.ranks[:, :k1])
    cosines = np.maximum(1 - near.distances[:, :k2] / 2, 0)
    propagate = sparse_rows(cosines ** np.float32(alpha), near.ranks[:, :k2])
    for _ in range(layers):
        graph = propagate @ (graph + graph.T)
        lengths = np.sqrt(graph.multiply(graph).sum(axis=1))
        graph = sparse.dia_array((1 / lengths[None], [0]), shape=graph.shape) @ graph
    distances = np.empty((queries, len(gallery)), np.float32)
    columns = graph[queries:].T.tocsr()
    for start in range(0, queries, QUERIES):
        part = slice(start, min(start + QUERIES, queries))
        # Rounding may leave equal rows a little below 0.
        distances[part] = np.clip(1 - (graph[part] @ columns).toarray(), 0, 1)
    return place_unreached(distances, units[:queries], units[queries:])
