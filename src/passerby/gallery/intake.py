"""New sightings, checked and settled before any of them goes into the record."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from passerby.errors import DataError, GalleryError
from passerby.gallery import crops
from passerby.gallery.answers import Acknowledgement
from passerby.gallery.bookmarks import Bookmark, write_bookmark
from passerby.gallery.clock import Camera, to_microseconds
from passerby.gallery.database import Cursor
from passerby.gallery.embedding import embed_all
from passerby.gallery.guard import Guard
from passerby.gallery.model import GalleryModel, other_model
from passerby.gallery.record import Record
from passerby.gallery.rows import (
    Model,
    Stored,
    active_model,
    insert_camera,
    insert_model,
    insert_sightings,
    read_setting,
    write_setting,
)
from passerby.gallery.watchlist import WatchList
from passerby.privacy.roles import Action
from passerby.retrieval.distance import normalise
from passerby.types import FloatArray, Sighting

_LONGEST = 200  # Characters of a name.
_UNIT = 1e-6  # How far the square of a length may be from 1.
_MOST_ATTRIBUTES = 10_000  # Characters as JSON.


@dataclass(frozen=True, slots=True)
class Batch:
    """Sightings that are whole: with times in UTC, pictures as bytes, unit embeddings, and ids.

    Attributes:
        sightings: In the order in which they came.
        identity: Identity of the model of all of them.
        dimension: Numbers in each embedding.
        source: Where that model is; empty where the embeddings came without one.
    """

    sightings: tuple[Sighting, ...]
    identity: str
    dimension: int
    source: str


def settle(
    sightings: Sequence[Sighting], cameras: Mapping[str, Camera], model: GalleryModel, stored: Model | None
) -> Batch:
    """Check sightings, and make what is missing: embeddings from crops, and ids.

    Args:
        sightings: New ones.
        cameras: The gallery's by name; others keep UTC.
        model: Embeds crops.
        stored: The gallery's model; None: it has none yet.

    Raises:
        GalleryError: A field does not fit, there is neither crop nor embedding, or an embedding is another model's.
        DataError: An embedding is not finite or has another dimension.
        ImageError: A crop is no picture.
    """
    checked = [_checked(sighting, place, cameras) for place, sighting in enumerate(sightings)]
    missing = [place for place, sighting in enumerate(checked) if sighting.embedding is None]
    identities = {sighting.model for sighting in checked if sighting.embedding is not None}
    source = ""
    if missing:
        embedder = model.embedder(stored)
        source = model.source(embedder)
        pictures = [crops.decode_all(_bytes(checked[place]), name_of(checked[place], place)) for place in missing]
        for place, vector in zip(missing, embed_all(embedder, pictures), strict=True):
            checked[place] = replace(checked[place], embedding=vector)
        identities.add(embedder.identity)
    identity = _one_identity(identities, stored)
    dimensions = {len(vector) for sighting in checked if (vector := sighting.embedding) is not None}
    expected = stored.dimension if stored else min(dimensions)
    if dimensions != {expected}:
        raise DataError(f"expected embeddings of {expected} numbers, got {max(dimensions - {expected})}")
    whole = tuple(replace(s, id=s.id or content_id(s), model=identity) for s in checked)
    return Batch(whole, identity, expected, source or model.source_of(identity))


def take_in(
    record: Record,
    guard: Guard,
    model: GalleryModel,
    watch_list: WatchList,
    sightings: Sequence[Sighting],
    bookmark: Bookmark | None = None,
) -> list[Acknowledgement]:
    """Add sightings that somebody may add; see `Gallery.add`."""
    batch = settle(sightings, record.cameras(), model, record.model())
    kept = watch_list.kept(batch.sightings, record.model())
    stored = seal(kept, guard, record) if kept else []

    def write(cursor: Cursor) -> tuple[dict[str, int], int]:
        before = int(read_setting(cursor, "sequence") or 0)
        bound = _bind(cursor, batch)
        for camera in {sighting.camera for sighting in kept}:
            if not cursor.execute("SELECT 1 FROM cameras WHERE name = ?", (camera,)):
                insert_camera(cursor, Camera(camera))
        numbers = insert_sightings(cursor, stored, bound)
        added = int(read_setting(cursor, "sequence") or 0) - before
        guard.note(cursor, Action.ADD, {"asked": len(sightings), "added": added})
        if bookmark is not None:
            write_bookmark(cursor, bookmark)
        return numbers, before

    numbers, before = record.database.write(write)
    return [
        Acknowledgement(sighting.id, number := numbers.get(sighting.id, 0), new=number > before)
        for sighting in batch.sightings
    ]


def seal(batch: Sequence[Sighting], guard: Guard, record: Record) -> list[Stored]:
    """Give sightings the form in which they lie in the record: what the policy keeps, encrypted if need be."""
    embeddings = [sighting.embedding for sighting in batch if sighting.embedding is not None]
    concealed = guard.conceal(np.stack(embeddings))
    stored = []
    for sighting, vector in zip(batch, concealed, strict=True):
        kept = guard.kept(sighting.camera, matched=True)
        content = _bytes(sighting) if kept is not None and kept.crop and sighting.crop is not None else None
        sealed = guard.seal_embedding(sighting.id, vector)
        stored.append(
            Stored(
                sighting,
                None if content is None else guard.seal_crop(sighting.id, content),
                record.database.to_vector(vector) if sealed is None else None,
                sealed,
            )
        )
    return stored


def content_id(sighting: Sighting) -> str:
    """The id of a sighting that has none: the same for the same content, so that adding twice adds once."""
    digest = hashlib.sha256(b"passerby sighting 1\n")
    head = [sighting.camera, to_microseconds(sighting.time), sighting.track, sighting.box]
    digest.update(json.dumps(head).encode())
    if sighting.crop is not None:
        digest.update(_bytes(sighting))
    elif sighting.embedding is not None:
        digest.update(sighting.embedding.astype("<f4").tobytes())
    return digest.hexdigest()[:32]


def name_of(sighting: Sighting, place: int) -> str:
    """What errors call a sighting: its id, else its place in the batch."""
    return f"sighting {sighting.id}" if sighting.id else f"sighting {place + 1}"


def check_camera_name(name: str) -> None:
    """Do nothing where a camera may be called so.

    Raises:
        GalleryError: It may not.
    """
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise GalleryError(f"expected a camera's name of 1 to {_LONGEST} printable characters, got {name[:80]!r}")


def _checked(sighting: Sighting, place: int, cameras: Mapping[str, Camera]) -> Sighting:
    name = name_of(sighting, place)
    check_camera_name(sighting.camera)
    if not isinstance(sighting.time, datetime):
        raise GalleryError(f"{name}: expected a time, got {sighting.time!r}")
    if sighting.quality is not None and not 0 <= sighting.quality <= 1:
        raise GalleryError(f"{name}: expected a quality of 0 to 1, got {sighting.quality}")
    if sighting.box is not None and not (
        len(sighting.box) == 4 and all(map(math.isfinite, sighting.box)) and min(sighting.box[2:]) > 0
    ):
        raise GalleryError(f"{name}: expected a box of left, top, width and height, got {sighting.box}")
    for label, text in (("id", sighting.id), ("track", sighting.track), ("person", sighting.person)):
        if text is not None and (len(text) > _LONGEST or "\0" in text):
            raise GalleryError(f"{name}: expected a {label} of at most {_LONGEST} characters, got {text[:80]!r}")
    _check_attributes(sighting, name)
    if sighting.crop is None and sighting.embedding is None:
        raise GalleryError(f"{name}: expected a crop or an embedding, got neither")
    content = None if sighting.crop is None else crops.content_of(sighting.crop, name)
    if content is not None and sighting.embedding is not None:
        crops.decode(content, name)  # What is embedded here is decoded anyway.
    vector = None if sighting.embedding is None else _unit(np.asarray(sighting.embedding), name)
    time = cameras.get(sighting.camera, Camera(sighting.camera)).utc(sighting.time)
    return replace(sighting, crop=content, embedding=vector, time=time)


def _check_attributes(sighting: Sighting, name: str) -> None:
    for key, value in sighting.attributes.items():
        fits = (
            value is None
            or isinstance(value, str | bool | int)
            or (isinstance(value, float) and math.isfinite(value))
        )
        if not isinstance(key, str) or not fits:
            raise GalleryError(
                f"{name}: expected attributes of text, numbers or true and false, got {key}: {value!r}"
            )
    if len(json.dumps(dict(sighting.attributes))) > _MOST_ATTRIBUTES:
        raise GalleryError(f"{name}: expected attributes of at most {_MOST_ATTRIBUTES:,} characters in all")


def _unit(embedding: FloatArray, name: str) -> FloatArray:
    if embedding.ndim != 1 or embedding.dtype.kind not in "fiu":
        raise DataError(
            f"{name}: expected an embedding (D,) of real numbers, got {embedding.dtype} {embedding.shape}"
        )
    single = embedding.astype(np.float32, copy=False)
    if abs(float(np.dot(single.astype(np.float64), single)) - 1) < _UNIT:
        return single  # Not rounded again, so that what is exported and imported stays the same to the last bit.
    try:
        unit: FloatArray = normalise(embedding[None])[0]
        return unit
    except DataError as error:
        what = "not finite" if "not finite" in str(error) else "all zeros"
        raise DataError(f"{name}: expected a finite embedding with a direction, got one that is {what}") from error


def _bind(cursor: Cursor, batch: Batch) -> Model:
    """The gallery's model, which is the first batch's."""
    bound = active_model(cursor)
    if bound is None:
        bound = insert_model(cursor, batch.identity, batch.dimension, batch.source)
        write_setting(cursor, "model", bound.identity)
    if bound.identity != batch.identity:  # Somebody else was first, or the gallery has moved to another model.
        raise other_model(bound.identity, batch.identity)
    return bound


def _one_identity(identities: set[str | None], stored: Model | None) -> str:
    named = {identity for identity in identities if identity is not None}
    if stored is not None:
        named.add(stored.identity)
    if not named:
        raise GalleryError(
            "expected the identity of the model that made the embeddings, got none; say it in `Sighting.model`"
        )
    if len(named) > 1:
        expected = stored.identity if stored else min(named)
        raise other_model(expected, min(named - {expected}))
    return named.pop()


def _bytes(sighting: Sighting) -> bytes:
    assert isinstance(sighting.crop, bytes)
    return sighting.crop
