"""KISSME: a metric from the likelihood ratio of two Gaussians."""

from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.metric.mahalanobis import MahalanobisMetric
from passerby.retrieval.metric.scatter import check_settings, pair_scatter


def kissme(
    embeddings: npt.NDArray[Any],
    ids: npt.ArrayLike,
    cameras: npt.ArrayLike | None = None,
    dimension: int | None = None,
    regularisation: float = 1e-3,
) -> MahalanobisMetric:
    """Learn M = Σ(same)⁻¹ - Σ(different)⁻¹ in the space of the first principal components.

    The metric is projected onto the cone of positive semi-definite matrices, as its authors do.

    Paper: Köstinger et al., Large Scale Metric Learning from Equivalence Constraints, CVPR 2012.

    Args:
        embeddings: (N, D) real array, best unit vectors as they will be compared.
        ids: (N,) whom each shows: integers or strings.
        cameras: (N,) integers or strings; then only pairs across cameras are learnt from. None: all pairs.
        dimension: How many principal components, 1 to min(N - 1, D). None: all that hold variance.
        regularisation: Added to the diagonals of both covariances, in mean variances; above 0.

    Returns:
        The metric; its distances are never below 0 but for rounding.

    Raises:
        DataError: Lengths do not fit, an embedding is not finite, there are no pairs of one kind, or a number is out
            of its range.
    """
    check_settings(dimension, regularisation)
    scatter = pair_scatter(embeddings, ids, cameras)
    vectors = np.asarray(embeddings, np.float64)
    _, spread, axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    held = int((spread > spread[0] * 1e-7).sum())
    if dimension is not None and dimension > held:
        raise DataError(f"expected a dimension of 1 to {held}, as the embeddings have, got {dimension}")
    projection = axes[: dimension or held].T
    same, different = (projection.T @ matrix @ projection for matrix in (scatter.same, scatter.different))
    noise = regularisation * np.trace(different) / len(different) * np.eye(len(different))
    matrix = np.linalg.inv(same + noise) - np.linalg.inv(different + noise)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return MahalanobisMetric(projection, (vectors * np.maximum(values, 0)) @ vectors.T)
