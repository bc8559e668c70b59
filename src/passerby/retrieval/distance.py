"""Cosine distances between unit vectors and Euclidean ones between any, whole or block by block."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.machine import require_memory
from passerby.types import FloatArray

UNIT_TOLERANCE = 1e-2
"""How far a row's length may be from 1: room for embeddings stored at half precision, not for raw ones."""


def normalise(embeddings: npt.NDArray[Any], name: str = "embeddings") -> FloatArray:
    """Scale every row to length 1.

    Args:
        embeddings: (N, D) real array.
        name: What errors call them.

    Returns:
        (N, D) float32, each row of Euclidean length 1.

    Raises:
        DataError: Not two-dimensional, or a row is all zeros or not finite; the first such row is named.

    Example:
        >>> normalise(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]], dtype=float32)
    """
    if embeddings.ndim != 2:
        raise DataError(f"expected {name} of shape (pictures, numbers), got {embeddings.shape}")
    # In float64 neither huge nor tiny float32 entries overflow or vanish when squared.
    lengths = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
    wrong = ~np.isfinite(lengths) | (lengths == 0)
    if wrong.any():
        row = int(wrong.argmax())
        what = "all zeros" if lengths[row] == 0 else "not finite"
        raise DataError(f"row {row} of the {name} is {what}; expected a finite vector with a direction")
    units = np.empty(embeddings.shape, np.float32)
    # Divided in float64 and rounded once, piece by piece: no float64 copy of everything.
    np.divide(embeddings, lengths[:, None], out=units, casting="same_kind")
    return units


def cosine_distances(queries: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> FloatArray:
    """Measure every query against every gallery embedding: 1 - cosine.

    Args:
        queries: (Q, D) unit vectors, as `normalise` makes them.
        gallery: (G, D) unit vectors.

    Returns:
        (Q, G) float32 from 0 (same direction) to 2 (opposite); smaller is nearer.

    Raises:
        DataError: The shapes do not fit, a row is not of length 1, or the memory is too small.

    Example:
        >>> cosine_distances(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
        array([[0., 1., 2.]], dtype=float32)
    """
    pair = _checked(queries, gallery)
    _require_room(*pair)
    return _distances(*pair)


def euclidean_distances(queries: npt.NDArray[Any], gallery: npt.NDArray[Any], *, squared: bool = False) -> FloatArray:
    """Measure every query against every gallery embedding: ‖q - g‖, or its square.

    Computed from products, as everybody does: a distance is off by up to about a thousandth of the embeddings'
    spread around their mean, and so are those of pictures that are nearly the same. Of unit vectors, squared
    distances are twice the cosine distances.

    Args:
        queries: (Q, D) real vectors of any length.
        gallery: (G, D) likewise.
        squared: Whether to leave out the root.

    Returns:
        (Q, G) float32, 0 or more; smaller is nearer.

    Raises:
        DataError: The shapes do not fit, a row is not finite, or the memory is too small.

    Example:
        >>> euclidean_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
        array([[5., 1.]], dtype=float32)
    """
    pair = _centred(queries, gallery)
    _require_room(*pair)
    return _euclidean(*pair, squared)


def distance_blocks(
    queries: npt.NDArray[Any],
    gallery: npt.NDArray[Any],
    rows: int = 256,
    kind: Literal["cosine", "euclidean", "squared"] = "cosine",
) -> Iterator[tuple[int, FloatArray]]:
    """Measure a few queries at a time, so that the whole matrix is never held.

    Args:
        queries: (Q, D) vectors, of length 1 for cosine distances.
        gallery: (G, D) likewise.
        rows: How many queries a block holds at most.
        kind: As `cosine_distances`, `euclidean_distances` or its squares.

    Yields:
        The first query's index and the block's (at most `rows`, G) float32 distances.

    Raises:
        DataError: As these do, or `rows` is less than 1, or there is no such kind.
    """
    if rows < 1:
        raise DataError(f"expected at least 1 row a block, got {rows}")
    if kind not in ("cosine", "euclidean", "squared"):
        raise DataError(f"expected distances cosine, euclidean or squared, got {kind}")
    queries, gallery = (_checked if kind == "cosine" else _centred)(queries, gallery)
    for start in range(0, len(queries), rows):
        block = queries[start : start + rows]
        yield start, _distances(block, gallery) if kind == "cosine" else _euclidean(block, gallery, kind == "squared")


def _distances(queries: FloatArray, gallery: FloatArray) -> FloatArray:
    distances: FloatArray = queries @ gallery.T
    np.subtract(1, distances, out=distances)
    # Rounding puts a picture's distance to itself a little below 0.
    return np.clip(distances, 0, 2, out=distances)


def _euclidean(queries: FloatArray, gallery: FloatArray, squared: bool) -> FloatArray:
    distances: FloatArray = queries @ gallery.T
    distances *= -2
    distances += np.einsum("nd,nd->n", queries, queries)[:, None]
    distances += np.einsum("nd,nd->n", gallery, gallery)
    np.maximum(distances, 0, out=distances)
    return distances if squared else np.sqrt(distances, out=distances)


def _centred(queries: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Both, less their mean: distances stay, and large numbers that all have in common do not round them away."""
    _check_shapes(queries, gallery)
    for name, embeddings in (("query", queries), ("gallery", gallery)):
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            raise DataError(f"row {int(finite.argmin())} of the {name} embeddings is not finite")
    centre = gallery.mean(axis=0, dtype=np.float64) if len(gallery) else 0
    return (queries - centre).astype(np.float32), (gallery - centre).astype(np.float32)


def _checked(queries: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    _check_shapes(queries, gallery)
    return require_unit_rows("query", queries), require_unit_rows("gallery", gallery)


def _require_room(queries: FloatArray, gallery: FloatArray) -> None:
    require_memory(
        4 * len(queries) * len(gallery),
        f"measuring {len(gallery):,} pictures for {len(queries):,} queries",
        "go through them with passerby.retrieval.distance.distance_blocks",
    )


def _check_shapes(queries: npt.NDArray[Any], gallery: npt.NDArray[Any]) -> None:
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise DataError(
            "expected query and gallery embeddings of shapes (Q, D) and (G, D) with the same D, "
            f"got {queries.shape} and {gallery.shape}"
        )


def require_unit_rows(name: str, embeddings: npt.NDArray[Any]) -> FloatArray:
    """Give (N, D) embeddings as float32, once it is sure that every row is of length 1.

    Args:
        name: What the error calls them, such as "query".
        embeddings: (N, D) unit vectors, as `normalise` makes them.

    Raises:
        DataError: A row is not finite or not of length 1; the first such row is named.
    """
    embeddings = embeddings.astype(np.float32, copy=False)
    squares = np.einsum("nd,nd->n", embeddings, embeddings)
    wrong = ~(np.abs(squares - 1) <= 2 * UNIT_TOLERANCE)
    if wrong.any():
        row = int(wrong.argmax())
        if not np.isfinite(embeddings[row]).all():
            raise DataError(f"row {row} of the {name} embeddings is not finite; expected a vector of length 1")
        raise DataError(
            f"row {row} of the {name} embeddings has length {np.sqrt(squares[row]):.3g}, expected 1; "
            "pass them through passerby.retrieval.distance.normalise first"
        )
    return embeddings
