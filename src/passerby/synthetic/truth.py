"""What is true of a picture: gathered from the very bodies, box and drawing that its pixels come from."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from passerby.synthetic.attributes import Attributes
from passerby.synthetic.body import PosedBody
from passerby.synthetic.camera import FRAME_HEIGHT, FRAME_WIDTH, Box, Camera
from passerby.synthetic.gait import ArmTask, Pose
from passerby.synthetic.keypoints import KeyPoint
from passerby.synthetic.lighting import Light
from passerby.synthetic.scene import Site
from passerby.synthetic.script import Activity
from passerby.synthetic.site_kinds import SiteKind
from passerby.synthetic.weather import Weather
from passerby.types import FloatArray, ImageArray

Facing: TypeAlias = Literal["front", "back", "left", "right"]

_STANDING = 0.1
"""Legs that swing less than this stand."""


@dataclass(frozen=True, slots=True)
class LightTruth:
    """The light in a picture.

    Attributes:
        place: What sort of site the camera sees.
        weather: Clear, night, rain or snow; always clear where an infrared or depth camera looks.
        indoors: Whether that is under a roof.
        sun: Linear light that the sun or the strongest lamp puts on level ground; 1 is a well exposed white.
        sky: The same of all other light.
        on_person: Share of the sun's light that reaches where the person stands, 0 in the shade to 1.
        elevation: Height of the sun or lamp above the horizon in degrees.
        azimuth: Its direction in degrees counter-clockwise from the camera's line of sight on the ground.
    """

    place: SiteKind
    weather: Weather
    indoors: bool
    sun: float
    sky: float
    on_person: float
    elevation: float
    azimuth: float


@dataclass(frozen=True, slots=True)
class PoseTruth:
    """How a person moves in a picture.

    Attributes:
        activity: Walking, standing or sitting.
        facing: Which side of the person, as the person calls it, is turned to the camera.
        heading: Degrees counter-clockwise from the camera's line of sight to the person; 180 comes towards it.
        right_arm: What the right arm does.
        left_arm: What the left arm does.
    """

    activity: Activity
    facing: Facing
    heading: float
    right_arm: ArmTask
    left_arm: ArmTask


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a picture.

    Attributes:
        person: Which person of the world, from 0.
        camera: Which camera, from 0.
        picture: Which picture of this person by this camera, from 0.
        clothes_set: Which of the person's clothes are worn, from 0.
        frame: Rows and columns of the camera's whole picture.
        box: What of that picture is shown, in its pixels; may reach beyond its edges.
        size: Rows and columns of the picture.
        native_size: Rows and columns that the box has in the camera's own picture.
        visible_fraction: Of all pixels of the person's figure, the share that the picture shows: less than 1
            where others stand in front or the picture's edge cuts something off.
        others: How many other people are in front, beside or behind.
        distance: Metres from the camera to the person's middle.
        key_points: The 14 key points, in the order of `keypoints.KEY_POINTS`.
        places: Where they are in the world, (x, y, z) in metres, as `calibration` has it.
        light: The light.
        pose: How the person moves.
        attributes: What the person looks like.
        sentence: The same in words.
    """

    person: int
    camera: int
    picture: int
    clothes_set: int
    frame: tuple[int, int]
    box: Box
    size: tuple[int, int]
    native_size: tuple[float, float]
    visible_fraction: float
    others: int
    distance: float
    key_points: tuple[KeyPoint, ...]
    places: tuple[tuple[float, ...], ...]
    light: LightTruth
    pose: PoseTruth
    attributes: Attributes
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON takes it, fractions rounded; people and cameras count from 1, as in names."""
        key_points = [[plain(point.x), plain(point.y), int(point.visible)] for point in self.key_points]
        content = {
            field: key_points if field == "key_points" else plain(getattr(self, field))
            for field in self.__dataclass_fields__
            if field not in ("person", "camera")
        }
        return {"person_id": self.person + 1, "camera_id": self.camera + 1, **content}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture and what is true of it.

    Attributes:
        pixels: (height, width, 3) uint8 sRGB.
        truth: What is true of it.
        mask: (height, width) uint8, which of `parts.PARTS` of the person each pixel shows; None unless asked for.
    """

    pixels: ImageArray
    truth: Truth
    mask: ImageArray | None = None


FRAME = FRAME_HEIGHT, FRAME_WIDTH
"""Rows and columns of a camera's whole picture."""


def light_truth(site: Site, light: Light, weather: Weather, subject: PosedBody) -> LightTruth:
    """Gather what is true of the light on a person at a site."""
    middle = _middle(subject)
    x, y, z = (float(v) for v in light.direction)
    return LightTruth(
        place=site.kind,
        weather=weather,
        indoors=site.indoors,
        sun=float(light.sun.mean()) * max(0.0, z),
        sky=float(light.sky.mean()),
        on_person=float(site.sunlit(middle[:1], middle[1:2])[0]),
        elevation=float(np.degrees(np.arcsin(z))),
        azimuth=float(np.degrees(np.arctan2(-x, y))) % 360.0,
    )


def pose_truth(subject: PosedBody) -> PoseTruth:
    """Gather what is true of a person's movement, as the camera above the ground's origin sees it."""
    x, y = (float(v) for v in _middle(subject)[:2])
    heading = (subject.heading + float(np.degrees(np.arctan2(x, y)))) % 360.0
    sides: tuple[Facing, ...] = ("back", "left", "front", "right")
    return PoseTruth(
        activity=_activity(subject.pose),
        facing=sides[round(heading / 90.0) % 4],
        heading=heading,
        right_arm=subject.pose.right_arm,
        left_arm=subject.pose.left_arm,
    )


def _activity(pose: Pose) -> Activity:
    if pose.seated > 0.5:
        return "sitting"
    return "standing" if pose.amount < _STANDING else "walking"


def distance_to(camera: Camera, subject: PosedBody) -> float:
    """Metres from a camera to a person's middle."""
    return float(np.linalg.norm(_middle(subject) - np.array([0.0, 0.0, camera.height])))


def _middle(subject: PosedBody) -> FloatArray:
    """(3,) the middle between the hips."""
    return np.asarray(subject.key_points[2:4].mean(axis=0), np.float32)


def plain(content: Any) -> Any:  # noqa: ANN401
    """Turn dataclasses into dictionaries, tuples into lists, and round fractions, as JSON takes them."""
    if isinstance(content, float):
        return round(content, 4)
    if isinstance(content, tuple):
        return [plain(value) for value in content]
    fields = getattr(type(content), "__dataclass_fields__", None)  # as `is_dataclass` asks, which is slower
    if fields is not None:
        return {field: plain(getattr(content, field)) for field in fields}
    return content
