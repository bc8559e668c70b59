"""Market-1501's layout, which many other sets are published or converted in (Zheng et al., ICCV 2015).

`bounding_box_train`, `query` and `bounding_box_test` hold `PPPP_cCsS_NNNNNN_KK.jpg`: person, camera,
sequence, frame, box. In the gallery, person -1 is junk (never ranked) and 0000 a distractor (always wrong).
"""

import re
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.formats.options import ReadOptions
from passerby.data.images import SUFFIXES
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, Sample

LAYOUT = "folders bounding_box_train, query and bounding_box_test with names such as 0002_c1s1_000451_03.jpg"
_SPLITS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
_NAME = re.compile(r"(?P<person>-1|\d+)_c(?P<camera>\d+)(?:s(?P<sequence>\d+))?(?:[_.]|$)")


def recognises(root: Path) -> bool:
    """Whether the folder has a training folder of that name, or both test folders."""
    has = {split for split, name in _SPLITS.items() if (root / name).is_dir()}
    return "train" in has or {"query", "gallery"} <= has


def read(root: Path, options: ReadOptions) -> Dataset:
    """Read the three folders; one that is not there gives an empty list.

    Raises:
        DataError: The folder holds no picture that is named as this layout wants.
    """
    ignored: list[tuple[Path, str]] = []
    train, query, gallery = (_read_split(root / name, split, ignored) for split, name in _SPLITS.items())
    if not (train or query or gallery):
        raise DataError(f"{root}: expected {LAYOUT}; got no such picture")
    return Dataset(
        name=root.resolve().name,
        root=root,
        format="market1501",
        train=train,
        query=query,
        gallery=gallery,
        ignored=tuple(ignored),
    )


def _read_split(folder: Path, split: str, ignored: list[tuple[Path, str]]) -> tuple[Sample, ...]:
    samples = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
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
