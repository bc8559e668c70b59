"""Searching for people who may not be in the gallery: how many are found, and how many strangers raise an alarm."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import DataError
from passerby.evaluation.blocks import DistanceRows, cosine_rows, for_each_block
from passerby.evaluation.bootstrap import Interval, mean_intervals
from passerby.evaluation.protocols import RankingTask
from passerby.evaluation.ranking import check_distances, check_row
from passerby.types import JUNK, IntArray

FALSE_ALARM_RATES = (0.01, 0.1, 1.0)
"""FPIR at which TPIR is reported; at 1 every answer passes, and TPIR is the rank-1 of those who are enrolled."""

DET_RATES = np.geomspace(0.001, 1, 31)
"""FPIR of the DET curve."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several draws.

    Attributes:
        mean: Over the draws, 0 to 1.
        deviation: Standard deviation over the draws.
    """

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class OpenSet:
    """How well people are found among strangers.

    A query finds its person when the nearest gallery picture shows them and its distance is at most the threshold
    (true positive identification). A query of somebody who is not enrolled raises a false alarm when anybody is that
    near (false positive identification).

    Attributes:
        found: TPIR for each FPIR in `FALSE_ALARM_RATES`, over the draws.
        intervals: The same TPIR with bootstrap intervals over people, thresholds held.
        thresholds: For each FPIR, the mean over the draws of the largest distance that keeps to it; infinite at 1.
        det_fpir: (31,) FPIR of the DET curve.
        det_fnir: (31,) FNIR = 1 - TPIR there, mean over the draws.
        det_deviation: (31,) its standard deviation over the draws.
        draws: How often it was drawn who is enrolled.
        enrolled: How many people are enrolled in each draw.
        strangers: How many are not, in each draw.
        without_mate: Queries that had no right answer to begin with; they are strangers in every draw.
        seed: Which draws.
    """

    found: dict[float, Spread]
    intervals: dict[float, Interval]
    thresholds: dict[float, float]
    det_fpir: Floats
    det_fnir: Floats
    det_deviation: Floats
    draws: int
    enrolled: int
    strangers: int
    without_mate: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON takes them."""
        return {
            **{
                f"tpir_at_fpir_{rate:g}": {
                    "mean": found.mean,
                    "deviation": found.deviation,
                    "interval": self.intervals[rate].to_dict(),
                    "threshold": self.thresholds[rate] if np.isfinite(self.thresholds[rate]) else None,
                }
                for rate, found in self.found.items()
            },
            "det": {
                "fpir": self.det_fpir.tolist(),
                "fnir": self.det_fnir.tolist(),
                "deviation": self.det_deviation.tolist(),
            },
            "draws": self.draws,
            "enrolled_people": self.enrolled,
            "strangers": self.strangers,
            "queries_without_mate": self.without_mate,
            "seed": self.seed,
        }


def open_set(
    task: RankingTask,
    distances: npt.NDArray[Any] | None = None,
    *,
    enrolled: float = 0.5,
    draws: int = 10,
    seed: int = 0,
) -> OpenSet:
    """Draw who is enrolled, take the others out of the gallery, and ask for all of them.

    Of the people asked for who have a right answer, a share stays in the gallery; the queries of the others, and
    those that had no right answer to begin with, are strangers'. Gallery pictures of people whom nobody asks for
    always stay. A tie with somebody else for the first place counts as not found.

    Paper: Phillips, Grother and Micheals, Evaluation Methods in Face Recognition, in Handbook of Face Recognition,
    2011; ISO/IEC 19795-1 (TPIR, FPIR).

    Args:
        task: As `ranking_task` makes it; galleries that it draws are not drawn here.
        distances: (Q, G) real array; None: cosine distances.
        enrolled: Share of the people to enrol, above 0 and below 1.
        draws: How often, at least 1.
        seed: Which people.

    Raises:
        DataError: An option is not as above, a distance is NaN, or fewer than two people can be enrolled.
    """
    if not 0 < enrolled < 1:
        raise DataError(f"expected a share of enrolled people between 0 and 1, got {enrolled:g}")
    if draws < 1:
        raise DataError(f"expected at least 1 draw of who is enrolled, got {draws}")
    rule, asked = task.rule, task.queries.column("person_id")
    answered = np.array([len(rule.split(query)[0]) > 0 for query in range(rule.queries)])
    names = np.unique(asked[answered])
    if len(names) < 2:
        raise DataError(f"expected at least two people who are asked for and in the gallery, got {len(names)}")
    count = min(max(1, round(enrolled * len(names))), len(names) - 1)
    random = np.random.default_rng(np.random.SeedSequence([seed, len(names)]))
    chosen = np.stack([np.isin(names, random.choice(names, count, replace=False)) for _ in range(draws)])
    own, others = _nearest(task, distances, names, chosen)

    # (Q, draws): whose query it is in each draw.
    at_home = np.zeros((rule.queries, draws), bool)
    places = np.searchsorted(names, asked).clip(max=len(names) - 1)
    at_home[answered] = chosen[:, places[answered]].T
    first = at_home & (own[:, None] < others)
    rates = np.concatenate([np.array(FALSE_ALARM_RATES), DET_RATES])
    thresholds = np.stack([_thresholds(others[~at_home[:, draw], draw], rates) for draw in range(draws)])
    hit = np.stack([first & (own[:, None] <= bar) for bar in thresholds.T])  # (rates, Q, draws)
    found = np.stack([hit[:, at_home[:, draw], draw].mean(1) for draw in range(draws)])  # (draws, rates)
    with np.errstate(invalid="ignore"):
        by_query = (hit & at_home).sum(2) / at_home.sum(1)
    reported = len(FALSE_ALARM_RATES)
    intervals = mean_intervals(
        {str(rate): by_query[place] for place, rate in enumerate(FALSE_ALARM_RATES)}, asked, seed=seed
    )
    det = 1 - found[:, reported:]
    return OpenSet(
        found={
            rate: Spread(float(found[:, place].mean()), float(found[:, place].std()))
            for place, rate in enumerate(FALSE_ALARM_RATES)
        },
        intervals={rate: intervals[str(rate)] for rate in FALSE_ALARM_RATES},
        thresholds={rate: float(thresholds[:, place].mean()) for place, rate in enumerate(FALSE_ALARM_RATES)},
        det_fpir=DET_RATES,
        det_fnir=det.mean(0),
        det_deviation=det.std(0),
        draws=draws,
        enrolled=count,
        strangers=len(names) - count,
        without_mate=int((~answered).sum()),
        seed=seed,
    )


def _nearest(
    task: RankingTask, distances: npt.NDArray[Any] | None, names: IntArray, chosen: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """(Q,) how far each query's own person is, and (Q, draws) how far the nearest of the others who are enrolled."""
    rule, asked = task.rule, task.queries.column("person_id")
    rows: DistanceRows = cosine_rows(task.queries.embeddings, task.gallery.embeddings)
    if distances is not None:
        check_distances(distances, rule)
        rows = distances.__getitem__
    shown = task.gallery.column("person_id")
    order = np.flatnonzero(shown != JUNK)
    order = order[np.argsort(shown[order], kind="stable")]
    starts = np.flatnonzero(np.diff(shown[order], prepend=JUNK))
    present = shown[order[starts]]
    # Who is in the gallery in each draw: those drawn, and those whom nobody asks for.
    stays = np.ones((len(chosen), len(present)), bool)
    known = np.isin(present, names)
    stays[:, known] = chosen[:, np.searchsorted(names, present[known])]

    def work(start: int, stop: int) -> tuple[Floats, Floats]:
        block = rows(slice(start, stop))
        own, others = np.full(stop - start, np.inf), np.empty((stop - start, len(chosen)))
        for number, distance in enumerate(block):
            check_row(distance, start + number)
            row = distance.astype(np.float64)
            right, removed = rule.split(start + number)
            row[removed] = np.inf
            own[number] = row[right].min(initial=np.inf)
            nearest = np.minimum.reduceat(row[order], starts)
            nearest[present == asked[start + number]] = np.inf
            others[number] = np.where(stays, nearest, np.inf).min(axis=1)
        return own, others

    blocks = for_each_block(work, rule.queries, rule.gallery)
    return np.concatenate([own for own, _ in blocks]), np.concatenate([others for _, others in blocks])


def _thresholds(strangers: Floats, rates: Floats) -> Floats:
    """For each rate the largest distance that no more than that share of strangers is within."""
    ordered = np.append(np.sort(strangers), np.inf)
    # 0.29 * 100 is a little less than 29.
    allowed = np.floor(rates * len(strangers) + 1e-9).astype(np.int64)
    return np.where(allowed == len(strangers), np.inf, np.nextafter(ordered[allowed], -np.inf))
