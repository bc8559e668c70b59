"""One HTML file that shows an evaluation: figures, curves, ranked pictures, failures, a map. It needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from passerby.atomic import write_text
from passerby.errors import DataError
from passerby.evaluation.album import Album, Searched, map_sheet
from passerby.evaluation.charts import cmc_chart, distance_chart
from passerby.evaluation.embedding_map import EmbeddingMap
from passerby.evaluation.evaluate import Evaluation
from passerby.evaluation.groups import GroupReport
from passerby.evaluation.open_set import OpenSet
from passerby.evaluation.report_figures import decisions, headlines, open_set_section
from passerby.evaluation.reranked import Reranked
from passerby.types import Calibration, Sample

FILE_NAME = "report.html"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A second evaluation of the same queries and gallery, to be shown beside the first.

    Attributes:
        label: What the report calls it, such as "Untrained".
        evaluation: Its figures and rankings.
    """

    label: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Illustration:
    """A section that a report shows before its figures.

    Attributes:
        title: Its heading.
        caption: What it shows, as plain text.
        body: HTML that loads nothing from outside; whoever makes it escapes what comes from elsewhere.
    """

    title: str
    caption: str
    body: str


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
    reranked: Reranked | None = None,
    open_set: OpenSet | None = None,
    groups: GroupReport | None = None,
    embedding_map: EmbeddingMap | None = None,
    calibration: Calibration | None = None,
    caution: str | None = None,
    illustrations: Sequence[Illustration] = (),
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
        reranked: The same rankings after re-ranking, shown before and after.
        open_set: How well people are found among strangers.
        groups: Error rates by kind of person and picture.
        embedding_map: Where pictures lie on a map.
        calibration: Draws the threshold, says how often it is wrong, and whether its probabilities hold.
        caution: What the model must not be used for.
        illustrations: Shown first, each a section of its own.

    Returns:
        The file's path.

    Raises:
        DataError: The samples, the comparison or the re-ranking belong to another evaluation.
        MachineError: The file cannot be written.
    """
    shape = (evaluation.query_pictures, evaluation.gallery_pictures)
    if shape != (len(query_samples), len(gallery_samples)):
        raise DataError(
            f"expected the {shape[0]} query and {shape[1]} gallery samples that were evaluated, "
            f"got {len(query_samples)} and {len(gallery_samples)}"
        )
    models = {label: evaluation}
    others: list[Comparison | Reranked] = [other for other in (comparison, reranked) if other is not None]
    for other in others:
        got = (other.evaluation.query_pictures, other.evaluation.gallery_pictures)
        if shape != got:
            raise DataError(
                f"expected a comparison on the same {shape[0]} queries and {shape[1]} gallery pictures, "
                f"got one on {got[0]} and {got[1]}"
            )
        if other.label in models:
            raise DataError(f'expected different names for what is compared, got "{other.label}" twice')
        models[other.label] = other.evaluation

    album = Album(query_samples, gallery_samples, calibration)
    environment = Environment(
        loader=PackageLoader("passerby.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content: dict[str, Any] = {
        "title": title,
        "label": label,
        "evaluation": evaluation,
        "figures": headlines(models),
        "cmc": cmc_chart({name: model.metrics.cmc for name, model in models.items()}),
        "distances": distance_chart(evaluation.histogram, calibration.threshold if calibration else None),
        "calibration": calibration,
        **decisions(models, evaluation, calibration),
        **open_set_section(open_set),
        "groups": groups,
        "examples": _side_by_side(album, models),
        "reranked": reranked,
        "changed": [album.searched({label: before, reranked.label: after}) for before, after in reranked.changed]
        if reranked
        else [],
        "failures": [album.searched({label: ranking}) for ranking in evaluation.surest_failures],
        "hardest": [album.searched({label: ranking}) for ranking in evaluation.hardest],
        "drawn_map": map_sheet(embedding_map) if embedding_map else None,
        "details": details,
        "caution": caution,
        "illustrations": illustrations,
    }
    page = environment.get_template("report.html.jinja").render(content | {"sections": _sections(content)})
    write_text(output / FILE_NAME, page)
    return output / FILE_NAME


def _side_by_side(album: Album, models: Mapping[str, Evaluation]) -> list[Searched]:
    """The first model's examples, each with the other models' rankings of the same query."""
    by_query = {name: {r.query: r for r in model.examples} for name, model in models.items()}
    first = next(iter(models.values()))
    return [
        album.searched({name: known[r.query] for name, known in by_query.items() if r.query in known})
        for r in first.examples
    ]


def _sections(content: Mapping[str, Any]) -> dict[str, str]:
    """The headings of those sections that have something to show, by their names in links."""
    decided = content["calibration"] or content["roc"]
    return {
        "figures": "Figures",
        "curves": "Curves",
        **({"decisions": "Deciding who is the same"} if decided else {}),
        **({"open-set": "People who may not be there"} if content["open_set"] else {}),
        **({"groups": "Whom it fails more often"} if content["groups"] else {}),
        **({"re-ranked": "Before and after re-ranking"} if content["reranked"] else {}),
        "examples": "Examples",
        **({"surest": "Surest failures"} if content["failures"] else {}),
        "hardest": "Hardest failures",
        **({"map": "Map"} if content["drawn_map"] else {}),
        "details": "Details",
    }
