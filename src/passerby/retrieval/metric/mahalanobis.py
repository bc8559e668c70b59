"""A Mahalanobis metric in a subspace, as the methods of learning one make it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.machine import require_memory
from passerby.retrieval.rerank.inputs import check_pair
from passerby.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class MahalanobisMetric:
    """Distances (x - y)ᵀ W M Wᵀ (x - y).

    Attributes:
        projection: W, (D, d) float64.
        matrix: M, (d, d) float64, symmetric; where it is not positive semi-definite, distances may be below 0.
    """

    projection: npt.NDArray[np.float64]
    matrix: npt.NDArray[np.float64]

    def distances(self, query: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> FloatArray:
        """Measure every query against every gallery embedding.

        Args:
            query: (Q, D) real array, of the same kind as the metric was learnt from.
            gallery: (G, D) real array, likewise.

        Returns:
            (Q, G) float32, smaller is nearer; may be negative, which only says nearer.

        Raises:
            DataError: Embeddings are empty, not finite or of another dimension than the metric, or the memory is
                too small.
        """
        check_pair(query, gallery)
        if query.shape[1] != len(self.projection):
            raise DataError(f"expected embeddings of dimension {len(self.projection)}, got {query.shape[1]}")
        require_memory(
            8 * len(query) * len(gallery),
            f"measuring {len(gallery):,} pictures for {len(query):,} queries",
            "measure fewer queries at a time",
        )
        asked, shown = self._projected(query, "query"), self._projected(gallery, "gallery")
        asked_sizes, shown_sizes = (np.einsum("nd,nd->n", rows @ self.matrix, rows) for rows in (asked, shown))
        distances: FloatArray = (-2 * asked @ self.matrix).astype(np.float32) @ shown.T.astype(np.float32)
        distances += asked_sizes[:, None].astype(np.float32)
        distances += shown_sizes.astype(np.float32)
        return distances

    def _projected(self, embeddings: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            raise DataError(f"row {int(finite.argmin())} of the {name} embeddings is not finite")
        projected: npt.NDArray[np.float64] = embeddings.astype(np.float64) @ self.projection
        return projected
