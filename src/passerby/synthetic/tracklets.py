"""Cuts people out of the frames of a video, as tracklets named in MARS's way."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from passerby.synthetic.film import Appearance, Frame
from passerby.synthetic.plan import default_train_people

_HEIGHT, _WIDTH = 256, 128
"""Rows and columns of a crop, as in MARS."""

_SEEN, _LOWEST, _NARROWEST = 0.3, 32, 10
"""Least share of a figure, rows and columns of a box that make a crop."""

_PATIENCE = 1.0
"""Seconds that somebody may be hidden without the tracklet's ending."""

_LONGEST = 999
"""Frames of a tracklet: names have three digits for them."""

FOLDERS = ("bbox_train", "bbox_test")
"""MARS's folders."""


@dataclass(slots=True)
class _Track:
    number: int
    visit: int
    last: int
    length: int


class TrackletCutter:
    """Writes one camera's tracklets below a folder.

    The layout is that of MARS (Zheng et al., MARS: A Video Benchmark for Large-Scale Person Re-Identification, 2016):
    `bbox_train/0001/0001C1T0001F001.jpg` is the first frame of the first tracklet of person 1 by camera 1. As for
    pictures, two thirds of the people are to train on. MARS's lists in `info/` are left out.

    Args:
        folder: Holds `bbox_train` and `bbox_test`; made where missing.
        people: How many people there are in all.
        camera: The camera's number, from 0.
        fps: Frames a second.
    """

    def __init__(self, folder: Path, people: int, camera: int, fps: float) -> None:
        self._folder, self._camera, self._patience = folder, camera, max(1, round(_PATIENCE * fps))
        self._train_people = default_train_people(people) if people > 1 else 0
        self._tracks: dict[int, _Track] = {}

    def cut(self, frame: Frame) -> None:
        """Cut out everybody of whom enough is seen."""
        picture = Image.fromarray(frame.pixels)
        for one in frame.people:
            left, top = max(0, round(one.box.left)), max(0, round(one.box.top))
            right, bottom = min(picture.width, round(one.box.right)), min(picture.height, round(one.box.bottom))
            if one.visible < _SEEN or bottom - top < _LOWEST or right - left < _NARROWEST:
                continue
            path = self._path(one, frame.number)
            path.parent.mkdir(parents=True, exist_ok=True)
            crop = picture.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
            crop.save(path, quality=92)

    def _path(self, one: Appearance, frame: int) -> Path:
        """Name the next picture of somebody's tracklet, or the first of a new one."""
        track = self._tracks.get(one.person)
        if track is None:
            track = self._tracks[one.person] = _Track(1, one.visit, frame, 0)
        elif track.visit != one.visit or frame - track.last > self._patience or track.length == _LONGEST:
            track.number, track.visit, track.length = track.number + 1, one.visit, 0
        track.last, track.length = frame, track.length + 1
        name = f"{one.person + 1:04d}C{self._camera + 1}T{track.number:04d}F{track.length:03d}.jpg"
        return self._folder / FOLDERS[one.person >= self._train_people] / name[:4] / name


def make_folders(folder: Path, names: Iterable[str] = FOLDERS) -> None:
    """Make MARS's folders inside `folder`."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
