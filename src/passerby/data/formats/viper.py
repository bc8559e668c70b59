"""VIPeR: 632 people, one picture by each of two cameras (Gray et al., PETS 2007).

`cam_a` and `cam_b` hold `000_45.bmp`: person and viewpoint in degrees. Half of the people, drawn, are trained on; of
the others camera a asks and camera b answers. The field averages ten such splits.
"""

import re

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.formats.two_views import drawn_across_views
from passerby.data.tree import FileTree
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "folders cam_a and cam_b with names such as 000_45.bmp"

_NAME = re.compile(r"(?P<person>\d+)_\d+\.")


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read both cameras and draw a split.

    Raises:
        DataError: There are no two people whom both cameras saw.
    """
    samples, ignored = [], []
    for camera, folder in enumerate(("cam_a", "cam_b"), start=1):
        for name in tree.files(folder):
            match = _NAME.match(name.rpartition("/")[2])
            if match is None or not name.endswith(".bmp"):
                ignored.append((tree.path(name), "not named as in 000_45.bmp"))
            else:
                samples.append(Sample(tree.path(name), int(match["person"]) + 1, camera))
    both = {s.person_id for s in samples if s.camera_id == 1} & {s.person_id for s in samples if s.camera_id == 2}
    if len(both) < 2:
        raise DataError(f"{tree.root}: expected {LAYOUT} of at least two people, got {len(both)} whom both saw")
    train, query, gallery = drawn_across_views(samples, len(both) - len(both) // 2, options.split or 1)
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="viper",
        train=train,
        query=query,
        gallery=gallery,
        # 000 is a person here; numbers begin with 1, since 0 means nobody.
        person_names={person: f"{person - 1:03d}" for person in sorted({s.person_id for s in samples})},
        ignored=tuple(ignored),
    )


FORMAT = Format(name="viper", layout=LAYOUT, signs=(("cam_a/*_*.bmp", "cam_b/*_*.bmp"),), read=read, splits=None)
