"""Re-ranking by the expanded cross neighbourhood."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, joined_units
from passerby.retrieval.rerank.neighbours import EACH, neighbourhood, sparse_rows
from passerby.retrieval.rerank.unreached import place_unreached
from passerby.types import FloatArray

QUERIES = 128
"""Queries whose rows are made dense at a time."""


def expanded_cross_neighbourhood(
    query: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    k: int = 25,
    t: int = 3,
    q: int = 8,
    distance: Literal["rank", "cosine"] = "rank",
) -> FloatArray:
    """Re-rank by the mean distance between each picture and the other's neighbours.

    A picture's expanded neighbours are its t nearest, itself not counted, and the q nearest of each of these, among
    queries and gallery. ECN(p, g) is the mean distance of g to those of p, and of p to those of g. Distances are
    cosine, or come from the agreement of rank lists: the sum over all pictures of
    max(0, k - position in p's list) · max(0, k - position in g's list), positions from 0.

    Both are linear in one of the pictures, so means are taken before distances, as a product of sparse or of dense
    matrices, not after.

    Paper: Sarfraz et al., A Pose-Sensitive Embedding for Person Re-Identification with Expanded Cross Neighborhood
    Re-Ranking, CVPR 2018. As in its authors' program, agreement is not scaled per query.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k: How far down rank lists are compared, 1 to G; without effect on cosine distances.
        t: How many nearest, 1 to G.
        q: How many nearest of each of these, 1 to G.
        distance: "rank" or "cosine".

    Returns:
        (Q, G) float32, smaller is nearer. Cosine: 0 to 2. Rank: 0, as two equal lists have, to 1; pictures whose
        lists have nothing in common follow in the order of their cosine distance, which is added to 1.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            or the memory is too small; raised before the work starts.

    Example:
        >>> gallery = np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]])
        >>> expanded_cross_neighbourhood(np.array([[1.0, 0.0]]), gallery, k=2, t=1, q=1).round(2)
        array([[0.1 , 0.4 , 1.9 , 1.78]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k=k, t=t, q=q)
    if distance not in ("rank", "cosine"):
        raise DataError(f"expected distance rank or cosine, got {distance}")
    units, queries = joined_units(query, gallery, EACH), len(query)
    total = len(units)
    ranks = neighbourhood(units, min(max(k, t + 1, q + 1), total)).ranks
    first = ranks[:, 1 : t + 1]
    expanded = np.concatenate([first, ranks[first, 1 : q + 1].reshape(total, -1)], axis=1)
    mean = sparse_rows(np.full(expanded.shape, 1 / expanded.shape[1], np.float32), expanded)

    if distance == "cosine":
        means = (mean @ units).astype(np.float32)
        products: FloatArray = units[:queries] @ means[queries:].T
        products += means[:queries] @ units[queries:].T
        return np.clip(1 - products / 2, 0, 2, out=products)

    count = min(k, total)
    lists = sparse_rows(
        np.broadcast_to(np.arange(k, k - count, -1, dtype=np.float32), (total, count)), ranks[:, :count]
    )
    means = mean @ lists
    same = np.float32((np.arange(k, k - count, -1) ** 2).sum())
    distances = np.empty((queries, len(gallery)), np.float32)
    columns, mean_columns = lists[queries:].T.tocsr(), means[queries:].T.tocsr()
    for start in range(0, queries, QUERIES):
        part = slice(start, min(start + QUERIES, queries))
        agreement = means[part] @ columns + lists[part] @ mean_columns
        distances[part] = 1 - agreement.toarray() / (2 * same)
    return place_unreached(distances, units[:queries], units[queries:])
