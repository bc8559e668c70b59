"""Distances inside a batch, differentiable everywhere."""

import torch
from torch import Tensor

_LEAST = 1e-12
"""Squared distances below count as this, where their gradient is 0: a root has an infinite one at 0."""


def pairwise_euclidean(embeddings: Tensor) -> Tensor:
    """Euclidean distances between all rows: (N, D) float to (N, N).

    By `‖a‖² + ‖b‖² - 2ab`; squared distances below 1e-12 count as 1e-12, where their gradient is 0, so that equal
    rows, and each row and itself, give no infinite gradient.
    """
    squares = embeddings.square().sum(1)
    squared = squares[:, None] + squares[None, :] - 2 * embeddings @ embeddings.T
    return squared.clamp(min=_LEAST).sqrt()


def euclidean_of_pairs(embeddings: Tensor, pairs: Tensor) -> Tensor:
    """Euclidean distances of (M, 2) pairs of rows, at least 1e-6: (M,)."""
    difference = embeddings[pairs[:, 0]] - embeddings[pairs[:, 1]]
    return difference.square().sum(1).clamp(min=_LEAST).sqrt()


def same_identity(labels: Tensor) -> Tensor:
    """(N,) labels to (N, N) bool: whether two rows show the same person; each row and itself do."""
    return torch.eq(labels[:, None], labels[None, :])


def positives(labels: Tensor) -> Tensor:
    """(N,) labels to (N, N) bool: whether two different rows show the same person."""
    return same_identity(labels).fill_diagonal_(False)


def all_pairs(count: int, device: torch.device | None = None) -> Tensor:
    """Every pair of `count` rows once, the smaller number first: (count·(count - 1)/2, 2) int64."""
    return torch.triu_indices(count, count, 1, device=device).T


def mean_or_zero(values: Tensor) -> Tensor:
    """The mean, or 0 where there is nothing to take one of."""
    return values.mean() if values.numel() else values.sum()
