"""CUHK-PEDES: 13,003 people, two sentences about each picture (Li et al., CVPR 2017).

`reid_raw.json` lists pictures below `imgs`, each with its part (train, val, test), person and sentences. Cameras are
unknown. The variant `test` tests on the test part, `val` on the other; every picture of it asks, and all answer.
"""

import json
from typing import Any

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, require_pictures
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "reid_raw.json and a folder imgs"

_LIST = "reid_raw.json"
_LARGEST = 2**30
_KEYS = {"split": str, "captions": list, "file_path": str, "id": int}


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the list and look for its pictures.

    Raises:
        DataError: The list is damaged or of another data set, or names pictures that are not there.
    """
    path = tree.path(_LIST)
    try:
        rows = json.loads(tree.read(_LIST, _LARGEST))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON, got something else ({error}); fetch it again") from error
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{path}: expected a list of pictures, got {type(rows).__name__}")
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    sentences = {}
    names = []
    for number, row in enumerate(rows, start=1):
        _check(row, f"{path}: picture {number}", parts)
        names.append(f"imgs/{row['file_path'].removeprefix('imgs/')}")
        sample = Sample(tree.path(names[-1]), row["id"])
        parts[row["split"]].append(sample)
        sentences[sample.path] = tuple(sentence.strip() for sentence in row["captions"])
    require_pictures(tree, names, _LIST)
    test = tuple(parts[options.variant or "test"])
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="cuhk-pedes",
        train=tuple(parts["train"]),
        query=test,
        gallery=test,
        sentences=sentences,
    )


def _check(row: Any, what: str, parts: dict[str, list[Sample]]) -> None:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(row, dict):
        raise DataError(f"{what}: expected an object, got {type(row).__name__}")
    for key, kind in _KEYS.items():
        if not isinstance(row.get(key), kind):
            raise DataError(f"{what}: expected {key} as {kind.__name__}, got {type(row.get(key)).__name__}")
    if row["split"] not in parts or row["id"] < 1 or ".." in row["file_path"].split("/"):
        raise DataError(f"{what}: expected a part ({', '.join(parts)}), a person from 1 and a path below imgs")
    if not all(isinstance(sentence, str) for sentence in row["captions"]):
        raise DataError(f"{what}: expected captions as a list of sentences")


FORMAT = Format(name="cuhk-pedes", layout=LAYOUT, signs=((_LIST, "imgs"),), read=read, variants=("test", "val"))
