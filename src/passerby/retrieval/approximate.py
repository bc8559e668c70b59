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

TRIED, NEAREST = 100, 50
"""Vectors of the index that recall is foretold with, and how many of the nearest to each are looked for."""


class ApproximateIndex:
    """A copy of an index in inverted lists of 8-bit vectors (IVF-SQ8, by faiss): it may miss some of the nearest.

    A query is compared only with the vectors of the `probes` lists whose centres are nearest to it. There is no
    filter: filtering after such a search loses answers without a word, so filtered searches go to `Index`. What is
    added to or removed from the index later is not seen; build another copy.

    In how many lists one has to look depends on the vectors: where everybody looks like many others, in half of them.
    So it is measured, on the nearest of some vectors of the index itself. For pictures that it does not hold expect a
    little less, and measure it with `recall`.

    Args:
        index: What to copy.
        lists: How many lists; None takes twice the square root of the number of vectors.
        probes: In how many lists to look, 1 or more: more finds more, and takes longer. None takes as few as give
            `expected_recall`.
        expected_recall: The share of the 50 nearest to find, above 0 to 1; of no effect where `probes` are given.
        seed: Chooses the vectors that the centres are learnt from, and those that recall is foretold with.

    Attributes:
        lists: How many lists there are.
        probes: In how many of them a search looks.
        expected_recall: Which share of the 50 nearest these hold, for vectors of the index.

    Raises:
        DataError: The index is empty, or an option is out of its range.
        MissingExtraError: faiss is not installed.
    """

    def __init__(
        self,
        index: Index,
        *,
        lists: int | None = None,
        probes: int | None = None,
        expected_recall: float = 0.95,
        seed: int = 0,
    ) -> None:
        faiss = _faiss()
        ids = index.ids
        if not len(ids):
            raise DataError("expected vectors to make an approximate index of, got an empty index")
        lists = min(len(ids), round(2 * math.sqrt(len(ids))) if lists is None else lists)
        if lists < 1 or (probes is not None and probes < 1):
            raise DataError(f"expected at least 1 list and 1 probe, got {lists} and {probes}")
        if not 0 < expected_recall <= 1:
            raise DataError(f"expected a recall above 0, to 1, got {expected_recall:g}")
        self._dimension = index.dimension
        self._lists = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(index.dimension),
            index.dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        self._lists.cp.seed = seed + 1  # faiss takes 0 for "another each time".
        self._lists.cp.niter = ROUNDS
        self._lists.cp.min_points_per_centroid = 1  # Say nothing of few vectors: nobody can add any.
        random = np.random.default_rng(seed)
        chosen = random.choice(ids, min(len(ids), TRAINED_ON * lists), replace=False)
        self._lists.train(index.vectors(np.sort(chosen)))
        for start in range(0, len(ids), 16384):
            piece = ids[start : start + 16384]
            self._lists.add_with_ids(index.vectors(piece), piece)
        turns = np.sort(self._turns(index, random.choice(ids, min(len(ids), TRIED), replace=False)))
        if probes is None:
            probes = int(turns[math.ceil(expected_recall * len(turns)) - 1]) if len(turns) else lists
        self.lists, self.probes = lists, min(probes, lists)
        self.expected_recall = float((turns <= self.probes).mean()) if len(turns) else 1.0
        self._lists.nprobe = self.probes

    def _turns(self, index: Index, tried: IntArray) -> IntArray:
        """For the nearest of some vectors of the index: as the how-manieth their list is looked into, from 1."""
        nearest = index.search(index.vectors(tried), NEAREST + 1)[1]
        vector, place = np.nonzero(nearest != tried[:, None])
        lists = self._lists.quantizer.search(index.vectors(tried), self._lists.nlist)[1]
        at_home = self._lists.quantizer.search(index.vectors(nearest[vector, place]), 1)[1]
        turns: IntArray = np.nonzero(lists[vector] == at_home)[1] + 1
        return turns

    def __len__(self) -> int:
        return int(self._lists.ntotal)

    def __repr__(self) -> str:
        return (
            f"<ApproximateIndex of {len(self):,} vectors: looks into {self.probes:,} of {self.lists:,} lists, "
            f"expected recall {self.expected_recall:.3f}>"
        )

    def search(self, queries: npt.NDArray[Any], top: int) -> tuple[FloatArray, IntArray]:
        """Find vectors that are probably the nearest to each query.

        Args:
            queries: (Q, D) float32 unit vectors.
            top: How many to return at most, 1 or more.

        Returns:
            Cosine distances (Q, k) float32, ascending, measured to the 8-bit vectors, and ids (Q, k) int64; k is
            `top`, or less where the index holds fewer. A query whose lists hold fewer is compared with all vectors.

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
        # Where an answer is missing, faiss says so at the end of the row.
        poor = np.flatnonzero(similarities[:, -1] < -2)
        everywhere = _faiss().SearchParametersIVF(nprobe=self.lists)
        similarities[poor], ids[poor] = self._lists.search(queries[poor], ids.shape[1], params=everywhere)
        distances = np.clip(1 - similarities, 0, 2)
        order = np.lexsort((ids, distances))
        return np.take_along_axis(distances, order, 1), np.take_along_axis(ids, order, 1)

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


def _faiss() -> Any:  # noqa: ANN401 - a module without types
    """faiss, loaded when first used.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError("approximate search", "gallery") from error
    return faiss
