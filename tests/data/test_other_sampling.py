"""Batches balanced by camera, of people alike, and of pairs."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.data.camera_sampling import camera_balanced_batches
from passerby.data.hard_sampling import hard_identity_batches
from passerby.data.pair_sampling import pair_batches, pairs_of
from passerby.errors import DataError

COUNTS = st.lists(st.integers(1, 9), min_size=4, max_size=9)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.integers(1, 5), st.integers(0, 99))
def test_camera_balanced_batches_are_pk_batches_of_even_cameras(counts: list[int], pictures: int, seed: int) -> None:
    people = np.repeat(np.arange(len(counts)), counts)
    cameras = rng(seed).integers(-1, 3, len(people))
    batches = camera_balanced_batches(people, cameras, 3, pictures, rng(seed))
    again = camera_balanced_batches(people, cameras, 3, pictures, rng(seed))
    assert all(map(np.array_equal, batches, again))
    assert batches
    for batch in batches:
        rows = batch.reshape(3, pictures)
        assert len(set(people[rows[:, 0]])) == 3
        for row in rows:
            assert len(set(people[row])) == 1
            known = set(cameras[people == people[row[0]]])
            drawn = Counter(cameras[row].tolist())
            # No camera of the person comes twice more often than another.
            assert max(drawn.values()) - min(drawn.get(camera, 0) for camera in known) <= 1


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.integers(1, 3), st.integers(1, 3), st.integers(0, 99))
def test_anchors_have_positives_and_negatives_of_their_own(
    counts: list[int], positives: int, negatives: int, seed: int
) -> None:
    people = np.repeat(np.arange(len(counts)), counts)
    batches = pair_batches(people, 3, positives, negatives, rng(seed))
    assert all(map(np.array_equal, batches, pair_batches(people, 3, positives, negatives, rng(seed))))
    pairs = pairs_of(3, positives, negatives)
    assert pairs.shape == (3 * (positives + negatives), 2)
    assert 1 <= len(batches) <= max(1, len(people) // (3 * (1 + positives + negatives)))
    for batch in batches:
        same = people[batch[pairs[:, 0]]] == people[batch[pairs[:, 1]]]
        assert same.tolist() == ([True] * positives + [False] * negatives) * 3
        anchors = batch[:: 1 + positives + negatives]
        assert len(set(people[anchors])) == 3


def test_different_positives_where_a_person_has_enough_pictures() -> None:
    people = np.repeat(np.arange(4), 6)
    for batch in pair_batches(people, 4, 2, 2, rng()):
        for row in batch.reshape(4, 5):
            assert len(set(row.tolist())) == 5


def test_people_alike_are_drawn_together() -> None:
    people = np.repeat(np.arange(12), 8)
    # Three clusters of four people each.
    embeddings = np.eye(3)[np.arange(12) // 4] + 0.01 * rng().normal(size=(12, 3))
    batches = hard_identity_batches(people, 4, 2, rng(), embeddings.astype(np.float32), together=4)
    clusters = [{int(person) // 4 for person in people[batch]} for batch in batches]
    assert len(batches) >= 6
    assert all(len(found) == 1 for found in clusters[:6])
    assert {next(iter(found)) for found in clusters[:6]} >= {0, 1}
    for batch in batches:
        assert len(set(people[batch])) == 4
    used = Counter(np.concatenate(batches).tolist())
    assert max(used.values()) == 1


def test_together_is_cut_where_the_batch_ends() -> None:
    people = np.repeat(np.arange(9), 4)
    embeddings = rng().normal(size=(9, 5)).astype(np.float32)
    for together in (1, 3, 5, 7):
        for batch in hard_identity_batches(people, 5, 2, rng(), embeddings, together):
            assert len(set(people[batch])) == 5


def test_too_few_people_are_told() -> None:
    few = np.array([0, 0, 1])
    for draw in (
        lambda: camera_balanced_batches(few, few, 3, 2, rng()),
        lambda: pair_batches(few, 3, 1, 1, rng()),
        lambda: hard_identity_batches(few, 3, 2, rng(), np.ones((2, 2), np.float32)),
    ):
        with pytest.raises(DataError, match="expected at least 3 people"):
            draw()
