"""The index that follows the record, in memory: vectors and what is filtered by. Its copy on the disk can be lost.

Nothing here is the truth. Each process follows the record by the numbers of its changes; what is saved is used again
only where it is whole and of this very gallery, and is made anew otherwise.
"""

import hashlib
import itertools
import json
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from passerby.atomic import atomic_path, write_json
from passerby.errors import DataError, MachineError
from passerby.gallery.clock import to_microseconds
from passerby.gallery.database import Cursor
from passerby.gallery.filter import Filter
from passerby.gallery.record import PAGE, Record
from passerby.gallery.rows import active_model, read_setting
from passerby.gallery.sqlite import reader_name
from passerby.retrieval.index import Index
from passerby.types import FloatArray, IntArray

_FOLDER, _VECTORS, _COLUMNS, _STATE = "index", "vectors", "columns.npy", "state.json"
_FIELDS = np.dtype([("number", "<i8"), ("camera", "<i8"), ("time", "<i8"), ("quality", "<f8")])
_WORTH_SAVING = 1_000  # Changes that take less time to follow again than to write down.
_POLL = 0.5  # Seconds between looks at the record.

_readers = itertools.count(1)

Restore = Callable[[str, Any, bytes | None], FloatArray]
"""From a sighting's id, plain vector and sealed embedding to the vector that is searched."""


class _Page(NamedTuple):
    """Changes from one snapshot of the record."""

    generation: str
    dimension: int | None
    added: list[tuple[Any, ...]]
    removed: frozenset[int]
    upto: int


class Mirror:
    """Follows a record and finds the nearest of its embeddings, exactly.

    Attributes:
        loaded: How many sightings it took from what was saved, without reading them from the record.
    """

    def __init__(self, record: Record, restore: Restore, folder: Path | None) -> None:
        """Read what was saved, and follow from there.

        Args:
            record: What to follow.
            restore: Opens what is encrypted.
            folder: The gallery's, to save the index below; None: it is never saved.
        """
        self._record = record
        self._restore = restore
        self._folder = None if folder is None else folder / _FOLDER
        self._lock = threading.RLock()
        self._name = reader_name(next(_readers))
        self._index: Index | None = None
        self._columns = np.empty(0, _FIELDS)
        self._generation = ""
        self.loaded = 0
        self._position = self._saved = self._told = self._removed_upto = 0
        # Known to others before anything is read: whoever erases from now on waits for this reader.
        record.database.enter(self._name)
        self._tell()
        self._load()
        self.follow()
        self._tell()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_following, name="passerby-mirror", daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """Up to which change the mirror shows the record."""
        return self._position

    def numbers(self) -> IntArray:
        """(N,) int64: the sightings that can be found, ascending."""
        with self._lock:
            return self._columns["number"].copy()

    def holds(self, number: int, vector: FloatArray, tolerance: float) -> bool:
        """Whether the index has this vector under that number."""
        with self._lock:
            if self._index is None or number not in self._index:
                return False
            return bool(np.abs(self._index.vectors(np.array([number]))[0] - vector).max() <= tolerance)

    def find(self, queries: FloatArray, wanted: Filter, top: int) -> tuple[FloatArray, IntArray, int]:
        """Find the nearest sightings among those that are meant.

        Args:
            queries: (Q, D) float32 unit vectors.
            wanted: Which sightings to compare with.
            top: How many at most.

        Returns:
            Distances (Q, K) float32, numbers of sightings (Q, K) int64, and how many were compared.
        """
        self.follow()
        with self._lock:
            if self._index is None:
                empty = np.empty((len(queries), 0))
                return empty.astype(np.float32), empty.astype(np.int64), 0
            index, allowed = self._index, self._allowed(wanted)
        distances, numbers = index.search(queries, top, allowed)
        return distances, numbers, len(index) if allowed is None else len(allowed)

    def follow(self) -> None:
        """Take in what has changed in the record."""
        with self._lock:
            while True:
                page = self._record.database.read(self._next_page)
                if page.generation != self._generation:
                    self._forget(page.generation)
                elif page.upto > self._position:
                    self._take_in(page)
                else:
                    break
            if self._removed_upto > self._told:
                self._tell()

    def save(self) -> None:
        """Write the index down, where that is worth it, so that the next process starts sooner."""
        if self._folder is None or self._index is None:
            return
        # An index that could not be saved is made anew. (A file may be missing where an erasure clears up meanwhile.)
        with self._lock, suppress(MachineError, FileNotFoundError), atomic_path(self._folder) as folder:
            folder.mkdir()
            self._index.save(folder / _VECTORS)
            np.save(folder / _COLUMNS, self._columns)
            columns = hashlib.sha256((folder / _COLUMNS).read_bytes()).hexdigest()
            state = {"generation": self._generation, "position": self._position, "columns": columns}
            write_json(folder / _STATE, state)
            self._saved = self._position

    def save_anew(self) -> None:
        """Know that what was saved has been removed."""
        self._saved = 0

    def close(self) -> None:
        """Stop following, save what is worth it, and let go of the memory."""
        self._closing.set()
        self._thread.join()
        if self._position - self._saved >= _WORTH_SAVING:
            self.save()
        self._forget("")
        self._record.database.write(
            lambda cursor: cursor.execute("DELETE FROM readers WHERE name = ?", (self._name,))
        )

    def _keep_following(self) -> None:
        """Follow at rest too, so that an erasure need not wait for the next search."""
        while not self._closing.wait(_POLL):
            with suppress(MachineError):  # The record may be away for a while; the next search says so.
                if self._record.sequence() != self._position:
                    self.follow()

    def _allowed(self, wanted: Filter) -> IntArray | None:
        """The numbers of the sightings that are meant; None: all."""
        columns = self._columns
        mask = np.ones(len(columns), bool)
        if wanted.cameras is not None:
            mask &= np.isin(columns["camera"], [self._cameras()[name] for name in wanted.cameras])
        if wanted.after is not None:
            mask &= columns["time"] >= to_microseconds(wanted.after)
        if wanted.before is not None:
            mask &= columns["time"] < to_microseconds(wanted.before)
        if wanted.min_quality is not None:
            mask &= columns["quality"] >= wanted.min_quality  # NaN, where it is unknown, is never so.
        return None if mask.all() else columns["number"][mask]

    def _cameras(self) -> dict[str, int]:
        rows = self._record.database.read(lambda cursor: cursor.execute("SELECT name, number FROM cameras"))
        return dict(rows)

    def _next_page(self, cursor: Cursor) -> _Page:
        model = active_model(cursor)
        generation = read_setting(cursor, "generation") or ""
        upto = int(read_setting(cursor, "sequence") or 0)
        if upto <= self._position or generation != self._generation:
            return _Page(generation, None, [], frozenset(), self._position)
        added = cursor.execute(
            "SELECT s.sequence, s.number, s.camera, s.time, s.quality, s.id, e.vector, e.sealed FROM sightings s "
            f"JOIN embeddings e ON e.number = s.number AND e.model = ? WHERE s.sequence > ? "
            f"ORDER BY s.sequence LIMIT {PAGE}",
            (model.number if model else 0, self._position),
        )
        if len(added) == PAGE:
            upto = added[-1][0]
        removed = cursor.execute(
            "SELECT number FROM tombstones WHERE sequence > ? AND sequence <= ?", (self._position, upto)
        )
        gone = frozenset(row[0] for row in removed)
        return _Page(generation, model.dimension if model else None, added, gone, upto)

    def _take_in(self, page: _Page) -> None:
        # What has a number that was there before has been changed, not added; nothing of that is searched by.
        new = [row for row in page.added if row[1] > self._position and row[1] not in page.removed]
        if new:
            if self._index is None:
                self._index = Index(page.dimension or 0)
            rows = np.array([(number, camera, time, np.nan if quality is None else quality)
                             for _, number, camera, time, quality, *_ in new], _FIELDS)  # fmt: skip
            rows.sort(order="number")
            by_number = {row[1]: self._restore(*row[5:]) for row in new}
            vectors = np.stack([by_number[number] for number in rows["number"].tolist()])
            self._index.add(rows["number"], vectors)
            self._columns = np.concatenate([self._columns, rows])
        if page.removed and self._index is not None:
            gone = np.array(sorted(page.removed), np.int64)
            self._index.remove(gone)
            self._columns = self._columns[~np.isin(self._columns["number"], gone)]
        self._position = page.upto
        if page.removed:
            self._removed_upto = page.upto

    def _tell(self) -> None:
        """Let whoever erases know how far this reader has come."""
        position = self._position
        self._record.database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO readers (name, sequence) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence",
                (self._name, position),
            )
        )
        self._told = position

    def _forget(self, generation: str) -> None:
        self._generation = generation
        self._position = self._saved = self._told = self._removed_upto = 0
        self._index = None
        self._columns = np.empty(0, _FIELDS)

    def _load(self) -> None:
        """Take what was saved, if it is whole and of this gallery as it is now."""
        if self._folder is None:
            return
        try:
            state = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
            columns = (self._folder / _COLUMNS).read_bytes()
            if state["generation"] != self._record.setting("generation"):
                return
            if state["columns"] != hashlib.sha256(columns).hexdigest():
                return
            loaded = np.load(self._folder / _COLUMNS, allow_pickle=False)
            index = Index.load(self._folder / _VECTORS)
            if len(index) != len(loaded) or int(state["position"]) > self._record.sequence():
                return
        except (OSError, ValueError, KeyError, TypeError, DataError):
            return  # There is none, or it is damaged: it is made anew from the record.
        self._generation, self._index, self._columns = state["generation"], index, loaded
        self._position = self._saved = int(state["position"])
        self.loaded = len(index)


def forget_saved(folder: Path | None) -> None:
    """Remove what is saved of an index, and what a save that was cut off has left: it may hold what has been erased.

    Args:
        folder: The gallery's; None: it has none.

    Raises:
        MachineError: It cannot be removed.
    """
    if folder is None:
        return
    for path in (folder / _FOLDER, *folder.glob(f".{_FOLDER}.*")):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            continue  # There is none, or another process is clearing up too.
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise MachineError(
                f"{path}: erased from the record, but what is saved of the index cannot be removed ({reason}); "
                "remove that folder"
            ) from error


def waiting_for(record: Record) -> list[str]:
    """The live readers that may still hold what has been deleted; the dead are struck off."""

    def read(cursor: Cursor) -> list[str]:
        statement = "SELECT name FROM readers WHERE sequence < (SELECT coalesce(max(sequence), 0) FROM tombstones)"
        return [row[0] for row in cursor.execute(statement)]

    behind = record.database.read(read)
    dead = [name for name in behind if not record.database.lives(name)]
    if dead:
        record.database.write(lambda cursor: cursor.many("DELETE FROM readers WHERE name = ?", [[n] for n in dead]))
    return [name for name in behind if name not in dead]
