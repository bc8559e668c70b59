"""Reading a gallery's record: sightings as rows; the same SQL for both databases."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from passerby.errors import GalleryError
from passerby.gallery.answers import Change
from passerby.gallery.clock import Camera, from_microseconds
from passerby.gallery.database import Cursor, Database, Row
from passerby.gallery.filter import Filter
from passerby.gallery.rows import Model, active_model, marks, pieces, read_setting
from passerby.types import FloatArray, IntArray, Sighting

PAGE = 2_000
"""Rows that are read at once, so that memory stays bounded however large the gallery is."""

_SPARE = 16  # More than are asked for, from which a database that adds up in single precision is put right.

_COLUMNS = (
    "s.number, s.id, c.name, s.time, s.track, s.person, s.quality, s.box_left, s.box_top, s.box_width, s.box_height, "
    "s.attributes, s.sequence"
)
_FROM = "FROM sightings s JOIN cameras c ON c.number = s.camera"


class Record:
    """The rows of one gallery."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def setting(self, name: str) -> str | None:
        """A setting's value, or None."""
        return self.database.read(lambda cursor: read_setting(cursor, name))

    def sequence(self) -> int:
        """The number of the latest change."""
        return int(self.setting("sequence") or 0)

    def model(self) -> Model | None:
        """The model whose embeddings are searched; None: nothing has been added yet."""
        return self.database.read(active_model)

    def cameras(self) -> dict[str, Camera]:
        """The cameras by name; how many sightings they have is not counted."""
        statement = "SELECT name, zone, clock_offset FROM cameras ORDER BY name"
        return {row[0]: Camera(*row) for row in self._rows(statement)}

    def counted_cameras(self) -> list[Camera]:
        """The cameras in order of name, with the number of their sightings."""
        statement = (
            "SELECT c.name, c.zone, c.clock_offset, (SELECT count(*) FROM sightings s WHERE s.camera = c.number) "
            "FROM cameras c ORDER BY c.name"
        )
        return [Camera(*row) for row in self._rows(statement)]

    def known_cameras(self, names: Collection[str] | None) -> frozenset[str] | None:
        """The cameras of those names; None: all.

        Raises:
            GalleryError: There is none of one of the names.
        """
        if names is None:
            return None
        known = self.cameras()
        for name in sorted(names):
            if name not in known:
                there = f"the gallery has {', '.join(known)}" if known else "the gallery has no cameras yet"
                raise GalleryError(f"{self.database.place}: there is no camera {name!r}; {there}")
        return frozenset(names)

    def span(self, wanted: Filter) -> tuple[int | None, int | None]:
        """Microseconds since 1970 of the earliest and the latest sighting that is meant."""
        condition, values = wanted.condition()
        statement = f"SELECT min(s.time), max(s.time) FROM sightings s WHERE {condition}"
        (row,) = self.database.read(lambda cursor: cursor.execute(statement, values))
        return row[0], row[1]

    def changes(self, after: int) -> list[Change]:
        """What came behind the change of that number, in order; not everything at once."""

        def read(cursor: Cursor) -> list[Change]:
            statement = f"SELECT {_COLUMNS} {_FROM} WHERE s.sequence > ? ORDER BY s.sequence LIMIT {PAGE}"
            there = cursor.execute(statement, (after,))
            upto = there[-1][-1] if len(there) == PAGE else int(read_setting(cursor, "sequence") or 0)
            gone = cursor.execute(
                "SELECT sequence, number FROM tombstones WHERE sequence > ? AND sequence <= ?", (after, upto)
            )
            found = [
                Change(row[-1], "added" if row[-1] == row[0] else "changed", row[0], _sighting(row)) for row in there
            ]
            found += [Change(sequence, "removed", number, None) for sequence, number in gone]
            return sorted(found, key=lambda change: change.sequence)

        return self.database.read(read)

    def nearest(self, queries: FloatArray, wanted: Filter, top: int) -> tuple[FloatArray, IntArray, int]:
        """Let a database that can compare find the nearest; see `Mirror.find`.

        It adds up in single precision, so some more are taken than are asked for, measured again and put in order.
        """
        condition, values = wanted.condition()
        among = "" if wanted == Filter() else f"AND e.number IN (SELECT s.number FROM sightings s WHERE {condition})"
        nearest = (
            f"SELECT e.number FROM embeddings e WHERE e.model = ? {among} ORDER BY e.vector <#> ?, e.number LIMIT ?"
        )
        statement = f"SELECT number, vector FROM embeddings WHERE model = ? AND number IN ({nearest})"

        def read(cursor: Cursor) -> tuple[FloatArray, IntArray, int]:
            model = active_model(cursor)
            compared = int(cursor.execute(f"SELECT count(*) FROM sightings s WHERE {condition}", values)[0][0])
            number = model.number if model is not None else 0
            found = []
            for query in queries:
                asked = [*(values if among else ()), self.database.to_vector(query), top + _SPARE]
                rows = cursor.execute(statement, [number, number, *asked])
                found.append(self._in_order(rows, query, top))
            return np.stack([one for one, _ in found]), np.stack([one for _, one in found]), compared

        return self.database.read(read)

    def _in_order(self, rows: Sequence[Row], query: FloatArray, top: int) -> tuple[FloatArray, IntArray]:
        """Distances and numbers of the nearest among some rows of number and vector, measured in double precision."""
        numbers = np.array([row[0] for row in rows], np.int64)
        vectors = np.array([self.database.from_vector(row[1]) for row in rows], np.float64).reshape(-1, len(query))
        distances = (1 - vectors @ query.astype(np.float64)).clip(0, 2).astype(np.float32)
        order = np.lexsort((numbers, distances))[:top]
        return distances[order], numbers[order]

    def count(self, wanted: Filter | None = None) -> int:
        """How many sightings there are."""
        condition, values = (wanted or Filter()).condition()
        statement = f"SELECT count(*) FROM sightings s WHERE {condition}"
        return int(self.database.read(lambda cursor: cursor.execute(statement, values))[0][0])

    def numbers(self, wanted: Filter) -> list[int]:
        """The numbers of the sightings that are meant, ascending."""
        condition, values = wanted.condition()
        statement = f"SELECT s.number FROM sightings s WHERE {condition} ORDER BY s.number"
        return [row[0] for row in self.database.read(lambda cursor: cursor.execute(statement, values))]

    def by_number(self, numbers: Sequence[int]) -> dict[int, Sighting]:
        """Sightings by their numbers, without picture and embedding; those that are gone are left out."""
        return {sighting.sequence: sighting for sighting in self._select("s.number", numbers)}

    def by_id(self, identifiers: Sequence[str]) -> dict[str, Sighting]:
        """Sightings by their ids, without picture and embedding; those that are gone are left out."""
        return {sighting.id: sighting for sighting in self._select("s.id", identifiers)}

    def sighting(self, identifier: str) -> Sighting:
        """The sighting of that id, without picture and embedding.

        Raises:
            GalleryError: There is none.
        """
        found = self.by_id([identifier]).get(identifier)
        if found is None:
            raise GalleryError(f"{self.database.place}: there is no sighting {identifier!r} in the gallery")
        return found

    def pages(self, wanted: Filter) -> Iterator[list[Sighting]]:
        """All sightings that are meant, in the order in which they were added, page by page."""
        condition, values = wanted.condition()
        statement = f"SELECT {_COLUMNS} {_FROM} WHERE s.number > ? AND {condition} ORDER BY s.number LIMIT {PAGE}"
        last = 0
        while page := [_sighting(row) for row in self._rows(statement, [last, *values])]:
            yield page
            last = page[-1].sequence

    def crops(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """Stored pictures by their sightings' numbers, as they lie there."""
        return {
            number: bytes(content)
            for number, content in self._in("SELECT number, content FROM crops WHERE number IN", numbers)
        }

    def embeddings(self, numbers: Sequence[int], model: Model) -> dict[int, tuple[Any, bytes | None]]:
        """Plain vector and sealed embedding, one of them None, by their sightings' numbers, as they lie there."""
        statement = f"SELECT number, vector, sealed FROM embeddings WHERE model = {model.number} AND number IN"
        return {number: (vector, sealed) for number, vector, sealed in self._in(statement, numbers)}

    def audit_lines(self, after: int = 0) -> Iterator[tuple[int, str]]:
        """Number and text of every line of the audit log, in order."""
        statement = f"SELECT number, line FROM audit WHERE number > ? ORDER BY number LIMIT {PAGE}"
        while page := self._rows(statement, [after]):
            yield from ((number, line) for number, line in page)
            after = page[-1][0]

    def _select(self, column: str, values: Sequence[int] | Sequence[str]) -> list[Sighting]:
        return [_sighting(row) for row in self._in(f"SELECT {_COLUMNS} {_FROM} WHERE {column} IN", values)]

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        return self.database.read(lambda cursor: cursor.execute(statement, values))

    def _in(self, statement: str, values: Sequence[Any]) -> list[Row]:
        def read(cursor: Cursor) -> list[Row]:
            return [
                row for piece in pieces(values) for row in cursor.execute(f"{statement} ({marks(len(piece))})", piece)
            ]

        return self.database.read(read)


def _sighting(row: Row) -> Sighting:
    number, identifier, camera, time, track, person, quality, left, top, width, height, attributes, _ = row
    return Sighting(
        camera=camera,
        time=from_microseconds(time),
        box=None if left is None else (left, top, width, height),
        track=track,
        person=person,
        quality=quality,
        attributes=json.loads(attributes),
        id=identifier,
        sequence=number,
    )
