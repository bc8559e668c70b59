"""Tracks of one's own cameras, unlabelled: which pictures are of one person, and who was seen at the same time."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from passerby.boxes import with_sizes
from passerby.data.images import SUFFIXES, find_pictures, read_image
from passerby.data.mot import read_mot
from passerby.errors import DataError
from passerby.types import ImageArray

TRACKLET_NAME = re.compile(r"(?P<person>-?\d+)C(?P<camera>\d+)T(?P<track>\d+)F(?P<frame>\d+)$")
"""Names as MARS has them: 0001C1T0002F003 is person 1, camera 1, track 2, frame 3."""

LAYOUTS = (
    "pictures named as in 0001C1T0002F003.jpg; a folder per track, in a folder per camera where there are several, "
    "with the frame as the last number of each picture's name; or MOT sequences, each with img1/000001.jpg and "
    "gt/gt.txt or tracks.txt"
)

_SAME_BOX = 0.5
"""Two boxes of one frame with a larger intersection over union may be one person, tracked twice."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class TrackPicture:
    """One picture of a track.

    Attributes:
        path: The picture, or the whole frame where there is a box.
        frame: The number of its frame in the camera's video.
        box: Left, top, width and height in pixels of the frame, or None where the picture is a crop.
    """

    path: Path
    frame: int
    box: Box | None = None

    def read(self) -> ImageArray:
        """The crop, H×W×3 RGB uint8.

        Raises:
            ImageError: It cannot be read, or is of a size that no person crop has.
        """
        picture = read_image(self.path)
        if self.box is None:
            return picture
        left, top, width, height = self.box
        rows, columns = picture.shape[:2]
        first, last = int(max(0, top)), int(min(rows, np.ceil(top + height)))
        before, behind = int(max(0, left)), int(min(columns, np.ceil(left + width)))
        return read_image(picture[first:last, before:behind], f"{self.path} frame {self.frame}")


@dataclass(frozen=True, slots=True)
class Track:
    """What one camera saw of one person without a break.

    Attributes:
        name: What the files call it.
        camera: Which camera, as the files call it.
        pictures: In order of their frames, one a frame.
        person: Whom it shows, where the names say so (MARS); tracks of one such person are never taken for different
            people. None where nobody knows.
    """

    name: str
    camera: str
    pictures: tuple[TrackPicture, ...]
    person: int | None = None


def read_tracks(root: Path) -> tuple[Track, ...]:
    """Read all tracks below a folder.

    Args:
        root: In one of `LAYOUTS`; nothing else may lie among the pictures.

    Raises:
        DataError: There is no such folder, nothing in it is a track, or a file is not as the layout wants.
    """
    if not root.is_dir():
        raise DataError(f"{root}: expected a folder of tracks, got {'a file' if root.exists() else 'nothing there'}")
    sequences = sorted({found.parent for found in root.rglob("img1") if found.is_dir()})
    if sequences:
        tracks = [track for sequence in sequences for track in _mot(root, sequence)]
    else:
        paths = find_pictures(root)
        named = [(path, TRACKLET_NAME.match(path.stem)) for path in paths]
        matches = [(path, match) for path, match in named if match]
        if matches and len(matches) < len(paths):
            other = next(path for path, match in named if not match)
            raise DataError(f"{other}: expected a name as in {matches[0][0].name}, like those of the other pictures")
        tracks = _by_name(matches) if matches else _by_folder(root, paths)
    if not tracks:
        raise DataError(f"{root}: expected tracks ({LAYOUTS}), got none; of a video, write the frames as pictures")
    return tuple(tracks)


def seen_together(tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """Pairs of tracks, by their places, that one camera saw in one frame: different people.

    Pairs of one known person are left out, and so are pairs whose boxes cover each other in some frame by more than
    half: trackers follow a person twice at times.
    """
    frames: dict[tuple[str, int], list[tuple[int, Box | None]]] = defaultdict(list)
    for place, track in enumerate(tracks):
        for picture in track.pictures:
            frames[track.camera, picture.frame].append((place, picture.box))
    together: set[tuple[int, int]] = set()
    doubtful: set[tuple[int, int]] = set()
    for present in frames.values():
        for number, (one, box) in enumerate(present):
            for other, its_box in present[number + 1 :]:
                pair = (min(one, other), max(one, other))
                together.add(pair)
                if box is not None and its_box is not None and _overlap(box, its_box) > _SAME_BOX:
                    doubtful.add(pair)
    people = [track.person for track in tracks]
    return sorted(
        (one, other) for one, other in together - doubtful if people[one] is None or people[one] != people[other]
    )


def _by_name(matches: Iterable[tuple[Path, re.Match[str]]]) -> list[Track]:
    groups: dict[tuple[str, str, str], list[TrackPicture]] = defaultdict(list)
    for path, match in matches:
        groups[match["person"], match["camera"], match["track"]].append(TrackPicture(path, int(match["frame"])))
    return [
        Track(f"{person}C{camera}T{track}", camera, _in_order(pictures), int(person) if int(person) > 0 else None)
        for (person, camera, track), pictures in groups.items()
    ]


def _by_folder(root: Path, paths: Sequence[Path]) -> list[Track]:
    groups: dict[Path, list[TrackPicture]] = defaultdict(list)
    for path in paths:
        numbers = re.findall(r"\d+", path.stem)
        if path.parent == root or not numbers:
            what = "a frame's number in its name" if path.parent != root else "it in the folder of a track"
            raise DataError(f"{path}: expected {what}; tracks are {LAYOUTS}")
        groups[path.parent].append(TrackPicture(path, int(numbers[-1])))
    return [
        Track(folder.relative_to(root).as_posix(), folder.parent.relative_to(root).as_posix(), _in_order(pictures))
        for folder, pictures in sorted(groups.items())
    ]


def _mot(root: Path, sequence: Path) -> list[Track]:
    """The tracks of one MOT sequence, whose whole frames lie in `img1`."""
    found = [path for path in (sequence / "gt/gt.txt", sequence / "tracks.txt") if path.is_file()]
    if not found:
        raise DataError(f"{sequence}: expected gt/gt.txt or tracks.txt beside img1, got neither")
    frames = {
        int(path.stem): path
        for path in (sequence / "img1").iterdir()
        if path.stem.isdecimal() and path.suffix.lower() in SUFFIXES
    }
    groups: dict[int, list[TrackPicture]] = defaultdict(list)
    tracked = read_mot(found[0])
    for frame, track, box in zip(tracked.frames, tracked.tracks, with_sizes(tracked.boxes), strict=True):
        if int(frame) not in frames:
            raise DataError(f"{found[0]}: expected frame {frame} in {sequence / 'img1'}, got none")
        left, top, width, height = box.tolist()
        groups[int(track)].append(TrackPicture(frames[int(frame)], int(frame), (left, top, width, height)))
    camera = sequence.relative_to(root).as_posix()
    return [Track(f"{camera}/{track}", camera, _in_order(pictures)) for track, pictures in sorted(groups.items())]


def _in_order(pictures: Iterable[TrackPicture]) -> tuple[TrackPicture, ...]:
    """By frame; of several pictures of one frame the first stays."""
    by_frame: dict[int, TrackPicture] = {}
    for picture in pictures:
        by_frame.setdefault(picture.frame, picture)
    return tuple(by_frame[frame] for frame in sorted(by_frame))


def _overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    union = first[2] * first[3] + second[2] * second[3] - shared
    return shared / union if union > 0 else 0.0
