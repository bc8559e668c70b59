"""Approximate search in a quarter of the memory and a fraction of the time: opt-in, unfiltered, recall measured."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError, MissingExtraError
from passerby.retrieval.distance import require_unit_rows
from passerby.retrieval.index import Index
from passerby.types import FloatArray, IntArray

TRAINED_ON = 39
"""How many vectors a list, on average, the lists' centres are learnt from: the fewest that faiss advises."""

ROUNDS = 10
"""Rounds of k-means: later ones hardly move the centres."""


class ApproximateIndex:
    """A copy of an index in inverted lists of 8-bit vectors (IVF-SQ8, by faiss): it may miss some of the nearest.

    A query is compared only with the vectors of the `probes` lists whose centres are nearest to it. There is no
    filter: filtering after such a search loses answers without a word, so filtered searches go to `Index`. What is
    added to or removed from the index later is not seen; build another copy.

    Args:
        index: What to copy.
        lists: How many lists; None takes twice the square root of the number of vectors.
        probes: In how many lists to look, 1 or more: more finds more, and takes longer. None looks into a tenth of
            them, at least 8.
        seed: Chooses the vectors that the centres are learnt from.

    Raises:
        DataError: The index is empty, or an option is less than 1.
        MissingExtraError: faiss is not installed.
    """

    def __init__(self, index: Index, *, lists: int | None = None, probes: int | None = None, seed: int = 0) -> None:
        try:
            import faiss
        except ImportError as error:
            raise MissingExtraError("approximate search", "gallery") from error
        ids = index.ids
        if not len(ids):
            raise DataError("expected vectors to make an approximate index of, got an empty index")
        lists = min(len(ids), round(2 * math.sqrt(len(ids))) if lists is None else lists)
        probes = max(8, lists // 10) if probes is None else probes
        if lists < 1 or probes < 1:
            raise DataError(f"expected at least 1 list and 1 probe, got {lists} and {probes}")
        self._dimension = index.dimension
        self._lists = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(index.dimension),
            index.dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        self._lists.nprobe = min(probes, lists)
        self._lists.cp.seed = seed + 1  # faiss takes 0 for "another each time".
        self._lists.cp.niter = ROUNDS
        self._lists.cp.min_points_per_centroid = 1  # Say nothing of few vectors: nobody can add any.
        chosen = np.random.default_rng(seed).choice(ids, min(len(ids), TRAINED_ON * lists), replace=False)
        self._lists.train(index.vectors(np.sort(chosen)))
        for start in range(0, len(ids), 16384):
            piece = ids[start : start + 16384]
            self._lists.add_with_ids(index.vectors(piece), piece)

    def __len__(self) -> int:
        return int(self._lists.ntotal)

    def search(self, queries: npt.NDArray[Any], top: int) -> tuple[FloatArray, IntArray]:
        """Find vectors that are probably the nearest to each query.

        Args:
            queries: (Q, D) float32 unit vectors.
            top: How many to return at most, 1 or more.

        Returns:
            Cosine distances (Q, k) float32, ascending, measured to the 8-bit vectors, and ids (Q, k) int64; k is
            `top`, or less where the index or the lists looked into hold fewer: as few as for the poorest query.

        Raises:
            DataError: The shapes do not fit, a row is not finite or not of length 1, or `top` is less than 1.
        """
        queries = np.asarray(queries)
        if queries.ndim != 2 or queries.shape[1] != self._dimension:
            raise DataError(f"expected query embeddings of shape (N, {self._dimension}), got {queries.shape}")
        if top < 1:
            raise DataError(f"expected to look for at least 1 nearest, got {top}")
        queries = np.ascontiguousarray(require_unit_rows("query", queries))
        similarities, ids = self._lists.search(queries, min(top, len(self)))
        found = int((ids >= 0).sum(axis=1).min(initial=ids.shape[1]))
        distances = np.clip(1 - similarities[:, :found], 0, 2)
        order = np.lexsort((ids[:, :found], distances))
        return np.take_along_axis(distances, order, 1), np.take_along_axis(ids[:, :found], order, 1)

    def recall(self, index: Index, queries: npt.NDArray[Any], top: int) -> float:
        """Measure which share of the exact answers this one finds, 0 to 1, averaged over queries.

        Args:
            index: The index that this one was made of, unchanged since.
            queries: (Q, D) float32 unit vectors, such as will be asked.
            top: How many answers each.

        Raises:
            DataError: As `search` does, or there is no query.
        """
        exact, found = index.search(queries, top)[1], self.search(queries, top)[1]
        if not len(exact):
            raise DataError("expected at least one query to measure recall with, got none")
        return float(np.mean([np.isin(right, got).mean() for right, got in zip(exact, found, strict=True)]))
