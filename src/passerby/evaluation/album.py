"""A data set's pictures as the report shows them: scaled down and written into the page itself."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from passerby.data.images import read_image
from passerby.errors import ImageError
from passerby.evaluation.embedding_map import EmbeddingMap
from passerby.evaluation.rankings import Ranking
from passerby.probability import same_person_probability
from passerby.types import UNKNOWN_CAMERA, Calibration, Sample

THUMBNAIL = (96, 192)
"""Width and height in pixels that a picture is scaled down to fit into; small ones stay as they are."""

DOT = (48, 96)
"""Width and height of a picture on the sheet of the map's pictures."""

_COLUMNS = 20
_GOLDEN_ANGLE = 137.508
"""Degrees between the hues of one person and the next, so that neighbours in the list differ most."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the page shows it; `source` is a data URI, or None where the file cannot be read."""

    name: str
    who: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A gallery picture in a ranking."""

    rank: int
    right: bool
    distance: float
    picture: Picture


@dataclass(frozen=True, slots=True)
class Result:
    """One ranking of a query's answers; `missed` is its nearest right answer where that is further down.

    `sure` is the probability that the first answer shows the same person, where the calibration says one.
    """

    label: str
    average_precision: float
    first_right: int
    answers: list[Answer]
    missed: Answer | None
    sure: float | None


@dataclass(frozen=True, slots=True)
class Searched:
    """A query and its rankings, one below the other."""

    query: Picture
    results: list[Result]


@dataclass(frozen=True, slots=True)
class Dot:
    """A picture on the map: where, of whom, and its place on the sheet of pictures, all but the last in percent."""

    left: float
    top: float
    person: int
    shape: int
    who: str
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class MapSheet:
    """The map as the page shows it: dots, each person's hue, and all pictures on one sheet, a data URI."""

    dots: list[Dot]
    hues: list[float]
    cameras: list[str]
    sheet: str
    columns: int
    rows: int
    neighbours_right: float
    people_left_out: int


class Album:
    """The pictures of a query and a gallery list, ready for the page."""

    def __init__(
        self, query_samples: Sequence[Sample], gallery_samples: Sequence[Sample], calibration: Calibration | None
    ) -> None:
        self._queries = query_samples
        self._gallery = gallery_samples
        self._calibration = calibration if calibration and calibration.evidence else None
        self._sources: dict[Path, str | None] = {}

    def searched(self, rankings: Mapping[str, Ranking]) -> Searched:
        """Give one query with each labelled ranking of it."""
        query = next(iter(rankings.values())).query
        return Searched(self._picture(self._queries[query]), [self._result(name, r) for name, r in rankings.items()])

    def _result(self, label: str, ranking: Ranking) -> Result:
        shown = zip(ranking.gallery, ranking.right, ranking.distances, strict=True)
        answers = [
            Answer(rank, right, distance, self._picture(self._gallery[place]))
            for rank, (place, right, distance) in enumerate(shown, 1)
        ]
        missed = None
        if ranking.first_right > len(answers):
            picture = self._picture(self._gallery[ranking.nearest_right])
            missed = Answer(ranking.first_right, True, ranking.nearest_right_distance, picture)
        sure = float(same_person_probability(self._calibration, answers[0].distance)) if self._calibration else None
        return Result(label, ranking.average_precision, ranking.first_right, answers, missed, sure)

    def _picture(self, sample: Sample) -> Picture:
        if sample.path not in self._sources:
            image = _read(sample.path, THUMBNAIL)
            self._sources[sample.path] = None if image is None else _data_uri(image)
        return Picture(sample.path.name, _who(sample), self._sources[sample.path])


def map_sheet(drawn: EmbeddingMap) -> MapSheet:
    """Give a map with its pictures; those that can no longer be read are left grey."""
    columns = min(_COLUMNS, len(drawn.samples))
    rows = -(-len(drawn.samples) // columns)
    sheet = Image.new("RGB", (columns * DOT[0], rows * DOT[1]), (128, 128, 128))
    people = list(dict.fromkeys(sample.person_id for sample in drawn.samples))
    cameras = sorted({sample.camera_id for sample in drawn.samples})
    dots = []
    for number, (sample, (left, top)) in enumerate(zip(drawn.samples, drawn.points.tolist(), strict=True)):
        row, column = divmod(number, columns)
        image = _read(sample.path, DOT)
        if image is not None:
            within = (DOT[0] - image.width) // 2, (DOT[1] - image.height) // 2
            sheet.paste(image, (column * DOT[0] + within[0], row * DOT[1] + within[1]))
        person, shape = people.index(sample.person_id), cameras.index(sample.camera_id)
        dots.append(Dot(100 * left, 100 * top, person, shape, _who(sample), column, row))
    return MapSheet(
        dots=dots,
        hues=[number * _GOLDEN_ANGLE % 360 for number in range(len(people))],
        cameras=["unknown" if camera == UNKNOWN_CAMERA else str(camera) for camera in cameras],
        sheet=_data_uri(sheet),
        columns=columns,
        rows=rows,
        neighbours_right=drawn.neighbours_right,
        people_left_out=drawn.people_left_out,
    )


def _who(sample: Sample) -> str:
    camera = "" if sample.camera_id == UNKNOWN_CAMERA else f", camera {sample.camera_id}"
    return (f"person {sample.person_id}" if sample.person_id > 0 else "nobody who is asked for") + camera


def _read(path: Path, size: tuple[int, int]) -> Image.Image | None:
    try:
        image = Image.fromarray(read_image(path))
    except ImageError:
        return None
    image.thumbnail(size, Image.Resampling.LANCZOS)
    return image


def _data_uri(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
