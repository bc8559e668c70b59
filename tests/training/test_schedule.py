import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.training.schedule import Schedule, learning_rate_factor


def test_warm_up_is_linear_and_ends_at_the_full_rate() -> None:
    schedule = Schedule(kind="constant", warmup_epochs=10, warmup_factor=0.1)
    factors = [learning_rate_factor(schedule, epoch, 60) for epoch in (0, 5, 9.999999, 10, 59)]
    assert factors == pytest.approx([0.1, 0.55, 1, 1, 1])


def test_steps_fall_at_their_milestones_and_not_before() -> None:
    schedule = Schedule(kind="step", milestones=(40, 70), gamma=0.1, warmup_epochs=10)
    factors = [learning_rate_factor(schedule, epoch, 120) for epoch in (10, 39.999, 40, 69.999, 70, 119)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_the_cosine_is_half_way_in_the_middle_and_ends_at_its_floor() -> None:
    schedule = Schedule(kind="cosine", floor=0.2, warmup_epochs=20)
    factors = [learning_rate_factor(schedule, epoch, 120) for epoch in (20, 70, 120, 130)]
    assert factors == pytest.approx([1, 0.6, 0.2, 0.2])
    quarter = 0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi / 4))
    assert learning_rate_factor(schedule, 45, 120) == pytest.approx(quarter)


@given(
    st.sampled_from(["cosine", "step", "constant"]),
    st.floats(0, 30),
    st.floats(0, 1),
    st.integers(1, 20),
    st.floats(0, 1),
)
def test_factors_stay_between_0_and_1(kind: str, warmup: float, start: float, epochs: int, done: float) -> None:
    schedule = Schedule.model_validate(
        {"kind": kind, "warmup_epochs": warmup, "warmup_factor": start, "milestones": (3, 5), "floor": 0.01}
    )
    assert 0 <= learning_rate_factor(schedule, done * epochs, epochs) <= 1 + 1e-12
