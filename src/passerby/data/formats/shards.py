"""Packed shards: pictures in uncompressed tar files and labels in an index, written by `passerby data convert`."""

import json
from typing import Any

from passerby.data.containers import open_indexed
from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.formats.records import dataset_of
from passerby.data.tree import FileTree
from passerby.errors import DataError

LAYOUT = "passerby-shards.json and shard-00000.tar and so on"

INDEX = "passerby-shards.json"
VERSION = 1

_LARGEST = 2**31


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the index; pictures are read from the shards when they are asked for.

    Raises:
        DataError: The index is damaged or newer, or a shard is missing or cut off.
    """
    path = tree.path(INDEX)
    index = _index(tree)
    for name, size in index["shards"].items():
        there = tree.path(name)
        if not there.is_file() or there.stat().st_size != size:
            got = f"{there.stat().st_size:,}" if there.is_file() else "no such file"
            raise DataError(f"{there}: expected a whole shard of {size:,} bytes, got {got}; copy it again")
    columns = index["columns"]
    files, shards = columns.get("file", []), columns.pop("shard", [])
    starts, lengths = columns.pop("start", []), columns.pop("length", [])
    places: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in index["shards"]}
    try:
        for file, shard, start, length in zip(files, shards, starts, lengths, strict=True):
            if not 0 <= start <= start + length <= index["shards"][shard]:
                raise ValueError("a place outside of the shard")
            places[shard][str(file)] = (start, length)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: expected a place in a shard for each picture ({error}); convert it again"
        ) from error
    if tree.root.is_dir():
        for name, held in places.items():
            open_indexed(tree.path(name), held)
    return dataset_of(
        columns,
        index["about"],
        lambda row: tree.path(f"{shards[row]}/{files[row]}"),
        tree.root,
        "shards",
        options,
    )


def _index(tree: FileTree) -> dict[str, Any]:
    path = tree.path(INDEX)
    try:
        index = json.loads(tree.read(INDEX, _LARGEST))
        version, shards = index["version"], index["shards"]
        kinds = (index["columns"], index["about"], shards)
        if not all(isinstance(part, dict) for part in kinds):
            raise TypeError("no objects")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: expected an index of shards, got something else; convert the data set again"
        ) from error
    if version != VERSION:
        raise DataError(
            f"{path}: expected version {VERSION}, got {version!r}; read it with the Passerby that wrote it"
        )
    if any("/" in name for name in shards):
        raise DataError(f"{path}: expected shards beside the index, got {next(iter(shards))!r}")
    return dict(index)


FORMAT = Format(name="shards", layout=LAYOUT, signs=((INDEX,),), read=read)
