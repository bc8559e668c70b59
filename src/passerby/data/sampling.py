"""Which pictures share a training batch."""

from collections.abc import Sequence

import numpy as np

from passerby.errors import DataError
from passerby.types import FloatArray, IntArray


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
    if not 1 <= in_a_row <= people:
        raise DataError(f"expected 1 to {people} people in a row, got {in_a_row}; lower batch.in_a_row")
    members = members_of(person_ids, people)
    groups = [deal(indices, pictures, rng) for indices in members]
    rows = [range(start, start + in_a_row) for start in range(0, len(groups) - in_a_row + 1, in_a_row)]
    left = np.array([min(len(groups[person]) for person in row) for row in rows])
    drawn = people // in_a_row
    batches: list[IntArray] = []
    while np.count_nonzero(left) >= drawn:
        chosen = draw_people(left, drawn, rng)
        left[chosen] -= 1
        batches.append(np.concatenate([groups[person].pop() for row in chosen for person in rows[row]]))
    return batches


def balanced_batches(
    person_ids: Sequence[int] | IntArray, people: int, pictures: int, rng: np.random.Generator, power: float = 0.0
) -> list[IntArray]:
    """As many PK batches as an epoch has, in which people are drawn in proportion to a power of their pictures.

    Each batch draws `people` different people anew. Each person's pictures are dealt in shuffled order, and shuffled
    and dealt again when they have all been shown, so that those of people with few come often. A power of 0 draws all
    people alike, 0.5 by the square root of their numbers, 1 by the numbers themselves (Kang et al., "Decoupling
    Representation and Classifier for Long-Tailed Recognition", ICLR 2020, equation 1).

    Args:
        person_ids: (N,) whom each picture shows.
        people: P, at least 2.
        pictures: K, at least 1.
        rng: The draw; the same state gives the same batches.
        power: From 0 to 1.

    Returns:
        Batches of P·K indices into `person_ids`, a person's K side by side; at least one.

    Raises:
        DataError: There are fewer than P people.
    """
    members = members_of(person_ids, people)
    sizes = np.array([len(indices) for indices in members])
    count = max(1, int((-(-sizes // pictures)).sum()) // people)
    weights = np.asarray(sizes**power, np.float32)
    left: list[list[IntArray]] = [[] for _ in members]
    batches: list[IntArray] = []
    for _ in range(count):
        chosen = draw_people(weights, people, rng)
        for person in chosen:
            left[person] = left[person] or deal(members[person], pictures, rng)
        batches.append(np.concatenate([left[person].pop() for person in chosen]))
    return batches


def dealt_batches(groups: list[list[IntArray]], people: int, rng: np.random.Generator) -> list[IntArray]:
    """Batches of one group each of `people` people, drawn in proportion to the groups that they have left.

    Args:
        groups: Each person's; used up from their ends.
        people: P.
        rng: The draw.

    Returns:
        Batches until fewer than P people have a group left.
    """
    left = np.array([len(dealt) for dealt in groups])
    batches: list[IntArray] = []
    while np.count_nonzero(left) >= people:
        chosen = draw_people(left, people, rng)
        left[chosen] -= 1
        batches.append(np.concatenate([groups[person].pop() for person in chosen]))
    return batches


def members_of(person_ids: Sequence[int] | IntArray, people: int) -> list[IntArray]:
    """Each person's pictures, if there are people enough for a batch."""
    labels = np.asarray(person_ids)
    members = [np.flatnonzero(labels == person) for person in np.unique(labels)]
    if len(members) < people:
        raise DataError(
            f"expected at least {people} people to draw batches from, got {len(members)}; "
            "add people or lower batch.people"
        )
    return members


def draw_people(weights: IntArray | FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """Draw `count` different places with probabilities in proportion to their weights, one after the other.

    By exponential races: the places with the smallest `-log(u) / weight` (Efraimidis and Spirakis, 2006).
    """
    with np.errstate(divide="ignore"):
        times = rng.exponential(size=len(weights)) / weights
    return np.argpartition(times, count - 1)[:count]


def deal(indices: IntArray, size: int, rng: np.random.Generator) -> list[IntArray]:
    """Shuffle one person's pictures into groups of `size`; a short one is filled up by drawing again."""
    shuffled = rng.permutation(indices)
    short = -len(shuffled) % size
    filled = np.concatenate([shuffled, rng.choice(indices, size=short)])
    return list(filled.reshape(-1, size))
