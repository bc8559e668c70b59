"""MARS: tracklets of 1,261 people by six cameras (Zheng et al., ECCV 2016).

`bbox_train` and `bbox_test` hold `0001/0001C1T0001F001.jpg`: person, camera, tracklet, frame. `info` holds the names
in order (`train_name.txt`, `test_name.txt`), the tracklets as first and last name, person and camera
(`tracks_train_info.mat`, `tracks_test_info.mat`), and which of the test's ask (`query_IDX.mat`); all count from 1.
Person -1 (folder 00-1) is junk and 0 nobody who is asked for. Evaluate with `--protocol tracklets`.
"""

from collections.abc import Sequence

import numpy as np

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.matlab import read_mat, whole_numbers
from passerby.data.formats.options import ReadOptions
from passerby.data.tracks import TRACKLET_NAME
from passerby.data.tree import FileTree, require_pictures
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, Sample

LAYOUT = (
    "folders bbox_train and bbox_test with 0001/0001C1T0001F001.jpg, and info with tracks_train_info.mat and others"
)

_FOLDER_LENGTH = 4


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read all tracklets; junk and distractors are not trained on.

    Raises:
        DataError: A list is missing, damaged or of another data set, or names pictures that are not there.
    """
    train = _tracklets(tree, "train")
    test = _tracklets(tree, "test")
    asking = read_mat(tree, "info/query_IDX.mat", "query_IDX")["query_IDX"]
    chosen = set((whole_numbers(asking, str(tree.path("info/query_IDX.mat")), 1, len(test)) - 1).tolist())
    kept = [samples for samples in train if samples[0].person_id not in (JUNK, DISTRACTOR)]
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="mars",
        train=tuple(sample for samples in kept for sample in samples),
        query=tuple(sample for place, samples in enumerate(test) if place in chosen for sample in samples),
        gallery=tuple(sample for place, samples in enumerate(test) if place not in chosen for sample in samples),
    )


def _tracklets(tree: FileTree, part: str) -> list[list[Sample]]:
    """The pictures of each tracklet of `train` or `test`."""
    listed = f"info/{part}_name.txt"
    names = tree.read_text(listed).split()
    paths = [f"bbox_{part}/{name[:_FOLDER_LENGTH]}/{name}" for name in names]
    require_pictures(tree, paths, listed)
    table = f"info/tracks_{part}_info.mat"
    rows = np.asarray(read_mat(tree, table, f"track_{part}_info")[f"track_{part}_info"])
    path = tree.path(table)
    if rows.ndim != 2 or rows.shape[1] != 4 or not len(rows):
        raise DataError(f"{path}: expected four columns (first, last, person, camera), got shape {rows.shape}")
    first, last = (whole_numbers(rows[:, column], f"{path}: names", 1, len(names)) for column in (0, 1))
    people = whole_numbers(rows[:, 2], f"{path}: people", JUNK, 99_999)
    cameras = whole_numbers(rows[:, 3], f"{path}: cameras", 1, 99)
    if (last < first).any():
        raise DataError(f"{path}: tracklet {int((last < first).argmax()) + 1} ends before it begins; fetch it again")
    return [
        [
            Sample(tree.path(paths[place]), person, camera, track_id=_track(names, place, row))
            for place in range(start - 1, stop)
        ]
        for row, (start, stop, person, camera) in enumerate(
            zip(*(column.tolist() for column in (first, last, people, cameras)), strict=True), start=1
        )
    ]


def _track(names: Sequence[str], place: int, row: int) -> int:
    """The tracklet's number by the picture's name; names of junk, 00-1C1T0001F001, have it at the same place."""
    match = TRACKLET_NAME.search(names[place].rpartition(".")[0])
    return int(match["track"]) if match else row


FORMAT = Format(
    name="mars",
    layout=LAYOUT,
    signs=(("bbox_train", "bbox_test", "info/tracks_train_info.mat", "info/tracks_test_info.mat"),),
    read=read,
)
