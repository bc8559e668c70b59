"""Embeddings of crops that may hold several pictures of a person."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from passerby.retrieval.distance import normalise
from passerby.types import FloatArray, ImageArray

if TYPE_CHECKING:
    from passerby.models.embedder import Embedder


def embed_all(embedder: "Embedder", crops: Sequence[Sequence[ImageArray]]) -> FloatArray:
    """One embedding (N, D) for each of N crops: of its picture, or the mean of those of its pictures."""
    vectors = np.asarray(embedder.embed([picture for pictures in crops for picture in pictures]), np.float32)
    if all(len(pictures) == 1 for pictures in crops):
        return vectors
    starts = [0, *accumulate(len(pictures) for pictures in crops)][:-1]
    means: FloatArray = normalise(np.add.reduceat(vectors, starts))
    return means
