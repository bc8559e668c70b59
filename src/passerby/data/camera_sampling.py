"""PK batches in which each person is seen by as many cameras as can be."""

from collections.abc import Sequence

import numpy as np

from passerby.data.sampling import dealt_batches, members_of
from passerby.types import IntArray


def camera_balanced_batches(
    person_ids: Sequence[int] | IntArray,
    camera_ids: Sequence[int] | IntArray,
    people: int,
    pictures: int,
    rng: np.random.Generator,
) -> list[IntArray]:
    """One epoch of PK batches; a person's pictures are dealt from their cameras in turn.

    A person's K pictures come from K cameras where there are as many, else as evenly as can be, so that every batch
    holds pairs across cameras. Cameras with few pictures of a person show them again.

    Args:
        person_ids: (N,) whom each picture shows.
        camera_ids: (N,) which camera took it; unknown ones count as a camera.
        people: P, at least 2.
        pictures: K, at least 1.
        rng: The draw; the same state gives the same batches.

    Returns:
        Batches of P·K indices, a person's K side by side.

    Raises:
        DataError: There are fewer than P people.
    """
    cameras = np.asarray(camera_ids)
    groups = [_deal(indices, cameras[indices], pictures, rng) for indices in members_of(person_ids, people)]
    return dealt_batches(groups, people, rng)


def _deal(indices: IntArray, cameras: IntArray, size: int, rng: np.random.Generator) -> list[IntArray]:
    """Groups of `size` of one person's pictures, from one camera after the other."""
    hands = [rng.permutation(indices[cameras == camera]) for camera in rng.permutation(np.unique(cameras))]
    count = -(-len(indices) // size) * size
    turns = [hands[turn % len(hands)] for turn in range(count)]
    dealt = [hand[(turn // len(hands)) % len(hand)] for turn, hand in enumerate(turns)]
    return list(np.array(dealt, np.int64).reshape(-1, size))
