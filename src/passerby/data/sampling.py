"""Which pictures share a training batch."""

from collections.abc import Sequence

import numpy as np

from passerby.errors import DataError
from passerby.types import IntArray


def pk_batches(
    person_ids: Sequence[int] | IntArray,
    people: int,
    pictures: int,
    rng: np.random.Generator,
    in_a_row: int = 1,
) -> list[IntArray]:
    """One epoch of PK batches: in each, `people` different people with `pictures` pictures of each.

    Every person's pictures are shuffled and dealt out in groups of `pictures`; a last group that is short is
    filled up by drawing again from the person's own. Batches take one group each of `people` people, drawn in
    proportion to the groups that they have left, until fewer than `people` people have one (Hermans et al.,
    "In Defense of the Triplet Loss", 2017, section 2; the epoch is the field's usual one).

    Args:
        person_ids: (N,) whom each picture shows.
        people: P, at least 2.
        pictures: K, at least 1.
        rng: The draw; the same state gives the same batches.
        in_a_row: So many people, in the order of their ids, are drawn together: those who are hard to tell apart,
            where ids are given so that they follow one another. P is rounded down to whole rows, and the last
            people are left out where they fill no row.

    Returns:
        Batches of P·K indices into `person_ids`, a person's K side by side.

    Raises:
        DataError: There are fewer than P people.
    """
    labels = np.asarray(person_ids)
    members = [np.flatnonzero(labels == person) for person in np.unique(labels)]
    if not 1 <= in_a_row <= people:
        raise DataError(f"expected 1 to {people} people in a row, got {in_a_row}; lower batch.in_a_row")
    if len(members) < people:
        raise DataError(
            f"expected at least {people} people to draw batches from, got {len(members)}; "
            "add people or lower batch.people"
        )
    groups = [_deal(indices, pictures, rng) for indices in members]
    rows = [range(start, start + in_a_row) for start in range(0, len(groups) - in_a_row + 1, in_a_row)]
    left = np.array([min(len(groups[person]) for person in row) for row in rows])
    drawn = people // in_a_row
    batches: list[IntArray] = []
    while np.count_nonzero(left) >= drawn:
        chosen = _draw(left, drawn, rng)
        left[chosen] -= 1
        batches.append(np.concatenate([groups[person].pop() for row in chosen for person in rows[row]]))
    return batches


def _draw(weights: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Draw `count` different places with probabilities in proportion to their weights, one after the other.

    By exponential races: the places with the smallest `-log(u) / weight` (Efraimidis and Spirakis, 2006).
    """
    with np.errstate(divide="ignore"):
        times = rng.exponential(size=len(weights)) / weights
    return np.argpartition(times, count - 1)[:count]


def _deal(indices: IntArray, size: int, rng: np.random.Generator) -> list[IntArray]:
    shuffled = rng.permutation(indices)
    short = -len(shuffled) % size
    filled = np.concatenate([shuffled, rng.choice(indices, size=short)])
    return list(filled.reshape(-1, size))
