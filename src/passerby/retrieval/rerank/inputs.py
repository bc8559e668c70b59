"""What every method of re-ranking asks of its input, before the work starts."""

from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.machine import require_memory
from passerby.retrieval.distance import normalise
from passerby.types import FloatArray


def check_pair(query: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> None:
    """Refuse embeddings that cannot be compared.

    Raises:
        DataError: One is empty or no matrix of real numbers, or the dimensions differ.
    """
    for name, embeddings in (("query", query), ("gallery", gallery)):
        if embeddings.ndim != 2 or embeddings.dtype.kind not in "fiu":
            raise DataError(
                f"expected {name} embeddings as real numbers of shape (pictures, numbers), got {embeddings.dtype} of "
                f"shape {embeddings.shape}"
            )
        if not len(embeddings):
            raise DataError(f"expected at least one {name} embedding, got none")
    if query.shape[1] != gallery.shape[1]:
        raise DataError(
            "expected query and gallery embeddings of the same dimension, "
            f"got {query.shape[1]} and {gallery.shape[1]}; they are of two different models"
        )


def check_neighbours(gallery: int, **counts: int) -> None:
    """Refuse numbers of neighbours that are less than 1 or more than the gallery has pictures.

    Raises:
        DataError: One is; it is named.
    """
    for name, count in counts.items():
        if count < 1:
            raise DataError(f"expected {name} of at least 1, got {count}")
        if count > gallery:
            raise DataError(f"expected {name} of at most {gallery}, the gallery's pictures, got {count}; choose less")


def check_share(name: str, share: float) -> None:
    """Refuse a weight outside 0 to 1.

    Raises:
        DataError: It is.
    """
    if not 0 <= share <= 1:
        raise DataError(f"expected {name} from 0 to 1, got {share}")


def joined_units(query: npt.NDArray[Any], gallery: npt.NDArray[Any], each: int = 0) -> FloatArray:
    """Bring queries and gallery to length 1 and put them together, if there is memory for the work.

    Args:
        query: (Q, D) real array, checked by `check_pair`.
        gallery: (G, D) real array.
        each: Bytes that the method needs for every picture, beside the embeddings and one (Q, G) float32 matrix.

    Returns:
        (Q + G, D) float32 unit vectors, the queries first.

    Raises:
        DataError: A row has no direction, or the memory is too small.
    """
    total = len(query) + len(gallery)
    require_memory(
        4 * len(query) * len(gallery) + total * (8 * query.shape[1] + each),
        f"re-ranking {len(gallery):,} pictures for {len(query):,} queries",
        "re-rank fewer queries at a time, or only the nearest pictures",
    )
    units = np.empty((total, query.shape[1]), np.float32)
    units[: len(query)] = normalise(query, "query embeddings")
    units[len(query) :] = normalise(gallery, "gallery embeddings")
    return units
