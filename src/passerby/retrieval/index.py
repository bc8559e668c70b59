"""Vectors by id: added, removed, and searched exactly, with or without a filter."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.candidates import Candidates
from passerby.retrieval.distance import require_unit_rows
from passerby.retrieval.index_file import open_index, write_index
from passerby.retrieval.shared_lock import SharedLock
from passerby.retrieval.vector_blocks import VectorBlocks
from passerby.types import FloatArray, IntArray

QUERIES_AT_ONCE = 256
"""More queries than this are searched in turns, so that memory stays bounded."""

SPARSE = 0.3
"""Where a filter allows less than this share of the index, the rows that it allows are copied together first."""

GATHERED = 1024
"""Rows that are copied together at a time; few enough to stay in the cache."""


class Index:
    """Unit vectors with ids, searched by comparison with all of them or with those that a filter allows.

    Answers are exact: distances are measured in float64 and rounded once, equal ones come in order of id, so that the
    same vectors give the same answer in whatever order they were added and however they are filtered.

    Any number of threads may use an index. Calls that read go on side by side; `add` and `remove` wait for those that
    are running and have the index to themselves, so each call sees all of a change or nothing of it. When `remove`
    returns, the vectors are overwritten.

    Example:
        >>> index = Index(dimension=2)
        >>> index.add(np.array([7, 8, 9]), np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], np.float32))
        >>> distances, ids = index.search(np.array([[1.0, 0.0]]), top=2)
        >>> ids, distances.round(3)
        (array([[7, 8]]), array([[0. , 0.4]], dtype=float32))
        >>> index.search(np.array([[1.0, 0.0]]), top=2, allowed=np.array([8, 9]))[1]
        array([[8, 9]])
    """

    def __init__(self, dimension: int) -> None:
        if dimension < 1:
            raise DataError(f"expected vectors of at least 1 number, got {dimension}")
        self._dimension = dimension
        self._vectors = VectorBlocks(dimension)
        self._ids = np.empty(0, np.int64)  # Of each row; longer than there are rows.
        self._row_of: dict[int, int] = {}
        self._lock = SharedLock()

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""
        return self._dimension

    @property
    def ids(self) -> IntArray:
        """(N,) int64, ascending; a copy."""
        with self._lock.reading():
            return np.sort(self._ids[: len(self._vectors)])

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._row_of

    def add(self, ids: npt.NDArray[Any], embeddings: npt.NDArray[Any]) -> None:
        """Add vectors under new ids: all of them, or none where one does not fit.

        Args:
            ids: (N,) int64, each once and not in the index yet.
            embeddings: (N, D) float32 unit vectors.

        Raises:
            DataError: An id is no integer, occurs twice or is in the index; or the shapes do not fit, or a row is not
                finite or not of length 1.
        """
        ids, vectors = _checked_ids(ids), self._checked("new", embeddings)
        if len(ids) != len(vectors):
            raise DataError(f"expected an id for each of {len(vectors)} embeddings, got {len(ids)} ids")
        listed = ids.tolist()
        if len(set(listed)) != len(listed):
            values, counts = np.unique(ids, return_counts=True)
            raise DataError(f"expected each new id once, got {values[counts > 1][0]} more than once")
        with self._lock.writing():
            for known in listed:
                if known in self._row_of:
                    raise DataError(f"expected new ids, but {known} is in the index; remove it first")
            start = len(self._vectors)
            self._vectors.append(vectors)
            self._reserve(start + len(ids))
            self._ids[start : start + len(ids)] = ids
            self._row_of.update(zip(listed, range(start, start + len(ids)), strict=True))

    def remove(self, ids: npt.NDArray[Any]) -> int:
        """Forget vectors; ids that are not in the index are passed over.

        Args:
            ids: (M,) int64.

        Returns:
            How many vectors were removed.

        Raises:
            DataError: An id is no integer.
        """
        listed = dict.fromkeys(_checked_ids(ids).tolist())
        with self._lock.writing():
            rows = np.array([self._row_of.pop(i) for i in listed if i in self._row_of], np.int64)
            if not len(rows):
                return 0
            # Rows from the end move into the gaps, so that only as much is copied as was removed.
            length = len(self._vectors) - len(rows)
            gaps = rows[rows < length]
            movers = np.setdiff1d(np.arange(length, len(self._vectors)), rows)
            self._vectors.move(movers, gaps)
            self._ids[gaps] = self._ids[movers]
            self._row_of.update(zip(self._ids[gaps].tolist(), gaps.tolist(), strict=True))
            self._vectors.truncate(length)
            return len(rows)

    def search(
        self, queries: npt.NDArray[Any], top: int, allowed: npt.NDArray[Any] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Find the vectors that are nearest to each query, by exact comparison.

        Args:
            queries: (Q, D) float32 unit vectors.
            top: How many to return at most, 1 or more.
            allowed: (M,) int64: only these ids are compared; those that are not in the index are passed over. None
                allows all, an empty array none.

        Returns:
            Cosine distances (Q, k) float32 from 0 to 2, ascending, and ids (Q, k) int64, equal distances in order of
            id; k is `top`, or less where fewer vectors may be compared.

        Raises:
            DataError: The shapes do not fit, a row is not finite or not of length 1, `top` is less than 1, or an id
                is no integer.
        """
        queries = self._checked("query", queries)
        if top < 1:
            raise DataError(f"expected to look for at least 1 nearest, got {top}")
        chosen = None if allowed is None else _checked_ids(allowed)
        with self._lock.reading():
            rows = None if chosen is None else self._rows_among(chosen)
            found = min(top, len(self._vectors) if rows is None else len(rows))
            distances = np.empty((len(queries), found), np.float32)
            ids = np.empty((len(queries), found), np.int64)
            for start in range(0, len(queries) if found else 0, QUERIES_AT_ONCE):
                piece = slice(start, start + QUERIES_AT_ONCE)
                distances[piece], ids[piece] = self._nearest(queries[piece], found, rows)
        return distances, ids

    def vectors(self, ids: npt.NDArray[Any]) -> FloatArray:
        """Give vectors by their ids.

        Args:
            ids: (M,) int64.

        Returns:
            (M, D) float32, in the order of `ids`; a copy.

        Raises:
            DataError: An id is no integer or not in the index.
        """
        listed = _checked_ids(ids).tolist()
        with self._lock.reading():
            for identifier in listed:
                if identifier not in self._row_of:
                    raise DataError(f"expected ids of the index, but it has no vector {identifier}")
            return self._vectors.take(np.array([self._row_of[i] for i in listed], np.int64))

    def save(self, path: Path | str) -> None:
        """Write the index to a file, whole or not at all, with a checksum.

        Raises:
            MachineError: The disk is full or read-only, or the folder is not ours to write to.
        """
        with self._lock.reading():
            ids = self._ids[: len(self._vectors)]
            write_index(path, self._dimension, ids, (block for _, block in self._vectors))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read an index that `save` wrote; every byte is checked, and nothing in the file is run.

        Raises:
            DataError: The file is missing, damaged, of a newer version, or larger than the memory.
        """
        with open_index(Path(path)) as reader:
            index = cls(reader.header.dimension)
            count = reader.header.count
            index._ids = np.empty(count, np.int64)
            reader.fill(index._ids)
            for piece in index._vectors.extend(count):
                reader.fill(piece)
            reader.finish()
            index._row_of = dict(zip(index._ids.tolist(), range(count), strict=True))
            if len(index._row_of) != count:
                raise reader.damaged("an id occurs twice")
            for _, block in index._vectors:
                try:
                    require_unit_rows("saved", block)
                except DataError as error:
                    raise reader.damaged("a vector is not of length 1") from error
        return index

    def _nearest(self, queries: FloatArray, top: int, rows: IntArray | None) -> tuple[FloatArray, IntArray]:
        candidates = Candidates(queries, top, self._vectors, self._ids)
        if rows is not None and len(rows) < SPARSE * len(self._vectors):
            for start in range(0, len(rows), GATHERED):
                among = rows[start : start + GATHERED]
                candidates.offer(queries @ self._vectors.take(among).T, among)
            return candidates.nearest()
        for first, block in self._vectors:
            similarities, among = queries @ block.T, np.arange(first, first + len(block))
            if rows is not None:
                start, stop = np.searchsorted(rows, (first, first + len(block)))
                among = rows[start:stop]
                similarities = similarities[:, among - first]
            candidates.offer(similarities, among)
        return candidates.nearest()

    def _rows_among(self, allowed: IntArray) -> IntArray:
        """The rows of those ids that are in the index, ascending."""
        if len(allowed) * 16 > len(self._vectors):
            return np.flatnonzero(np.isin(self._ids[: len(self._vectors)], allowed))
        found = {self._row_of.get(identifier, -1) for identifier in allowed.tolist()} - {-1}
        return np.sort(np.fromiter(found, np.int64, len(found)))

    def _reserve(self, length: int) -> None:
        if length > len(self._ids):
            longer = np.empty(max(length, 2 * len(self._ids)), np.int64)
            longer[: len(self._ids)] = self._ids
            self._ids = longer

    def _checked(self, name: str, embeddings: npt.NDArray[Any]) -> FloatArray:
        embeddings = np.asarray(embeddings)
        if embeddings.ndim != 2 or embeddings.shape[1] != self._dimension or embeddings.dtype.kind not in "fiu":
            raise DataError(
                f"expected {name} embeddings of shape (N, {self._dimension}) of real numbers, "
                f"got {embeddings.shape} of {embeddings.dtype}"
            )
        return require_unit_rows(name, embeddings)


def _checked_ids(ids: npt.NDArray[Any]) -> IntArray:
    ids = np.asarray(ids)
    if ids.ndim != 1 or (len(ids) and not np.can_cast(ids.dtype, np.int64)) or ids.dtype.kind == "b":
        raise DataError(f"expected ids as a list (N,) of int64 integers, got {ids.dtype} of shape {ids.shape}")
    return ids.astype(np.int64, copy=False)
