"""PRID 2011: 200 people whom two cameras saw, and 734 whom one saw (Hirzer et al., SCIA 2011).

The variant `single` reads `single_shot`, one picture of each person: `cam_a/person_0001.png`. The variant `multi`
reads `multi_shot`, tracklets: `cam_a/person_0001/0001.png`. Only the persons 1 to 200 are the same in both cameras;
the same number beyond 200 names different people. Half of those whom both saw, drawn, are trained on; camera a asks
and camera b, with everybody else whom it saw, answers. `multi` takes the people with more than 21 pictures by both
cameras, 178, as the field does (Wang et al., ECCV 2014), and nobody else answers.
"""

import re
from collections import Counter

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.formats.two_views import Lists, across_views
from passerby.data.splits import draw_people
from passerby.data.tree import FileTree, is_picture
from passerby.errors import DataError
from passerby.types import DISTRACTOR, Sample

LAYOUT = "single_shot/cam_a/person_0001.png and multi_shot/cam_a/person_0001/0001.png, likewise cam_b"

_SHARED = 200
_FEWEST = 21
_PERSON = re.compile(r"person_(?P<person>\d{4})(?:\.|/|$)")
_FOLDERS = {"single": "single_shot", "multi": "multi_shot"}


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read one variant and draw a split.

    Raises:
        DataError: The variant's folder is missing, or holds no two people whom both cameras saw.
    """
    folder = _FOLDERS[options.variant or "single"]
    samples, ignored = [], []
    for camera, view in enumerate(("cam_a", "cam_b"), start=1):
        for name in tree.walk(f"{folder}/{view}"):
            match = _PERSON.match(name.removeprefix(f"{folder}/{view}/"))
            if match is None or not is_picture(name):
                ignored.append((tree.path(name), "not named as in person_0001.png"))
                continue
            track = 1 if folder == "multi_shot" else None
            samples.append(Sample(tree.path(name), int(match["person"]), camera, track_id=track))
    train, query, gallery = _split(samples, folder, tree, options.split or 1)
    return Dataset(
        name=f"{tree.name} {folder}",
        root=tree.root,
        format="prid",
        train=train,
        query=query,
        gallery=gallery,
        ignored=tuple(ignored),
    )


def _split(samples: list[Sample], folder: str, tree: FileTree, split: int) -> Lists:
    pictures = Counter((sample.person_id, sample.camera_id) for sample in samples)
    fewest = 1 if folder == "single_shot" else _FEWEST + 1
    both = {person for person in range(1, _SHARED + 1) if min(pictures[person, 1], pictures[person, 2]) >= fewest}
    if len(both) < 2:
        raise DataError(
            f"{tree.path(folder)}: expected at least two people with {fewest} pictures or more by both cam_a and "
            f"cam_b, got {len(both)}; unpack the whole data set"
        )
    trained = draw_people(both, len(both) // 2, split)
    train = [sample for sample in samples if sample.person_id in trained]
    tested = [sample for sample in samples if sample.person_id in both - trained]
    train_list, query, gallery = across_views(train, tested)
    if folder == "single_shot":
        others = [s for s in samples if s.camera_id == 2 and s.person_id not in both]
        gallery += tuple(Sample(sample.path, DISTRACTOR, sample.camera_id) for sample in others)
    return train_list, query, gallery


FORMAT = Format(
    name="prid",
    layout=LAYOUT,
    signs=(("single_shot/cam_a", "single_shot/cam_b"), ("multi_shot/cam_a", "multi_shot/cam_b")),
    read=read,
    variants=tuple(_FOLDERS),
    splits=None,
)
