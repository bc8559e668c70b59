"""Moving a gallery to another model: beside the old embeddings until all are there, then all at once."""

from functools import partial
from typing import TYPE_CHECKING

from passerby.errors import GalleryError
from passerby.gallery import crops
from passerby.gallery.database import Cursor
from passerby.gallery.embedding import embed_all
from passerby.gallery.gallery import Gallery
from passerby.gallery.model import GalleryModel
from passerby.gallery.rows import Model, insert_embeddings, insert_model, new_generation, write_setting
from passerby.privacy.roles import Action
from passerby.types import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE = 128

_MISSING = (
    "SELECT s.number, s.id FROM sightings s WHERE NOT EXISTS "
    "(SELECT 1 FROM embeddings e WHERE e.number = s.number AND e.model = ?) ORDER BY s.number LIMIT ?"
)


def reembed(gallery: Gallery, model: GalleryModel, progress: Progress | None = None) -> int:
    """Embed every crop with another model, and switch to it when all are done.

    Until then searches go on with the old one. Interrupted, the same call goes on where it stopped.

    Args:
        gallery: What to move.
        model: The new model.
        progress: Told how many are done, and of how many.

    Returns:
        How many sightings were embedded.

    Raises:
        GalleryError: The gallery is empty, or some of its sightings have no crop.
    """
    gallery.guard.check(Action.MAINTAIN)
    record = gallery.record
    old, embedder = record.model(), model.embedder(None)
    if old is None:
        raise GalleryError(f"{record.database.place}: the gallery is empty; add sightings with the new model")
    without = record.database.read(
        lambda cursor: cursor.execute("SELECT count(*) FROM sightings WHERE number NOT IN (SELECT number FROM crops)")
    )[0][0]
    if without:
        raise GalleryError(
            f"{record.database.place}: {without:,} sightings have no crop to embed again; erase them, or add them "
            "to a new gallery with embeddings of the new model"
        )
    source = model.source(embedder)
    new = record.database.write(lambda cursor: insert_model(cursor, embedder.identity, embedder.dimension, source))
    done, total = 0, record.count()
    while new.identity != old.identity:
        missing = record.database.read(lambda cursor: cursor.execute(_MISSING, (new.number, _AT_ONCE)))
        if not missing and record.database.write(partial(_switch, gallery=gallery, new=new)):
            break
        _embed(gallery, model, new, [(number, identifier) for number, identifier in missing])
        done += len(missing)
        if progress is not None:
            progress(done, total)
    gallery.model.replace_by(model)
    return done


def _embed(gallery: Gallery, model: GalleryModel, new: Model, missing: "Sequence[tuple[int, str]]") -> None:
    identifiers = dict(missing)
    stored = gallery.record.crops(list(identifiers))
    numbers = [number for number in identifiers if number in stored]  # Others have been erased meanwhile.
    if not numbers:
        return
    names = {number: f"sighting {identifiers[number]}" for number in numbers}
    pictures = [
        crops.decode_all(gallery.guard.open_crop(identifiers[number], stored[number]), names[number])
        for number in numbers
    ]
    concealed = gallery.guard.conceal(embed_all(model.embedder(None), pictures))
    rows = []
    for number, vector in zip(numbers, concealed, strict=True):
        sealed = gallery.guard.seal_embedding(identifiers[number], vector)
        rows.append((number, gallery.record.database.to_vector(vector) if sealed is None else None, sealed))

    def write(cursor: Cursor) -> None:
        gallery.guard.hold(cursor)
        there = {row[0] for row in cursor.execute("SELECT number FROM sightings WHERE number >= ?", (numbers[0],))}
        insert_embeddings(cursor, new, [row for row in rows if row[0] in there])

    gallery.record.database.write(write)


def _switch(cursor: Cursor, *, gallery: Gallery, new: Model) -> bool:
    """Make the new model the gallery's, unless sightings without its embeddings have come meanwhile."""
    if cursor.execute(_MISSING, (new.number, 1)):
        return False
    write_setting(cursor, "model", new.identity)
    cursor.execute("DELETE FROM embeddings WHERE model <> ?", (new.number,))
    cursor.execute("DELETE FROM models WHERE number <> ?", (new.number,))
    new_generation(cursor)
    gallery.guard.note(cursor, Action.MAINTAIN, {"model": new.identity})
    return True
