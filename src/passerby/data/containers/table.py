"""Pictures in a column of a Parquet table."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from passerby.data.containers.container import LARGEST_FILE, Container, cut_off, unsafe
from passerby.errors import DataError, MissingExtraError

IMAGE, FILE = "image", "file"
"""Columns of the pictures' content (bytes, or a struct with `bytes` and `path`) and of their names."""

TRUTH = "truth"
"""Column of each picture's line of `truth.jsonl`, where the people were drawn."""

METADATA = b"passerby"
"""Key of the table's metadata under which everything stands that is true of the whole data set, as JSON."""

_GROUPS_KEPT = 8


def pyarrow_parquet() -> Any:  # noqa: ANN401 - pyarrow has no types
    """The module `pyarrow.parquet`.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Parquet", "data") from error
    return pyarrow.parquet


class Table(Container):
    """A Parquet table of pictures: the labels are read at once, pictures group by group as they are asked for."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Read the labels.

        Raises:
            DataError: The file is cut off or has no column of pictures.
            MissingExtraError: pyarrow is not installed.
        """
        parquet = pyarrow_parquet()
        import pyarrow

        self.path = path
        try:
            self._table = parquet.ParquetFile(file)
            schema = self._table.schema_arrow
            if IMAGE not in schema.names:
                raise DataError(f"{path}: expected a column {IMAGE} of pictures, got {', '.join(schema.names)}")
            self._nested = pyarrow.types.is_struct(schema.field(IMAGE).type)
            labels = [name for name in schema.names if name != IMAGE]
            self.columns: dict[str, list[Any]] = self._table.read(columns=labels).to_pydict()
            self.about: dict[str, Any] = json.loads((schema.metadata or {}).get(METADATA, b"{}"))
        except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
            raise cut_off(path, "Parquet table") from error
        groups = [self._table.metadata.row_group(group).num_rows for group in range(self._table.num_row_groups)]
        places = [(group, row) for group, rows in enumerate(groups) for row in range(rows)]
        files = self.columns.get(FILE) or [f"{number:08d}" for number in range(len(places))]
        bad = next((name for name in files if not isinstance(name, str) or unsafe(name)), None)
        if bad is not None or len(set(files)) != len(files):
            raise DataError(f"{path}: expected a different name for each picture in the column {FILE}, got {bad!r}")
        self._places = dict(zip(files, places, strict=True))
        self._files: dict[str, bytes] = {name: text.encode() for name, text in self.about.get("files", {}).items()}
        truth = self.columns.pop(TRUTH, None)
        if truth is not None:
            self._files["truth.jsonl"] = "".join(f"{line}\n" for line in truth if line).encode()
        self._groups: OrderedDict[int, list[Any]] = OrderedDict()
        self._lock = Lock()

    @property
    def names(self) -> Sequence[str]:
        """The pictures, in the order of the rows."""
        return list(self._places)

    def __contains__(self, name: object) -> bool:
        """Whether it holds a file of that name."""
        return name in self._places or name in self._files

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """The content of a picture, or of a text that the metadata hold; raises as `Container.read` does."""
        if name in self._files:
            return self._files[name]
        if name not in self._places:
            raise self.missing(name)
        group, row = self._places[name]
        content: Any = self._pictures(group)[row]
        if isinstance(content, dict):
            content = content.get("bytes")
        if not isinstance(content, bytes):
            raise self.damaged(name, "its row has no bytes")
        if len(content) > limit:
            raise self.too_large(name, limit)
        return content

    def _pictures(self, group: int) -> list[Any]:
        """One group of rows, decoded; the last few stay."""
        with self._lock:
            if group not in self._groups:
                column = f"{IMAGE}.bytes" if self._nested else IMAGE
                try:
                    self._groups[group] = self._table.read_row_group(group, columns=[column])[IMAGE].to_pylist()
                except (OSError, ValueError) as error:
                    raise self.damaged(f"row group {group}", str(error).splitlines()[0]) from error
            self._groups.move_to_end(group)
            while len(self._groups) > _GROUPS_KEPT:
                self._groups.popitem(last=False)
            return self._groups[group]
