from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import DataError
from passerby.evaluation import bootstrap
from passerby.evaluation.bootstrap import mean_interval, mean_intervals, pair_rate_interval, paired_test


def drawn_people(people: int, resamples: int, seed: int) -> np.ndarray:
    """The people of each resample, as the bootstrap draws them."""
    return np.random.default_rng(np.random.SeedSequence([seed, 0])).integers(0, people, (resamples, people))


def test_equals_drawing_people_one_by_one_and_averaging_all_their_values() -> None:
    random = np.random.default_rng(3)
    people = random.integers(0, 9, 80)
    values = random.random(80)
    values[random.random(80) < 0.2] = np.nan
    found = mean_interval(values, people, resamples=300, confidence=0.9, seed=4)
    means = []
    for draw in drawn_people(9, 300, 4):
        every = [value for person in draw for value in values[people == person] if not np.isnan(value)]
        means.append(sum(every) / len(every))
    assert found.value == pytest.approx(np.nanmean(values))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.05, 0.95])))
    assert found.people == 9


def test_pairs_count_as_often_as_both_their_people_are_drawn() -> None:
    random = np.random.default_rng(5)
    measured = random.integers(0, 9, (7, 7))
    accepted = random.integers(0, measured + 1)
    found = pair_rate_interval(accepted, measured, resamples=200, seed=6)
    rates = []
    for draw in drawn_people(7, 200, 6):
        hits = pairs = 0
        for a, b in product(draw, draw):
            if a != b:
                hits += accepted[a, b]
                pairs += measured[a, b]
        rates.append(hits / pairs)
    off = ~np.eye(7, dtype=bool)
    assert found.value == pytest.approx(accepted[off].sum() / measured[off].sum())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])))


def test_drawing_in_blocks_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    people, values = random.integers(0, 40, 300), random.random(300)
    whole = mean_interval(values, people)
    monkeypatch.setattr(bootstrap, "_BLOCK", 1000)
    assert mean_interval(values, people).low == pytest.approx(whole.low, abs=0.005)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(8)
    held = 0
    for trial in range(200):
        chance = random.beta(2, 2, 60)  # People differ, their four pictures do not: resampling pictures would fail.
        values = np.repeat(random.random(60) < chance, 4)
        interval = mean_interval(values, np.repeat(np.arange(60), 4), resamples=400, seed=trial)
        held += interval.low <= 0.5 <= interval.high
    assert 178 <= held <= 198


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 1)), min_size=1, max_size=30), st.integers(0, 99))
def test_the_figure_lies_in_range_and_the_same_seed_repeats(rows: list[tuple[int, float]], seed: int) -> None:
    people, values = zip(*rows, strict=True)
    found = mean_interval(values, people, resamples=50, seed=seed)
    assert 0 <= found.low <= found.high <= 1 + 1e-12
    assert found == mean_interval(values, people, resamples=50, seed=seed)


def test_a_share_without_spread_gets_the_binomial_bound_of_its_people() -> None:
    never = mean_interval([0, 0, 0, 0], ["a", "a", "b", "c"])
    always = mean_interval(np.ones(4), [1, 2, 3, 4])
    assert (never.low, never.high) == (0, pytest.approx(1 - 0.025 ** (1 / 3)))
    assert (always.low, always.high) == (pytest.approx(0.025 ** (1 / 4)), 1)
    none = pair_rate_interval(np.zeros((5, 5)), np.ones((5, 5)))
    assert (none.low, none.high) == (0, pytest.approx(1 - 0.025 ** (1 / 5)))


def test_the_permutation_test_equals_all_swaps_of_few_people() -> None:
    first, second = np.array([0.1, 0.5, 0.2, 0.3, 0.6, 0.4]), np.array([0.4, 0.5, 0.6, 0.5, 0.9, 0.3])
    people = [1, 1, 2, 3, 4, 5]
    found = paired_test(first, second, people, seed=1)
    sums = [sum((second - first)[np.array(people) == person]) for person in range(1, 6)]
    swapped = [abs(sum(s * d for s, d in zip(signs, sums, strict=True))) for signs in product((1, -1), repeat=5)]
    exact = np.mean(np.array(swapped) >= abs(sum(sums)) - 1e-12)
    assert found.p_value == pytest.approx(exact, abs=0.02)
    assert found.difference.value == pytest.approx((second - first).mean())
    assert paired_test(first, first, people).p_value == 1


def test_a_clear_difference_is_found_and_chance_is_not() -> None:
    random = np.random.default_rng(9)
    first = random.random(200)
    assert paired_test(first, first + 0.1, np.arange(200)).p_value < 0.001
    noise = [
        paired_test(random.random(50), random.random(50), np.arange(50), resamples=300).p_value for _ in range(60)
    ]
    assert np.mean(np.array(noise) < 0.1) < 0.25


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected 2 values of mAP, one for each query, got \(3,\)"):
        mean_intervals({"mAP": [1, 2, 3]}, [1, 2])
    with pytest.raises(DataError, match="at least one value of it, got none"):
        mean_interval([np.nan, np.nan], [1, 2])
    with pytest.raises(DataError, match="at least 1 resample, got 0"):
        mean_interval([1, 0], [1, 2], resamples=0)
    with pytest.raises(DataError, match="confidence between 0 and 1, got 95"):
        mean_interval([1, 0], [1, 2], confidence=95)
    with pytest.raises(DataError, match=r"got \(2,\) and \(3,\)"):
        paired_test([1, 2], [1, 2, 3], [1, 2])
    with pytest.raises(DataError, match="one pair of different people, got none"):
        pair_rate_interval(np.eye(3), np.eye(3))
    with pytest.raises(DataError, match="matrices of people by people"):
        pair_rate_interval(np.ones((2, 3)), np.ones((2, 3)))
