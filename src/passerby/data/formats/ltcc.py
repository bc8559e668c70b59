"""LTCC: 152 people over two months, 91 of them in several sets of clothes, 12 cameras (Qian et al., ACCV 2020).

`train`, `query` and `test` hold `094_1_c9_015833.png`: person (from 0), clothes, camera, number. `--protocol
market1501` is the paper's standard setting; the variant `changed` keeps the people who change clothes, as `info`
lists them.
"""

import re
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, is_picture
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "folders train, query and test with names such as 094_1_c9_015833.png"

_NAME = re.compile(r"(?P<person>\d+)_(?P<clothes>\d+)_c(?P<camera>\d+)_")
_PATTERN = "*_*_c*_*.png"
_FOLDERS = {"train": "train", "query": "query", "gallery": "test"}
_CHANGED = {"train": "train", "query": "test", "gallery": "test"}


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the three folders.

    Raises:
        DataError: The variant `changed` is asked for, and `info` does not list who that is.
    """
    ignored: list[tuple[Path, str]] = []
    lists = {}
    for split, folder in _FOLDERS.items():
        kept = _who_changed(tree, _CHANGED[split]) if options.variant == "changed" else None
        lists[split] = _read_folder(tree, folder, kept, ignored)
    people = sorted({sample.person_id for samples in lists.values() for sample in samples})
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="ltcc",
        train=lists["train"],
        query=lists["query"],
        gallery=lists["gallery"],
        # 000 is a person here; numbers begin with 1, since 0 means nobody.
        person_names={person: f"{person - 1:03d}" for person in people},
        ignored=tuple(ignored),
    )


def _read_folder(
    tree: FileTree, folder: str, kept: set[int] | None, ignored: list[tuple[Path, str]]
) -> tuple[Sample, ...]:
    samples = []
    for name in tree.files(folder):
        match = _NAME.match(name.rpartition("/")[2])
        if match is None or not is_picture(name):
            ignored.append((tree.path(name), "not named as in 094_1_c9_015833.png"))
            continue
        person = int(match["person"])
        if kept is None or person in kept:
            camera, clothes = int(match["camera"]), int(match["clothes"])
            samples.append(Sample(tree.path(name), person + 1, camera, clothes_id=clothes))
    return tuple(samples)


def _who_changed(tree: FileTree, part: str) -> set[int]:
    """The people of `train` or `test` who change clothes."""
    name = f"info/cloth-change_id_{part}.txt"
    words = tree.read_text(name).split()
    if not all(word.isdecimal() for word in words):
        raise DataError(f"{tree.path(name)}: expected a person's number in each line, got something else")
    return {int(word) for word in words}


FORMAT = Format(
    name="ltcc",
    layout=LAYOUT,
    signs=(tuple(f"{folder}/{_PATTERN}" for folder in _FOLDERS.values()),),
    read=read,
    variants=("all", "changed"),
)
