"""What a gallery asks of the database that keeps its record; SQLite and PostgreSQL answer alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from passerby.types import FloatArray

Row: TypeAlias = tuple[Any, ...]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the two databases call by different names.

    Attributes:
        key: A primary key of 64 bits.
        blob: Bytes.
        vector: A plain embedding.
        inline: What keeps rows of some kilobytes in one piece, at the end of a table's definition.
        has_record: The question whether a record has been made; a row means yes.
    """

    key: str
    blob: str
    vector: str
    inline: str
    has_record: str


class Cursor(Protocol):
    """Runs statements within one transaction. Values stand for the question marks, in order."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and give all of its rows."""
        ...

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        ...


class Database(Protocol):
    """Where a record is kept. Any number of threads may use one.

    Attributes:
        place: How messages call it: a folder, or an address without its password.
        dialect: Names of column types.
        folder: Where files that are derived from the record may be kept beside it; None: nowhere.
        finds: Whether it compares plain vectors by itself, exactly.
    """

    place: str
    folder: Path | None
    dialect: Dialect
    finds: bool

    def read(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` on one snapshot; it may be run again where the connection was lost."""
        ...

    def write(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` as one transaction, one writer at a time; it is on the disk when this returns.

        Where the connection is lost it may be run again, so it must do no harm twice.
        """
        ...

    def to_vector(self, embedding: FloatArray) -> Any:  # noqa: ANN401
        """A plain embedding as the database takes it."""
        ...

    def from_vector(self, value: Any) -> FloatArray:  # noqa: ANN401
        """The embedding of what the database gives."""
        ...

    def enter(self, reader: str) -> None:
        """Let others see that a reader of this name lives, for as long as this process does."""
        ...

    def lives(self, reader: str) -> bool:
        """Whether the reader of that name may still be alive."""
        ...

    def scrub(self) -> None:
        """Leave nothing of deleted rows in the files."""
        ...

    def compact(self) -> None:
        """Give back the room of deleted rows."""
        ...

    def problems(self) -> list[str]:
        """What the database itself finds damaged in its files."""
        ...

    def size(self) -> int:
        """Bytes on the disk; 0 where it is all in memory."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
