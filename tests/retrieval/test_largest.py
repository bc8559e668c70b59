import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.retrieval.largest import largest


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.integers(1, 120), st.integers(0, 1000), st.data())
def test_equals_a_full_sort(rows: int, columns: int, seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, columns))
    values = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    assert np.array_equal(largest(values, count), np.argsort(-values, axis=1, kind="stable")[:, :count])


@pytest.mark.parametrize("count", [1, 3, 40])
def test_of_equal_numbers_as_many_as_asked_for_are_found(count: int) -> None:
    values = np.random.default_rng(0).integers(0, 3, size=(20, 400))
    places = largest(values, count)
    assert all(len(set(row)) == count for row in places.tolist())
    np.testing.assert_array_equal(np.take_along_axis(values, places, axis=1), -np.sort(-values, axis=1)[:, :count])
    ordered = np.take_along_axis(values, places, axis=1) * 1000 - places
    assert (np.diff(ordered, axis=1) < 0).all()
