"""Writes the script of a world: lets people come, walk past cameras, stop, go on together, and come back."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from passerby.synthetic.person import Person
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream, weighted
from passerby.synthetic.script import Journey, Point, Script, Stop, Visit
from passerby.synthetic.seating import Seating, away_from_seat
from passerby.synthetic.stage import Side, Stage, set_stages
from passerby.synthetic.walk import Walk, usual_speed

_TRIES = 24
"""How often a visit is thought out anew before people are let walk too close to one another."""

_ROOM = 0.9
"""Metres that people who do not walk together keep from one another, from middle to middle."""

_BESIDE = 0.68
"""Metres between people who walk together."""

_BEFORE = 35.0
"""Seconds before the recording in which the first come."""

_ASIDE = 0.26
"""How far aside of the line of sight people pass the middle of their way, as a share of the distance."""

_SHARP = 80.0
"""Degrees; who turns by more stops to do so."""

_STEP = 0.4
"""Seconds between the moments at which distances are looked at."""


@dataclass(frozen=True, slots=True)
class _Party:
    """One person, or some who walk together."""

    number: int | None
    members: tuple[int, ...]
    speed: float


@dataclass(slots=True)
class _Floor:
    """What is known so far of one camera's view: where everybody walks there at which time."""

    stage: Stage
    taken: list[tuple[int, npt.NDArray[np.float64]]] = field(default_factory=list)

    def room(self, walks: list[Walk]) -> float:
        """Metres by which the walks stay clear of all others, at the closest."""
        closest = np.inf
        for first, places in map(_places, walks):
            for other_first, other in self.taken:
                start, end = max(first, other_first), min(first + len(places), other_first + len(other))
                if start < end:
                    apart = places[start - first : end - first] - other[start - other_first : end - other_first]
                    closest = min(closest, float(np.hypot(*apart.T).min()))
        return closest

    def is_free(self, walks: list[Walk]) -> bool:
        """Whether no walk leads through a thing or a wall in the picture."""
        places = [away_from_seat(walk.visit, _places(walk)[1]) for walk in walks]
        return bool(self.stage.is_free(np.concatenate(places)).all())

    def take(self, walks: list[Walk]) -> None:
        """Remember the walks."""
        self.taken.extend(map(_places, walks))


def write_script(
    seed: int, people: int, cameras: int, seconds: float, change_clothes: float = 0.0, sitting: float = 0.0
) -> Script:
    """Write who walks where and when in front of the cameras of a world.

    People come alone and in groups of up to four, cross a camera's view, stop and turn round at times, sit down where
    there are benches, walk on to another camera, go away, and come back. They keep clear of one another but pass
    close enough to be hidden.

    Args:
        seed: The world's seed, 0 or more.
        people: How many people, 1 or more.
        cameras: How many cameras, 1 or more.
        seconds: How long the cameras record.
        change_clothes: Probability that somebody who comes back has changed clothes, 0 to 1.
        sitting: Probability that somebody who comes by sits down on a bench, 0 to 1; above 0 there are benches.

    Returns:
        The same script for the same arguments.
    """
    floors = [_Floor(stage) for stage in set_stages(seed, cameras, benches=sitting > 0)]
    crowd = [sample_person(seed, index) for index in range(people)]
    visits: list[Visit] = []
    journeys: list[Journey] = []
    for number, party in enumerate(_parties(seed, crowd)):
        seating = Seating(stream(seed, "seating", number), sitting)
        itinerary = _Itinerary(
            stream(seed, "itinerary", number), floors, crowd, party, seconds, change_clothes, seating
        )
        itinerary.fill(number)
        visits += itinerary.visits
        journeys += itinerary.journeys
    return Script(
        seed=seed,
        people=people,
        seconds=seconds,
        placements=tuple(floor.stage.placement for floor in floors),
        visits=tuple(sorted(visits, key=lambda visit: (visit.person, visit.begin))),
        journeys=tuple(sorted(journeys, key=lambda journey: (journey.person, journey.begin))),
    )


def _parties(seed: int, crowd: list[Person]) -> list[_Party]:
    """Divide people into those who walk alone and groups of two to four, who keep pace with the slowest."""
    generator = stream(seed, "parties")
    parties: list[_Party] = []
    groups, first = 0, 0
    while first < len(crowd):
        size = min(len(crowd) - first, weighted(generator, [(68, 1), (22, 2), (7, 3), (3, 4)]))
        members = tuple(range(first, first + size))
        hurry = float(np.exp(generator.normal(0.0, 0.09)))
        speed = hurry * min(usual_speed(crowd[member]) for member in members)
        parties.append(_Party(groups if size > 1 else None, members, speed))
        groups, first = groups + (size > 1), first + size
    return parties


class _Itinerary:
    """One party's way from camera to camera."""

    def __init__(
        self,
        generator: np.random.Generator,
        floors: list[_Floor],
        crowd: list[Person],
        party: _Party,
        seconds: float,
        change_clothes: float,
        seating: Seating,
    ) -> None:
        self._generator, self._floors, self._crowd = generator, floors, crowd
        self._party, self._seconds, self._change_clothes = party, seconds, change_clothes
        self._seating, self._clothes = seating, 0
        self._last: list[Visit] = []
        self.visits: list[Visit] = []
        self.journeys: list[Journey] = []

    def fill(self, number: int) -> None:
        """Plan visits until the recording ends, or until the party has gone for good; party `number` begins."""
        generator, cameras = self._generator, len(self._floors)
        # Many are under way already when the recording begins.
        time = float(generator.uniform(-_BEFORE, max(2.0, self._seconds - _BEFORE)))
        camera = number % cameras  # nobody's first camera is anybody's favourite
        gate: Point | None = None
        while True:
            gate, time = self._visit(camera, time, gate)
            if time >= self._seconds:
                return
            here, chance = camera, float(generator.random())
            if cameras > 1 and chance < 0.8:
                camera = self._next(camera, gate)
                gate, time = self._travel(here, gate, camera, time)
                if time >= self._seconds:
                    return
                continue
            if chance > 0.93 and self.visits:
                return
            # Away for a while, out of everybody's sight, perhaps to change.
            time += float(generator.uniform(8.0, 25.0))
            camera = here if generator.random() < 0.5 else int(generator.integers(cameras))
            gate = None
            if time >= self._seconds:
                return
            if generator.random() < self._change_clothes:
                self._clothes += 1

    def _next(self, camera: int, gate: Point) -> int:
        """Another camera: mostly the one beside the gate through which the party went out."""
        cameras = len(self._floors)
        if self._generator.random() < 0.7:
            return (camera + (-1 if gate[0] > 0 else 1)) % cameras
        return (camera + int(self._generator.integers(1, cameras))) % cameras

    def _visit(self, camera: int, begin: float, entrance: Point | None) -> tuple[Point, float]:
        """Plan a visit; gives the place where the party goes out, and when the last of them has."""
        floor, best = self._floors[camera], None
        sits = self._seating.is_wanted()
        for number in range(_TRIES):
            delay = float(self._generator.uniform(0.0, 3.0)) if best is not None and entrance is None else 0.0
            path, stop = self._path(floor.stage, entrance)
            leader = Visit(
                person=self._party.members[0],
                camera=camera,
                clothes=self._clothes,
                group=self._party.number,
                begin=begin + delay,
                speed=self._party.speed,
                path=path,
                stop=stop,
            )
            visits = self._together(leader)
            if sits and number < _TRIES // 2:  # then the benches are taken, or nobody gets to them
                visits = self._seating.seated(visits, floor.stage.site.seats)
            walks = [Walk(visit, self._crowd[visit.person]) for visit in visits]
            room = floor.room(walks)
            if not floor.is_free(walks):
                room = -1.0
            if best is None or room > best[0]:
                best = room, visits, walks
            if room >= _ROOM:
                break
        assert best is not None
        _, visits, walks = best
        floor.take(walks)
        self.visits += [visit for visit, walk in zip(visits, walks, strict=True) if walk.end > 0]
        self._last = visits
        return visits[0].path[-1], max(walk.end for walk in walks)

    def _path(self, stage: Stage, entrance: Point | None) -> tuple[tuple[Point, ...], Stop | None]:
        """Think out a way through a view, along the camera's usual direction or across, perhaps with a stop."""
        generator = self._generator
        side: Side = 1 if generator.random() < 0.5 else -1
        if entrance is None:
            entrance = stage.gate(side, float(generator.uniform(*stage.reaches[side])))
        side = 1 if entrance[0] > 0 else -1
        pauses, returns = generator.random() < 0.3, generator.random() < 0.2
        out: Side = side if returns else (-1 if side > 0 else 1)
        near, far = stage.reaches[out]
        end = float(generator.uniform(near, far))
        if abs(np.sin(np.radians(stage.camera.path))) < 0.8 and generator.random() < 0.7:
            # Along the line of sight: from far to near or from near to far.
            end = near + 0.25 * (end - near) if entrance[1] > (near + far) / 2 else far - 0.25 * (far - end)
        distance = float(generator.uniform(*stage.camera.distances))
        middle = float(generator.uniform(-_ASIDE, _ASIDE)) * distance, distance
        path = entrance, middle, stage.gate(out, end)
        if not (pauses or _turn(path) > _SHARP):
            return path, None
        facing = float(generator.uniform(0.0, 360.0))
        return path, Stop(1, float(generator.uniform(2.0, 9.0)), facing, "standing")

    def _together(self, leader: Visit) -> list[Visit]:
        """The visits of a whole party, side by side."""
        visits = [leader]
        points = np.array(leader.path)
        ahead = np.gradient(points, axis=0)
        if _turn(leader.path) > _SHARP:
            ahead[1] = points[1] - points[0]  # who turns back keeps to the side on which they came
            ahead[2] = points[1] - points[2]
        ahead /= np.maximum(np.hypot(*ahead.T), 1e-6)[:, None]
        right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
        for place, member in enumerate(self._party.members[1:], start=1):
            apart = (place + 1) // 2 * (1 if place % 2 else -1) * _BESIDE
            lag = float(self._generator.uniform(-0.15, 0.15))
            moved = points + right * apart
            path = tuple((float(x), float(y)) for x, y in moved)
            stop = leader.stop
            if stop is not None:
                stop = replace(stop, facing=stop.facing + float(self._generator.normal(0.0, 35.0)))
            visits.append(replace(leader, person=member, begin=leader.begin + lag, path=path, stop=stop))
        return visits

    def _travel(self, here: int, gate: Point, there: int, time: float) -> tuple[Point, float]:
        """Let the party walk across the square to another camera; gives the place where it comes in, and when."""
        stage, target = self._floors[here].stage, self._floors[there].stage
        start = stage.placement.to_world(gate), stage.behind(gate)
        chance = float(self._generator.random())
        sides: tuple[Side, ...] = (-1, 1)
        ways = []
        for side in sides:
            near, far = target.reaches[side]
            distance = near + (far - near) * chance
            entrance = target.gate(side, distance)
            points = (*start, target.behind(entrance), target.placement.to_world(entrance))
            ways.append((_length(points), entrance, points))
        length, entrance, points = min(ways) if self._generator.random() < 0.85 else max(ways)
        arrival = time + length / self._party.speed
        for visit in self._last:
            walk = Walk(visit, self._crowd[visit.person])
            own = stage.placement.to_world(visit.path[-1])
            if arrival > 0:
                self.journeys.append(Journey(visit.person, walk.end, arrival, (own, *points[1:])))
        return entrance, arrival


def _turn(path: tuple[Point, ...]) -> float:
    """Degrees by which a path of three points turns at the second."""
    (dx, dy), (ex, ey) = np.diff(np.array(path), axis=0)
    return abs(float(np.degrees(np.arctan2(dx * ey - dy * ex, dx * ex + dy * ey))))


def _length(points: tuple[Point, ...]) -> float:
    return float(np.hypot(*np.diff(np.array(points), axis=0).T).sum())


def _places(walk: Walk) -> tuple[int, npt.NDArray[np.float64]]:
    """Where a walk is, at steps of time: the number of the first step, and (N, 2) metres."""
    first, last = int(np.ceil(walk.visit.begin / _STEP)), int(np.floor(walk.end / _STEP))
    times = np.arange(first, last + 1) * _STEP
    return first, np.array([walk.place(float(time)) for time in times]).reshape(-1, 2)
