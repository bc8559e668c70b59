"""Whether everything in a gallery agrees: record, embeddings, crops, index and audit log."""

from collections.abc import Iterator

import numpy as np

from passerby.errors import PasserbyError
from passerby.gallery import auditing, crops
from passerby.gallery.filter import Filter
from passerby.gallery.gallery import Gallery
from passerby.gallery.mirror import Mirror
from passerby.gallery.record import Record
from passerby.gallery.rows import Model
from passerby.privacy.roles import Action
from passerby.types import Progress, Sighting

_UNIT = 1e-3
_SAME = 1e-5

_COUNTS = {
    "crops without a sighting": "SELECT count(*) FROM crops WHERE number NOT IN (SELECT number FROM sightings)",
    "embeddings without a sighting": (
        "SELECT count(*) FROM embeddings WHERE number NOT IN (SELECT number FROM sightings)"
    ),
    "sightings that are erased and there": (
        "SELECT count(*) FROM tombstones WHERE number IN (SELECT number FROM sightings)"
    ),
    "sightings with numbers that were never given": (
        "SELECT count(*) FROM sightings WHERE sequence > (SELECT CAST(value AS BIGINT) FROM settings "
        "WHERE name = 'sequence') OR number > sequence"
    ),
    "sightings of cameras that are not there": (
        "SELECT count(*) FROM sightings WHERE camera NOT IN (SELECT number FROM cameras)"
    ),
}


def verify(gallery: Gallery, progress: Progress | None = None) -> list[str]:
    """Compare everything in a gallery with everything else.

    Args:
        gallery: Which.
        progress: Told how many sightings are done, and of how many.

    Returns:
        What does not agree, one sentence each; empty where all does.
    """
    gallery.guard.check(Action.VERIFY)
    problems = gallery.record.database.problems()
    if not problems:
        problems = list(_problems(gallery, progress))
    report = auditing.verify(gallery.record, gallery.guard.public_key())
    problems += [f"audit log, {problem}" for problem in report.problems]
    if report.intact:  # A broken chain stays as it is.
        gallery.record.database.write(
            lambda cursor: gallery.guard.note(cursor, Action.VERIFY, {"problems": len(problems)})
        )
    return problems


def _problems(gallery: Gallery, progress: Progress | None) -> Iterator[str]:
    record = gallery.record
    for what, statement in _COUNTS.items():
        count = record.database.read(lambda cursor, statement=statement: cursor.execute(statement))[0][0]  # type: ignore[misc]
        if count:
            yield f"{count:,} {what}"
    model = record.model()
    mirror = gallery.index() if model is not None else None
    indexed = set(mirror.numbers().tolist()) if mirror is not None else set()
    done, total = 0, record.count()
    for page in record.pages(Filter()):
        done += len(page)
        if progress is not None:
            progress(done, total)
        if model is None:
            yield f"{len(page):,} sightings, but no model"
            continue
        yield from _page_problems(gallery, page, model, mirror)
        missing = [sighting.id for sighting in page if mirror is not None and sighting.sequence not in indexed]
        yield from (f"sighting {identifier}: it is not in the index" for identifier in missing)
        indexed -= {sighting.sequence for sighting in page}
    yield from (f"the index has sighting number {number}, which is not in the record" for number in sorted(indexed))


def _page_problems(gallery: Gallery, page: list[Sighting], model: Model, mirror: Mirror | None) -> Iterator[str]:
    record: Record = gallery.record
    numbers = [sighting.sequence for sighting in page]
    embeddings, pictures = record.embeddings(numbers, model), record.crops(numbers)
    for sighting in page:
        name = f"sighting {sighting.id}"
        try:
            if sighting.sequence in pictures:
                crops.decode_all(gallery.guard.open_crop(sighting.id, pictures[sighting.sequence]), name)
            if sighting.sequence not in embeddings:
                yield f"{name}: it has no embedding of the gallery's model"
                continue
            vector = gallery.guard.open_embedding(sighting.id, *embeddings[sighting.sequence])
        except PasserbyError as error:
            yield str(error)
            continue
        if len(vector) != model.dimension or not abs(float(np.linalg.norm(vector)) - 1) < _UNIT:
            yield f"{name}: its embedding is damaged"
        elif mirror is not None and not mirror.holds(sighting.sequence, vector, _SAME):
            yield f"{name}: the index has another embedding than the record"
