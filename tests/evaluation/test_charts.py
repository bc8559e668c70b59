import re

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation.charts import CMC_RANKS, cmc_chart, distance_chart
from passerby.evaluation.histogram import DistanceHistogram, distance_histogram


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def test_the_cmc_curve_runs_from_the_first_rank_to_the_last_shown() -> None:
    chart = cmc_chart({"a": np.linspace(0.5, 1, 200), "b": np.full(200, 0.25)})
    a, b = (points(curve.path) for curve in chart.curves)
    assert (a[0], len(a)) == ((0, 50), CMC_RANKS)
    assert (b[0], b[-1]) == ((0, 75), (100, 75))
    assert [tick.label for tick in chart.x_ticks] == ["1", "5", "10", "20", "30", "40", "50"]
    assert "a: 50.0% at rank 1" in chart.summary


def test_a_gallery_smaller_than_the_axis_fills_it() -> None:
    chart = cmc_chart({"a": np.array([0.5, 0.5, 1.0])})
    assert points(chart.curves[0].path)[-1] == (100, 0)
    assert [tick.label for tick in chart.x_ticks] == ["1"]
    assert len(points(cmc_chart({"a": np.array([1.0])}).curves[0].path)) == 1
    with pytest.raises(DataError, match=r"of one gallery, got lengths \[1, 2\]"):
        cmc_chart({"a": np.ones(1), "b": np.ones(2)})


def test_distances_stay_within_the_plot_and_under_the_last_tick() -> None:
    random = np.random.default_rng(0)
    histogram = distance_histogram(random.normal(0.4, 0.1, 500), random.normal(0.9, 0.1, 5000))
    chart = distance_chart(histogram, threshold=0.6)
    for curve in chart.curves:
        across, down = zip(*points(curve.path), strict=True)
        assert (min(across), max(across), max(down)) == (0, 100, 100)
        assert 0 <= min(down) < 50
    assert chart.x_ticks[-1].label == "1.2"
    assert 3 <= len(chart.y_ticks) <= 6
    assert chart.mark is not None
    assert chart.mark.at == pytest.approx(100 * 0.6 / 1.4)
    assert "The threshold is at 0.60" in chart.summary


@pytest.mark.parametrize(("same", "different"), [([0.3], []), ([], [1.9]), ([2.0], [2.0])])
def test_few_pairs_are_drawn_too(same: list[float], different: list[float]) -> None:
    histogram = distance_histogram(np.array(same), np.array(different))
    assert distance_chart(histogram, threshold=None).mark is None


def test_no_pairs_leave_an_empty_plot() -> None:
    empty = np.zeros(100, np.int64)
    chart = distance_chart(DistanceHistogram(empty, empty), threshold=None)
    assert {y for curve in chart.curves for _, y in points(curve.path)} == {100}
