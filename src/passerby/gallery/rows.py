"""Writing rows of a record, within somebody's transaction; every change takes the next number."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from passerby.gallery.clock import Camera, to_microseconds
from passerby.gallery.database import Cursor
from passerby.types import Sighting


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a new sighting as they go into the record: settled, and sealed where the gallery is encrypted.

    Attributes:
        sighting: With its id, and its time in UTC.
        crop: Bytes, or None where no picture is kept.
        vector: A plain embedding as the database takes it, or None.
        sealed: An encrypted embedding, or None.
    """

    sighting: Sighting
    crop: bytes | None
    vector: Any
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose embeddings a record holds.

    Attributes:
        number: Its number in the record.
        identity: The bundle's identity.
        dimension: Numbers in an embedding.
        source: Name or folder of the bundle, where it is known; empty otherwise.
    """

    number: int
    identity: str
    dimension: int
    source: str


def pieces(values: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """A long sequence in parts of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))


def read_setting(cursor: Cursor, name: str) -> str | None:
    """A setting's value, or None."""
    found = cursor.execute("SELECT value FROM settings WHERE name = ?", (name,))
    return found[0][0] if found else None


def write_setting(cursor: Cursor, name: str, value: str) -> None:
    """Set a setting."""
    cursor.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def take_numbers(cursor: Cursor, count: int) -> int:
    """Take the next `count` numbers of changes; gives the first of them. Writers come one at a time."""
    first = int(read_setting(cursor, "sequence") or 0) + 1
    write_setting(cursor, "sequence", str(first + count - 1))
    return first


def active_model(cursor: Cursor) -> Model | None:
    """The model whose embeddings are searched."""
    rows = cursor.execute(
        "SELECT m.number, m.identity, m.dimension, m.source FROM models m JOIN settings s "
        "ON s.name = 'model' AND s.value = m.identity"
    )
    return Model(*rows[0]) if rows else None


def insert_model(cursor: Cursor, identity: str, dimension: int, source: str) -> Model:
    """The model of that identity; makes its row where there is none."""
    cursor.execute(
        "INSERT INTO models (number, identity, dimension, source) "
        "SELECT coalesce(max(number), 0) + 1, ?, ?, ? FROM models WHERE true ON CONFLICT (identity) DO NOTHING",
        (identity, dimension, source),
    )
    (row,) = cursor.execute("SELECT number, identity, dimension, source FROM models WHERE identity = ?", (identity,))
    return Model(*row)


def insert_camera(cursor: Cursor, camera: Camera) -> None:
    """Add a camera, or change the one of that name."""
    cursor.execute(
        "INSERT INTO cameras (number, name, zone, clock_offset) "
        "SELECT coalesce(max(number), 0) + 1, ?, ?, ? FROM cameras WHERE true "
        "ON CONFLICT (name) DO UPDATE SET zone = excluded.zone, clock_offset = excluded.clock_offset",
        (camera.name, camera.zone, camera.clock_offset),
    )


def insert_sightings(cursor: Cursor, batch: Sequence[Stored], model: Model) -> dict[str, int]:
    """Add sightings whose cameras are there; those whose ids are there already stay as they are.

    Returns:
        The number of each by its id: a new one, or the one that it has.
    """
    known = _numbers_of(cursor, [stored.sighting.id for stored in batch])
    new = {stored.sighting.id: stored for stored in batch if stored.sighting.id not in known}
    if not new:
        return known
    cameras: dict[str, int] = dict(cursor.execute("SELECT name, number FROM cameras"))
    numbered = list(enumerate(new.values(), start=take_numbers(cursor, len(new))))
    cursor.many(
        f"INSERT INTO sightings (number, sequence, id, camera, time, track, person, quality, box_left, box_top, "
        f"box_width, box_height, attributes) VALUES ({marks(13)})",
        [_row(number, stored.sighting, cameras) for number, stored in numbered],
    )
    cursor.many(
        "INSERT INTO crops (number, content) VALUES (?, ?)",
        [(number, stored.crop) for number, stored in numbered if stored.crop is not None],
    )
    insert_embeddings(cursor, model, [(number, stored.vector, stored.sealed) for number, stored in numbered])
    return known | {stored.sighting.id: number for number, stored in numbered}


def insert_embeddings(cursor: Cursor, model: Model, rows: Iterable[tuple[int, Any, bytes | None]]) -> None:
    """Add embeddings of a model: numbers of sightings, plain vectors, sealed embeddings."""
    cursor.many(
        f"INSERT INTO embeddings (number, model, vector, sealed) VALUES (?, {model.number}, ?, ?) "
        "ON CONFLICT (number, model) DO NOTHING",
        rows,
    )


def delete_sightings(cursor: Cursor, numbers: Sequence[int]) -> int:
    """Delete sightings with all that belongs to them, and leave tombstones, which say nothing but their numbers.

    Returns:
        How many there were.
    """
    there = list(_existing(cursor, numbers))
    if not there:
        return 0
    for piece in pieces(there):
        for table in ("crops", "embeddings", "sightings"):
            cursor.execute(f"DELETE FROM {table} WHERE number IN ({marks(len(piece))})", piece)
    first = take_numbers(cursor, len(there))
    cursor.many("INSERT INTO tombstones (sequence, number) VALUES (?, ?)", enumerate(there, start=first))
    return len(there)


def set_person(cursor: Cursor, numbers: Sequence[int], person: str | None) -> int:
    """Say whom sightings show; gives how many there were."""
    there = list(_existing(cursor, numbers))
    first = take_numbers(cursor, len(there)) if there else 0
    cursor.many(
        "UPDATE sightings SET person = ?, sequence = ? WHERE number = ?",
        [(person, first + place, number) for place, number in enumerate(there)],
    )
    return len(there)


def new_generation(cursor: Cursor) -> None:
    """Say that every saved index is of another gallery now."""
    write_setting(cursor, "generation", uuid.uuid4().hex)


def _numbers_of(cursor: Cursor, identifiers: Sequence[str]) -> dict[str, int]:
    return {
        identifier: number
        for piece in pieces(identifiers)
        for identifier, number in cursor.execute(
            f"SELECT id, number FROM sightings WHERE id IN ({marks(len(piece))})", piece
        )
    }


def _existing(cursor: Cursor, numbers: Sequence[int]) -> Iterator[int]:
    for piece in pieces(numbers):
        statement = f"SELECT number FROM sightings WHERE number IN ({marks(len(piece))})"
        yield from (row[0] for row in cursor.execute(statement, piece))


def marks(count: int) -> str:
    """So many question marks."""
    return ", ".join("?" * count)


def _row(number: int, sighting: Sighting, cameras: dict[str, int]) -> tuple[Any, ...]:
    box = sighting.box or (None, None, None, None)
    attributes = json.dumps(dict(sighting.attributes), ensure_ascii=False, sort_keys=True)
    return (
        number,
        number,
        sighting.id,
        cameras[sighting.camera],
        to_microseconds(sighting.time),
        sighting.track,
        sighting.person,
        sighting.quality,
        *box,
        attributes,
    )
