"""A metric of its own for every query, learnt from pictures of others."""

from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.machine import require_memory
from passerby.retrieval.distance import normalise
from passerby.retrieval.largest import largest
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair
from passerby.types import FloatArray

QUERIES = 32
"""Queries whose metrics are learnt and applied at a time."""

SWEEPS = 200
"""Passes of coordinate ascent at most."""


def local_metric_distances(
    query: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    negatives: npt.NDArray[Any] | None = None,
    count: int = 10,
    skip: int = 20,
    reach: float = 1.0,
    bound: float = 1.0,
) -> FloatArray:
    """Measure every query by a Mahalanobis metric that keeps its hardest negatives away.

    With r_i = q - n_i for the hardest negatives n_i of a query q, the metric is the one nearest to the identity that
    puts them at a distance t:

        min ½ ‖M - I‖² + bound · Σ ξ_i   subject to   r_iᵀ M r_i ≥ t - ξ_i,  ξ_i ≥ 0.

    Its solution M = I + Σ a_i r_i r_iᵀ, 0 ≤ a_i ≤ bound, is positive definite by itself, and the a_i solve a
    quadratic program in the numbers (r_iᵀ r_j)². t is `reach` times the query's mean squared distance to the gallery:
    hard negatives become as far as strangers are on average. No picture of the same person is needed.

    After Zhou et al., Efficient Online Local Metric Adaptation via Negative Samples for Person Re-Identification,
    ICCV 2017, which likewise learns a positive semi-definite metric per query from hard negatives alone by the
    maximal margin; this formulation is Passerby's.

    Args:
        query: (Q, D) real array of any scale; rows are brought to length 1.
        gallery: (G, D) real array, likewise.
        negatives: (N, D) pictures known to show none who is asked for, such as other people's at another place; of
            these the nearest to each query are taken. None: from the gallery, the nearest beyond the first `skip`.
        count: How many hard negatives, 1 to what there are.
        skip: How many nearest gallery pictures may show the same person and are no negatives, 0 or more.
        reach: How far negatives are put, above 0, in mean distances to the gallery.
        bound: Most that one negative may weigh, above 0.

    Returns:
        (Q, G) float32 squared distances, 0 or more; smaller is nearer.

    Raises:
        DataError: Embeddings are empty, of different dimensions or without direction, a number is out of its range,
            or the memory is too small; raised before the work starts.

    Example:
        >>> query, gallery = np.array([[1.0, 0.0, 0.0]]), np.array([[0.8, 0.6, 0.0], [0.8, 0.0, 0.6]])
        >>> local_metric_distances(query, gallery, negatives=np.array([[0.9, 0.0, 0.4]]), count=1).round(3)
        array([[0.4  , 0.468]], dtype=float32)
    """
    check_pair(query, gallery)
    if not (0 < reach < np.inf and 0 < bound < np.inf and skip >= 0):
        raise DataError(f"expected reach and bound above 0 and skip of 0 or more, got {reach}, {bound} and {skip}")
    if negatives is not None:
        check_pair(query, negatives)
        check_neighbours(len(negatives), count=count)
    else:
        check_neighbours(len(gallery) - skip, count=count)
    require_memory(
        4 * len(query) * len(gallery) + 4 * len(gallery) * (query.shape[1] + 3 * QUERIES * count),
        f"re-ranking {len(gallery):,} pictures for {len(query):,} queries",
        "re-rank fewer queries at a time",
    )
    units, shown = normalise(query, "query embeddings"), normalise(gallery, "gallery embeddings")
    others = shown if negatives is None else normalise(negatives, "negative embeddings")
    skipped = skip if negatives is None else 0
    distances = np.empty((len(units), len(shown)), np.float32)
    for start in range(0, len(units), QUERIES):
        asked = units[start : start + QUERIES]
        cosines = asked @ shown.T
        places = largest(cosines if others is shown else asked @ others.T, skipped + count)[:, skipped:]
        directions = asked[:, None] - others[places]
        plain = np.maximum(2 - 2 * cosines, 0)
        weights = _metric_weights(directions, reach * plain.mean(axis=1), bound)
        # rᵀ(q - g) for every direction and gallery picture.
        along = np.einsum("qcd,qd->qc", directions, asked)[..., None] - directions @ shown.T
        np.square(along, out=along)
        distances[start : start + QUERIES] = plain + np.einsum("qc,qcg->qg", weights, along)
    return distances


def _metric_weights(directions: FloatArray, target: FloatArray, bound: float) -> FloatArray:
    """Solve max Σ a_i (t - |r_i|²) - ½ Σ a_i a_j (r_iᵀ r_j)², 0 ≤ a ≤ bound, for each query, one a_i at a time.

    Args:
        directions: (Q, C, D) the r_i.
        target: (Q,) the t.
        bound: Largest weight.

    Returns:
        (Q, C) float32 weights.
    """
    products = np.einsum("qcd,qed->qce", directions, directions, dtype=np.float64)
    lengths = np.einsum("qcc->qc", products)
    kernel = products**2
    weights = np.zeros(lengths.shape)
    # A negative that is the query itself has no direction: nothing pushes it away.
    curvature = np.where(lengths > 0, lengths**2, np.inf)
    for _ in range(SWEEPS):
        before = weights.copy()
        for place in range(weights.shape[1]):
            missing = target - lengths[:, place] - np.einsum("qc,qc->q", kernel[:, place], weights)
            weights[:, place] = np.clip(weights[:, place] + missing / curvature[:, place], 0, bound)
        if np.abs(weights - before).max() <= 1e-7 * bound:
            break
    return weights.astype(np.float32)
