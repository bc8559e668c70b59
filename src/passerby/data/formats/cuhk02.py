"""CUHK02: 1,816 people before five pairs of cameras, two pictures by each camera (Li and Wang, CVPR 2013).

`P1/cam1` to `P5/cam2` hold pictures whose names begin with the person's number, which counts anew in each pair. The
field trains on P1 to P4 and tests on P5: its first camera asks, its second answers.
"""

import re

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, is_picture
from passerby.types import Sample

LAYOUT = "folders P1/cam1, P1/cam2 to P5/cam2 with names that begin with a person's number, such as 001_1.png"

_NAME = re.compile(r"(?P<person>\d+)_")
_PAIRS = 5
_TESTED = 5
_PER_PAIR = 10_000


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read all pairs; people and cameras of different pairs are different ones."""
    train: list[Sample] = []
    query: list[Sample] = []
    gallery: list[Sample] = []
    ignored = []
    names: dict[int, str] = {}
    for pair in range(1, _PAIRS + 1):
        for view in (1, 2):
            for name in tree.files(f"P{pair}/cam{view}"):
                match = _NAME.match(name.rpartition("/")[2])
                if match is None or not is_picture(name):
                    ignored.append((tree.path(name), "not named as in 001_1.png"))
                    continue
                person = _PER_PAIR * pair + int(match["person"])
                names[person] = f"P{pair}/{match['person']}"
                sample = Sample(tree.path(name), person, 2 * (pair - 1) + view, sequence_id=pair)
                (train if pair != _TESTED else query if view == 1 else gallery).append(sample)
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="cuhk02",
        train=tuple(train),
        query=tuple(query),
        gallery=tuple(gallery),
        person_names=names,
        ignored=tuple(ignored),
    )


FORMAT = Format(
    name="cuhk02",
    layout=LAYOUT,
    signs=(tuple(f"P{pair}/cam{view}" for pair in range(1, _PAIRS + 1) for view in (1, 2)),),
    read=read,
)
