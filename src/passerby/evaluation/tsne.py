"""Points in the plane that keep together what is near together among embeddings: exact t-SNE for a few hundred."""

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.distance import cosine_distances

ITERATIONS, EXAGGERATED = 500, 125
EXAGGERATION = 12.0

Floats = npt.NDArray[np.float64]


def tsne(embeddings: npt.NDArray[np.float32], *, perplexity: float = 15.0) -> Floats:
    """Lay embeddings out in the plane; the same embeddings always give the same picture.

    It begins with the two principal components, so nothing is drawn at random. Time grows with the square of the
    number of embeddings: 400 take a second or two.

    Paper: van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 2008.

    Args:
        embeddings: (N, D) unit vectors.
        perplexity: About how many neighbours each keeps near; at most a third of N is used.

    Returns:
        (N, 2) float64, centred.

    Raises:
        DataError: A row is not of length 1, or `perplexity` is not more than 1.
    """
    if not perplexity > 1:
        raise DataError(f"expected a perplexity of more than 1, got {perplexity:g}")
    if len(embeddings) < 4:
        return principal_components(embeddings)
    distances = 2.0 * cosine_distances(embeddings, embeddings).astype(np.float64)
    joint = _joint(distances, min(perplexity, max(2.0, len(embeddings) / 3)))
    points = principal_components(embeddings)
    points *= 1e-4 / max(float(points[:, 0].std()), 1e-12)
    rate = max(len(points) / EXAGGERATION / 4, 10.0)
    step, gains = np.zeros_like(points), np.ones_like(points)
    for iteration in range(ITERATIONS):
        early = iteration < EXAGGERATED
        slope = gradient(points, joint * EXAGGERATION if early else joint)
        gains = np.where(np.sign(slope) != np.sign(step), gains + 0.2, gains * 0.8).clip(min=0.01)
        step = (0.5 if early else 0.8) * step - rate * gains * slope
        points = points + step
    return np.asarray(points - points.mean(0))


def principal_components(embeddings: npt.NDArray[np.float32]) -> Floats:
    """(N, 2) coordinates along the two directions of largest spread; each direction's largest entry is positive."""
    centred = embeddings.astype(np.float64) - embeddings.mean(0, dtype=np.float64)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    first = np.zeros((2, embeddings.shape[1]))
    first[: min(2, len(directions))] = directions[:2]
    signs = np.sign(np.take_along_axis(first, np.abs(first).argmax(1, keepdims=True), 1))
    return np.asarray(centred @ (first * np.where(signs == 0, 1, signs)).T)


def gradient(points: Floats, joint: Floats) -> Floats:
    """(N, 2) slope of the Kullback-Leibler divergence from `joint` to the neighbourhoods among the points."""
    squares = (points**2).sum(1)
    kernel = 1 / (1 + np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    np.fill_diagonal(kernel, 0)
    pull = (joint - kernel / kernel.sum()) * kernel
    return np.asarray(4 * (pull.sum(1)[:, None] * points - pull @ points))


def _joint(distances: Floats, perplexity: float) -> Floats:
    """How much two rows are neighbours, symmetrically; all of it sums to 1."""
    count = len(distances)
    others = distances + np.diag(np.full(count, np.inf))
    others = others - others.min(1, keepdims=True)  # Changes nothing but keeps the exponentials in range.
    low, high = np.zeros(count), np.full(count, np.inf)
    sharpness = np.ones(count)
    for _ in range(64):
        weights = np.exp(-others * sharpness[:, None])
        share = weights / weights.sum(1, keepdims=True)
        entropy = -(share * np.log(np.maximum(share, 1e-300))).sum(1)
        broad = entropy > np.log(perplexity)
        low, high = np.where(broad, sharpness, low), np.where(broad, high, sharpness)
        sharpness = np.where(np.isinf(high), 2 * sharpness, (low + high) / 2)
    joint = (share + share.T) / (2 * count)
    return np.asarray(np.maximum(joint, 1e-12))
