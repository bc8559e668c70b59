"""Writing a Parquet table of pictures."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from passerby.data.containers.table import IMAGE, METADATA, TRUTH, pyarrow_parquet
from passerby.data.dataset import Dataset
from passerby.data.formats.records import about, columns_of
from passerby.data.writing.pictures import Packing, names_below_root
from passerby.data.writing.truth import files_beside, truth_lines

_GROUP = 128
"""Rows a group: a group is what is read for one picture."""


def check_parquet() -> None:
    """Say at once when Parquet cannot be written.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    pyarrow_parquet()


def write_parquet(dataset: Dataset, file: Path, packing: Packing) -> None:
    """Write one row a picture: its labels, and `image` with `bytes` and `path`."""
    parquet = pyarrow_parquet()
    import pyarrow

    names = names_below_root(dataset, packing)
    columns = columns_of(dataset, names)
    truth = truth_lines(dataset, {path: [name] for path, name in names.items()})
    if truth:
        columns[TRUTH] = [truth.get(name) for name in columns["file"]]
    content = {**about(dataset), "files": files_beside(dataset)}
    schema = _schema(pyarrow, columns, json.dumps(content, ensure_ascii=False).encode())
    contents = packing.contents(dataset)
    with parquet.ParquetWriter(file, schema, compression="none") as writer:
        for start in range(0, len(names), _GROUP):
            some = {name: values[start : start + _GROUP] for name, values in columns.items()}
            some[IMAGE] = [
                {"bytes": picture, "path": names[sample.path].rpartition("/")[2]}
                for sample, picture in islice(contents, _GROUP)
            ]
            writer.write_table(pyarrow.Table.from_pydict(some, schema=schema))


def _schema(arrow: Any, columns: dict[str, list[Any]], content: bytes) -> Any:  # noqa: ANN401 - pyarrow has no types
    kinds = {"file": arrow.string(), "split": arrow.string(), TRUTH: arrow.string()}
    kinds["sentences"] = arrow.list_(arrow.string())
    fields = [arrow.field(name, kinds.get(name, arrow.int64())) for name in columns]
    image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    return arrow.schema([*fields, arrow.field(IMAGE, image)], metadata={METADATA: content})
