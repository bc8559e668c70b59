"""Copies of a gallery: taken while it is used, and put into any home."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from passerby.atomic import atomic_path
from passerby.errors import GalleryError
from passerby.gallery.access import open_database, open_gallery
from passerby.gallery.database import Cursor, Database, Row
from passerby.gallery.gallery import Gallery
from passerby.gallery.rows import new_generation
from passerby.gallery.schema import TABLES, prepare
from passerby.gallery.sqlite import SqliteDatabase
from passerby.privacy.roles import Action
from passerby.privacy.secret import Secret
from passerby.types import Progress

_AT_ONCE = 500  # Rows.


def backup(gallery: Gallery, target: Path, progress: Progress | None = None) -> int:
    """Copy a gallery as it is at one moment, while others go on using it.

    The copy is a gallery in a folder: complete, encrypted where this one is, and with the audit log. It can be opened
    and searched as it stands, or restored into any home. What is erased later is still in it.

    Args:
        gallery: What to copy.
        target: A folder that is not there yet, or is empty.
        progress: Told how many rows are copied, and of how many.

    Returns:
        How many sightings it holds.

    Raises:
        GalleryError: Something stands there already.
        MachineError: The disk is full or cannot be written to.
    """
    gallery.guard.check(Action.BACKUP)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise GalleryError(f"{target}: expected a new folder for the backup, got something that is there already")
    gallery.record.database.write(lambda cursor: gallery.guard.note(cursor, Action.BACKUP, {}))
    with atomic_path(target) as folder:
        copy = SqliteDatabase(folder)
        try:
            prepare(copy, create=True)
            return _copied(gallery.record.database, copy, progress)
        finally:
            copy.close()


def restore(
    source: Path,
    url: str | os.PathLike[str],
    secret: Secret | None = None,
    purpose: str | None = None,
    progress: Progress | None = None,
) -> int:
    """Put a backup into a home where there is no gallery yet.

    Args:
        source: The backup.
        url: A folder, or "postgresql://…".
        secret: What opens it, where it is encrypted.
        purpose: What for.
        progress: Told how many rows are copied, and of how many.

    Returns:
        How many sightings it holds.

    Raises:
        GalleryError: There is no backup, or a gallery stands where it shall be restored to.
    """
    if not source.is_dir():
        raise GalleryError(f"{source}: expected the folder of a backup, got none; the new gallery is named before it")
    with open_gallery(source, purpose=purpose, secret=secret, create=False) as backed_up:
        backed_up.guard.check(Action.BACKUP)
        database = open_database(url, create=True)
        try:
            if database.read(lambda cursor: cursor.execute(database.dialect.has_record)):
                raise GalleryError(f"{database.place}: a gallery stands there already; restore to a new place")
            prepare(database, create=True)
            count = _copied(backed_up.record.database, database, progress)
        finally:
            database.close()
    with open_gallery(url, purpose=purpose, secret=secret, create=False) as restored:
        restored.record.database.write(lambda cursor: restored.guard.note(cursor, Action.BACKUP, {"restored": count}))
    return count


def _copied(source: Database, target: Database, progress: Progress | None) -> int:
    """Copy all tables from one snapshot, and give the number of sightings."""

    def write_all(cursor: Cursor) -> int:
        return target.write(partial(_copy_tables, cursor, source, target, progress))

    return source.read(write_all)


def _copy_tables(cursor: Cursor, source: Database, target: Database, progress: Progress | None, into: Cursor) -> int:
    done, total = 0, sum(int(cursor.execute(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES)
    into.execute("DELETE FROM settings")
    for table in TABLES:
        columns = _COLUMNS[table]
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        convert = _converter(source, target) if table == "embeddings" else tuple
        last: tuple[Any, ...] | None = None
        while True:
            rows = _page(cursor, table, names, last)
            if not rows:
                break
            into.many(f"INSERT INTO {table} ({names}) VALUES ({marks})", [convert(row) for row in rows])
            last = rows[-1][: _KEYS.get(table, 1)]
            done += len(rows)
            if progress is not None:
                progress(done, total)
    new_generation(into)
    return int(into.execute("SELECT count(*) FROM sightings")[0][0])


def _page(cursor: Cursor, table: str, names: str, last: tuple[Any, ...] | None) -> list[Row]:
    keys = ", ".join(_COLUMNS[table][: _KEYS.get(table, 1)])
    after = "" if last is None else f"WHERE ({keys}) > ({', '.join('?' * len(last))})"
    return cursor.execute(f"SELECT {names} FROM {table} {after} ORDER BY {keys} LIMIT {_AT_ONCE}", last or ())


def _converter(source: Database, target: Database) -> Callable[[Row], Row]:
    def convert(row: Row) -> Row:
        number, model, vector, sealed = row
        return number, model, None if vector is None else target.to_vector(source.from_vector(vector)), sealed

    return convert


_KEYS = {"embeddings": 2}
"""How many of the first columns name a row, where it is not one."""

_COLUMNS = {
    "settings": ("name", "value"),
    "models": ("number", "identity", "dimension", "source"),
    "cameras": ("number", "name", "zone", "clock_offset"),
    "sightings": (
        *("number", "sequence", "id", "camera", "time", "track", "person", "quality"),
        *("box_left", "box_top", "box_width", "box_height", "attributes"),
    ),
    "crops": ("number", "content"),
    "embeddings": ("number", "model", "vector", "sealed"),
    "tombstones": ("sequence", "number"),
    "wanted": ("name", "content"),
    "audit": ("number", "line"),
}
