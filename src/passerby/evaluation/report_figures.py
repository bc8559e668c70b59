"""The report's figures: what each section shows, ready for the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from passerby.evaluation.bootstrap import Interval
from passerby.evaluation.error_charts import det_chart, open_set_chart, reliability_chart, roc_chart
from passerby.evaluation.evaluate import Evaluation
from passerby.evaluation.open_set import OpenSet
from passerby.types import Calibration


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its name and, where it is known, its interval."""

    name: str
    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure: its name, what it means, and its value for each model."""

    name: str
    meaning: str
    values: dict[str, Rate]


_HEADLINES = (
    ("rank_1", "Rank-1", "the first answer is right"),
    ("rank_5", "Rank-5", "one of the first five is"),
    ("rank_10", "Rank-10", "one of the first ten is"),
    ("mAP", "mAP", "right answers come early"),
    ("mINP", "mINP", "even the last one does"),
)


def headlines(models: Mapping[str, Evaluation]) -> list[Figure]:
    """Rank-1, 5 and 10, mAP and mINP of each model, with intervals over people."""
    intervals = {label: evaluation.intervals() for label, evaluation in models.items()}
    return [
        Figure(
            name,
            meaning,
            {label: Rate(label, found[key].value, found[key]) for label, found in intervals.items()},
        )
        for key, name, meaning in _HEADLINES
    ]


def decisions(
    models: Mapping[str, Evaluation], evaluation: Evaluation, calibration: Calibration | None
) -> dict[str, Any]:
    """What the section on decisions shows: curves of all pairs, and how the threshold does here."""
    pairs = evaluation.pairs
    curves = {label: model.pairs.curve for label, model in models.items() if model.pairs}
    reliability = calibration.evidence.reliability if calibration and calibration.evidence else None
    shown: dict[str, Any] = {
        "pairs": pairs.curve if pairs else None,
        "reliability": reliability_chart(reliability) if reliability and reliability.predicted else None,
        "roc": None,
        "det": None,
        "false_accept_rate": None,
        "false_reject_rate": None,
        "verification": [],
    }
    if pairs is None:
        return shown
    if calibration is not None:
        place = max(0, int(np.searchsorted(pairs.curve.thresholds, calibration.threshold, side="right")) - 1)
        shown["false_accept_rate"] = float(pairs.curve.false_accept_rates[place])
        shown["false_reject_rate"] = float(pairs.curve.false_reject_rates[place])
    found = pairs.intervals()
    names = {"auc": "Area under the ROC curve", "eer": "Equal error rate"}
    shown["verification"] = [
        Rate(names.get(key) or f"TPR at FPR {100 * float(key.rpartition('_')[2]):g}%", pairs.figures[key], interval)
        for key, interval in found.items()
    ]
    shown["roc"] = roc_chart(curves, shown["false_accept_rate"])
    shown["det"] = det_chart(curves)
    return shown


def open_set_section(open_set: OpenSet | None) -> dict[str, Any]:
    """What the section on the open set shows."""
    if open_set is None:
        return {"open_set": None}
    rates = [
        Rate(f"TPIR at FPIR {rate:.0%}", spread.mean, open_set.intervals[rate])
        for rate, spread in open_set.found.items()
    ]
    chart = open_set_chart(open_set.det_fpir, open_set.det_fnir, open_set.det_deviation)
    return {"open_set": open_set, "open_set_curve": chart, "open_set_rates": rates}
