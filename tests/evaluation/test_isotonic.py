import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.evaluation.isotonic import pooled_blocks

rows = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 5)), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_the_averages_are_the_fit_that_the_min_max_formula_gives(drawn: list[tuple[int, int]]) -> None:
    values, weights = (np.array(column, float) for column in zip(*drawn, strict=True))
    starts = pooled_blocks(values, weights)
    ends = np.append(starts[1:], len(values))
    fit = np.empty(len(values))
    for start, end in zip(starts, ends, strict=True):
        fit[start:end] = np.average(values[start:end], weights=weights[start:end])

    def mean(first: int, last: int) -> float:
        return float(np.average(values[first : last + 1], weights=weights[first : last + 1]))

    count = len(values)
    exact = [min(max(mean(a, b) for b in range(i, count)) for a in range(i + 1)) for i in range(count)]
    np.testing.assert_allclose(fit, exact, atol=1e-12)
    assert (np.diff(fit[starts]) < 0).all()
