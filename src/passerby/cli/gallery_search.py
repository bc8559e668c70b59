"""What `passerby search` does where it searches a gallery."""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.cli.console import note, output, print_table

if TYPE_CHECKING:
    from passerby.gallery.answers import Answer, Hit
    from passerby.gallery.gallery import Gallery
    from passerby.retrieval.methods import Reranker


def search_gallery(
    gallery: "Gallery",
    query: str,
    *,
    cameras: list[str] | None,
    after: datetime | None,
    before: datetime | None,
    min_quality: float | None,
    min_probability: float | None,
    top: int,
    prior: float,
    rerank: "Reranker | None",
    as_json: bool,
    grid: Path | None,
) -> None:
    """Search with a picture, or with the id of a sighting, and print the answer."""
    picture = Path(query)
    # A name that cannot be an id is a picture's, so that a wrong path is called one.
    is_picture = picture.exists() or picture.suffix != "" or len(picture.parts) > 1
    answer = gallery.search(
        picture if is_picture else None,
        sighting=None if is_picture else query,
        cameras=cameras or None,
        after=after,
        before=before,
        min_quality=min_quality,
        min_probability=min_probability,
        top=top,
        prior=prior,
        rerank=rerank,
    )
    if as_json:
        output().print_json(json.dumps([_as_json(hit) for hit in answer.hits]))
    else:
        _print(answer)
    if answer.uncalibrated:
        note(f"no probabilities: {answer.uncalibrated}")
    elif answer.no_match_is_likely:
        nearest = f"; nearest: {answer.hits[0].probability:.0%}" if answer.hits else ""
        note(f"no match is likely in {answer.compared:,} sightings{nearest}")
    if grid is not None:
        _draw(gallery, picture if is_picture else query, answer, grid)


def _print(answer: "Answer") -> None:
    def shown(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    rows = [
        (
            str(hit.rank),
            shown(hit.probability, ".1%"),
            shown(hit.expected_false_matches, ".2g"),
            f"{hit.distance:.4f}",
            hit.sighting.camera,
            hit.sighting.time.isoformat(timespec="seconds"),
            hit.sighting.person or "",
            hit.sighting.id,
        )
        for hit in answer
    ]
    columns = ("rank", "probability", "false matches", "distance", "camera", "time", "person", "sighting")
    print_table(columns, rows, numbers=columns[:4])


def _as_json(hit: "Hit") -> dict[str, Any]:
    sighting = hit.sighting
    return {
        "rank": hit.rank,
        "id": sighting.id,
        "camera": sighting.camera,
        "time": sighting.time.isoformat(),
        "distance": hit.distance,
        "probability": hit.probability,
        "expected_false_matches": hit.expected_false_matches,
        "person": sighting.person,
        "track": sighting.track,
        "quality": sighting.quality,
        "box": sighting.box,
        "attributes": dict(sighting.attributes),
        "sequence": sighting.sequence,
    }


def _draw(gallery: "Gallery", query: Path | str, answer: "Answer", grid: Path) -> None:
    from passerby.errors import GalleryError
    from passerby.retrieval.drawing import draw_matches, save_drawing
    from passerby.types import Match

    def picture(identifier: str) -> io.BytesIO:
        crop = gallery.get(identifier).crop
        if not isinstance(crop, bytes):
            raise GalleryError(f"sighting {identifier}: there is no picture to draw, or the role is not shown it")
        return io.BytesIO(crop)

    asked = query if isinstance(query, Path) else picture(query)
    matches = [
        Match(
            hit.rank,
            f"{hit.sighting.camera} {hit.sighting.time:%d.%m. %H:%M}",
            hit.distance,
            None if hit.probability is None else hit.probability >= 0.5,
            hit.probability,
            hit.expected_false_matches,
        )
        for hit in answer
    ]
    save_drawing(grid, draw_matches(asked, matches, pictures=[picture(hit.sighting.id) for hit in answer]))
    note(f"grid: {grid}")
