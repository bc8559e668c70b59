"""The script of a world: who walks where and when, in front of which camera, in which clothes."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from passerby.errors import DataError

Point: TypeAlias = tuple[float, float]
"""A place on the ground, metres."""

Activity: TypeAlias = Literal["walking", "standing", "sitting"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a camera stands in the world, and whither it looks.

    Attributes:
        x: Metres.
        y: Metres.
        heading: Degrees counter-clockwise from the world's +y to the camera's line of sight.
    """

    x: float
    y: float
    heading: float

    def to_world(self, place: Point) -> Point:
        """Turn a place in front of the camera (x to its right, y along its sight) into one of the world."""
        cosine, sine = np.cos(np.radians(self.heading)), np.sin(np.radians(self.heading))
        x, y = place
        return float(self.x + cosine * x - sine * y), float(self.y + sine * x + cosine * y)


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody pauses on the way.

    Attributes:
        waypoint: At which point of the path, never the first or the last.
        seconds: For how long.
        facing: Where they face meanwhile, degrees counter-clockwise from the camera's line of sight.
        activity: Whether they stand or sit.
    """

    waypoint: int
    seconds: float
    facing: float
    activity: Activity


@dataclass(frozen=True, slots=True)
class Visit:
    """One person crosses one camera's view: comes in from beside it and goes out again.

    Attributes:
        person: Which person, from 0.
        camera: Which camera, from 0.
        clothes: Which of the person's sets of clothes, from 0.
        group: Which group of people who walk together, from 0; None for those who walk alone.
        begin: Seconds from the beginning of the recording; may lie before it.
        speed: Metres a second.
        path: Waypoints in front of the camera, x to its right, y along its line of sight, metres.
        stop: Where they pause, if they do.
    """

    person: int
    camera: int
    clothes: int
    group: int | None
    begin: float
    speed: float
    path: tuple[Point, ...]
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class Journey:
    """One person walks, unseen, from one camera's view to the next, at an even pace.

    Attributes:
        person: Which person, from 0.
        begin: Seconds from the beginning of the recording.
        end: Seconds from the beginning of the recording.
        path: Waypoints in the world, metres.
    """

    person: int
    begin: float
    end: float
    path: tuple[Point, ...]

    def at(self, time: float) -> Point:
        """Where the person is at a time from `begin` to `end`."""
        points = np.array(self.path)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        share = (time - self.begin) / (self.end - self.begin) if self.end > self.begin else 0.0
        x, y = (np.interp(share * along[-1], along, axis) for axis in points.T)
        return float(x), float(y)


@dataclass(frozen=True, slots=True)
class Script:
    """What happens in a world while its cameras record.

    Attributes:
        seed: The world's seed; decides people, sites and cameras.
        people: How many people there are, from 0 on.
        seconds: How long the cameras record.
        placements: Where each camera stands.
        visits: Everybody's visits, in the order of person and time.
        journeys: What lies between them, likewise.
    """

    seed: int
    people: int
    seconds: float
    placements: tuple[Placement, ...]
    visits: tuple[Visit, ...]
    journeys: tuple[Journey, ...]

    @property
    def cameras(self) -> int:
        """How many cameras record."""
        return len(self.placements)

    def visits_of(self, camera: int) -> Iterator[tuple[int, Visit]]:
        """The visits to a camera, each with its number among all."""
        return ((number, visit) for number, visit in enumerate(self.visits) if visit.camera == camera)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON takes it; `from_dict` turns it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Script":
        """Turn what `to_dict` gave, or JSON made of it, into a script.

        Raises:
            DataError: Something is missing, unknown or of another kind.
        """
        try:
            return cls(
                **{
                    **content,
                    "placements": tuple(Placement(**item) for item in content["placements"]),
                    "visits": tuple(_visit(item) for item in content["visits"]),
                    "journeys": tuple(
                        Journey(**{**item, "path": _path(item["path"])}) for item in content["journeys"]
                    ),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"expected a script as Script.to_dict gives it, got something else: {error}") from error


def _visit(content: Mapping[str, Any]) -> Visit:
    stop = None if content["stop"] is None else Stop(**content["stop"])
    return Visit(**{**content, "path": _path(content["path"]), "stop": stop})


def _path(points: Any) -> tuple[Point, ...]:  # noqa: ANN401
    return tuple((float(x), float(y)) for x, y in points)
