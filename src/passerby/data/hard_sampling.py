"""PK batches of people who are hard to tell apart."""

from collections.abc import Sequence

import numpy as np

from passerby.data.sampling import deal, draw_people, members_of
from passerby.types import FloatArray, IntArray


def hard_identity_batches(
    person_ids: Sequence[int] | IntArray,
    people: int,
    pictures: int,
    rng: np.random.Generator,
    embeddings: FloatArray,
    together: int = 4,
) -> list[IntArray]:
    """One epoch of PK batches of people in groups whose embeddings are near.

    Each batch draws people as `pk_batches` does, and beside each of them the `together - 1` nearest ones who have
    pictures left, so that the batch holds hard negatives whatever else is in it (hard identity mining as in Zhao et
    al., "Mining Hard Identities", 2018, by running embeddings).

    Args:
        person_ids: (N,) whom each picture shows.
        people: P, at least 2.
        pictures: K, at least 1.
        rng: The draw; the same state gives the same batches.
        embeddings: (people, D) a running embedding of each, in ascending order of ids; only directions count.
        together: How many stand in a group, 1 to P.

    Returns:
        Batches of P·K indices, a person's K side by side.

    Raises:
        DataError: There are fewer than P people.
    """
    groups = [deal(indices, pictures, rng) for indices in members_of(person_ids, people)]
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    left = np.array([len(dealt) for dealt in groups])
    batches: list[IntArray] = []
    while np.count_nonzero(left) >= people:
        free, chosen = left.copy(), list[int]()
        while len(chosen) < people:
            seed = int(draw_people(free, 1, rng)[0])
            similarity = np.where(free > 0, unit @ unit[seed], -np.inf)
            similarity[seed] = np.inf
            count = min(together, people - len(chosen))
            near = np.argsort(-similarity, kind="stable")[:count].tolist()
            chosen += near
            free[near] = 0
        left[chosen] -= 1
        batches.append(np.concatenate([groups[person].pop() for person in chosen]))
    return batches
