"""Comparing many embeddings with many, block by block on all cores, without ever holding all distances."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from passerby.machine import processors
from passerby.retrieval.distance import normalise
from passerby.types import FloatArray, IntArray

Result = TypeVar("Result")

BLOCK_BYTES = 2**25
"""How large a block of distances may be; a few such are held by each core."""

MOST_ROWS = 128
"""More queries at a time make the product no faster."""


DistanceRows = Callable[[slice | IntArray], npt.NDArray[Any]]
"""Gives the distances of some queries to the whole gallery, as indexing a matrix would."""


class CosineRows(Protocol):
    """Gives cosine distances of some queries to the gallery, or to its part from a place on."""

    def __call__(self, chosen: slice | IntArray, first: int = 0) -> npt.NDArray[Any]:
        """(N, G - first) float32, 0 to 2."""
        ...


def cosine_rows(queries: FloatArray, gallery: FloatArray) -> CosineRows:
    """Cosine distances between rows of length 1, which nobody checks again for each block."""

    def rows(chosen: slice | IntArray, first: int = 0) -> npt.NDArray[Any]:
        block: npt.NDArray[Any] = queries[chosen] @ gallery[first:].T
        np.subtract(1, block, out=block)
        return np.clip(block, 0, 2, out=block)

    return rows


def block_rows(columns: int) -> int:
    """How many rows of float32 a block of so many columns has."""
    return max(1, min(MOST_ROWS, BLOCK_BYTES // (4 * max(1, columns))))


def for_each_block(work: Callable[[int, int], Result], rows: int, columns: int) -> list[Result]:
    """Call `work(start, stop)` for each block of rows, on all cores, and give the results in order.

    Each thread multiplies its own blocks, so that the counting which follows a product keeps all cores busy too; the
    linear algebra library's own threads rest meanwhile.

    Args:
        work: Must be safe to call from several threads at a time.
        rows: How many rows there are in all.
        columns: How long a row of distances is.
    """
    height = block_rows(columns)
    blocks = [(start, min(start + height, rows)) for start in range(0, rows, height)]
    threads = min(processors(), len(blocks))
    if threads <= 1:
        return [work(*block) for block in blocks]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda block: work(*block), blocks))


def unit_rows(embeddings: npt.NDArray[Any]) -> FloatArray:
    """The embeddings with every row at length 1: the same array where it is so already, else a copy.

    Raises:
        DataError: They are not two-dimensional, or a row is all zeros or not finite.
    """
    return embeddings if _is_unit(embeddings) else normalise(embeddings)


def unit_copy_bytes(embeddings: npt.NDArray[Any]) -> int:
    """How much memory `unit_rows` takes: none where no copy is made."""
    return 0 if _is_unit(embeddings) else 4 * embeddings.size


def working_bytes(columns: int) -> int:
    """How much memory all cores take together to rank and count blocks of so many columns."""
    # A float32 block, its steps and its coarse steps as int64, and passing copies of these.
    return processors() * (8 * block_rows(columns) * columns * 4 + 2**25)


def _is_unit(embeddings: npt.NDArray[Any]) -> bool:
    if embeddings.ndim != 2 or embeddings.dtype != np.float32:
        return False
    squares = np.einsum("nd,nd->n", embeddings, embeddings)
    return bool((np.abs(squares - 1) <= 1e-5).all())
