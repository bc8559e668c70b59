import re
from statistics import NormalDist

import numpy as np
import pytest

from passerby.evaluation.error_charts import det_chart, open_set_chart, reliability_chart, roc_chart
from passerby.evaluation.roc import roc_curve
from passerby.types import Reliability


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(0.4, 0.1, 3000), random.normal(0.8, 0.1, 30_000)


def test_the_roc_passes_through_the_rates_counted_by_hand(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    positive, negative = pairs
    chart = roc_chart({"a": roc_curve(positive, negative)}, rate=0.01)
    drawn = points(chart.curves[0].path)
    across, down = np.array(drawn).T
    assert (np.diff(across) >= 0).all()
    for rate in (0.001, 0.01, 0.1):
        threshold = np.quantile(negative, rate)
        expected = 100 - 100 * (positive <= threshold).mean()
        place = 100 * (1 - np.log10(rate) / np.log10(1e-4))
        assert np.interp(place, across, down) == pytest.approx(expected, abs=1.0)
    assert drawn[0][0] == 0
    assert drawn[-1] == (100, 0)
    assert chart.mark is not None
    assert chart.mark.at == pytest.approx(50)
    assert [tick.label for tick in chart.x_ticks] == ["0.01", "0.1", "1", "10", "100"]


def test_a_rate_left_of_the_axis_is_not_marked(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    assert roc_chart({"a": roc_curve(*pairs)}, rate=1e-6).mark is None
    assert roc_chart({"a": roc_curve(*pairs)}).mark is None


def test_normal_distances_give_a_straight_det_line(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    chart = det_chart({"a": roc_curve(*pairs)})
    across, down = np.array(points(chart.curves[0].path)).T
    slope, intercept = np.polyfit(across, down, 1)
    assert np.abs(across * slope + intercept - down).max() < 4
    low, high = (NormalDist().inv_cdf(rate) for rate in (0.0005, 0.9))
    twentieth = 100 * (NormalDist().inv_cdf(0.05) - low) / (high - low)
    assert next(tick.at for tick in chart.x_ticks if tick.label == "5") == pytest.approx(twentieth)
    assert chart.curves[-1].path == "M0 100L100 0"
    assert "Equal error rate a: 2." in chart.summary


def test_people_who_are_apart_leave_the_det_empty() -> None:
    chart = det_chart({"a": roc_curve(np.array([0.1]), np.array([0.9]))})
    assert chart.curves[0].path == "M0 100"


def test_the_open_set_is_drawn_with_its_deviation() -> None:
    fpir, fnir = np.array([0.01, 0.1, 1.0]), np.array([0.8, 0.5, 0.2])
    chart = open_set_chart(fpir, fnir, np.array([0.1, 0.1, 0.3]))
    assert points(chart.curves[0].path) == [(0, 20), (50, 50), (100, 80)]
    band = points(chart.curves[1].path)
    assert band == [(0, 10), (50, 40), (100, 50), (100, 100), (50, 60), (0, 30)]
    assert chart.curves[1].filled
    assert not chart.curves[1].outlined
    assert "50.0% at 10%" in chart.summary


def test_reliability_is_drawn_beside_the_diagonal() -> None:
    chart = reliability_chart(Reliability((0.1, 0.9), (0.2, 0.8), (0.5, 0.5), True))
    assert points(chart.curves[0].path) == [(10, 80), (90, 20)]
    assert chart.points == ((10, 20), (90, 80))
    assert "error 10.0%" in chart.summary
