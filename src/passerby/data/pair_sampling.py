"""Batches of pairs for Siamese networks: anchors, each with positives and negatives of its own."""

from collections.abc import Sequence

import numpy as np

from passerby.data.sampling import deal, dealt_batches, members_of
from passerby.types import IntArray


def pair_batches(
    person_ids: Sequence[int] | IntArray, people: int, positives: int, negatives: int, rng: np.random.Generator
) -> list[IntArray]:
    """One epoch of batches that hold, for each of P people, an anchor, positives and negatives, side by side.

    Anchor and positives are a person's pictures as PK batches deal them; negatives are pictures of anybody else. An
    epoch has as many batches as the data has pictures for.

    Args:
        person_ids: (N,) whom each picture shows, at least two people.
        people: P, at least 2.
        positives: Of each anchor, at least 1.
        negatives: Of each anchor, at least 1.
        rng: The draw; the same state gives the same batches.

    Returns:
        Batches of P·(1 + positives + negatives) indices.

    Raises:
        DataError: There are fewer than P people.
    """
    labels = np.asarray(person_ids)
    own = 1 + positives
    groups = [deal(indices, own, rng) for indices in members_of(labels, people)]
    batches = []
    for batch in dealt_batches(groups, people, rng):
        rows: list[IntArray] = []
        for group in batch.reshape(-1, own):
            rows += [group, _others(labels, labels[group[0]], negatives, rng)]
        batches.append(np.concatenate(rows))
    wanted = max(1, len(labels) // (people * (own + negatives)))
    return batches[:wanted]


def pairs_of(people: int, positives: int, negatives: int) -> IntArray:
    """The pairs of such a batch, (P·(positives + negatives), 2) rows: each anchor with its own."""
    size = 1 + positives + negatives
    return np.array(
        [(anchor, anchor + other) for anchor in range(0, people * size, size) for other in range(1, size)], np.int64
    )


def _others(labels: IntArray, person: int, count: int, rng: np.random.Generator) -> IntArray:
    """Pictures of anybody else; different ones, where there are as many."""
    others = np.flatnonzero(labels != person)
    return rng.choice(others, size=count, replace=len(others) < count)
