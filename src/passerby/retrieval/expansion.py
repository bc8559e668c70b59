"""Query expansion and database-side augmentation: embeddings averaged with their nearest in the gallery."""

from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.machine import require_memory
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.largest import largest
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair
from passerby.types import FloatArray

ROWS = 512
"""Embeddings whose neighbours are looked for at a time."""


def average_query_expansion(query: npt.NDArray[Any], gallery: npt.NDArray[Any], k: int = 3) -> FloatArray:
    """Replace every query by the mean of itself and its k nearest gallery embeddings.

    Paper: Chum et al., Total Recall: Automatic Query Expansion with a Generative Feature Model for Object Retrieval,
    ICCV 2007.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k: How many neighbours, 1 to G.

    Returns:
        (Q, D) float32 unit vectors.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, or a number is out of its
            range.

    Example:
        >>> average_query_expansion(np.array([[1.0, 0.0]]), np.array([[0.6, 0.8], [-1.0, 0.0]]), k=1).round(3)
        array([[0.894, 0.447]], dtype=float32)
    """
    return alpha_query_expansion(query, gallery, k, alpha=0.0)


def alpha_query_expansion(
    query: npt.NDArray[Any], gallery: npt.NDArray[Any], k: int = 5, alpha: float = 3.0
) -> FloatArray:
    """Replace every query by the sum of itself and its k nearest gallery embeddings weighted by cosine^alpha.

    Paper: Radenović et al., Fine-tuning CNN Image Retrieval with No Human Annotation, TPAMI 2019.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k: How many neighbours, 1 to G.
        alpha: Exponent, 0 or more; 0 weighs all alike, and beyond that a negative cosine weighs nothing.

    Returns:
        (Q, D) float32 unit vectors.

    Raises:
        DataError: As for `average_query_expansion`.

    Example:
        >>> alpha_query_expansion(np.array([[1.0, 0.0]]), np.array([[0.6, 0.8], [-1.0, 0.0]]), k=1).round(3)
        array([[0.989, 0.151]], dtype=float32)
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k=k)
    return _expanded(
        normalise(query, "query embeddings"), normalise(gallery, "gallery embeddings"), k, alpha, among_itself=False
    )


def database_augmentation(gallery: npt.NDArray[Any], k: int = 5, alpha: float = 3.0) -> FloatArray:
    """Expand every gallery embedding as if it were a query; itself is not counted among its nearest.

    Paper: Arandjelović and Zisserman, Three Things Everyone Should Know to Improve Object Retrieval, CVPR 2012; with
    the weights of `alpha_query_expansion`.

    Args:
        gallery: (G, D) real array of any scale; rows are brought to length 1.
        k: How many neighbours, 1 to G - 1.
        alpha: As for `alpha_query_expansion`.

    Returns:
        (G, D) float32 unit vectors.

    Raises:
        DataError: As for `average_query_expansion`.

    Example:
        >>> database_augmentation(np.array([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]]), k=1, alpha=0).round(3)
        array([[ 0.894,  0.447],
               [ 0.894,  0.447],
               [-0.447,  0.894]], dtype=float32)
    """
    check_pair(gallery, gallery)
    check_neighbours(len(gallery) - 1, k=k)
    units = normalise(gallery, "gallery embeddings")
    return _expanded(units, units, k, alpha, among_itself=True)


def expanded_distances(
    query: npt.NDArray[Any], gallery: npt.NDArray[Any], k: int = 5, alpha: float = 3.0, augment: int = 0
) -> FloatArray:
    """Measure cosine distances after query expansion and, if wanted, database-side augmentation.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        k: How many neighbours are added to a query, 1 to G.
        alpha: As for `alpha_query_expansion`, for both.
        augment: How many neighbours are first added to a gallery embedding, 0 for none to G - 1.

    Returns:
        (Q, G) float32 from 0 to 2; smaller is nearer.

    Raises:
        DataError: As for `average_query_expansion`, or the memory is too small.
    """
    check_pair(query, gallery)
    check_neighbours(len(gallery), k=k)
    require_memory(
        4 * len(query) * len(gallery) + (len(query) + len(gallery)) * (12 * query.shape[1] + 12 * ROWS),
        f"re-ranking {len(gallery):,} pictures for {len(query):,} queries",
        "re-rank fewer queries at a time",
    )
    if augment:
        gallery = database_augmentation(gallery, augment, alpha)
    return cosine_distances(alpha_query_expansion(query, gallery, k, alpha), normalise(gallery, "gallery embeddings"))


def _expanded(units: FloatArray, gallery: FloatArray, k: int, alpha: float, *, among_itself: bool) -> FloatArray:
    """Add to each unit vector its k nearest of the gallery; where that holds the vectors themselves, others only."""
    if not 0 <= alpha < np.inf:
        raise DataError(f"expected alpha of 0 or more, got {alpha}")
    sums = np.empty_like(units)
    for start in range(0, len(units), ROWS):
        part = slice(start, min(start + ROWS, len(units)))
        cosines = units[part] @ gallery.T
        if among_itself:  # Even where copies of it are in the gallery.
            cosines[np.arange(len(cosines)), np.arange(part.start, part.stop)] = -np.inf
        places = largest(cosines, k)
        weights = np.maximum(np.take_along_axis(cosines, places, axis=1), 0) ** np.float32(alpha)
        sums[part] = units[part] + np.einsum("nk,nkd->nd", weights, gallery[places])
    return normalise(sums, "expanded embeddings")
