"""CUHK01: 971 people, two pictures by each of two cameras (Li et al., ACCV 2012).

`0001001.png` is person and picture: 1 and 2 are of the first view, 3 and 4 of the second. The variant `486` trains on
485 people and tests on 486, `100` trains on 871 and tests on 100; both are drawn, and the field averages ten draws.
With `--protocol cuhk03` one picture of each person answers (single shot), with `--protocol multi-shot` both do.
"""

import re

from passerby.data.dataset import Dataset, people
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.formats.two_views import drawn_across_views
from passerby.data.tree import FileTree
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "a folder (campus) of names such as 0001001.png"

_FOLDERS = ("", "campus")
_NAME = re.compile(r"(?P<person>\d{4})(?P<picture>\d{3})\.png")
_TESTED = 100


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read all pictures and draw a split.

    Raises:
        DataError: There are not enough people for the variant.
    """
    samples, ignored = [], []
    for name in (name for folder in _FOLDERS for name in tree.files(folder)):
        match = _NAME.fullmatch(name.rpartition("/")[2])
        if match is None:
            ignored.append((tree.path(name), "not named as in 0001001.png"))
        else:
            view = (int(match["picture"]) + 1) // 2
            samples.append(Sample(tree.path(name), int(match["person"]), view))
    everybody = len(people(samples))
    count = everybody - everybody // 2 if options.variant == "486" else _TESTED
    if everybody <= max(1, count):
        raise DataError(
            f"{tree.root}: expected more than {max(1, count)} people for the variant {options.variant}, got "
            f"{everybody}; the whole set has 971"
        )
    train, query, gallery = drawn_across_views(samples, count, options.split or 1)
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="cuhk01",
        train=train,
        query=query,
        gallery=gallery,
        ignored=tuple(ignored),
    )


FORMAT = Format(
    name="cuhk01",
    layout=LAYOUT,
    signs=tuple((f"{folder}/0001001.png".lstrip("/"),) for folder in _FOLDERS),
    read=read,
    variants=("486", "100"),
    splits=None,
)
