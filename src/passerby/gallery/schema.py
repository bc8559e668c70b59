"""The tables of a record, and how a record of an older version becomes one of this."""

import uuid
from collections.abc import Callable
from dataclasses import asdict

from passerby.errors import GalleryError
from passerby.gallery.database import Cursor, Database, Dialect

VERSION = 1

TABLES = ("settings", "models", "cameras", "sightings", "crops", "embeddings", "tombstones", "wanted", "audit")
"""What a backup copies, in the order in which the tables refer to one another."""

_TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE models (number {key}, identity TEXT NOT NULL UNIQUE, dimension BIGINT NOT NULL, source TEXT NOT NULL);
CREATE TABLE cameras (
    number {key}, name TEXT NOT NULL UNIQUE, zone TEXT NOT NULL, clock_offset DOUBLE PRECISION NOT NULL
);
CREATE TABLE sightings (
    number {key}, sequence BIGINT NOT NULL UNIQUE, id TEXT NOT NULL UNIQUE, camera BIGINT NOT NULL REFERENCES cameras,
    time BIGINT NOT NULL, track TEXT, person TEXT, quality DOUBLE PRECISION,
    box_left DOUBLE PRECISION, box_top DOUBLE PRECISION, box_width DOUBLE PRECISION, box_height DOUBLE PRECISION,
    attributes TEXT NOT NULL
);
CREATE INDEX sightings_of_camera ON sightings (camera, time);
CREATE INDEX sightings_of_person ON sightings (person);
CREATE TABLE crops (number {key}, content {blob} NOT NULL);
CREATE TABLE embeddings (
    number BIGINT NOT NULL, model BIGINT NOT NULL REFERENCES models, vector {vector}, sealed {blob}
) {inline};
CREATE UNIQUE INDEX embeddings_of_sighting ON embeddings (number, model);
CREATE TABLE tombstones (sequence {key}, number BIGINT NOT NULL);
CREATE TABLE wanted (name TEXT PRIMARY KEY, content {blob} NOT NULL);
CREATE TABLE readers (name TEXT PRIMARY KEY, sequence BIGINT NOT NULL);
CREATE TABLE audit (number {key}, line TEXT NOT NULL);
"""

_MIGRATIONS: dict[int, Callable[[Cursor, Dialect], None]] = {}
"""By the version that it starts from: what makes a record one of the next version."""


def prepare(database: Database, *, create: bool) -> None:
    """Make sure that a record of this version is in the database.

    Args:
        database: Where.
        create: Whether to make a record where there is none.

    Raises:
        GalleryError: There is none and none is to be made, or it is of a newer version.
    """
    if not database.read(lambda cursor: cursor.execute(database.dialect.has_record)):
        if not create:
            raise GalleryError(
                f"{database.place}: expected a gallery, got nothing there; make one with `passerby gallery create`"
            )
        database.write(lambda cursor: _create(cursor, database))
    version = database.read(_version)
    if version > VERSION:
        raise GalleryError(
            f"{database.place}: expected a gallery of version {VERSION} or older, got version {version}; "
            "use a newer Passerby"
        )
    while version < VERSION:
        database.write(lambda cursor: _migrate(cursor, database.dialect))
        version = database.read(_version)


def _create(cursor: Cursor, database: Database) -> None:
    if cursor.execute(database.dialect.has_record):  # Somebody else was faster.
        return
    for statement in _TABLES.format_map(asdict(database.dialect)).split(";"):
        if statement.strip():
            cursor.execute(statement)
    for name, value in (("schema", str(VERSION)), ("sequence", "0"), ("generation", uuid.uuid4().hex)):
        cursor.execute("INSERT INTO settings (name, value) VALUES (?, ?)", (name, value))


def _version(cursor: Cursor) -> int:
    return int(cursor.execute("SELECT value FROM settings WHERE name = 'schema'")[0][0])


def _migrate(cursor: Cursor, dialect: Dialect) -> None:
    """Take one step, unless somebody else has taken it meanwhile."""
    version = _version(cursor)
    if version < VERSION:
        _MIGRATIONS[version](cursor, dialect)
        cursor.execute("UPDATE settings SET value = ? WHERE name = 'schema'", (str(version + 1),))
