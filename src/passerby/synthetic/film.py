"""Films a script through one camera, frame by frame, with what is true of everybody in the picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from passerby.synthetic.body import Body, PosedBody, build_body, posed
from passerby.synthetic.camera import FRAME_HEIGHT, FRAME_WIDTH, Box
from passerby.synthetic.daylight import momentary_light
from passerby.synthetic.development import Development
from passerby.synthetic.figures import Figure, FigureDrawing
from passerby.synthetic.gait import ArmTask, Pose, sample_pose, walking_pose
from passerby.synthetic.keypoints import KEY_POINTS, KeyPoint
from passerby.synthetic.mesh import bounds
from passerby.synthetic.plate import Plate
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream
from passerby.synthetic.script import Activity, Script, Visit
from passerby.synthetic.sitting import seated
from passerby.synthetic.stage import Stage
from passerby.synthetic.visibility import in_picture, key_points_seen, may_hide
from passerby.synthetic.walk import Moment, Walk
from passerby.types import ImageArray

_NEAREST = 0.6
"""Metres in front of the camera that every point of a body must be to be drawn."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """One person in one frame.

    Attributes:
        visit: The number of the visit in the script.
        person: Which person, from 0.
        clothes: Which of their sets of clothes, from 0.
        box: What holds the whole figure, hidden parts included, in pixels of the frame; may reach beyond its edges.
        visible: Share of the figure that the frame shows.
        place: Where they are in front of the camera, x to its right, y along its line of sight, metres.
        heading: Where they face, degrees counter-clockwise from the camera's line of sight.
        speed: Metres a second.
        activity: What they do.
        key_points: The 14 key points in pixels of the frame; empty when not asked for.
    """

    visit: int
    person: int
    clothes: int
    box: Box
    visible: float
    place: tuple[float, float]
    heading: float
    speed: float
    activity: Activity
    key_points: tuple[KeyPoint, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a video.

    Attributes:
        number: Which, from 0.
        pixels: (height, width, 3) uint8 sRGB.
        people: Everybody of whom the frame would show something if nobody stood in front, in the order of number.
    """

    number: int
    pixels: ImageArray
    people: tuple[Appearance, ...]


@dataclass(frozen=True, slots=True)
class _Cast:
    """Somebody in a frame, before it is drawn."""

    number: int
    visit: Visit
    moment: Moment
    figure: Figure


@dataclass(frozen=True, slots=True)
class _Manner:
    """How somebody goes through a visit: what the arms do, when head and step begin, and how they sit."""

    right_arm: ArmTask
    left_arm: ArmTask
    look: float
    nod: float
    step: float
    pace: float
    ease: float


class Film:
    """One camera's recording of a script. Use it in a `with` statement.

    Args:
        script: Who walks where and when.
        stage: The camera and what it sees.
        camera: The camera's number, from 0.
        height: Rows of the frames.
        width: Columns of the frames.
        fps: Frames a second.
        key_points: Whether to tell key points, which takes its time.

    Raises:
        MissingExtraError: panda3d is not installed.
    """

    def __init__(
        self, script: Script, stage: Stage, camera: int, height: int, width: int, fps: float, key_points: bool = False
    ) -> None:
        self._script, self._stage, self._fps, self._with_key_points = script, stage, fps, key_points
        self._size = height, width
        self._box = frame_box(height, width)
        self._light = momentary_light(stage.site.light, stream(script.seed, "recording", camera))
        self._plate = Plate(stage.site, stage.camera, self._light, self._box, self._size)
        self._development = Development(script.seed, camera, self._plate.empty, self._box, self._walked())
        self._drawing = FigureDrawing(
            stage.camera, stage.site, self._plate.depths, self._light, self._box, self._size
        )
        self._walks = {
            number: Walk(visit, sample_person(script.seed, visit.person))
            for number, visit in script.visits_of(camera)
        }
        self._body = lru_cache(maxsize=64)(self._build_body)
        self._manner = lru_cache(maxsize=256)(self._draw_manner)

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        self._drawing.close()

    @property
    def length(self) -> int:
        """How many frames there are."""
        return round(self._script.seconds * self._fps)

    def frames(self) -> Iterator[Frame]:
        """Draw all frames in turn."""
        for number in range(self.length):
            yield self.frame(number)

    def frame(self, number: int) -> Frame:
        """Draw one frame; the same whichever others are drawn."""
        time = number / self._fps
        cast = [
            seen
            for index, walk in self._walks.items()
            if walk.visit.begin <= time <= walk.end and (seen := self._seen(index, walk, time)) is not None
        ]
        figures = [one.figure for one in cast]
        bodies = [figure.body for figure in figures]
        display, changed = self._plate.shaded(bodies)
        visible = self._drawing.draw(figures, display)
        changed += [figure.window for figure in figures]
        people = [self._appearance(one, share, bodies) for one, share in zip(cast, visible, strict=True)]
        people.sort(key=lambda one: one.person)
        return Frame(number, self._development.develop(display, changed, number), tuple(people))

    def _walked(self) -> slice:
        """The rows of a frame in which people walk."""
        near, far = self._stage.camera.distances
        outline = np.array([(0.0, far, 2.0), (0.0, near, 0.0)], np.float32)
        top, bottom = in_picture(self._stage.camera, self._box, self._size, outline)[:, 1].clip(0, self._size[0])
        return slice(int(top), max(int(top) + 1, int(bottom)))

    def _seen(self, number: int, walk: Walk, time: float) -> _Cast | None:
        """Somebody at a moment of a visit; None where they are not in the picture."""
        camera, box, visit = self._stage.camera, self._box, walk.visit
        moment = walk.at(time)
        x, y = moment.place
        around = [(x + a, y + b, z) for a in (-0.7, 0.7) for b in (-0.7, 0.7) for z in (0.0, 2.2)]
        corners = np.array(around, np.float32)
        low, high = bounds(camera.pixels(corners))
        outside = high[0] <= box.left or high[1] <= box.top or low[0] >= box.right or low[1] >= box.bottom
        if outside or camera.depths(corners).min() < _NEAREST:
            return None
        body = self._body(visit.person, visit.clothes)
        figure = self._drawing.figure(
            posed(body, self._pose(number, body, moment, time), moment.place, moment.heading)
        )
        return None if figure is None else _Cast(number, visit, moment, figure)

    def _pose(self, visit: int, body: Body, moment: Moment, time: float) -> Pose:
        """How somebody holds themselves: what the arms do is theirs for a visit, the head looks about slowly."""
        manner = self._manner(visit, body)
        about = np.sin(2 * np.pi * (time * manner.pace + manner.look)) + 0.6 * np.sin(2 * np.pi * time * 0.19)
        nodding = np.sin(2 * np.pi * (time * 0.11 + manner.nod))
        pose = walking_pose(
            body.person,
            phase=(moment.phase + manner.step) % 1.0,
            amount=max(0.03, moment.amount),
            arm_tasks={1: manner.right_arm, -1: manner.left_arm},
            look=(11.0 if moment.activity == "walking" else 20.0) * float(about),
            nod=-6.0 + 8.0 * (manner.nod - 0.5) + 2.0 * float(nodding),
        )
        return seated(pose, body.person, moment.seated, manner.ease) if moment.seated else pose

    def _draw_manner(self, visit: int, body: Body) -> _Manner:
        generator = stream(self._script.seed, "manner", visit)
        habit = sample_pose(generator, body.person)
        look, nod, step = (float(value) for value in generator.uniform(0.0, 1.0, 3))
        pace, ease = float(generator.uniform(0.06, 0.12)), float(generator.random())
        return _Manner(habit.right_arm, habit.left_arm, look, nod, step, pace, ease)

    def _appearance(self, one: _Cast, visible: float, bodies: list[PosedBody]) -> Appearance:
        return Appearance(
            visit=one.number,
            person=one.visit.person,
            clothes=one.visit.clothes,
            box=one.figure.outline,
            visible=visible,
            place=one.moment.place,
            heading=one.moment.heading % 360.0,
            speed=one.moment.speed,
            activity=one.moment.activity,
            key_points=self._key_points(one.figure.body, bodies) if self._with_key_points else (),
        )

    def _key_points(self, body: PosedBody, bodies: list[PosedBody]) -> tuple[KeyPoint, ...]:
        camera, (height, width) = self._stage.camera, self._size
        others = [other for other in bodies if other is not body and may_hide(camera, other, body)]
        places = in_picture(camera, self._box, self._size, body.key_points)
        seen = key_points_seen(camera, [body, *others])
        seen &= ((places >= 0) & (places < (width, height))).all(axis=1)
        return tuple(
            KeyPoint(name, float(x), float(y), bool(visible))
            for name, (x, y), visible in zip(KEY_POINTS, places, seen, strict=True)
        )

    def _build_body(self, person: int, clothes: int) -> Body:
        return build_body(sample_person(self._script.seed, person, clothes_set=clothes))


def frame_box(height: int, width: int) -> Box:
    """The part of a camera's picture, around its middle, that a frame of this shape shows."""
    scale = max(height / FRAME_HEIGHT, width / FRAME_WIDTH)
    half_height, half_width = height / scale / 2, width / scale / 2
    middle_y, middle_x = FRAME_HEIGHT / 2, FRAME_WIDTH / 2
    return Box(middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height)
