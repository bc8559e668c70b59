"""What a data set of synthetic people consists of: how many, how large, named how, in which folder."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from passerby.errors import DataError
from passerby.synthetic.modes import MODES, Mode
from passerby.synthetic.randomness import stream
from passerby.synthetic.weather import WEATHERS

FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
"""Market-1501's folders."""

_MOST_PEOPLE, _MOST_CAMERAS, _MOST_PICTURES = 9999, 9999, 9999
_MOST_ALIKE = 99
_SMALLEST_SIDE, _LARGEST_SIDE = 16, 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """The arguments of a data set, checked.

    Attributes:
        people: How many people, 2 to 9999.
        cameras: How many cameras, 1 to 9999.
        pictures: Pictures of every person by every camera that sees them, 1 to 9999.
        seed: The world's seed, 0 or more.
        height: Rows of the pictures, 16 to 1024.
        width: Columns of the pictures, 16 to 1024.
        train_people: How many people to train on, 0 to `people`.
        cameras_per_person: By how many of the cameras each person is seen, 1 to `cameras`; None for all.
        look_alikes: How many people in a row are dressed alike but for one thing each, 0 to 99: 0 for a usual
            crowd, in which every sixth is like the one before; 1 for nobody; more for groups of so many.
        clothes_sets: In how many sets of clothes each person is seen, 1 to 99, in turn by camera and picture.
        mode: "colour", "infrared" or "depth".
        weather: "clear", "night", "rain", "snow" or "mixed".
        masks: Whether every picture has a part mask.
        parquet: Whether the truth is written as Parquet too.
        sitting: Share of the pictures in which people sit, 0 to 1.

    Raises:
        DataError: A number is out of range, or a mode or weather is none.
    """

    people: int
    cameras: int
    pictures: int
    seed: int
    height: int
    width: int
    train_people: int
    cameras_per_person: int | None = None
    look_alikes: int = 0
    clothes_sets: int = 1
    mode: Mode = "colour"
    weather: str = "clear"
    masks: bool = False
    parquet: bool = False
    sitting: float = 0.0

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            ("people", 2, _MOST_PEOPLE),
            ("cameras", 1, _MOST_CAMERAS),
            ("pictures", 1, _MOST_PICTURES),
            ("seed", 0, 2**63 - 1),
            ("height", _SMALLEST_SIDE, _LARGEST_SIDE),
            ("width", _SMALLEST_SIDE, _LARGEST_SIDE),
            ("train_people", 0, self.people),
            ("cameras_per_person", 1, self.cameras),
            ("look_alikes", 0, _MOST_ALIKE),
            ("clothes_sets", 1, _MOST_ALIKE),
            ("sitting", 0, 1),
        ):
            value = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise DataError(
                    f"expected {name} from {lowest} to {highest}, got {value}; give a number in that range"
                )
        for name, known in (("mode", MODES), ("weather", (*WEATHERS, "mixed"))):
            if getattr(self, name) not in known:
                raise DataError(f"expected {name} to be one of {', '.join(known)}; got {getattr(self, name)!r}")
        if self.mode != "colour" and self.weather != "clear":
            raise DataError(
                f"expected clear weather in the mode {self.mode}, got {self.weather}; leave the weather out"
            )

    @property
    def of_each(self) -> int:
        """Pictures of every person."""
        return (self.cameras_per_person or self.cameras) * self.pictures

    @property
    def total(self) -> int:
        """Pictures of all people."""
        return self.people * self.of_each

    def arguments(self) -> dict[str, int | float | str | None]:
        """The arguments by name; `sitting` only where somebody sits, as in data sets of before there were benches."""
        arguments = asdict(self)
        if not self.sitting:
            del arguments["sitting"]
        return arguments

    def folder(self, person: int, picture: int) -> str:
        """Which of `FOLDERS` a picture belongs to."""
        return FOLDERS[0] if person < self.train_people else FOLDERS[1 if picture == 0 else 2]

    def file_name(self, person: int, camera: int, picture: int) -> str:
        """Name a picture as Market-1501 does: person, camera, session, frame, box."""
        start = int(stream(self.seed, "frame", person, camera).integers(1, 80_000))
        return f"{person + 1:04d}_c{camera + 1}s1_{start + picture * 25:06d}_00.jpg"

    def cameras_of(self, person: int) -> list[int]:
        """The cameras that see a person, in order: all, or a random few that only the seed and the person decide."""
        if self.cameras_per_person is None:
            return list(range(self.cameras))
        generator = stream(self.seed, "seen by", person)
        return sorted(generator.choice(self.cameras, self.cameras_per_person, replace=False).tolist())

    def pictures_of(self, person: int) -> Iterator[tuple[int, int, str]]:
        """Every camera and number of a person's pictures, with the picture's place below the data set's folder."""
        for camera in self.cameras_of(person):
            for picture in range(self.pictures):
                name = self.file_name(person, camera, picture)
                yield camera, picture, f"{self.folder(person, picture)}/{name}"

    def counts(self) -> dict[str, Any]:
        """How many pictures each folder holds."""
        tested = self.people - self.train_people
        queries = tested * self.of_each // self.pictures
        trained, rest = self.train_people * self.of_each, tested * self.of_each - queries
        return dict(zip(FOLDERS, (trained, queries, rest), strict=True))


def default_train_people(people: int) -> int:
    """Two thirds of the people, and at least one on either side."""
    return max(1, min(people - 1, round(people * 2 / 3)))
