"""How a visit unfolds: where somebody is at every moment, where they face, and how far their step has come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.synthetic.person import Person
from passerby.synthetic.script import Activity, Point, Stop, Visit
from passerby.synthetic.sitting import hips_back

_RAMP = 0.8
"""Seconds in which people come to a halt, and in which they are under way again."""

_TURNING = 160.0
"""Degrees a second by which people turn on the spot."""

_SITTING_DOWN = 1.3
"""Seconds in which people sit down, and in which they get up."""

_LEG, _SWING = 0.525, 22.0
"""Length of a leg as a share of the stature, and degrees by which it swings to either side at a usual stride."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of a visit.

    Attributes:
        place: Where, in front of the camera, metres.
        heading: Where the body faces, degrees counter-clockwise from the camera's line of sight.
        speed: Metres a second.
        phase: Place in the gait cycle, 0 to 1.
        amount: How far the legs swing, as a factor on a usual stride.
        activity: Walking, standing or sitting.
        seated: How far down on a seat, 0 to 1.
    """

    place: Point
    heading: float
    speed: float
    phase: float
    amount: float
    activity: Activity
    seated: float = 0.0


def stride_length(person: Person, amount: float) -> float:
    """Metres that two steps take somebody whose legs swing by `amount`: just as far as their feet reach."""
    return 4 * _LEG * person.shape.stature * float(np.sin(np.radians(_SWING * amount)))


def usual_speed(person: Person, cadence: float = 0.92) -> float:
    """Metres a second at which somebody walks when in no hurry, with `cadence` strides a second."""
    return cadence * stride_length(person, person.shape.stride)


class Walk:
    """A visit in time. The path is rounded at its corners and walked at an even speed, but for the stop.

    Args:
        visit: What is to be done.
        person: Who does it.
    """

    def __init__(self, visit: Visit, person: Person) -> None:
        self.visit, self._person = visit, person
        # Who walks faster than usual takes longer and quicker steps, both in equal shares.
        self._amount = person.shape.stride * float(np.sqrt(visit.speed / usual_speed(person)))
        self._stride = stride_length(person, self._amount)
        self._points = _rounded(np.array(visit.path))
        self._along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self._points, axis=0).T))])
        length, speed, stop = float(self._along[-1]), visit.speed, visit.stop
        if stop is None:
            self._arrival = self._departure = visit.begin + length / speed
            self._halt = length
        else:
            waypoint = np.array(visit.path[stop.waypoint])
            self._halt = float(self._along[np.argmin(((self._points - waypoint) ** 2).sum(axis=1))])
            self._arrival = visit.begin + self._halt / speed + _RAMP / 2
            self._departure = self._arrival + stop.seconds
        self.end = self._departure + (length - self._halt) / speed + (_RAMP / 2 if stop else 0.0)

    def at(self, time: float) -> Moment:
        """The moment at a time from `visit.begin` to `end`, seconds."""
        distance, speed = self._progress(time)
        share = speed / self.visit.speed
        moment = Moment(
            place=self._at_distance(distance),
            heading=self._heading(distance),
            speed=speed,
            phase=(distance / self._stride) % 1.0,
            amount=self._amount * share,
            activity="walking",
        )
        stop = self.visit.stop
        if stop is None or not self._arrival <= time <= self._departure:
            return moment
        heading, turning = self._turned(time, stop.facing)
        steps = 0.18 if turning else 0.0
        phase = (distance / self._stride + (0.9 * (time - self._arrival) if turning else 0.0)) % 1.0
        if stop.activity == "standing":
            return Moment(moment.place, heading, 0.0, phase, steps, "standing")
        seated = self._seated(time, stop)
        activity: Activity = "sitting" if seated > 0.5 else "standing"
        return Moment(self._on_seat(moment.place, stop, seated), heading, 0.0, phase, steps, activity, seated)

    def place(self, time: float) -> Point:
        """Where `at` is, at a time from `visit.begin` to `end`, without the rest."""
        place, stop = self._at_distance(self._progress(time)[0]), self.visit.stop
        if stop is None or stop.activity == "standing" or not self._arrival <= time <= self._departure:
            return place
        return self._on_seat(place, stop, self._seated(time, stop))

    def _at_distance(self, distance: float) -> Point:
        x, y = (float(np.interp(distance, self._along, axis)) for axis in self._points.T)
        return x, y

    def _progress(self, time: float) -> tuple[float, float]:
        """Metres walked, and metres a second, at a time."""
        full = self.visit.speed
        if time <= self._arrival:
            left = self._arrival - time
            if self.visit.stop is not None:
                slow = min(left, _RAMP)
                return self._halt - full * (left - slow + slow**2 / (2 * _RAMP)), full * slow / _RAMP
            return self._halt - full * left, full
        if time < self._departure:
            return self._halt, 0.0
        gone = time - self._departure
        quick = min(gone, _RAMP)
        return self._halt + full * (gone - quick + quick**2 / (2 * _RAMP)), full * quick / _RAMP

    def _heading(self, distance: float) -> float:
        """Direction of the path, over half a metre."""
        before, after = max(0.0, distance - 0.25), min(float(self._along[-1]), distance + 0.25)
        stop = self.visit.stop
        if stop is not None:  # never across the halt, where the path may turn back
            before, after = (
                (max(before, self._halt), after) if distance > self._halt else (before, min(after, self._halt))
            )
            if after - before < 0.05:
                before, after = (before, before + 0.1) if distance > self._halt else (after - 0.1, after)
        return self._direction(before, after)

    def _direction(self, before: float, after: float) -> float:
        dx, dy = (
            float(np.interp(after, self._along, axis) - np.interp(before, self._along, axis))
            for axis in self._points.T
        )
        return float(np.degrees(np.arctan2(-dx, dy)))

    def _turned(self, time: float, facing: float) -> tuple[float, bool]:
        """Where somebody who stops faces at a time, and whether they are turning."""
        for (start, turn, needed), since in zip(
            self._turns(facing), (time - self._arrival, self._departure - time), strict=True
        ):
            if since < needed:
                return start + turn * _eased(since / needed), abs(turn) > 15.0
        return facing, False

    def _turns(self, facing: float) -> list[tuple[float, float, float]]:
        """Of coming and of going: where somebody looks, by how many degrees they turn from there, in which time."""
        arriving = self._direction(self._halt - 0.25, self._halt)
        leaving = self._direction(self._halt, self._halt + 0.25)
        turns = [(start, (facing - start + 180.0) % 360.0 - 180.0) for start in (arriving, leaving)]
        return [(start, turn, max(0.3, abs(turn) / _TURNING)) for start, turn in turns]

    def _seated(self, time: float, stop: Stop) -> float:
        """How far down somebody is at a time: who has turned sits down, and gets up in time to turn again."""
        (_, _, turning), (_, _, turning_back) = self._turns(stop.facing)
        since, left = time - self._arrival - turning, self._departure - turning_back - time
        return _eased(min(1.0, max(0.0, min(since, left) / _SITTING_DOWN)))

    def _on_seat(self, place: Point, stop: Stop, seated: float) -> Point:
        """Where the hips are over feet that stand at a place."""
        turn, back = np.radians(stop.facing), hips_back(self._person, seated)
        return place[0] + back * float(np.sin(turn)), place[1] - back * float(np.cos(turn))


def _eased(share: float) -> float:
    """Begin and end gently: 0 to 1 for 0 to 1."""
    return share * share * (3 - 2 * share)


def _rounded(waypoints: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A smooth line through waypoints (N, 2): a centripetal Catmull–Rom spline, a point every few centimetres.

    Source: Catmull and Rom, A class of local interpolating splines, 1974; in Barry and Goldman's form.
    """
    ends = 2 * waypoints[:1] - waypoints[1:2], 2 * waypoints[-1:] - waypoints[-2:-1]
    points = np.concatenate([ends[0], waypoints, ends[1]])
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.hypot(*np.diff(points, axis=0).T)) + 1e-6)])
    pieces = []
    for first in range(len(points) - 3):
        t, p = knots[first : first + 4], points[first : first + 4]
        count = max(2, int(np.hypot(*(p[2] - p[1])) / 0.05))
        at = np.linspace(t[1], t[2], count, endpoint=False)[:, None]
        one, two, three = (_between(at, t[n], t[n + 1], p[n], p[n + 1]) for n in range(3))
        left, right = _between(at, t[0], t[2], one, two), _between(at, t[1], t[3], two, three)
        pieces.append(_between(at, t[1], t[2], left, right))
    return np.concatenate([*pieces, waypoints[-1:]])


def _between(
    at: npt.NDArray[np.float64],
    start: float,
    end: float,
    first: npt.NDArray[np.float64],
    last: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """What lies between `first`, at `start`, and `last`, at `end`."""
    return np.asarray(((end - at) * first + (at - start) * last) / (end - start))
