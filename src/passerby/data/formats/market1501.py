"""Market-1501's layout, which many other sets are published or converted in (Zheng et al., ICCV 2015).

`bounding_box_train`, `query` and `bounding_box_test` hold `PPPP_cCsS_NNNNNN_KK.jpg`: person, camera,
sequence, frame, box. In the gallery, person -1 is junk (never ranked) and 0000 a distractor (always wrong).
Where `market_attribute.mat` lies beside them, or in a folder there, its 27 attributes of each person are read.
"""

import re
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.market_attributes import find_attributes, read_attributes
from passerby.data.formats.options import ReadOptions
from passerby.data.images import SUFFIXES
from passerby.data.tree import FileTree
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, Sample

LAYOUT = "folders bounding_box_train, query and bounding_box_test with names such as 0002_c1s1_000451_03.jpg"
SPLITS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
"""Folder of each list."""

_NAME = re.compile(r"(?P<person>-1|\d+)_c(?P<camera>\d+)(?:s(?P<sequence>\d+))?(?:[_.]|$)")


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the three folders; one that is not there gives an empty list.

    Raises:
        DataError: The folder holds no picture that is named as this layout wants, or the attributes are damaged.
    """
    ignored: list[tuple[Path, str]] = []
    train, query, gallery = (_read_split(tree, name, split, ignored) for split, name in SPLITS.items())
    if not (train or query or gallery):
        raise DataError(f"{tree.root}: expected {LAYOUT}; got no such picture")
    attributes = find_attributes(tree)
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="market1501",
        train=train,
        query=query,
        gallery=gallery,
        ignored=tuple(ignored),
        attributes=read_attributes(tree, attributes) if attributes else {},
    )


def _read_split(tree: FileTree, folder: str, split: str, ignored: list[tuple[Path, str]]) -> tuple[Sample, ...]:
    samples = []
    for name in sorted(tree.files(folder) + tree.folders(folder)):
        path = tree.path(name)
        match = _NAME.match(path.stem)
        if path.suffix.lower() not in SUFFIXES:
            ignored.append((path, "not a picture by its ending"))
        elif match is None:
            ignored.append((path, "not named as in 0002_c1s1_000451_03.jpg"))
        elif split == "train" and int(match["person"]) in (JUNK, DISTRACTOR):
            ignored.append((path, "junk and distractors are not trained on"))
        else:
            sequence = match["sequence"]
            samples.append(
                Sample(
                    path=path,
                    person_id=int(match["person"]),
                    camera_id=int(match["camera"]),
                    sequence_id=int(sequence) if sequence else None,
                )
            )
    return tuple(samples)


FORMAT = Format(
    name="market1501",
    layout=LAYOUT,
    signs=((SPLITS["train"],), (SPLITS["query"], SPLITS["gallery"])),
    read=read,
)
