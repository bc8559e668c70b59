"""Where the lines and ticks of the report's charts go; the template draws them as SVG."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.histogram import BINS, FARTHEST, DistanceHistogram

CMC_RANKS = 50
"""The CMC curve is drawn up to this rank: nobody looks through more answers than that."""

VISIBLE = 0.02
"""The distance axis ends where no bin holds this percentage of its kind any more."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, in percent of its length."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart.

    Attributes:
        label: What the legend calls it.
        path: An SVG path in a square of 100 × 100, the origin at the top left.
        filled: Whether the path is closed and its inside is tinted.
        outlined: Whether the line itself is drawn.
    """

    label: str
    path: str
    filled: bool
    outlined: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template needs to draw one chart.

    Attributes:
        summary: What the chart shows, for those who cannot see it.
        x_label: Quantity and unit along the horizontal axis.
        y_label: Quantity and unit along the vertical axis.
        x_ticks: From left to right.
        y_ticks: From the bottom up.
        curves: The first is drawn in the accent colour, the second dashed and grey, the third dotted.
        mark: A vertical line, where there is one.
        points: Dots to draw, in percent from the left and from the bottom.
    """

    summary: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    mark: Tick | None = None
    points: tuple[tuple[float, float], ...] = ()


def cmc_chart(curves: Mapping[str, npt.NDArray[np.float64]]) -> Chart:
    """Draw one or two CMC curves over ranks 1 to 50.

    Args:
        curves: For each label, the share of queries with a right answer among the first k, from k = 1.

    Raises:
        DataError: The curves are of different lengths, so not of the same gallery.
    """
    lengths = {len(cmc) for cmc in curves.values()}
    if len(lengths) != 1:
        raise DataError(f"expected CMC curves of one gallery, got lengths {sorted(lengths)}")
    last = max(2, min(CMC_RANKS, *lengths))

    def across(rank: float) -> float:
        return 100 * (rank - 1) / (last - 1)

    lines = [
        Curve(label, path([(across(k), 100 - 100 * share) for k, share in enumerate(cmc[:last], 1)]), False)
        for label, cmc in curves.items()
    ]
    reached = "; ".join(
        f"{label}: {cmc[0]:.1%} at rank 1, {cmc[:last][-1]:.1%} at rank {last}" for label, cmc in curves.items()
    )
    return Chart(
        summary=f"Share of queries with a right answer among the first k. {reached}.",
        x_label="Rank k",
        y_label="Queries with a right answer in the first k, %",
        x_ticks=tuple(Tick(across(k), str(k)) for k in (1, 5, 10, 20, 30, 40, 50) if k <= last),
        y_ticks=tuple(Tick(percent, str(percent)) for percent in range(0, 101, 20)),
        curves=tuple(lines),
    )


def distance_chart(histogram: DistanceHistogram, threshold: float | None) -> Chart:
    """Draw how distances of the same person and of different people are spread, each as a share of its own.

    Args:
        histogram: Counts of both kinds of pairs.
        threshold: The distance up to which pairs are accepted, or None without a calibration.
    """
    bins = BINS / FARTHEST  # a unit of distance
    shares = {"Same person": _shares(histogram.same), "Different people": _shares(histogram.different)}
    used = np.flatnonzero(sum(shares.values()) > VISIBLE)
    farthest = max((used[-1] + 1) / bins if len(used) else FARTHEST, threshold or 0)
    farthest = min(FARTHEST, math.ceil(farthest * 5) / 5)
    shown = round(farthest * bins)
    highest = float(max(share.max() for share in shares.values())) or 1.0
    step = _round_step(highest)
    top = step * max(1, math.ceil(highest / step))

    def outline(share: npt.NDArray[np.float64]) -> str:
        points = [(0.0, 100.0)]
        for place, value in enumerate(share[:shown]):
            height = 100 - 100 * value / top
            points += [(100 * place / shown, height), (100 * (place + 1) / shown, height)]
        return path([*points, (100.0, 100.0)]) + "Z"

    centres = (np.arange(BINS) + 0.5) / bins
    usual = [
        f"{name} {float(np.average(centres, weights=counts)):.2f}"
        for name, counts in (("same person", histogram.same), ("different people", histogram.different))
        if counts.any()
    ]
    stop = "" if threshold is None else f" The threshold is at {threshold:.2f}."
    return Chart(
        summary=f"Distances of pairs of pictures, on average: {', '.join(usual)}.{stop}",
        x_label="Cosine distance",
        y_label="Share of pairs in each step of 0.02, %",
        x_ticks=tuple(
            Tick(100 * tenth / (10 * farthest), f"{tenth / 10:.1f}")
            for tenth in range(0, round(10 * farthest) + 1, 2 if farthest <= 1.2 else 4)
        ),
        y_ticks=tuple(Tick(100 * n * step / top, f"{n * step:g}") for n in range(round(top / step) + 1)),
        curves=tuple(Curve(label, outline(share), True) for label, share in shares.items()),
        mark=None if threshold is None else Tick(100 * threshold / farthest, f"threshold {threshold:.2f}"),
    )


def _shares(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.asarray(100 * counts / max(1, counts.sum()), np.float64)


def _round_step(largest: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that reaches `largest`, above 0, in five steps."""
    power = 10 ** math.floor(math.log10(largest / 5))
    return float(min(n * power for n in (1, 2, 5, 10) if 5 * n * power >= largest))


def path(points: list[tuple[float, float]]) -> str:
    """An SVG path through points in a square of 100 × 100, the origin at the top left."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
