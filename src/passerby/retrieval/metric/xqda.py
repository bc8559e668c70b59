"""XQDA: subspace and metric at once, across cameras."""

from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.retrieval.metric.mahalanobis import MahalanobisMetric
from passerby.retrieval.metric.scatter import check_settings, pair_scatter


def xqda(
    embeddings: npt.NDArray[Any],
    ids: npt.ArrayLike,
    cameras: npt.ArrayLike | None = None,
    dimension: int | None = None,
    regularisation: float = 1e-3,
) -> MahalanobisMetric:
    """Learn the directions in which different people differ most against the same person, and the metric in them.

    Directions solve Σ(different) w = λ Σ(same) w, and those of λ above 1 are kept; in them
    M = Σ(same)⁻¹ - Σ(different)⁻¹. The metric is not projected, as in its authors' program, so distances may be
    below 0.

    Paper: Liao et al., Person Re-identification by Local Maximal Occurrence Representation and Metric Learning, CVPR
    2015.

    Args:
        embeddings: (N, D) real array, best unit vectors as they will be compared.
        ids: (N,) whom each shows: integers or strings.
        cameras: (N,) integers or strings: pairs across cameras are learnt from, as in the paper. None: all pairs.
        dimension: How many directions at most, 1 or more; the first is kept in any case. None: all with λ above 1.
        regularisation: Added to the diagonal of Σ(same), in its mean variance; above 0.

    Returns:
        The metric.

    Raises:
        DataError: As for `kissme`.
    """
    from scipy.linalg import eigh

    check_settings(dimension, regularisation)
    scatter = pair_scatter(embeddings, ids, cameras)
    size = len(scatter.same)
    same = scatter.same + regularisation * max(np.trace(scatter.same) / size, 1e-12) * np.eye(size)
    values, directions = eigh(scatter.different, same)
    values, directions = values[::-1], directions[:, ::-1]
    kept = min(max(1, int((values > 1).sum())), dimension or size)
    # Directions are orthonormal under Σ(same): there both matrices are diagonal.
    matrix = np.diag(1 - 1 / np.maximum(values[:kept], np.finfo(np.float64).tiny))
    return MahalanobisMetric(np.ascontiguousarray(directions[:, :kept]), matrix)
