"""One HTML file that shows an evaluation: figures, curves, ranked pictures, failures. It needs no network."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from passerby.atomic import write_text
from passerby.data.images import read_image
from passerby.errors import DataError, ImageError
from passerby.evaluation.charts import cmc_chart, distance_chart
from passerby.evaluation.evaluate import Evaluation, Ranking
from passerby.types import UNKNOWN_CAMERA, Calibration, Sample

FILE_NAME = "report.html"

THUMBNAIL = (96, 192)
"""Width and height in pixels that a picture is scaled down to fit into; small ones stay as they are."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A second evaluation of the same queries and gallery, to be shown beside the first.

    Attributes:
        label: What the report calls it, such as "Untrained".
        evaluation: Its figures and rankings.
    """

    label: str
    evaluation: Evaluation


def write_report(
    output: Path,
    evaluation: Evaluation,
    *,
    query_samples: Sequence[Sample],
    gallery_samples: Sequence[Sample],
    title: str,
    details: Mapping[str, str],
    label: str = "This model",
    comparison: Comparison | None = None,
    calibration: Calibration | None = None,
    caution: str | None = None,
) -> Path:
    """Write `report.html` into a folder: a single file, pictures included, that loads nothing from outside.

    It shows people's pictures, so it must be kept as carefully as these. A picture that can no longer be read
    is drawn as an empty frame.

    Args:
        output: The folder; made where it is missing. An older report there is replaced.
        evaluation: What to show.
        query_samples: The queries that were evaluated, in the same order.
        gallery_samples: The gallery, likewise.
        title: The heading.
        details: Further rows of the table of details, such as the model's identity and the data set.
        label: What to call the evaluated model where it stands beside another.
        comparison: Another model on the same queries and gallery.
        calibration: Draws the threshold and says how often it is wrong.
        caution: What the model must not be used for.

    Returns:
        The file's path.

    Raises:
        DataError: The samples or the comparison belong to another evaluation.
        MachineError: The file cannot be written.
    """
    shape = (evaluation.query_pictures, evaluation.gallery_pictures)
    if shape != (len(query_samples), len(gallery_samples)):
        raise DataError(
            f"expected the {shape[0]} query and {shape[1]} gallery samples that were evaluated, "
            f"got {len(query_samples)} and {len(gallery_samples)}"
        )
    models = {label: evaluation}
    if comparison is not None:
        other = comparison.evaluation
        if shape != (other.query_pictures, other.gallery_pictures):
            raise DataError(
                f"expected a comparison on the same {shape[0]} queries and {shape[1]} gallery pictures, "
                f"got one on {other.query_pictures} and {other.gallery_pictures}"
            )
        if comparison.label == label:
            raise DataError(f'expected two different names for what is compared, got "{label}" twice')
        models[comparison.label] = other

    album = _Album(query_samples, gallery_samples)
    environment = Environment(
        loader=PackageLoader("passerby.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.jinja").render(
        title=title,
        label=label,
        evaluation=evaluation,
        figures=_figures(models),
        cmc=cmc_chart({name: model.metrics.cmc for name, model in models.items()}),
        distances=distance_chart(evaluation.histogram, calibration.threshold if calibration else None),
        calibration=calibration,
        examples=album.side_by_side(models),
        hardest=[album.searched({label: ranking}) for ranking in evaluation.hardest],
        details=details,
        caution=caution,
    )
    write_text(output / FILE_NAME, page)
    return output / FILE_NAME


@dataclass(frozen=True, slots=True)
class _Figure:
    """A headline figure: its name, what it means, and its value for each model."""

    name: str
    meaning: str
    values: dict[str, float]


def _figures(models: Mapping[str, Evaluation]) -> list[_Figure]:
    metrics = {label: evaluation.metrics for label, evaluation in models.items()}
    return [
        _Figure("Rank-1", "the first answer is right", {name: m.rank(1) for name, m in metrics.items()}),
        _Figure("Rank-5", "one of the first five is", {name: m.rank(5) for name, m in metrics.items()}),
        _Figure("Rank-10", "one of the first ten is", {name: m.rank(10) for name, m in metrics.items()}),
        _Figure("mAP", "right answers come early", {name: m.mean_ap for name, m in metrics.items()}),
        _Figure("mINP", "even the last one does", {name: m.mean_inp for name, m in metrics.items()}),
    ]


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture as the page shows it; `source` is a data URI, or None where the file cannot be read."""

    name: str
    who: str
    source: str | None


@dataclass(frozen=True, slots=True)
class _Answer:
    rank: int
    right: bool
    distance: float | None
    picture: _Picture


@dataclass(frozen=True, slots=True)
class _Result:
    """One model's answers to a query; `missed` is its nearest right answer where that is further down."""

    label: str
    average_precision: float
    first_right: int
    answers: list[_Answer]
    missed: _Answer | None


@dataclass(frozen=True, slots=True)
class _Searched:
    query: _Picture
    results: list[_Result]


class _Album:
    """The pictures of a query and a gallery list, ready for the page."""

    def __init__(self, query_samples: Sequence[Sample], gallery_samples: Sequence[Sample]) -> None:
        self._queries = query_samples
        self._gallery = gallery_samples

    def side_by_side(self, models: Mapping[str, Evaluation]) -> list[_Searched]:
        """Give the first model's examples, each with the other models' rankings of the same query."""
        by_query = {name: {r.query: r for r in model.examples} for name, model in models.items()}
        first = next(iter(models.values()))
        return [
            self.searched({name: known[r.query] for name, known in by_query.items() if r.query in known})
            for r in first.examples
        ]

    def searched(self, rankings: Mapping[str, Ranking]) -> _Searched:
        """Give one query with each model's ranking of it."""
        query = next(iter(rankings.values())).query
        return _Searched(_picture(self._queries[query]), [self._result(name, r) for name, r in rankings.items()])

    def _result(self, label: str, ranking: Ranking) -> _Result:
        shown = zip(ranking.gallery, ranking.right, ranking.distances, strict=True)
        answers = [
            _Answer(rank, right, distance, _picture(self._gallery[place]))
            for rank, (place, right, distance) in enumerate(shown, 1)
        ]
        missed = None
        if ranking.first_right > len(answers):
            picture = _picture(self._gallery[ranking.nearest_right])
            missed = _Answer(ranking.first_right, True, ranking.nearest_right_distance, picture)
        return _Result(label, ranking.average_precision, ranking.first_right, answers, missed)


def _picture(sample: Sample) -> _Picture:
    camera = "" if sample.camera_id == UNKNOWN_CAMERA else f", camera {sample.camera_id}"
    who = f"person {sample.person_id}" if sample.person_id > 0 else "nobody who is asked for"
    return _Picture(sample.path.name, who + camera, _data_uri(sample.path))


def _data_uri(path: Path) -> str | None:
    try:
        image = Image.fromarray(read_image(path))
    except ImageError:
        return None
    image.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
