"""How much pairs of the same person and of different people differ, in every direction."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.types import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class PairScatter:
    """Mean of (x - y)(x - y)ᵀ over pairs.

    Attributes:
        same: (D, D) float64, over pairs of the same person.
        different: (D, D) float64, over pairs of different people.
        same_pairs: How many.
        different_pairs: How many.
    """

    same: npt.NDArray[np.float64]
    different: npt.NDArray[np.float64]
    same_pairs: int
    different_pairs: int


def pair_scatter(
    embeddings: npt.NDArray[Any], ids: npt.ArrayLike, cameras: npt.ArrayLike | None = None
) -> PairScatter:
    """Sum up all pairs without visiting them, from sums over people and cameras.

    Over any symmetric choice of pairs, Σ (x - y)(x - y)ᵀ = Xᵀ (diag(n) X - P), with n how many partners a picture
    has and P the sum of them; both follow from sums over each person, each camera, and each person and camera.

    Args:
        embeddings: (N, D) real array.
        ids: (N,) whom each shows: integers or strings.
        cameras: (N,) integers or strings; then only pairs from two different cameras count. None: all pairs.

    Raises:
        DataError: Lengths do not fit, an embedding is not finite, or there are no pairs of one kind.
    """
    people = _groups("ids", ids, len(embeddings))
    places = np.zeros(len(people), np.int64) if cameras is None else _groups("cameras", cameras, len(embeddings))
    vectors = np.asarray(embeddings, np.float64)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise DataError(f"expected finite embeddings of shape (pictures, numbers), got shape {vectors.shape}")
    vectors = vectors - vectors.mean(axis=0)  # Differences stay; products of large numbers do not cancel.
    both = people * (places.max(initial=0) + 1) + places

    everybody = (vectors.sum(axis=0), np.full(len(vectors), len(vectors)))
    of_person, of_both = _sums(vectors, people), _sums(vectors, both)
    # Left out is one's own camera; without cameras only oneself, whose difference is 0 anyhow.
    of_camera = _sums(vectors, places)
    if cameras is None:
        of_both = of_camera = (vectors, np.ones(len(vectors), np.int64))
    same = (of_person[0] - of_both[0], of_person[1] - of_both[1])
    others = (everybody[0] - of_camera[0] - same[0], everybody[1] - of_camera[1] - same[1])
    same_pairs, different_pairs = int(same[1].sum()) // 2, int(others[1].sum()) // 2
    if not same_pairs or not different_pairs:
        across = " from two cameras" if cameras is not None else ""
        raise DataError(
            f"expected pairs{across} of the same person and of different people, got {same_pairs} and "
            f"{different_pairs}; check ids and cameras"
        )
    return PairScatter(
        _scatter(vectors, same) / same_pairs, _scatter(vectors, others) / different_pairs, same_pairs, different_pairs
    )


def check_settings(dimension: int | None, regularisation: float) -> None:
    """Refuse numbers that no metric can be learnt with.

    Raises:
        DataError: A dimension is given and less than 1, or the regularisation is not above 0.
    """
    if dimension is not None and dimension < 1:
        raise DataError(f"expected a dimension of 1 or more, got {dimension}")
    if not 0 < regularisation < np.inf:
        raise DataError(f"expected a regularisation above 0, got {regularisation}")


def _scatter(
    vectors: npt.NDArray[np.float64], partners: tuple[npt.NDArray[np.float64], IntArray]
) -> npt.NDArray[np.float64]:
    sums, counts = partners
    scatter: npt.NDArray[np.float64] = vectors.T @ (counts[:, None] * vectors - sums)
    return (scatter + scatter.T) / 2


def _sums(vectors: npt.NDArray[np.float64], groups: IntArray) -> tuple[npt.NDArray[np.float64], IntArray]:
    """For each picture the sum of its group's vectors, and how many they are."""
    _, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, group, vectors)
    return sums[group], counts[group]


def _groups(name: str, labels: npt.ArrayLike, length: int) -> IntArray:
    """Labels of any kind as numbers from 0."""
    array: npt.NDArray[Any] = np.asarray(labels)
    if array.shape != (length,) or array.dtype.kind not in "iuUS":
        raise DataError(
            f"expected {name} as {length} integers or strings, one for each embedding, got {array.dtype} of shape "
            f"{array.shape}"
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64)
