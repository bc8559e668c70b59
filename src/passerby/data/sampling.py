"""Which pictures share a training batch."""

from collections.abc import Sequence

import numpy as np

from passerby.errors import DataError
from passerby.types import IntArray


def pk_batches(
    person_ids: Sequence[int] | IntArray, people: int, pictures: int, rng: np.random.Generator
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

    Returns:
        Batches of P·K indices into `person_ids`, a person's K side by side.

    Raises:
        DataError: There are fewer than P people.
    """
    labels = np.asarray(person_ids)
    members = [np.flatnonzero(labels == person) for person in np.unique(labels)]
    if len(members) < people:
        raise DataError(
            f"expected at least {people} people to draw batches from, got {len(members)}; "
            "add people or lower batch.people"
        )
    groups = [_deal(indices, pictures, rng) for indices in members]
    left = np.array([len(group) for group in groups])
    batches: list[IntArray] = []
    while np.count_nonzero(left) >= people:
        chosen = _draw(left, people, rng)
        left[chosen] -= 1
        batches.append(np.concatenate([groups[person].pop() for person in chosen]))
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
