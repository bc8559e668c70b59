"""Sightings as JSON, one a line: what other programs can read and write."""

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passerby.atomic import atomic_path
from passerby.errors import GalleryError, MachineError, PasserbyError
from passerby.gallery.filter import Filter
from passerby.gallery.gallery import Gallery
from passerby.gallery.reading import completed
from passerby.privacy.roles import Action
from passerby.types import AttributeValue, Progress, Sighting

_AT_ONCE = 500  # Lines that are added together.
_LONGEST = 128 * 2**20  # Characters of a line.


class _Line(BaseModel):
    """One line of an export."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera: str
    time: datetime
    id: str = ""
    crop: str | None = None
    box: tuple[float, float, float, float] | None = None
    track: str | None = None
    person: str | None = None
    quality: float | None = None
    embedding: list[float] | None = Field(None, max_length=100_000)
    model: str | None = None
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of importing a file.

    Attributes:
        added: Sightings that are new.
        known: Those that were there already.
        refused: Number and reason of each line that is not in the gallery.
    """

    added: int
    known: int
    refused: tuple[tuple[int, str], ...]


def export(
    gallery: Gallery,
    target: Path,
    *,
    cameras: Collection[str] | None = None,
    with_crops: bool = True,
    progress: Progress | None = None,
) -> int:
    """Write sightings to a file, one JSON object a line, as far as the role is shown them.

    Args:
        gallery: What to export.
        target: The file, which is there when it is whole.
        cameras: Only of these; None: all.
        with_crops: Whether pictures go along, as base64.
        progress: Told how many are written, and of how many.

    Returns:
        How many sightings were written.
    """
    allowed = gallery.guard.check(Action.EXPORT, gallery.record.known_cameras(cameras))
    gallery.record.database.write(lambda cursor: gallery.guard.note(cursor, Action.EXPORT, {"crops": with_crops}))
    written, total = 0, gallery.record.count(Filter(allowed))
    with atomic_path(target) as path, path.open("w", encoding="utf-8") as file:
        for sighting in _complete(gallery, Filter(allowed), with_crops):
            file.write(json.dumps(_as_line(sighting), ensure_ascii=False, separators=(",", ":")) + "\n")
            written += 1
            if progress is not None:
                progress(written, total)
    return written


def import_lines(gallery: Gallery, source: Path, progress: Progress | None = None) -> Imported:
    """Add the sightings of a file that `export` or another program wrote.

    A line that cannot be used is named with the reason and left out; every other line is added. What is there already
    is not added again, so that the file can be put right and imported once more.

    Args:
        gallery: Where to.
        source: The file.
        progress: Told how many lines are done, and of how many.

    Raises:
        GalleryError: There is no such file.
        MachineError: The disk is full, or the database does not answer.
    """
    gallery.guard.check(Action.ADD)
    added = known = 0
    refused: list[tuple[int, str]] = []
    batch: list[tuple[int, Sighting]] = []
    total = 0 if progress is None else sum(1 for _ in _lines(source))

    def flush() -> None:
        nonlocal added, known
        for acknowledged in _added(gallery, batch, refused):
            added += acknowledged
            known += not acknowledged
        batch.clear()

    for number, text in _lines(source):
        try:
            batch.append((number, _read(text)))
        except PasserbyError as error:
            refused.append((number, str(error)))
        if len(batch) == _AT_ONCE:
            flush()
            if progress is not None:
                progress(added + known + len(refused), total)
    flush()
    return Imported(added, known, tuple(sorted(refused)))


def _added(gallery: Gallery, batch: list[tuple[int, Sighting]], refused: list[tuple[int, str]]) -> Iterator[bool]:
    """Add a batch; where something in it does not fit, halve it until what does not is alone."""
    if not batch:
        return
    try:
        yield from [acknowledged.new for acknowledged in gallery.add([sighting for _, sighting in batch])]
    except MachineError:
        raise
    except PasserbyError as error:
        if len(batch) == 1:
            refused.append((batch[0][0], str(error).removeprefix("sighting 1: ")))
            return
        middle = len(batch) // 2
        yield from _added(gallery, batch[:middle], refused)
        yield from _added(gallery, batch[middle:], refused)


def _complete(gallery: Gallery, wanted: Filter, with_crops: bool) -> Iterator[Sighting]:
    """Sightings with embeddings and, where wanted, crops, as the role is shown them."""
    for page in gallery.record.pages(wanted):
        yield from completed(gallery.record, gallery.guard, page, with_crops=with_crops)


def _as_line(sighting: Sighting) -> dict[str, Any]:
    line = {
        "id": sighting.id,
        "camera": sighting.camera,
        "time": sighting.time.isoformat(),
        "track": sighting.track,
        "person": sighting.person,
        "quality": sighting.quality,
        "box": sighting.box,
        "attributes": dict(sighting.attributes),
        "model": sighting.model if sighting.embedding is not None else None,
        # The shortest decimals that give the same float32 again.
        "embedding": None if sighting.embedding is None else [float(str(x)) for x in sighting.embedding],
        "crop": b64encode(sighting.crop).decode() if isinstance(sighting.crop, bytes) else None,
    }
    return {name: value for name, value in line.items() if value not in (None, {})}


def _lines(source: Path) -> Iterator[tuple[int, str]]:
    try:
        with source.open(encoding="utf-8", errors="replace") as file:
            number = 0
            while text := file.readline(_LONGEST):
                number += 1
                if text.strip():
                    yield number, text
    except FileNotFoundError as error:
        raise GalleryError(f"{source}: there is no such file; make one with `passerby gallery export`") from error
    except OSError as error:
        raise GalleryError(f"{source}: it cannot be read ({(error.strerror or str(error)).lower()})") from error


def _read(text: str) -> Sighting:
    try:
        line = _Line.model_validate(json.loads(text, parse_constant=_no_constant))
        crop = None if line.crop is None else b64decode(line.crop, validate=True)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        message = problem["msg"][:1].lower() + problem["msg"][1:]
        if not problem["loc"]:
            message = "it is something else"
        place = ".".join(map(str, problem["loc"])) or "expected a sighting as a JSON object"
        raise GalleryError(f"{place}: {message}") from error
    except json.JSONDecodeError as error:
        what = f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos + 1}"
        raise GalleryError(f"expected a sighting as a JSON object: {what}") from error
    except (ValueError, RecursionError) as error:
        raise GalleryError(f"expected a sighting as a JSON object: {' '.join(str(error).split())}") from error
    return Sighting(
        camera=line.camera,
        time=line.time,
        crop=crop,
        box=line.box,
        track=line.track,
        person=line.person,
        quality=line.quality,
        embedding=None if line.embedding is None else np.array(line.embedding, np.float32),
        model=line.model,
        attributes=line.attributes,
        id=line.id,
    )


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number that a sighting may have")
