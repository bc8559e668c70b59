"""Re-ranking by diffusion on the manifold that the gallery's pictures lie on."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.errors import DataError
from passerby.retrieval.largest import largest
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, joined_units
from passerby.retrieval.rerank.neighbours import EACH, neighbourhood, sparse_rows
from passerby.retrieval.rerank.unreached import place_unreached
from passerby.types import FloatArray

QUERIES = 64
"""Queries that are solved for at a time."""


def diffusion(
    query: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    k: int = 50,
    k_query: int = 10,
    alpha: float = 0.99,
    gamma: float = 3.0,
    iterations: int = 20,
) -> FloatArray:
    """Re-rank by how much of a query's similarity flows to each gallery picture along mutual neighbours.

    The gallery's graph has an edge max(0, cosine)^gamma where two pictures are among each other's k nearest, scaled
    symmetrically to S = D^(-1/2) A D^(-1/2). A query puts y = cosine^gamma on its k_query nearest and f solves
    (I - alpha S) f = y: the fixed point of a random walk that starts again at the query with probability 1 - alpha.

    Papers: Iscen et al., Efficient Diffusion on Region Manifolds, CVPR 2017 (this form, solved by conjugate
    gradients); Donoser and Bischof, Diffusion Processes for Retrieval Revisited, CVPR 2013.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k: Neighbours in the graph, 1 to G.
        k_query: On how many gallery pictures a query begins, 1 to G.
        alpha: Share that walks on, 0 to less than 1.
        gamma: Exponent of similarities, more than 0.
        iterations: Steps of conjugate gradients at most, 1 or more; a query for which the residual has sunk to a
            millionth of y's length stays as it is.

    Returns:
        (Q, G) float32: 1 - f divided by its largest, 0 to 1, smaller is nearer; pictures that nothing reaches follow
        in the order of their cosine distance, which is added to 1.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            or the memory is too small; raised before the work starts.

    Example:
        >>> gallery = np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]])
        >>> diffusion(np.array([[1.0, 0.0]]), gallery, k=2, k_query=1).round(2)
        array([[0.01, 0.  , 0.25, 0.21]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k=k, k_query=k_query)
    if not 0 <= alpha < 1 or not 0 < gamma < np.inf or iterations < 1:
        raise DataError(
            f"expected alpha from 0 to less than 1, gamma above 0 and 1 iteration or more, got {alpha}, {gamma} and "
            f"{iterations}"
        )
    both, queries = joined_units(query, gallery, EACH), len(query)
    asked, units = both[:queries], both[queries:]
    walk = alpha * _graph(units, min(k + 1, len(units)), gamma)
    distances = np.empty((queries, len(units)), np.float32)
    for start in range(0, queries, QUERIES):
        part = slice(start, min(start + QUERIES, queries))
        cosines = asked[part] @ units.T
        begin = np.zeros((len(units), len(cosines)))
        places = largest(cosines, k_query)
        row = np.arange(len(cosines))[:, None]
        begin[places, row] = np.maximum(cosines[row, places], 0) ** gamma
        flow = _solve(walk, begin, iterations).T
        most = flow.max(axis=1, keepdims=True)
        # Rounding leaves a little above or below 0 where nothing flows: nothing is where no path leads.
        distances[part] = np.clip(1 - flow / np.where(most > 0, most, 1), 0, 1)
    return place_unreached(distances, asked, units)


def _graph(units: FloatArray, count: int, gamma: float) -> sparse.csr_array:
    """The gallery's graph of mutual neighbours, scaled symmetrically; a picture alone has no edge."""
    near = neighbourhood(units, count)
    similarities = np.maximum(1 - near.distances.astype(np.float64) / 2, 0) ** gamma
    similarities[near.ranks == np.arange(len(units))[:, None]] = 0
    directed = sparse_rows(similarities, near.ranks)
    mutual = directed.minimum(directed.T)
    mutual.eliminate_zeros()
    degrees = mutual.sum(axis=1)
    scale = sparse.dia_array((np.where(degrees > 0, degrees, 1)[None] ** -0.5, [0]), shape=mutual.shape)
    return (scale @ mutual @ scale).tocsr()


def _solve(walk: sparse.csr_array, begin: npt.NDArray[np.float64], iterations: int) -> npt.NDArray[np.float64]:
    """Solve (I - walk) f = begin for several right sides at once, by conjugate gradients from f = 0."""
    solution = np.zeros_like(begin)
    residual, direction = begin.copy(), begin.copy()
    size = (residual**2).sum(axis=0)
    enough = 1e-12 * size
    for _ in range(iterations):
        going = size > enough
        if not going.any():
            break
        image = direction - walk @ direction
        step = np.divide(size, (direction * image).sum(axis=0), out=np.zeros_like(size), where=going)
        solution += step * direction
        residual -= step * image
        before, size = size, (residual**2).sum(axis=0)
        direction = residual + np.divide(size, before, out=np.zeros_like(size), where=going) * direction
    return solution
