"""Learning what a distance says from counted pairs: isotonic and Platt's likelihood ratios, and whether they hold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from passerby.evaluation.isotonic import pooled_blocks
from passerby.evaluation.roc import RocCurve
from passerby.probability import log_likelihood_ratio, same_person_probability
from passerby.types import DistanceEvidence, ProbabilityMethod, Reliability

BINS = 10
"""Bars of the reliability diagram, of equal width."""

METHODS: tuple[ProbabilityMethod, ...] = ("isotonic", "platt")

_CELLS = 512
"""Pairs are gathered in some three times as many cells of neighbouring distances before anything is fitted."""

_KNOTS = 64
"""The table that is kept has at most some two and a half times as many rows."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Neighbouring distances together: their mean, and how much of either kind of pairs lies there."""

    distances: Floats
    same: Floats
    different: Floats


def fit_evidence(curve: RocCurve, people: int, folds: Sequence[tuple[RocCurve, RocCurve]] = ()) -> DistanceEvidence:
    """Learn what any distance says from pairs of known people.

    Both kinds of pairs weigh the same together, so that the odds learnt are likelihood ratios, to which any prior
    can be added. Isotonic regression gets two pairs more than there are, one of different people at the near end and
    one of the same person at the far end, each as heavy as one pair of people and one person: what nobody has seen
    among so many people is rare, not impossible.

    Papers: Zadrozny and Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates, KDD
    2002 (isotonic); Platt, Probabilistic Outputs for Support Vector Machines, 1999; Brümmer and du Preez,
    Application-independent Evaluation of Speaker Detection, 2006 (likelihood ratios).

    Args:
        curve: All pairs.
        people: How many people they show.
        folds: Pairs of some people to learn from, and pairs of others to test on. They decide between the two
            methods by the mean logarithmic score, and give the reliability; without any, Platt's line is taken, as
            two numbers can hardly be overfitted, and the reliability is that on the pairs themselves.

    Returns:
        The table, with at most some 160 rows.
    """
    fitted = _fitted(curve, people)
    if not folds:
        chosen = replace(fitted, method="platt")
        return replace(chosen, reliability=reliability_diagram(curve, chosen, held_out=False))
    trained = [(_fitted(train, max(2, people // 2)), test) for train, test in folds]
    losses = {
        method: sum(_log_loss(test, replace(evidence, method=method)) for evidence, test in trained)
        for method in METHODS
    }
    method = min(METHODS, key=losses.__getitem__)
    parts = [reliability_diagram(test, replace(evidence, method=method)) for evidence, test in trained]
    return replace(fitted, method=method, reliability=_merged(parts))


def reliability_diagram(curve: RocCurve, evidence: DistanceEvidence, *, held_out: bool = True) -> Reliability:
    """Compare probabilities with what is so, at the prior that takes both kinds of pairs for equally many.

    Args:
        curve: Pairs whose answers are known.
        evidence: What the probabilities come from.
        held_out: Whether these people had no part in `evidence`.
    """
    _, steps = _steps(curve)
    probabilities = same_person_probability(evidence, steps.distances)
    places = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    same = _sums(places, steps.same, BINS)
    weights = same + _sums(places, steps.different, BINS)
    predicted = _sums(places, probabilities * (steps.same + steps.different), BINS)
    used = weights > 0
    return Reliability(
        predicted=_numbers(predicted[used] / weights[used]),
        observed=_numbers(same[used] / weights[used]),
        weights=_numbers(weights[used] / weights.sum()),
        held_out=held_out,
    )


def _fitted(curve: RocCurve, people: int) -> DistanceEvidence:
    """The table without a word about how well it holds."""
    cells = _cells(curve)
    centres, ratios = _isotonic(cells, people)
    far, frr = curve.false_accept_rates, curve.false_reject_rates
    places = np.unique(
        np.concatenate(
            [
                [0, len(far) - 1],
                np.searchsorted(far, np.geomspace(1 / curve.negative_pairs, 1, _KNOTS)).clip(max=len(far) - 1),
                np.searchsorted(1 - frr, np.linspace(0, 1, _KNOTS)).clip(max=len(far) - 1),
            ]
        ).astype(np.int64)
    )
    distances = np.unique(curve.thresholds[places].clip(0, 2))
    at = np.searchsorted(curve.thresholds, distances, side="right") - 1
    slope, intercept = _platt(cells, people)
    return DistanceEvidence(
        distances=tuple(distances.tolist()),
        log_likelihood_ratios=_numbers(np.interp(distances, centres, ratios)),
        false_accept_rates=_numbers(np.maximum(far[at], 1 / curve.negative_pairs)),
        false_reject_rates=_numbers(frr[at].clip(0, 1)),
        platt=(slope, intercept),
        method="isotonic",
        reliability=Reliability((), (), (), False),
    )


def _isotonic(cells: _Cells, people: int) -> tuple[Floats, Floats]:
    """Where the blocks of the fit lie, and the logarithm of the ratio in each, strictly falling."""
    distances = np.concatenate([cells.distances[:1], cells.distances, cells.distances[-1:]])
    same = np.concatenate([[0.0], cells.same, [1 / people]])
    different = np.concatenate([[2 / (people * (people - 1))], cells.different, [0.0]])
    weights = same + different
    starts = pooled_blocks(same / weights, weights)
    same, different, weights, weighted = (
        np.add.reduceat(column, starts) for column in (same, different, weights, weights * distances)
    )
    return weighted / weights, np.log(same) - np.log(different)


def _platt(cells: _Cells, people: int) -> tuple[float, float]:
    """Slope and intercept of the log odds over distance, by Newton's method; a line that would rise is laid flat."""
    weights = cells.same + cells.different
    # Platt's targets lie a little inside 0 and 1, so that people who are clearly apart give a finite slope.
    sure, doubt = (people + 1) / (people + 2), 1 / (people * (people - 1) / 2 + 2)
    targets = (sure * cells.same + doubt * cells.different) / weights
    centre, spread = np.average(cells.distances, weights=weights), max(float(np.ptp(cells.distances)), 1e-6)
    design = np.stack([(cells.distances - centre) / spread, np.ones_like(weights)], axis=1)
    line = np.zeros(2)

    def loss(candidate: Floats) -> float:
        odds = design @ candidate
        return float(weights @ (np.logaddexp(0, odds) - targets * odds))

    for _ in range(100):
        chances = 1 / (1 + np.exp(-(design @ line)))
        gradient = design.T @ (weights * (chances - targets))
        curvature = (design.T * (weights * chances * (1 - chances))) @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(line - step) > loss(line) + 1e-15 and np.abs(step).max() > 1e-12:
            step = step / 2
        line = line - step
        if np.abs(step).max() < 1e-9 * max(1.0, np.abs(line).max()):
            break
    if line[0] >= 0:
        return 0.0, 0.0
    slope = line[0] / spread
    return float(slope), float(line[1] - slope * centre)


def _cells(curve: RocCurve) -> _Cells:
    """The curve in cells that are fine where few pairs lie: at the near end of pairs of different people."""
    positive, negative = curve.accepted_positive, curve.accepted_negative
    shares = np.linspace(0, 1, _CELLS)
    ends = np.concatenate(
        [
            np.searchsorted(negative, np.geomspace(1, curve.negative_pairs, _CELLS)),
            np.searchsorted(negative, shares * curve.negative_pairs),
            np.searchsorted(positive, shares * curve.positive_pairs),
        ]
    )
    ends = np.unique(np.append(ends, len(negative) - 1).clip(max=len(negative) - 1))
    places, steps = _steps(curve)
    cell = np.searchsorted(ends, places)
    same, different = _sums(cell, steps.same, len(ends)), _sums(cell, steps.different, len(ends))
    weights = same + different
    used = weights > 0
    centres = _sums(cell, steps.distances * (steps.same + steps.different), len(ends))[used] / weights[used]
    return _Cells(centres, same[used], different[used])


def _steps(curve: RocCurve) -> tuple[npt.NDArray[np.intp], _Cells]:
    """The thresholds that accept more than the one before, and the share of either kind that each adds."""
    same = np.diff(curve.accepted_positive, prepend=0) / curve.positive_pairs
    different = np.diff(curve.accepted_negative, prepend=0) / curve.negative_pairs
    places = np.flatnonzero((same > 0) | (different > 0))
    # What a threshold adds lies above the one before; in an exact curve, just above it.
    return places, _Cells(curve.thresholds[np.maximum(places - 1, 0)], same[places], different[places])


def _sums(places: npt.NDArray[np.intp], weights: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(places, weights, count), np.float64)


def _log_loss(curve: RocCurve, evidence: DistanceEvidence) -> float:
    _, steps = _steps(curve)
    odds = log_likelihood_ratio(evidence, steps.distances)
    return float(steps.same @ np.logaddexp(0, -odds) + steps.different @ np.logaddexp(0, odds))


def _merged(parts: Sequence[Reliability]) -> Reliability:
    """Several diagrams as one, each weighing the same."""
    totals = np.zeros((3, BINS))
    for part in parts:
        predicted, observed, weights = (np.array(column) for column in (part.predicted, part.observed, part.weights))
        places = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
        for row, column in enumerate((predicted * weights, observed * weights, weights)):
            np.add.at(totals[row], places, column)
    predicted, observed, weights = totals[:, totals[2] > 0]
    return Reliability(
        _numbers(predicted / weights), _numbers(observed / weights), _numbers(weights / weights.sum()), held_out=True
    )


def _numbers(column: Floats) -> tuple[float, ...]:
    """As they are kept: seven digits are more than pairs of people can tell."""
    return tuple(float(f"{value:.7g}") for value in column.tolist())
