"""What a set of synthetic videos consists of: how many people and cameras, how long, how large."""

from dataclasses import asdict, dataclass
from typing import Any

from passerby.errors import DataError

MOST_CAMERAS_OF_TRACKLETS = 9
"""MARS's file names have one digit for the camera."""


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """The arguments of a set of videos, checked.

    Attributes:
        people: How many people walk about, 1 to 9999.
        cameras: How many cameras record, 1 to 99; 9 at most with tracklets.
        seed: The world's seed, 0 or more.
        seconds: How long they record, 1 to 86,400.
        fps: Frames a second, 1 to 60.
        height: Rows of the frames, even, 64 to 2160.
        width: Columns of the frames, even, 64 to 3840.
        change_clothes: Probability that somebody who comes back has changed clothes, 0 to 1.
        key_points: Whether to tell key points.
        tracklets: Whether to cut out tracklets.
        sitting: Probability that somebody who comes by sits down, 0 to 1.

    Raises:
        DataError: A number is out of range.
    """

    people: int
    cameras: int
    seed: int
    seconds: float
    fps: float
    height: int
    width: int
    change_clothes: float
    key_points: bool
    tracklets: bool
    sitting: float = 0.0

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            ("people", 1, 9999),
            ("cameras", 1, MOST_CAMERAS_OF_TRACKLETS if self.tracklets else 99),
            ("seed", 0, 2**63 - 1),
            ("seconds", 1, 86_400),
            ("fps", 1, 60),
            ("height", 64, 2160),
            ("width", 64, 3840),
            ("change_clothes", 0, 1),
            ("sitting", 0, 1),
        ):
            value = getattr(self, name)
            if not lowest <= value <= highest:
                why = (
                    ", as names of tracklets have one digit for the camera"
                    if (name, highest) == ("cameras", 9)
                    else ""
                )
                raise DataError(
                    f"expected {name} from {lowest} to {highest}{why}, got {value}; give a number in that range"
                )
        for name in ("height", "width"):
            if getattr(self, name) % 2:
                raise DataError(f"expected an even {name}, as H.264 needs it, got {getattr(self, name)}; add 1")

    @property
    def frames(self) -> int:
        """Frames of every camera."""
        return round(self.seconds * self.fps)

    @property
    def total(self) -> int:
        """Frames of all cameras."""
        return self.frames * self.cameras

    @property
    def benches(self) -> bool:
        """Whether there are benches in front of the cameras."""
        return self.sitting > 0

    def arguments(self) -> dict[str, Any]:
        """The arguments by name."""
        return asdict(self)

    def folder(self, camera: int) -> str:
        """Name the folder of a camera, numbered from 0 here and from 1 in the name."""
        return f"c{camera + 1:02d}"
