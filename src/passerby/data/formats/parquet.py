"""A Parquet table of pictures, as `passerby data convert` and other programs write it.

A row is a picture: `image` (bytes, or a struct with `bytes`, as the common hubs have it) and `person_id`; the other
columns of `records` may be there, `file` among them, which names the picture.
"""

from passerby.data.containers import open_container
from passerby.data.containers.table import Table
from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.formats.records import dataset_of
from passerby.data.tree import FileTree
from passerby.errors import DataError

LAYOUT = "a Parquet table with columns image and person_id"


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the labels; pictures are read when they are asked for.

    Raises:
        DataError: The file is no such table.
        MissingExtraError: pyarrow is not installed.
    """
    table = open_container(tree.root) if tree.root.is_file() else None
    if not isinstance(table, Table):
        raise DataError(f"{tree.root}: expected {LAYOUT}, got {'another file' if table else 'a folder'}")
    names = table.names
    return dataset_of(table.columns, table.about, lambda row: tree.path(names[row]), tree.root, "parquet", options)


FORMAT = Format(name="parquet", layout=LAYOUT, signs=(), read=read)
