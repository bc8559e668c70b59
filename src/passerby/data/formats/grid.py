"""GRID: 250 people on a station's platforms, and 775 pictures of others (Loy et al., CVPR 2009).

`probe` and `gallery` hold `0001_1_25004_107_32_106_221.jpeg`: person, camera, and where in the frame; 0000 is nobody
who is asked for. `features_and_partitions.mat` holds ten splits: 125 people to train on, 125 to test on.
"""

import re

import numpy as np

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.matlab import read_mat, whole_numbers
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, is_picture
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = (
    "folders probe and gallery with names such as 0001_1_25004_107_32_106_221.jpeg, and features_and_partitions.mat"
)

_PARTITIONS = "features_and_partitions.mat"
_NAME = re.compile(r"(?P<person>\d{4})_(?P<camera>\d+)_")
_SPLITS = 10
_PERSON_FIELD = 2
"""Of each split's struct the third field holds the people to train on."""


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read both folders and one of the published splits.

    Raises:
        DataError: The splits are of another data set, or name people who are not there.
    """
    found: dict[str, list[Sample]] = {"probe": [], "gallery": []}
    ignored = []
    for folder, samples in found.items():
        for name in tree.files(folder):
            match = _NAME.match(name.rpartition("/")[2])
            if match is None or not is_picture(name):
                ignored.append((tree.path(name), "not named as in 0001_1_25004_107_32_106_221.jpeg"))
            else:
                samples.append(Sample(tree.path(name), int(match["person"]), int(match["camera"])))
    trained = _people_to_train_on(tree, options.split or 1)
    missing = trained - {sample.person_id for sample in found["probe"]}
    if missing:
        raise DataError(
            f"{tree.path(_PARTITIONS)}: the split names {len(missing)} people without a picture in probe, first "
            f"{min(missing):04d}; unpack the whole data set"
        )
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="grid",
        train=tuple(s for samples in found.values() for s in samples if s.person_id in trained),
        query=tuple(s for s in found["probe"] if s.person_id not in trained),
        gallery=tuple(s for s in found["gallery"] if s.person_id not in trained),
        ignored=tuple(ignored),
    )


def _people_to_train_on(tree: FileTree, split: int) -> set[int]:
    splits = read_mat(tree, _PARTITIONS, "trainIdxAll")["trainIdxAll"]
    path = tree.path(_PARTITIONS)
    try:
        struct = splits.ravel()[split - 1][0, 0]
        people = np.asarray(struct[_PERSON_FIELD])
    except (IndexError, TypeError) as error:
        raise DataError(f"{path}: expected GRID's {_SPLITS} splits in trainIdxAll, got something else") from error
    return set(whole_numbers(people, f"{path}: trainIdxAll", 1, 9999).tolist())


FORMAT = Format(name="grid", layout=LAYOUT, signs=(("probe", "gallery", _PARTITIONS),), read=read, splits=_SPLITS)
