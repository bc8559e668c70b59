"""Searches that come at the same time are answered by one product of matrices."""

import threading
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from passerby.gallery.filter import Filter
from passerby.types import FloatArray, IntArray

_AT_ONCE = 256


class Finder(Protocol):
    """Finds the nearest sightings; see `Mirror.find`."""

    def find(self, queries: FloatArray, wanted: Filter, top: int) -> tuple[FloatArray, IntArray, int]:
        """Distances and numbers, one row a query, and how many sightings were compared."""
        ...


@dataclass(eq=False)
class _Waiting:
    query: FloatArray
    wanted: Filter
    top: int
    done: bool = False
    answer: tuple[FloatArray, IntArray, int] | None = None
    error: BaseException | None = field(default=None, repr=False)


class Batcher:
    """Collects the queries of many threads while one search runs, and answers them with the next."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._searching = False

    def find(self, query: FloatArray, wanted: Filter, top: int) -> tuple[FloatArray, IntArray, int]:
        """Find the nearest sightings to one query.

        Args:
            query: (D,) float32 unit vector.
            wanted: Which sightings to compare with.
            top: How many at most.

        Returns:
            Distances (K,) float32, ascending, numbers of sightings (K,) int64, and how many were compared.
        """
        mine = _Waiting(query, wanted, top)
        with self._changed:
            self._waiting.append(mine)
            while self._searching and not mine.done:
                self._changed.wait()
            if not mine.done:
                self._searching = True
                batch = self._take(mine)
        if not mine.done:
            try:
                self._answer(batch)
            finally:
                with self._changed:
                    self._searching = False
                    for waiting in batch:
                        waiting.done = True
                    self._changed.notify_all()
        if mine.error is not None:
            raise mine.error
        assert mine.answer is not None
        return mine.answer

    def _take(self, first: _Waiting) -> list[_Waiting]:
        """Those who ask the same of the same sightings, the first among them."""
        batch = [w for w in self._waiting if (w.wanted, w.top) == (first.wanted, first.top)][:_AT_ONCE]
        if first not in batch:
            batch[-1] = first
        self._waiting = [waiting for waiting in self._waiting if waiting not in batch]
        return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        try:
            queries = np.stack([waiting.query for waiting in batch])
            distances, numbers, compared = self._finder.find(queries, batch[0].wanted, batch[0].top)
            for row, waiting in enumerate(batch):
                waiting.answer = (distances[row], numbers[row], compared)
        except BaseException as error:
            for waiting in batch:
                waiting.error = error
            if not isinstance(error, Exception):
                raise
