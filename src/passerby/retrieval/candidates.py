"""The nearest of many vectors, kept while these pass by in blocks; the answer does not depend on the blocks."""

import numpy as np

from passerby.retrieval.vector_blocks import VectorBlocks
from passerby.types import FloatArray, IntArray

ROOM = 32
"""How many times the wanted number of candidates may gather before the farther ones are dropped."""

_RESCORED = 1024


class Candidates:
    """For each of some queries, the rows that may yet be among its `top` nearest.

    A matrix product in float32 gives similarities with rounding errors that depend on how the product was cut into
    pieces. So rows are kept as long as they are within the largest possible such error of the last wanted place, and
    in the end these few are measured again, in float64, each by itself: distances and their ties come out the same
    for any blocks, filters, threads or order of rows.
    """

    def __init__(self, queries: FloatArray, top: int, vectors: VectorBlocks, ids: IntArray) -> None:
        self._queries, self._top, self._vectors, self._ids = queries, top, vectors, ids
        # The bound of a float32 sum of `dimension` products of unit vectors, once for each of the two compared, and
        # the rounding of distances to float32.
        self._slack = np.float32((2.2 * queries.shape[1] + 32) * 2**-24)
        self._least = np.full(len(queries), -np.inf, np.float32)
        self._query = np.empty(0, np.int64)
        self._row = np.empty(0, np.int64)
        self._similarity = np.empty(0, np.float32)
        self._waiting: list[tuple[IntArray, IntArray, FloatArray]] = []
        self._count = 0

    def offer(self, similarities: FloatArray, rows: IntArray) -> None:
        """Take in (Q, B) similarities of the queries to B rows that were not offered before."""
        near = similarities >= self._least[:, None]
        if np.count_nonzero(near) > 4 * self._top * len(near) and self._top < len(rows):
            last = np.partition(similarities, -self._top, axis=1)[:, -self._top]
            self._least = np.maximum(self._least, self._bound(last))
            near = similarities >= self._least[:, None]
        query, column = np.nonzero(near)
        self._waiting.append((query, rows[column], similarities[query, column]))
        self._count += len(query)
        if self._count > self._room():
            self._gather()
            self._drop_farther()
            if self._count > self._room() // 2:  # Masses of rows at the same distance: let their ids decide now.
                self._settle()

    def nearest(self) -> tuple[FloatArray, IntArray]:
        """Give (Q, top) cosine distances, ascending, and the rows' ids; at least `top` rows were offered."""
        self._gather()
        self._drop_farther()
        distances = self._settle()
        shape = (len(self._queries), self._top)
        return distances.reshape(shape), self._ids[self._row].reshape(shape)

    def _room(self) -> int:
        return ROOM * self._top * len(self._queries)

    def _bound(self, similarities: FloatArray) -> FloatArray:
        """The least similarity that may turn out as near as these; distances end at 0 and 2, where all tie."""
        bound = np.minimum(similarities, np.float32(1)) - self._slack
        return np.where(bound > -1, bound, np.float32(-np.inf)).astype(np.float32, copy=False)

    def _gather(self) -> None:
        kept = (self._query, self._row, self._similarity)
        parts = zip(kept, *self._waiting, strict=True)
        self._query, self._row, self._similarity = (np.concatenate(part) for part in parts)
        self._waiting.clear()

    def _drop_farther(self) -> None:
        order = np.lexsort((-self._similarity, self._query))
        starts = np.searchsorted(self._query[order], np.arange(len(self._queries) + 1))
        full = np.flatnonzero(np.diff(starts) >= self._top)
        last = self._similarity[order[starts[full] + self._top - 1]]
        self._least[full] = np.maximum(self._least[full], self._bound(last))
        self._keep(np.flatnonzero(self._similarity >= self._least[self._query]))

    def _settle(self) -> FloatArray:
        """Measure all candidates exactly, keep each query's nearest in their order, and give their distances."""
        exact = np.empty(len(self._row), np.float64)
        by_row = np.argsort(self._row)
        for start in range(0, len(by_row), _RESCORED):
            piece = by_row[start : start + _RESCORED]
            products = self._vectors.take(self._row[piece]).astype(np.float64)
            products *= self._queries[self._query[piece]]
            exact[piece] = products.sum(axis=1)
        distances = np.clip(1 - exact, 0, 2).astype(np.float32)
        order = np.lexsort((self._ids[self._row], distances, self._query))
        query = self._query[order]
        place = np.arange(len(query)) - np.searchsorted(query, query)
        order = order[place < self._top]
        self._similarity = exact.astype(np.float32)
        self._keep(order)
        return distances[order]

    def _keep(self, places: IntArray) -> None:
        self._query, self._row = self._query[places], self._row[places]
        self._similarity = self._similarity[places]
        self._count = len(places)
