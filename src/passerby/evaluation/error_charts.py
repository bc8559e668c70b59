"""The curves of decisions: ROC and DET of pairs, DET of the open set, and whether probabilities hold."""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from passerby.evaluation.charts import Chart, Curve, Tick, path
from passerby.evaluation.roc import RocCurve
from passerby.types import Reliability

LEAST_RATE = 1e-4
"""Where the axes of rates begin: below it a curve rests on too few pairs."""

_DET_LIMITS, _DET_TICKS = (0.0005, 0.9), (0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8)
_POINTS = 400

Floats = npt.NDArray[np.float64]


def roc_chart(curves: Mapping[str, RocCurve], rate: float | None = None) -> Chart:
    """Draw one or two ROC curves over a logarithmic axis of false accept rates.

    Args:
        curves: By label.
        rate: A false accept rate to mark, such as that of the threshold.
    """
    lines, reached = [], []
    for label, curve in curves.items():
        far, tpr = _thinned(curve)
        far, tpr = _from(LEAST_RATE, far, tpr)
        lines.append(Curve(label, path([(_decade(x), 100 - 100 * y) for x, y in zip(far, tpr, strict=True)]), False))
        found = "; ".join(f"{float(np.interp(at, far, tpr)):.1%} at {at:g}" for at in (0.1, 0.01, 0.001))
        reached.append(f"{label}: {found}")
    shown = rate is not None and rate >= LEAST_RATE
    return Chart(
        summary=f"Share of pairs of the same person accepted, by false accept rate. {'. '.join(reached)}.",
        x_label="False accept rate, %",
        y_label="True accept rate, %",
        x_ticks=_rate_ticks(),
        y_ticks=_percents(),
        curves=tuple(lines),
        mark=Tick(_decade(rate), "threshold") if rate is not None and shown else None,
    )


def det_chart(curves: Mapping[str, RocCurve]) -> Chart:
    """Draw one or two DET curves over normal deviates, where equal spreads of both kinds give straight lines.

    Paper: Martin et al., The DET Curve in Assessment of Detection Task Performance, Eurospeech 1997.
    """
    lines = []
    for label, curve in curves.items():
        far, tpr = _thinned(curve)
        low, high = _DET_LIMITS
        far, frr = far.clip(low / 2, 1 - low / 2), (1 - tpr).clip(low / 2, 1 - low / 2)
        inside = np.flatnonzero((far >= low) & (far <= high) & (frr >= low) & (frr <= high))
        drawn = [(_deviate(float(far[place])), 100 - _deviate(float(frr[place]))) for place in inside]
        lines.append(Curve(label, path(drawn) if drawn else "M0 100", False))
    errors = "; ".join(f"{label}: {curve.equal_error_rate():.1%}" for label, curve in curves.items())
    ticks = tuple(Tick(_deviate(rate), f"{100 * rate:g}") for rate in _DET_TICKS)
    return Chart(
        summary=f"False reject rate by false accept rate. Equal error rate {errors}.",
        x_label="False accept rate, %",
        y_label="False reject rate, %",
        x_ticks=ticks,
        y_ticks=ticks,
        curves=(*lines, Curve("Both alike", "M0 100L100 0", False)),
    )


def open_set_chart(fpir: Floats, fnir: Floats, deviation: Floats) -> Chart:
    """Draw how many enrolled people are missed, by how many strangers raise a false alarm.

    Args:
        fpir: (K,) false positive identification rates, ascending.
        fnir: (K,) false negative identification rates, means over draws.
        deviation: (K,) their standard deviations over draws.
    """
    least = max(float(fpir[0]), LEAST_RATE)

    def across(rate: float) -> float:
        return float(100 * (1 - np.log10(max(rate, least)) / np.log10(least)))

    low, high = (fnir - deviation).clip(0, 1), (fnir + deviation).clip(0, 1)
    places = [across(float(rate)) for rate in fpir]
    band = [(x, 100 - 100 * y) for x, y in zip(places, high, strict=True)]
    band += [(x, 100 - 100 * y) for x, y in zip(places[::-1], low[::-1], strict=True)]
    found = "; ".join(f"{float(np.interp(at, fpir, fnir)):.1%} at {at:.0%}" for at in (0.01, 0.1, 1.0))
    return Chart(
        summary=f"Share of enrolled people missed, by share of strangers who raise an alarm: {found}.",
        x_label="Strangers who raise a false alarm (FPIR), %",
        y_label="Enrolled people who are missed (FNIR), %",
        x_ticks=tuple(Tick(across(rate), f"{100 * rate:g}") for rate in _decades(least)),
        y_ticks=_percents(),
        curves=(
            Curve("Mean over draws", path([(x, 100 - 100 * y) for x, y in zip(places, fnir, strict=True)]), False),
            Curve("± one deviation", path(band) + "Z", True, outlined=False),
        ),
    )


def reliability_chart(reliability: Reliability) -> Chart:
    """Draw how often pairs that were given a probability did show the same person."""
    points = list(zip(reliability.predicted, reliability.observed, strict=True))
    return Chart(
        summary="Observed share of pairs of the same person by predicted probability: "
        + "; ".join(f"{observed:.0%} at {predicted:.0%}" for predicted, observed in points)
        + f". Expected calibration error {reliability.expected_calibration_error:.1%}.",
        x_label="Predicted probability, %",
        y_label="Pairs that do show the same person, %",
        x_ticks=_percents(),
        y_ticks=_percents(),
        curves=(
            Curve("Observed", path([(100 * x, 100 - 100 * y) for x, y in points]), False),
            Curve("As predicted", "M0 100L100 0", False),
        ),
        points=tuple((100 * x, 100 * y) for x, y in points),
    )


def _thinned(curve: RocCurve) -> tuple[Floats, Floats]:
    """FAR and TPR at so many thresholds as a chart can show, fine where FAR is small and where TPR rises."""
    far, tpr = curve.false_accept_rates, 1 - curve.false_reject_rates
    wanted = np.concatenate(
        [
            np.searchsorted(far, np.geomspace(LEAST_RATE / 2, 1, _POINTS)),
            np.searchsorted(tpr, np.linspace(0, 1, _POINTS)),
            [0, len(far) - 1],
        ]
    )
    places = np.unique(wanted.clip(max=len(far) - 1))
    return far[places], tpr[places]


def _from(least: float, far: Floats, tpr: Floats) -> tuple[Floats, Floats]:
    """The part of a curve that lies at `least` or above, beginning on it."""
    start = int(np.searchsorted(far, least, side="right"))
    at_least = tpr[start - 1] if start else 0.0
    return np.concatenate([[least], far[start:]]), np.concatenate([[at_least], tpr[start:]])


def _decade(rate: float) -> float:
    return float(100 * (1 - np.log10(max(rate, LEAST_RATE)) / np.log10(LEAST_RATE)))


def _deviate(rate: float) -> float:
    low, value, high = (NormalDist().inv_cdf(share) for share in (_DET_LIMITS[0], rate, _DET_LIMITS[1]))
    return 100 * (value - low) / (high - low)


def _decades(least: float) -> list[float]:
    return [rate for rate in (0.0001, 0.001, 0.01, 0.1, 1.0) if rate >= least * 0.999]


def _rate_ticks() -> tuple[Tick, ...]:
    return tuple(Tick(_decade(rate), f"{100 * rate:g}") for rate in _decades(LEAST_RATE))


def _percents() -> tuple[Tick, ...]:
    return tuple(Tick(percent, str(percent)) for percent in range(0, 101, 20))
