"""Which of two models finds people better, and whether that is more than chance."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from passerby.errors import DataError
from passerby.evaluation.bootstrap import Interval, PairedTest, paired_test
from passerby.evaluation.evaluate import Evaluation

SIGNIFICANT = 0.05
"""A p-value below this is called a difference."""

DECIDES = "mAP"
"""The figure that the answer rests on: chosen beforehand, as the best of several p-values would be too good."""


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure of both models.

    Attributes:
        first: The first model's, with its interval.
        second: The second's.
        test: The second's less the first's, query by query.
    """

    first: Interval
    second: Interval
    test: PairedTest


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two models on the same queries and gallery.

    Attributes:
        figures: Rank-1, 5, 10 and 20, mAP and mINP by name.
        better: "first", "second", or None where no difference can be told.
        verdict: The answer, a sentence or two.
        queries: How many queries both answered.
        people: How many people these show.
    """

    figures: dict[str, ComparedFigure]
    better: str | None
    verdict: str
    queries: int
    people: int

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them."""
        return {
            "figures": {
                name: {
                    "first": figure.first.to_dict(),
                    "second": figure.second.to_dict(),
                    "difference": figure.test.to_dict(),
                }
                for name, figure in self.figures.items()
            },
            "better": self.better,
            "verdict": self.verdict,
            "queries": self.queries,
            "people": self.people,
        }


def compare(
    first: Evaluation, second: Evaluation, names: tuple[str, str] = ("A", "B"), *, seed: int = 0
) -> ModelComparison:
    """Compare two evaluations of the same queries and gallery, person by person.

    Every query is answered by both, so what makes it hard falls out of the difference: far smaller differences can be
    told than from two intervals that overlap. Interval by bootstrap, p-value by permutation, both over people
    (`paired_test`). The answer rests on mAP alone.

    Args:
        first: One model's.
        second: The other's.
        names: What to call them.
        seed: The draws.

    Raises:
        DataError: They are not of the same queries and gallery.
    """
    same = (
        np.array_equal(first.query_people, second.query_people) and first.gallery_pictures == second.gallery_pictures
    )
    if not same or first.protocol != second.protocol:
        raise DataError(
            f"expected two evaluations of the same queries and gallery by one protocol, got {first.query_pictures} "
            f"queries of {first.gallery_pictures} pictures ({first.protocol}) and {second.query_pictures} of "
            f"{second.gallery_pictures} ({second.protocol})"
        )
    intervals = first.intervals(seed=seed), second.intervals(seed=seed)
    values = first.values_by_query(), second.values_by_query()
    figures = {
        name: ComparedFigure(
            intervals[0][name],
            intervals[1][name],
            paired_test(values[0][name], values[1][name], first.query_people, seed=seed),
        )
        for name in intervals[0]
    }
    better, verdict = _verdict(figures, names)
    answered = ~np.isnan(first.metrics.average_precision)
    return ModelComparison(
        figures, better, verdict, int(answered.sum()), len(np.unique(first.query_people[answered]))
    )


def _verdict(figures: dict[str, ComparedFigure], names: tuple[str, str]) -> tuple[str | None, str]:
    test = figures[DECIDES].test
    difference = test.difference
    measured = f"{DECIDES} {points(difference)}, p = {test.p_value:.2g}"
    if test.p_value >= SIGNIFICANT:
        return None, (
            f"No difference between {names[0]} and {names[1]} can be told: {measured}. Were there one, it would "
            f"hardly be larger than {100 * max(abs(difference.low), abs(difference.high)):.1f} points."
        )
    better = "second" if difference.value > 0 else "first"
    winner, loser = (names[1], names[0]) if better == "second" else names
    verdict = f"{winner} is better than {loser}: {measured} ({names[1]} less {names[0]})."
    against = [
        name
        for name, figure in figures.items()
        if figure.test.p_value < SIGNIFICANT and figure.test.difference.value * difference.value < 0
    ]
    if against:
        verdict += f" But by {', '.join(against)} it is the other way round."
    return better, verdict


def points(difference: Interval) -> str:
    """A difference of shares in points of percent, as in `+3.1 [+1.2, +5.0] points`."""
    # Adding 0 turns what was rounded to -0.0 into 0.0.
    value, low, high = (round(100 * v, 1) + 0.0 for v in (difference.value, difference.low, difference.high))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}] points"
