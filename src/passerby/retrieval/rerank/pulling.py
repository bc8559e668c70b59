"""Re-ranking by pulling towards what is similar to the query, and pushing from what is dissimilar."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.errors import DataError
from passerby.retrieval.largest import largest
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, joined_units
from passerby.types import FloatArray

ROWS = 256
"""Gallery pictures whose own rankings are made at a time."""


def similar_top_dissimilar_bottom(
    query: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    top: int = 5,
    bottom: int = 10,
    pull: float = 1.0,
    push: float = 0.1,
    depth: float = 10.0,
) -> FloatArray:
    """Re-rank by rankings that the most similar and the most dissimilar gallery pictures give in the query's place.

    A right answer should be near to what is at the query's top, and far from what is at its bottom. Ranks are
    aggregated rather than distances, since those of different pictures do not compare, and first places count most:
    with n the place of g in p's ranking of the gallery, from 0, r_p(g) = n / (n + depth) and

        d(q, g) = r_q(g) + pull · mean over the top of r_t(g) + push · mean over the bottom of (1 - r_b(g)).

    After Ye et al., Ranking Optimization for Person Re-identification via Similarity and Dissimilarity, ACM
    Multimedia 2015, and Person Reidentification via Ranking Aggregation of Similarity Pulling and Dissimilarity
    Pushing, TMM 2016. There several baselines agree on top and bottom; here one ranking is all there is, and r and
    the weights are Passerby's, chosen on training people of CUHK03.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        top: How many most similar pictures pull, 1 to G.
        bottom: How many most dissimilar ones push, 1 to G.
        pull: Weight of pulling, 0 or more.
        push: Weight of pushing, 0 or more.
        depth: How far down places count: at this place r is one half; above 0.

    Returns:
        (Q, G) float32 from 0 to 1 + pull + push, smaller is nearer.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            or the memory is too small; raised before the work starts.

    Example:
        >>> gallery = np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]])
        >>> similar_top_dissimilar_bottom(np.array([[1.0, 0.0]]), gallery, top=1, bottom=1).round(2)
        array([[0.08, 0.27, 0.56, 0.42]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), top=top, bottom=bottom)
    if not (0 <= pull < np.inf and 0 <= push < np.inf and 0 < depth < np.inf):
        raise DataError(f"expected pull and push of 0 or more and depth above 0, got {pull}, {push} and {depth}")
    both, queries = joined_units(query, gallery, 16 * ROWS), len(query)
    asked, units = both[:queries], both[queries:]
    distances = np.empty((queries, len(units)), np.float32)
    near, far = np.empty((queries, top), np.int64), np.empty((queries, bottom), np.int64)
    for start in range(0, queries, ROWS):
        part = slice(start, min(start + ROWS, queries))
        similarities = asked[part] @ units.T
        distances[part] = _ranks(similarities, depth)
        near[part], far[part] = largest(similarities, top), largest(-similarities, bottom)

    # Each ranking of a gallery picture is made once, for all queries that it pulls or pushes.
    pictures = np.concatenate([near, far], axis=1)
    weights = np.concatenate([np.full(top, pull / top), np.full(bottom, -push / bottom)]).astype(np.float32)
    distances += push
    shares = sparse.csr_array(
        (np.tile(weights, queries), pictures.ravel(), np.arange(0, pictures.size + 1, top + bottom)),
        shape=(queries, len(units)),
    ).tocsc()
    wanted = np.unique(pictures)
    for start in range(0, len(wanted), ROWS):
        block = wanted[start : start + ROWS]
        part = shares[:, block].tocsr()
        moved = np.flatnonzero(np.diff(part.indptr))
        distances[moved] += part[moved] @ _ranks(units[block] @ units.T, depth)
    return distances


def _ranks(similarities: FloatArray, depth: float) -> FloatArray:
    """Each number's place n in its row, largest first, as n / (n + depth): 0 to less than 1."""
    place = np.arange(similarities.shape[1])
    ranks = np.empty(similarities.shape, np.float32)
    # A number's bits, read as an integer, order as it does once those of negative ones are turned round. With its
    # place below them each key is unlike all others: sorting these is stable, and several times as quick.
    bits = (0 - similarities).view(np.int32)
    keys = (bits ^ (bits >> 31 & 0x7FFFFFFF)).astype(np.int64) << 32 | place
    keys.sort(axis=1)
    order = keys & 0xFFFFFFFF
    np.put_along_axis(ranks, order, (place / (place + depth)).astype(np.float32)[None], axis=1)
    return ranks
