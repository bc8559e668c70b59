"""A record in SQLite: one file in a folder, with a write-ahead log beside it, or all in memory."""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil

from passerby.errors import GalleryError, MachineError
from passerby.gallery.database import Cursor, Dialect, Row
from passerby.types import FloatArray

RECORD = "gallery.sqlite"
"""The file by which a folder is known to be a gallery."""

_PAGE = 16_384  # Bytes of a page: of 4,096, an embedding of 512 numbers would leave every other half empty.
_BUSY = 60_000  # Milliseconds that a writer waits for another.
_SCRUBBING = 30.0  # Seconds to wait until nobody reads from the log.

Result = TypeVar("Result")


class SqliteDatabase:
    """SQLite in a folder, or in memory where there is none.

    Attributes:
        place: The folder, or "memory:".
        folder: The folder, or None.
    """

    dialect = Dialect(
        key="INTEGER PRIMARY KEY",
        blob="BLOB",
        vector="BLOB",
        inline="",
        has_record="SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'settings'",
    )
    finds = False

    def __init__(self, folder: Path | None, *, create: bool = True) -> None:
        """Open the file, or make it.

        Raises:
            GalleryError: There is none and none is to be made, or what is there is no gallery.
            MachineError: The folder cannot be written to.
        """
        self.place = "memory:" if folder is None else str(folder)
        self.folder = folder
        self._file = None if folder is None else folder / RECORD
        self._lock = threading.RLock()
        if self._file is not None:
            self._check_folder(self._file, create)
        with self._problems():
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect()

    def read(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` on one snapshot."""
        return self._run("BEGIN", work)

    def write(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` as one transaction; it is on the disk when this returns."""
        return self._run("BEGIN IMMEDIATE", work)

    def to_vector(self, embedding: FloatArray) -> bytes:
        """A plain embedding as bytes, little-endian float32."""
        return embedding.astype("<f4").tobytes()

    def from_vector(self, value: bytes) -> FloatArray:
        """The embedding of such bytes."""
        return np.frombuffer(value, "<f4").astype(np.float32, copy=False)

    def enter(self, reader: str) -> None:
        """Nothing to do: a reader's name says which process it lives in."""

    def lives(self, reader: str) -> bool:
        """Whether the process still runs; of another machine's (or container's) nobody can say, so they count."""
        host, process, started, _ = reader.rsplit("/", 3)
        if host != socket.gethostname():
            return True
        try:
            return f"{psutil.Process(int(process)).create_time():.2f}" == started
        except psutil.Error:
            return False

    def scrub(self) -> None:
        """Write zeros over deleted rows, which SQLite does by itself here, and empty the log that still has them."""
        if self._file is None:
            return
        until = time.monotonic() + _SCRUBBING
        while not self._truncate_log():
            if time.monotonic() > until:
                raise MachineError(
                    f"{self.place}: erased from the record, but another process keeps reading the log that still has "
                    "it; end that process and run `passerby gallery compact`"
                )
            time.sleep(0.05)

    def compact(self) -> None:
        """Rewrite the file without the room of deleted rows."""
        with self._lock, self._problems():
            self._connection.execute("VACUUM")
        self.scrub()

    def problems(self) -> list[str]:
        """What SQLite finds damaged in the file."""
        with self._lock, self._problems():
            found = [row[0] for row in self._connection.execute("PRAGMA integrity_check")]
        return [f"{self.place}: {line}" for line in found if line != "ok"]

    def size(self) -> int:
        """Bytes of all files in the folder."""
        if self._file is None:
            return 0
        return sum(path.stat().st_size for path in self._file.parent.rglob("*") if path.is_file())

    def close(self) -> None:
        """Close the file; the last to do so moves the log into it."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    def _truncate_log(self) -> bool:
        with self._lock, self._problems():
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def _run(self, begin: str, work: Callable[[Cursor], Result]) -> Result:
        with self._lock, self._problems():
            self._connection.execute(begin)
            try:
                result = work(_SqliteCursor(self._connection))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        return result

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file or ":memory:", isolation_level=None, check_same_thread=False, timeout=_BUSY / 1000
        )
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        if self._file is not None:
            connection.execute(f"PRAGMA page_size = {_PAGE}")  # Of a new file; an older one keeps its own.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # What is acknowledged survives a power cut.
        return connection

    @staticmethod
    def _check_folder(file: Path, create: bool) -> None:
        folder = file.parent
        if file.is_file():
            return
        if folder.exists() and not folder.is_dir():
            raise GalleryError(f"{folder}: expected a gallery's folder, got a file")
        if folder.is_dir() and any(folder.iterdir()):
            raise GalleryError(f"{folder}: expected a gallery or an empty folder, got a folder of other things")
        if not create:
            raise GalleryError(
                f"{folder}: expected a gallery, got nothing there; make one with `passerby gallery create`"
            )

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Say in one line what is wrong with the file or the machine."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            reason = str(error)
            known = next((text for part, text in _FAILURES.items() if part in reason), None)
            if known is not None:
                raise MachineError(f"{self.place}: {known}") from error
            raise GalleryError(
                f"{self.place}: expected a gallery's record, got a damaged or other file ({reason}); restore a backup"
            ) from error
        except OSError as error:
            raise MachineError(
                f"{self.place}: {(error.strerror or str(error)).lower()}; choose another place"
            ) from error


_FAILURES = {
    "disk is full": "the disk is full; free some space and try again",
    "disk I/O error": "the disk is full or failed; free some space or check it, and try again",
    "readonly": "the gallery cannot be written to, and every access is recorded in it; change its permissions",
    "unable to open": "the gallery cannot be opened for writing; change the permissions of its folder",
    "locked": "another process has been writing for a minute; try again when it is done",
}


class _SqliteCursor:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(statement, rows)


def reader_name(number: int) -> str:
    """A name for the reader of that number in this process, which says where it lives."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}/{number}"
