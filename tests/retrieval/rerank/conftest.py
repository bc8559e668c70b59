"""Embeddings that cluster by person, and plain loops that several tests share."""

from collections.abc import Callable

import numpy as np
import pytest

People = Callable[[int, int, int], tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def people() -> People:
    """A function from seed and numbers of queries and gallery pictures to both, of no particular length."""

    def make(seed: int, queries: int, gallery: int, dimension: int = 24) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(seed)
        centres = random.normal(size=(max(2, gallery // 8), dimension))
        shown = random.integers(0, len(centres), queries + gallery)
        embeddings = 3 * (centres[shown] + 0.8 * random.normal(size=(queries + gallery, dimension)))
        return embeddings[:queries], embeddings[queries:]

    return make
