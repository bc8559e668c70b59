"""Which detection is whose: costs, gates, and the cheapest one-to-one match."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from passerby.boxes import Numbers
from passerby.types import FloatArray, IntArray

Allowed = npt.NDArray[np.bool_]

_FORBIDDEN = 1e6


def match(costs: Numbers, allowed: Allowed) -> tuple[IntArray, IntArray]:
    """The one-to-one match with as many allowed pairs as possible and, among these, the least sum of costs.

    Args:
        costs: (N, M), 0 to 1.
        allowed: (N, M), which pairs may be matched.

    Returns:
        Rows and columns of the pairs, (K,) each.
    """
    rows, columns = linear_sum_assignment(np.where(allowed, costs, _FORBIDDEN))
    whole = allowed[rows, columns]
    return rows[whole].astype(np.int64), columns[whole].astype(np.int64)


def appearance_distances(tracks: list[FloatArray | None], detections: list[FloatArray | None]) -> Numbers:
    """Cosine distances (N, M), 0 to 2, of unit embeddings; NaN where one of the two is not known."""
    distances = np.full((len(tracks), len(detections)), np.nan)
    rows = [place for place, embedding in enumerate(tracks) if embedding is not None]
    columns = [place for place, embedding in enumerate(detections) if embedding is not None]
    if rows and columns:
        first = np.stack([embedding for embedding in tracks if embedding is not None]).astype(np.float64)
        second = np.stack([embedding for embedding in detections if embedding is not None]).astype(np.float64)
        distances[np.ix_(rows, columns)] = (1 - first @ second.T).clip(0, 2)
    return distances


def ambiguous(possible: Allowed, remote: npt.NDArray[np.bool_]) -> IntArray:
    """Detections that motion alone does not settle, which are worth a look at what the people wear.

    Those that several tracks claim, those whose track claims several, and those whose track has been out of sight.

    Args:
        possible: (N, M), which detections are near enough to which tracks.
        remote: (N,), which tracks have been out of sight.
    """
    several_detections = possible.sum(axis=1) > 1
    doubtful = possible & (several_detections | remote)[:, None]
    return np.flatnonzero((possible.sum(axis=0) > 1) | doubtful.any(axis=0)).astype(np.int64)
