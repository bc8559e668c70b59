"""k-reciprocal re-ranking of single queries against a gallery whose neighbourhoods are known beforehand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from passerby.errors import DataError
from passerby.retrieval.distance import normalise
from passerby.retrieval.rerank.encoding import (
    PairDistances,
    averaged,
    expand_encoding,
    reciprocal_sets,
    scaled,
    weights,
)
from passerby.retrieval.rerank.inputs import check_neighbours, check_pair, check_share, joined_units
from passerby.retrieval.rerank.jaccard import jaccard, overlap
from passerby.retrieval.rerank.neighbours import (
    EACH,
    Neighbourhood,
    nearest_exactly,
    neighbourhood,
    pair_similarities,
    rounding,
    squared,
)
from passerby.retrieval.rerank.reciprocal import distances_among
from passerby.types import FloatArray, IntArray


class ReciprocalGallery:
    """A gallery that answers one query after another with k-reciprocal distances, without comparing itself again.

    When it is made, it finds its pictures' neighbours among each other and their encodings. A query then costs one
    pass over the embeddings, and the encodings of those pictures alone whose neighbourhoods it enters: milliseconds.
    The answer is what `k_reciprocal` gives for the query by itself. Asking changes nothing, so several threads may
    ask at once.

    Args:
        gallery: (G, D) real array of any scale; rows are brought to length 1.
        k1: As for `k_reciprocal`, but less than G.
        k2: Likewise.
        lambda_: As for `k_reciprocal`.

    Raises:
        DataError: As for `k_reciprocal`.

    Example:
        >>> gallery = ReciprocalGallery(np.array([[1.0, 0.1], [0.9, 0.2], [0.1, 1.0], [0.2, 0.9]]), k1=2, k2=1)
        >>> gallery.distances(np.array([1.0, 0.0])).round(2)
        array([0.01, 0.02, 1.  , 0.96], dtype=float32)
    """

    def __init__(self, gallery: npt.NDArray[Any], k1: int = 20, k2: int = 6, lambda_: float = 0.3) -> None:
        check_pair(gallery, gallery)
        # The query takes a place among the neighbours too.
        check_neighbours(len(gallery) - 1, k1=k1, k2=k2)
        check_share("lambda_", lambda_)
        self._k1, self._k2, self._lambda = k1, k2, lambda_
        self._units = joined_units(gallery[:0], gallery, EACH)
        near = neighbourhood(self._units, max(k1 + 1, k2))
        everybody = np.arange(len(gallery))
        row, member = reciprocal_sets(near.ranks, everybody, k1)
        self._encoding = weights(row, member, everybody, near.farthest, distances_among(self._units))
        self._encoding.resize(len(gallery), len(gallery) + 1)  # The last column is the query's.
        self._columns = expand_encoding(self._encoding, averaged(near.ranks, k2)).tocsc()
        self._near, self._listed_wide = near, _listed_by(near.ranks[:, : k1 + 1])
        self._listed_averaged = _listed_by(averaged(near.ranks, k2))

    def distances(self, query: npt.NDArray[Any]) -> FloatArray:
        """Measure one query against the whole gallery.

        Args:
            query: (D,) real vector of any scale.

        Returns:
            (G,) float32 from 0 to 1; smaller is nearer.

        Raises:
            DataError: It is no vector of the gallery's dimension, or has no direction.
        """
        if np.ndim(query) != 1:
            raise DataError(f"expected one query embedding of shape (numbers,), got {np.shape(query)}")
        check_pair(query[None], self._units)
        visit = _Visit.of(self._near, self._units, normalise(query[None], "query embeddings"))
        changed, encoding = self._encode_again(visit)
        rows, expanded = self._expand_again(visit, changed, encoding)

        itself = expanded[-1:]
        shared = overlap(itself, self._columns)[0]
        smaller = np.minimum(expanded.data, itself.toarray()[0][expanded.indices])
        shared[rows[:-1]] = np.bincount(_rows_of(expanded), smaller, minlength=len(rows))[:-1]
        original = scaled(visit.to_query, visit.farthest[-1])
        return (self._lambda * original + (1 - self._lambda) * jaccard(shared)).astype(np.float32)

    def _encode_again(self, visit: "_Visit") -> tuple[IntArray, sparse.csr_array]:
        """Give the pictures whose vectors are not what they were, the query last, and what they are now."""
        itself = len(visit.to_query)
        smaller_sets = visit.touched(self._near, int(np.around(self._k1 / 2)) + 1)
        candidates = np.unique(
            np.concatenate(
                [visit.touched(self._near, self._k1 + 1), self._listed_wide[smaller_sets].indices, [itself]]
            )
        )
        row, member = reciprocal_sets(visit.ranks, candidates, self._k1)
        before = self._encoding[candidates[:-1]]
        pairs, pairs_before = row * (itself + 1) + member, _rows_of(before) * (itself + 1) + before.indices
        differing = np.union1d(np.setxor1d(pairs, pairs_before) // (itself + 1), len(candidates) - 1)
        kept = np.isin(row, differing)
        changed = candidates[differing]
        encoding = weights(
            np.searchsorted(differing, row[kept]), member[kept], changed, visit.farthest, self._pair_distances(visit)
        )
        # Where the query is farther than everybody was, weights exp(-d / farthest) change without a look at d.
        rescaled = np.setdiff1d(np.flatnonzero(visit.to_query > self._near.farthest), changed)
        old = self._encoding[rescaled]
        rows = _rows_of(old)
        old.data **= (self._near.farthest / visit.farthest[:-1])[rescaled][rows]
        old.data /= np.bincount(rows, old.data, minlength=len(rescaled))[rows].astype(np.float32)
        return np.concatenate([rescaled, changed]), sparse.vstack([old, encoding], format="csr")

    def _expand_again(
        self, visit: "_Visit", changed: IntArray, encoding: sparse.csr_array
    ) -> tuple[IntArray, sparse.csr_array]:
        """Give the pictures whose averaged vectors are not what they were, the query last, and what they are now."""
        itself = len(visit.to_query)
        first = visit.entered[visit.place < self._k2]
        rows = np.union1d(np.union1d(first, self._listed_averaged[changed[:-1]].indices), itself)
        nearest = averaged(visit.ranks, self._k2)[rows]
        unchanged = np.setdiff1d(nearest, changed)
        place = np.empty(itself + 1, np.int32)
        place[unchanged], place[changed] = np.arange(len(unchanged)), len(unchanged) + np.arange(len(changed))
        pool = sparse.vstack([self._encoding[unchanged], encoding], format="csr")
        return rows, expand_encoding(pool, place[nearest])

    def _pair_distances(self, visit: "_Visit") -> PairDistances:
        """Squared distances of pairs of gallery pictures and the query."""
        itself, among_gallery = len(visit.to_query), distances_among(self._units)

        def distances(left: IntArray, right: IntArray) -> npt.NDArray[Any]:
            found = np.append(visit.to_query, np.float32(0))[np.minimum(left, right)]
            both = np.maximum(left, right) < itself
            found[both] = among_gallery(left[both], right[both])
            return found

        return distances


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    """The gallery's tables with one query among its pictures, as the last of them.

    Attributes:
        to_query: (G,) each picture's squared distance to the query.
        ranks: (G + 1, K) everybody's nearest.
        farthest: (G + 1,) everybody's largest distance.
        entered: Whose lists the query is in.
        place: At which place it is there, for each of these.
    """

    to_query: FloatArray
    ranks: npt.NDArray[np.int32]
    farthest: FloatArray
    entered: IntArray
    place: IntArray

    @classmethod
    def of(cls, near: Neighbourhood, units: FloatArray, query: FloatArray) -> "_Visit":
        """Let a query, a (1, D) unit vector, in."""
        itself, count = len(units), near.ranks.shape[1]
        similarities = query @ units.T
        to_query = squared(similarities[0])
        # Of everybody who may have room for it, lists are compared in double precision. As in `k_reciprocal`, where
        # queries come first, it is before what is equally near.
        entered = np.flatnonzero(to_query <= near.distances[:, -1] + 8 * rounding(units))
        lists = near.ranks[entered]
        others = pair_similarities(units, np.repeat(entered, count), units, lists.ravel(), np.float64)
        own = pair_similarities(units, entered, query, np.zeros(len(entered), np.int64), np.float64)
        place = (others.reshape(lists.shape) > own[:, None]).sum(axis=1)
        entered, lists, place = entered[place < count], lists[place < count], place[place < count, None]
        later = np.arange(count) > place
        np.copyto(lists, np.roll(lists, 1, axis=1), where=later)
        np.put_along_axis(lists, place, itself, axis=1)

        ranks = np.empty((itself + 1, count), np.int32)
        ranks[:-1] = near.ranks
        ranks[entered] = lists
        ranks[-1, 0], ranks[-1, 1:] = itself, nearest_exactly(similarities, query, units, count - 1)[0][0]
        farthest = np.append(np.maximum(near.farthest, to_query), to_query.max())
        return cls(to_query, ranks, farthest, entered, place[:, 0])

    def touched(self, near: Neighbourhood, count: int) -> IntArray:
        """Whose sets of `count` the query changes: it is in their list, or has put them out of another's."""
        entered = self.entered[self.place < count]
        return np.union1d(entered, near.ranks[entered, count - 1])


def _listed_by(lists: npt.NDArray[np.int32]) -> sparse.csr_array:
    """For each picture, who has it in his list: row p holds p's listers."""
    total, count = lists.shape
    starts = np.arange(0, total * count + 1, count)
    return sparse.csr_array((np.ones(lists.size, np.bool_), lists.ravel(), starts), shape=(total, total)).T.tocsr()


def _rows_of(matrix: sparse.csr_array) -> IntArray:
    """The row of each stored number."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
