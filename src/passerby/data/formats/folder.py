"""Anybody's own pictures: one folder per person, named as you like."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from passerby.data.cameras import camera_expression, camera_label
from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.images import SUFFIXES
from passerby.data.splits import query_and_gallery
from passerby.data.tree import FileTree
from passerby.errors import DataError
from passerby.types import UNKNOWN_CAMERA, Sample

LAYOUT = "one folder of pictures for each of at least two people"


def has_people(tree: FileTree) -> bool:
    """Whether at least two folders hold pictures."""
    found = 0
    for folder in tree.folders():
        found += bool(not folder.startswith(".") and _pictures_below(tree, folder))
        if found == 2:
            return True
    return False


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read every person's folder and split the people, each by name and seed, into those to train and to test on.

    People are numbered from 1 in the order of their folders' names, cameras from 1 in the order of theirs.
    Of each test person and camera one picture is a query; the gallery holds all test pictures.

    Raises:
        DataError: Fewer than two people, a camera pattern that is wrong or misses a picture, or a share
            outside 0 to 1.
    """
    if not 0 <= options.test_share <= 1:
        raise DataError(f"expected a test share of 0 to 1, got {options.test_share}")
    pictures, ignored = _pictures(tree)
    if len(pictures) < 2:
        raise DataError(f"{tree.root}: expected folders of at least two people, got {len(pictures)}; add people")
    names = dict(enumerate(sorted(pictures), start=1))
    cameras = _cameras(tree.root, [path for paths in pictures.values() for path in paths], options.camera_pattern)
    samples = [
        Sample(path, person, cameras.get(path, UNKNOWN_CAMERA))
        for person, name in names.items()
        for path in pictures[name]
    ]
    tested = choose_test_people(names, options.test_share, options.seed)
    train = tuple(sample for sample in samples if sample.person_id not in tested)
    test = tuple(sample for sample in samples if sample.person_id in tested)
    query, gallery = query_and_gallery(test, options.seed)
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="folder",
        train=train,
        query=query,
        gallery=gallery,
        person_names=names,
        ignored=ignored,
    )


def choose_test_people(names: Mapping[int, str], share: float, seed: int) -> set[int]:
    """Whom to test on: the first by a hash of seed and name, so that people who are added later move few others.

    With a share between 0 and 1 at least one person is tested on, and two where two are left to train on: with one
    alone there would be nobody to confuse.
    """
    drawn = sorted(names, key=lambda person: hashlib.sha256(os.fsencode(f"{seed}/{names[person]}")).digest())
    count = round(len(names) * share)
    if 0 < share < 1:
        count = min(max(count, 2 if len(names) >= 4 else 1), len(names) - 1)
    return set(drawn[:count])


def _pictures_below(tree: FileTree, folder: str) -> list[str]:
    """The pictures in and below a folder, without hidden files and what lies in hidden folders."""
    return [name for name in tree.walk(folder) if _why_not(name) is None]


def _why_not(name: str) -> str | None:
    """Why a file in a person's folder is no picture of them."""
    if os.path.splitext(name)[1].lower() not in SUFFIXES:
        return "not a picture by its ending"
    return "hidden" if any(part.startswith(".") for part in name.split("/")[1:]) else None


def _pictures(tree: FileTree) -> tuple[dict[str, list[Path]], tuple[tuple[Path, str], ...]]:
    """Each person's pictures by the folder's name, and the files that are left out."""
    pictures: dict[str, list[Path]] = {}
    ignored = [
        (tree.path(name), "hidden" if name.startswith(".") else "not in the folder of a person")
        for name in tree.files()
    ]
    for folder in tree.folders():
        if folder.startswith("."):
            ignored.append((tree.path(folder), "hidden"))
            continue
        files = [(tree.path(name), _why_not(name)) for name in tree.walk(folder)]
        ignored += [(path, reason) for path, reason in files if reason is not None]
        found = sorted(path for path, reason in files if reason is None)
        if found:
            pictures[folder] = found
        else:
            ignored.append((tree.path(folder), "a folder without pictures"))
    return pictures, tuple(ignored)


def _cameras(root: Path, paths: Sequence[Path], pattern: str | None) -> dict[Path, int]:
    """Each picture's camera number by what the pattern's first group finds in its path."""
    if pattern is None:
        return {}
    expression = camera_expression(pattern)
    labels = {path: camera_label(expression, path.relative_to(root).as_posix()) for path in paths}
    numbers = {label: number for number, label in enumerate(sorted(set(labels.values())), start=1)}
    return {path: numbers[label] for path, label in labels.items()}


FORMAT = Format(name="folder", layout=LAYOUT, signs=(), read=read)
