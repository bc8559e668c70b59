"""The truth of a data set as Parquet, beside the JSON that says the same."""

import json
from pathlib import Path
from typing import Any

from passerby.errors import MissingExtraError


def write_tables(folder: Path, sources: tuple[str, ...]) -> None:
    """Write `<name>.parquet` beside each of `sources`, JSON files of a list of objects, or of one object a line.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    for source in sources:
        path = folder / source
        with path.open(encoding="utf-8") as text:
            rows = [json.loads(line) for line in text] if path.suffix == ".jsonl" else json.load(text)
        parquet.write_table(arrow.Table.from_pylist(rows), path.with_suffix(".parquet"), compression="zstd")


def check_tables() -> None:
    """Say at once when Parquet cannot be written.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("writing Parquet", "synthetic") from error
    return pyarrow, pyarrow.parquet
