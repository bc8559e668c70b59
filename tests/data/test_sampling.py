import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.data.sampling import balanced_batches, pk_batches
from passerby.errors import DataError


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=80).filter(lambda labels: len(set(labels)) >= 2),
    st.integers(2, 6),
    st.integers(1, 5),
    st.integers(0, 3),
)
def test_batches_hold_p_people_with_k_pictures_each(labels: list[int], people: int, pictures: int, seed: int) -> None:
    people = min(people, len(set(labels)))
    batches = pk_batches(labels, people, pictures, np.random.default_rng(seed))
    again = pk_batches(np.array(labels), people, pictures, np.random.default_rng(seed))
    assert all(np.array_equal(one, other) for one, other in zip(batches, again, strict=True))
    assert batches
    shown = np.concatenate(batches)
    for batch in batches:
        groups = np.array(labels)[batch].reshape(people, pictures)
        assert (groups == groups[:, :1]).all()
        assert len(set(groups[:, 0].tolist())) == people
    # Nobody is shown more often than their pictures, filled up to whole groups, allow.
    for person in set(labels):
        most = -(-labels.count(person) // pictures) * pictures
        assert (np.array(labels)[shown] == person).sum() <= most
    # What is left over is too little for another batch.
    left = [-(-labels.count(p) // pictures) - (np.array(labels)[shown] == p).sum() // pictures for p in set(labels)]
    assert sum(groups > 0 for groups in left) < people


def test_an_epoch_shows_each_picture_once_where_people_are_evenly_many() -> None:
    labels = np.repeat(np.arange(8), 12)
    batches = pk_batches(labels, 8, 4, np.random.default_rng(0))
    assert len(batches) == 3
    assert sorted(np.concatenate(batches).tolist()) == list(range(96))


def test_people_with_many_pictures_come_in_proportion() -> None:
    labels = np.array([0] * 100 + [1] * 100 + [2] * 4 + [3] * 4)
    shown = labels[np.concatenate(pk_batches(labels, 2, 4, np.random.default_rng(0)))]
    assert (shown == 0).sum() > 80


def test_a_person_with_fewer_pictures_than_k_repeats_them() -> None:
    batches = pk_batches([5, 6, 6, 6, 6], 2, 4, np.random.default_rng(0))
    assert [sorted(batch.tolist()) for batch in batches] == [[0, 0, 0, 0, 1, 2, 3, 4]]


def test_another_state_gives_other_batches() -> None:
    labels = np.repeat(np.arange(8), 4)
    rng = np.random.default_rng(0)
    first, second = pk_batches(labels, 4, 2, rng), pk_batches(labels, 4, 2, rng)
    assert not np.array_equal(first[0], second[0])


def test_too_few_people_are_refused() -> None:
    with pytest.raises(DataError, match=r"at least 3 people to draw batches from, got 2.* lower batch\.people"):
        pk_batches([1, 1, 2], 3, 2, np.random.default_rng(0))


def test_people_in_a_row_share_their_batches() -> None:
    labels = np.repeat(np.arange(11), 8)
    batches = pk_batches(labels, 6, 4, np.random.default_rng(0), in_a_row=2)
    assert batches
    for batch in batches:
        shown = labels[batch].reshape(6, 4)[:, 0].reshape(3, 2)
        assert (shown[:, 0] % 2 == 0).all()
        assert (shown[:, 1] == shown[:, 0] + 1).all()
    # The last person fills no row.
    assert set(labels[np.concatenate(batches)].tolist()) == set(range(10))


def test_rows_longer_than_a_batch_are_refused() -> None:
    with pytest.raises(DataError, match=r"expected 1 to 4 people in a row, got 5; lower batch\.in_a_row"):
        pk_batches(np.repeat(np.arange(8), 4), 4, 2, np.random.default_rng(0), in_a_row=5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_people_are_drawn_by_a_power_of_their_pictures(power: float) -> None:
    # One person of four has 4 pictures, the others 400 each; a batch holds two people.
    labels = np.repeat([0, 1, 2, 3], [4, 400, 400, 400])
    rng = np.random.default_rng(0)
    batches = [batch for _ in range(40) for batch in balanced_batches(labels, 2, 4, rng, power)]
    people = [set(labels[batch]) for batch in batches]
    assert all(len(shown) == 2 and len(batch) == 8 for shown, batch in zip(people, batches, strict=True))
    rare, other = np.array([4, 400]) ** power / (4**power + 3 * 400**power)
    # First, or second behind one of the others, who is not put back.
    expected = rare + 3 * other * rare / (1 - other)
    assert np.mean([0 in shown for shown in people]) == pytest.approx(expected, rel=0.15)


def test_each_person_shows_all_pictures_before_any_comes_again() -> None:
    labels = np.repeat([0, 1, 2], 8)
    batches = balanced_batches(labels, 3, 4, np.random.default_rng(1))
    assert len(batches) == 2
    assert sorted(np.concatenate(batches)) == list(range(24))
    same = balanced_batches(labels, 3, 4, np.random.default_rng(1))
    assert all(np.array_equal(one, other) for one, other in zip(batches, same, strict=True))
    with pytest.raises(DataError, match="at least 4 people"):
        balanced_batches(labels, 4, 4, np.random.default_rng(1))
