"""A record in PostgreSQL with pgvector, for many processes on many machines."""

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from passerby.errors import GalleryError, MachineError, MissingExtraError
from passerby.gallery.database import Cursor, Dialect, Row
from passerby.gallery.url import without_password
from passerby.types import FloatArray

if TYPE_CHECKING:
    import psycopg

_WRITERS = 7_276_621  # The advisory lock that lets writers in one at a time, so that numbers appear in order.
_PATIENCE = 30.0  # Seconds to wait for a server that has gone away.
_FIRST_PATIENCE = 5.0  # Seconds to wait for one that has not answered yet.
_SCRUBBING = 30.0  # Seconds to wait until nobody sees what has been deleted.
_BUSY = 60_000  # Milliseconds that a writer waits for another.
_TABLES = ("crops", "embeddings", "sightings", "tombstones", "wanted", "audit", "settings")

Result = TypeVar("Result")


class PostgresDatabase:
    """PostgreSQL. One connection is used by all threads in turn; it is made again where it was lost.

    Attributes:
        place: The address without its password.
        folder: None: it is the server that keeps everything.
    """

    folder: Path | None = None

    dialect = Dialect(
        key="BIGINT PRIMARY KEY",
        blob="BYTEA",
        vector="vector",
        inline="WITH (toast_tuple_target = 8160)",
        has_record="SELECT 1 WHERE to_regclass('settings') IS NOT NULL",
    )
    finds = True

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            GalleryError: The address is wrong, or the server lets nobody in with it or has no pgvector.
            MachineError: The server does not answer.
            MissingExtraError: The client is not installed.
        """
        try:
            import pgvector  # noqa: F401
            import psycopg
        except ImportError as error:
            raise MissingExtraError("A gallery in PostgreSQL", "postgres") from error
        self.place = without_password(url)
        self._url = url
        self._lock = threading.RLock()
        self._readers: set[str] = set()
        self._connection: psycopg.Connection[Row] | None = None
        self._patience = _FIRST_PATIENCE
        self.read(lambda cursor: cursor.execute("SELECT 1"))
        self._patience = _PATIENCE

    def read(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` on one snapshot; again, where the connection was lost."""
        begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
        return self._patiently(partial(_in_transaction, begin=begin, work=work))

    def write(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` as one transaction, one writer at a time; again, where the connection was lost."""
        begin = f"SELECT pg_advisory_xact_lock({_WRITERS})"
        return self._patiently(partial(_in_transaction, begin=begin, work=work))

    def to_vector(self, embedding: FloatArray) -> Any:  # noqa: ANN401
        """A plain embedding as pgvector takes it."""
        from pgvector import Vector

        return Vector(embedding)

    def from_vector(self, value: Any) -> FloatArray:  # noqa: ANN401
        """The embedding of what pgvector gives."""
        return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value, np.float32)

    def enter(self, reader: str) -> None:
        """Hold a lock of the reader's name for as long as the connection lives."""
        self._readers.add(reader)
        self._patiently(partial(_hold, readers=[reader]))

    def lives(self, reader: str) -> bool:
        """Whether somebody holds the lock of that name."""
        if reader in self._readers:
            return True
        number = _number(reader)
        taken = self.read(lambda cursor: cursor.execute("SELECT pg_try_advisory_lock(?)", (number,)))[0][0]
        if taken:
            self.read(lambda cursor: cursor.execute("SELECT pg_advisory_unlock(?)", (number,)))
        return not taken

    def scrub(self) -> None:
        """Write the tables anew without deleted rows. What the server's own log still has, it overwrites in time."""
        last = self.write(lambda cursor: cursor.execute("SELECT pg_current_xact_id()::text"))[0][0]
        until = time.monotonic() + _SCRUBBING
        while self.read(lambda cursor: cursor.execute(_OLD_VIEWS, (last,)))[0][0]:
            if time.monotonic() > until:
                raise MachineError(
                    f"{self.place}: erased from the record, but another connection keeps a view of the database in "
                    "which it is still there; end that connection and run `passerby gallery compact`"
                )
            time.sleep(0.05)
        self._patiently(_write_anew)

    def compact(self) -> None:
        """Give back the room of deleted rows."""
        self.scrub()

    def problems(self) -> list[str]:
        """Nothing: a server checks its pages by itself."""
        return []

    def size(self) -> int:
        """Bytes of all tables and their indexes."""
        tables = ", ".join(f"('{table}')" for table in _TABLES)
        statement = f"SELECT sum(pg_total_relation_size(name::regclass)) FROM (VALUES {tables}) AS tables (name)"
        return int(self.read(lambda cursor: cursor.execute(statement))[0][0])

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _patiently(self, work: Callable[["psycopg.Connection[Row]"], Result]) -> Result:
        """Run `work`; again with a new connection, where the connection was lost."""
        import psycopg

        until = time.monotonic() + self._patience
        with self._lock:
            while True:
                try:
                    with self._problems():
                        return work(self._connected())
                except _LostError as error:
                    self._forget()
                    if time.monotonic() > until:
                        raise MachineError(
                            f"{self.place}: the server does not answer ({error}); start it and try again"
                        ) from error
                    time.sleep(0.2)
                except psycopg.Error:
                    self._forget()
                    raise

    def _connected(self) -> "psycopg.Connection[Row]":
        import psycopg
        from pgvector.psycopg import register_vector

        if self._connection is None or self._connection.closed:
            connection: psycopg.Connection[Row] = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"SET lock_timeout = {_BUSY}".encode())
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            register_vector(connection)
            _hold(connection, self._readers)
            self._connection = connection
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Say in one line what is wrong with the server, the address or the disk."""
        import psycopg

        try:
            yield
        except psycopg.errors.DiskFull as error:
            raise MachineError(f"{self.place}: the server's disk is full; free some space and try again") from error
        except psycopg.errors.LockNotAvailable as error:
            raise MachineError(
                f"{self.place}: another process has been writing for a minute; try again when it is done"
            ) from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise MachineError(
                f"{self.place}: the server is read-only, and every access is recorded in it"
            ) from error
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFile) as error:
            raise GalleryError(f"{self.place}: {_first_line(error)}; ask the server's administrator") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            reason = _first_line(error)
            if any(part in reason for part in _REFUSALS):
                raise GalleryError(f"{self.place}: {reason}; check the address") from error
            raise _LostError(reason) from error
        except psycopg.ProgrammingError as error:
            raise GalleryError(f"{self.place}: {_first_line(error)}; check the address and the server") from error


_REFUSALS = ("authentication failed", "does not exist", "invalid", "no pg_hba.conf entry", "could not translate")


_OLD_VIEWS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND greatest(age(backend_xmin), age(backend_xid)) > age(?::text::xid)
"""
"""Connections whose view of the database is older than a transaction: what that one deleted is kept for them."""


class _LostError(Exception):
    """The connection is gone; it may come back."""


def _in_transaction(connection: "psycopg.Connection[Row]", *, begin: str, work: Callable[[Cursor], Result]) -> Result:
    with connection.transaction():
        cursor = _PostgresCursor(connection)
        cursor.execute(begin)
        return work(cursor)


def _hold(connection: "psycopg.Connection[Row]", readers: Iterable[str]) -> None:
    for reader in readers:
        connection.execute("SELECT pg_advisory_lock_shared(%s)", (_number(reader),))


def _write_anew(connection: "psycopg.Connection[Row]") -> None:
    for table in _TABLES:
        connection.execute(f"VACUUM (FULL, ANALYZE) {table}".encode())
    with suppress(Exception):  # Only some users may; otherwise the server does it within minutes.
        connection.execute("CHECKPOINT")


class _PostgresCursor:
    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._cursor = connection.cursor(binary=True)  # Vectors as text would cost more than comparing them.

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        self._cursor.execute(_translated(statement), values)
        return self._cursor.fetchall() if self._cursor.description is not None else []

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._cursor.executemany(_translated(statement), rows)


def _translated(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _number(reader: str) -> int:
    """The advisory lock of a reader's name."""
    return (1 << 40) + zlib.crc32(reader.encode())


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0]
