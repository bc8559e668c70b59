"""Who sits down on which bench, in the script of a world."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from passerby.synthetic.benches import Seat
from passerby.synthetic.script import Stop, Visit
from passerby.synthetic.sitting import REACH

_SECONDS = 7.0, 24.0
"""For how long people stop who sit down: with turning round, sitting down and getting up."""

_AROUND = 1.0
"""Metres around the front of a seat in which who sits down there may walk, close to the bench as it is."""


class Seating:
    """Decides when one party sits down, and where.

    Args:
        generator: Draws it.
        probability: Of sitting down when coming by, 0 to 1.
    """

    def __init__(self, generator: np.random.Generator, probability: float) -> None:
        self._generator, self._probability = generator, probability

    def is_wanted(self) -> bool:
        """Whether the party sits down this time."""
        return self._probability > 0 and bool(self._generator.random() < self._probability)

    def seated(self, visits: list[Visit], seats: Sequence[Seat]) -> list[Visit]:
        """Lead a party's visits to seats side by side on one bench; as they were where no bench is long enough."""
        benches: dict[int, list[Seat]] = {}
        for seat in seats:
            benches.setdefault(seat.bench, []).append(seat)
        fitting = [bench for bench in benches.values() if len(bench) >= len(visits)]
        if not fitting:
            return visits
        generator = self._generator
        bench = fitting[int(generator.integers(len(fitting)))]
        first = int(generator.integers(len(bench) - len(visits) + 1))
        chosen = bench[first : first + len(visits)]
        if generator.random() < 0.5:
            chosen.reverse()
        seconds = float(generator.uniform(*_SECONDS))
        return [
            replace(
                visit,
                path=(visit.path[0], seat.before, visit.path[-1]),
                stop=Stop(1, seconds + float(generator.uniform(-0.7, 0.7)), seat.heading, "sitting"),
            )
            for visit, seat in zip(visits, chosen, strict=True)
        ]


def away_from_seat(visit: Visit, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Those of a visit's places (N, 2) that are not on or right before the seat on which it pauses."""
    stop = visit.stop
    if stop is None or stop.activity != "sitting":
        return places
    turn = np.radians(stop.facing)
    offsets = places - np.array(visit.path[stop.waypoint])
    ahead, aside = offsets @ (-np.sin(turn), np.cos(turn)), offsets @ (np.cos(turn), np.sin(turn))
    before = (ahead > -0.1) & (np.hypot(ahead, aside) < _AROUND)
    on_seat = (ahead > -REACH - 0.15) & (ahead <= 0.0) & (np.abs(aside) < 0.15)
    kept: npt.NDArray[np.float64] = places[~(before | on_seat)]
    return kept
