"""A query made better by yes and no: pictures that a person has looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.rerank.inputs import check_pair
from passerby.retrieval.search import smallest
from passerby.types import FloatArray, IntArray


def rocchio(
    query: npt.NDArray[Any],
    yes: npt.NDArray[Any],
    no: npt.NDArray[Any],
    alpha: float = 1.0,
    beta: float = 0.75,
    gamma: float = 0.15,
) -> FloatArray:
    """Move a query towards what was right and away from what was wrong: α q + β mean(yes) - γ mean(no).

    Paper: Rocchio, Relevance Feedback in Information Retrieval, 1971; its usual weights.

    Args:
        query: (D,) real vector of any scale; it is brought to length 1, and so are the rows below.
        yes: (Y, D) embeddings of the same person; Y may be 0.
        no: (N, D) embeddings of others; N may be 0.
        alpha: Weight of the query, 0 or more.
        beta: Weight of what was right, 0 or more.
        gamma: Weight of what was wrong, 0 or more.

    Returns:
        (D,) float32 unit vector.

    Raises:
        DataError: Shapes do not fit, a row has no direction, a weight is out of its range, or nothing is left.

    Example:
        >>> rocchio(np.array([1.0, 0.0]), np.array([[0.0, 1.0]]), np.empty((0, 2))).round(2)
        array([0.8, 0.6], dtype=float32)
    """
    if not all(0 <= weight < np.inf for weight in (alpha, beta, gamma)):
        raise DataError(f"expected weights of 0 or more, got alpha {alpha}, beta {beta} and gamma {gamma}")
    unit, right, wrong = _examples(query, yes, no)
    moved = alpha * unit
    if len(right):
        moved = moved + beta * right.mean(axis=0)
    if len(wrong):
        moved = moved - gamma * wrong.mean(axis=0)
    return _unit(moved)


def discriminate(
    query: npt.NDArray[Any], yes: npt.NDArray[Any], no: npt.NDArray[Any], scale: float = 10.0, strength: float = 10.0
) -> FloatArray:
    """Turn a query into the direction that best tells what was right from what was wrong, staying near the query.

    A logistic regression whose prior is the query: with w = q + Σ c_i x_i over the examples x_i,

        min  scale² / (2 · strength) ‖w - q‖² + Σ log(1 + exp(-y_i (scale · wᵀ x_i - b)))

    over the c_i and b, y_i = 1 for yes and for the query itself, -1 for no; b has a weak prior of its own. It is
    convex and solved by Newton's method with as many unknowns as examples, in a millisecond.

    Args:
        query: (D,) real vector of any scale; it is brought to length 1, and so are the rows below.
        yes: (Y, D) embeddings of the same person; Y may be 0.
        no: (N, D) embeddings of others; N may be 0, and then the query moves towards what was right alone.
        scale: How steeply the probability falls with the cosine, above 0.
        strength: How much examples count against the prior, above 0.

    Returns:
        (D,) float32 unit vector: distances to it rank as the probability does.

    Raises:
        DataError: Shapes do not fit, a row has no direction, or a number is out of its range.

    Example:
        >>> discriminate(np.array([1.0, 0.0, 0.0]), np.empty((0, 3)), np.array([[0.8, 0.6, 0.0]])).round(2)
        array([ 0.99, -0.11,  0.  ], dtype=float32)
    """
    if not (0 < scale < np.inf and 0 < strength < np.inf):
        raise DataError(f"expected scale and strength above 0, got {scale} and {strength}")
    unit, right, wrong = _examples(query, yes, no)
    examples = np.concatenate([unit[None], right, wrong]).astype(np.float64)
    side = np.concatenate([np.ones(1 + len(right)), -np.ones(len(wrong))])
    kernel = examples @ examples.T
    start = scale * examples @ unit
    count = len(examples)
    # Unknowns: the dual coefficients times `scale`, then the bias, which a weak prior keeps finite without a no.
    unknown = np.append(np.zeros(count), start[side > 0].min() - 1)
    design = np.column_stack([kernel, -np.ones(count)])
    penalty = np.zeros((count + 1, count + 1))
    penalty[:count, :count] = kernel / strength
    penalty[count, count] = 1e-2
    anchor = unknown[count]

    def loss(at: npt.NDArray[np.float64]) -> float:
        apart = at - np.append(np.zeros(count), anchor)
        return float(apart @ penalty @ apart / 2 + np.logaddexp(0, -side * (start + design @ at)).sum())

    for _ in range(50):
        odds = 1 / (1 + np.exp(np.clip(side * (start + design @ unknown), -500, 500)))
        apart = unknown - np.append(np.zeros(count), anchor)
        slope = penalty @ apart - design.T @ (side * odds)
        curvature = penalty + (design * (odds * (1 - odds))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(count + 1), slope)
        size = 1.0
        while size > 1e-6 and loss(unknown - size * step) > loss(unknown) - 1e-4 * size * (slope @ step):
            size /= 2
        unknown = unknown - size * step
        if np.abs(size * step).max() < 1e-8:
            break
    refined = unit + examples.T @ unknown[:count] / scale
    return _unit(refined)


Refine: TypeAlias = Callable[[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]], FloatArray]
"""Takes a (D,) query, (Y, D) embeddings of yes and (N, D) of no; gives a (D,) float32 unit vector."""


@dataclass(frozen=True, eq=False)
class FeedbackSession:
    """A search that a person refines, round after round; each answer makes a new session, so any can be undone.

    Attributes:
        query: (D,) the first query.
        gallery: (G, D) unit vectors.
        yes: Gallery places that show the same person.
        no: Gallery places that show others.
        refine: What makes a better query of the first one, yes and no: `discriminate`, `rocchio`, one of these with
            other numbers (`functools.partial`), or one's own.
        refined: (D,) the better query, a unit vector.

    Example:
        >>> gallery = normalise(np.array([[1.0, 0.2], [1.0, -0.2], [0.8, 0.9]]))
        >>> first = FeedbackSession(np.array([1.0, 0.0]), gallery)
        >>> first.show(2)
        array([0, 1])
        >>> first.answer(yes=[0], no=[1]).show(1)
        array([2])
    """

    query: npt.NDArray[Any]
    gallery: FloatArray
    yes: tuple[int, ...] = ()
    no: tuple[int, ...] = ()
    refine: Refine = discriminate
    refined: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        marked = [*self.yes, *self.no]
        outside = [place for place in marked if not 0 <= place < len(self.gallery)]
        if outside:
            raise DataError(f"expected gallery places from 0 to {len(self.gallery) - 1}, got {outside[0]}")
        if len(set(marked)) < len(marked):
            twice = next(place for place in marked if marked.count(place) > 1)
            raise DataError(f"expected one answer for each picture, got two for {twice}")
        refined = self.refine(self.query, self.gallery[list(self.yes)], self.gallery[list(self.no)])
        object.__setattr__(self, "refined", refined)

    def answer(self, yes: npt.ArrayLike = (), no: npt.ArrayLike = ()) -> "FeedbackSession":
        """Go on with more gallery places that do and do not show the person.

        Raises:
            DataError: A place is not in the gallery, or was answered before.
        """
        more_yes, more_no = (tuple(int(place) for place in np.asarray(places).ravel()) for places in (yes, no))
        return replace(self, yes=self.yes + more_yes, no=self.no + more_no)

    def distances(self) -> FloatArray:
        """(G,) float32 cosine distances of the refined query; what was answered is not treated in any other way."""
        distances: FloatArray = cosine_distances(self.refined[None], self.gallery)[0]
        return distances

    def show(self, count: int) -> IntArray:
        """Give the nearest gallery places that nobody has answered for yet, nearest first."""
        distances = self.distances()
        distances[list(self.yes + self.no)] = np.nan
        return smallest(distances, count)


def _unit(vector: npt.NDArray[Any]) -> FloatArray:
    unit: FloatArray = normalise(vector[None], "refined query")[0]
    return unit


def _examples(
    query: npt.NDArray[Any], yes: npt.NDArray[Any], no: npt.NDArray[Any]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if np.ndim(query) != 1:
        raise DataError(f"expected one query embedding of shape (numbers,), got {np.shape(query)}")
    rows = [query[None]]
    for examples in (yes, no):
        if len(examples):
            check_pair(query[None], examples)
            rows.append(examples)
        else:
            rows.append(np.empty((0, len(query)), np.float32))
    unit, right, wrong = (normalise(part, name) for part, name in zip(rows, ("query", "yes", "no"), strict=True))
    return unit[0], right, wrong
