"""Distances inside a batch, differentiable everywhere."""

import torch
from torch import Tensor


def pairwise_euclidean(embeddings: Tensor) -> Tensor:
    """Euclidean distances between all rows: (N, D) float to (N, N).

    By `‖a‖² + ‖b‖² - 2ab`; squared distances below 1e-12 count as 1e-12, where their gradient is 0, so that equal
    rows, and each row and itself, give no infinite gradient.
    """
    squares = embeddings.square().sum(1)
    squared = squares[:, None] + squares[None, :] - 2 * embeddings @ embeddings.T
    return squared.clamp(min=1e-12).sqrt()


def same_identity(labels: Tensor) -> Tensor:
    """(N,) labels to (N, N) bool: whether two rows show the same person; each row and itself do."""
    return torch.eq(labels[:, None], labels[None, :])
