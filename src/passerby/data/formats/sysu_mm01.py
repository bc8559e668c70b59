"""SYSU-MM01: 491 people, four cameras that see colours and two (3 and 6) that see in infrared (Wu et al., ICCV 2017).

`cam1` to `cam6` hold `0001/0001.jpg`, a folder per person; `exp/train_id.txt`, `val_id.txt` and `test_id.txt` say who
is trained on (train and val together, 395 people, as the field does) and who is tested on (96). Infrared asks and
colour answers: evaluate with `--protocol sysu-all` or `sysu-indoor`, which draw the galleries.
"""

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "folders cam1 to cam6 with 0001/0001.jpg, and exp with train_id.txt, val_id.txt and test_id.txt"

INFRARED = (3, 6)
"""The cameras that see in infrared."""

_CAMERAS = range(1, 7)


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the pictures of all six cameras.

    Raises:
        DataError: A list of people is missing or damaged, or names people whom no camera saw.
    """
    train = _pictures(tree, [*_people(tree, "train"), *_people(tree, "val")])
    test = _pictures(tree, _people(tree, "test"))
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="sysu-mm01",
        train=tuple(train),
        query=tuple(sample for sample in test if sample.camera_id in INFRARED),
        gallery=tuple(sample for sample in test if sample.camera_id not in INFRARED),
    )


def _people(tree: FileTree, part: str) -> list[int]:
    """The numbers in one of the lists, with commas between them."""
    name = f"exp/{part}_id.txt"
    words = tree.read_text(name).replace(",", " ").split()
    if not words or not all(word.isdecimal() for word in words):
        raise DataError(f"{tree.path(name)}: expected people's numbers with commas between them, got something else")
    return [int(word) for word in words]


def _pictures(tree: FileTree, people: list[int]) -> list[Sample]:
    samples = [
        Sample(tree.path(name), person, camera)
        for camera in _CAMERAS
        for person in people
        for name in tree.pictures(f"cam{camera}/{person:04d}")
    ]
    missing = set(people) - {sample.person_id for sample in samples}
    if missing:
        raise DataError(
            f"{tree.root}: expected pictures of {len(people)} people that exp names, got none of {len(missing)}, "
            f"first {min(missing):04d}; unpack the whole data set"
        )
    return samples


FORMAT = Format(
    name="sysu-mm01",
    layout=LAYOUT,
    signs=((*(f"cam{camera}" for camera in _CAMERAS), "exp/train_id.txt", "exp/val_id.txt", "exp/test_id.txt"),),
    read=read,
)
