"""Cuts people out of a scene's videos where the truth says they are: a data set, and who was where and when."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from passerby.atomic import atomic_path, json_text
from passerby.synthetic.encoder import decoded_frames
from passerby.synthetic.generate import PROVENANCE
from passerby.synthetic.plan import FOLDERS
from passerby.synthetic.recording import TRUTH, VIDEO
from passerby.synthetic.videos import CAMERAS
from passerby.types import ImageArray

_SEEN, _TALL = 0.7, 0.09
"""Least share of a figure that a frame shows, and least share of the frame's height, of those who are cut out."""

_APART = 1.0
"""Seconds between two crops of a person."""

_MARGIN = 0.03
"""Share of a box's height that is left around it, as detectors do."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One person in one frame.

    Attributes:
        path: The crop.
        person_id: Who.
        camera_id: Which camera.
        visit: Which of all visits to a camera's view.
        frame: Which frame, from 1.
        time: Seconds from the beginning.
        box: Left, top, right and bottom in pixels of the frame.
        is_query: Whether the crop is searched with, instead of for.
    """

    path: Path
    person_id: int
    camera_id: int
    visit: int
    frame: int
    time: float
    box: tuple[float, float, float, float]
    is_query: bool


def cut_out(scene: Path, output: Path) -> list[Sighting]:
    """Cut everybody out of a scene's videos about once a second, as a data set in Market-1501's layout.

    Of each person and camera the middle crop is the query, the others are the gallery; nobody is to train on.

    Args:
        scene: Folder of `passerby.synthetic.videos.produce_videos`.
        output: Folder to make; what stands there is replaced.

    Returns:
        All crops, in the order of camera, frame and person.
    """
    provenance = json.loads((scene / PROVENANCE).read_text(encoding="utf-8"))
    found: list[Sighting] = []
    with atomic_path(output) as folder:
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        for camera in json.loads((scene / CAMERAS).read_text(encoding="utf-8")):
            place = scene / camera["folder"]
            lines = (place / TRUTH).read_text(encoding="utf-8").splitlines()
            chosen = _chosen([json.loads(line) for line in lines], camera["size"][0])
            by_frame: dict[int, list[tuple[dict[str, Any], bool]]] = defaultdict(list)
            for truth, is_query in chosen:
                by_frame[truth["frame"]].append((truth, is_query))
            for number, pixels in wanted_frames(place / VIDEO, set(by_frame)):
                picture = Image.fromarray(pixels)
                for truth, is_query in by_frame[number]:
                    sighting = _sighting(truth, camera["camera_id"], is_query, output)
                    picture.crop(_around(sighting.box, picture.size)).save(
                        folder / sighting.path.relative_to(output), quality=92
                    )
                    found.append(sighting)
        content = {**provenance, "cut_out_of": scene.name}
        (folder / PROVENANCE).write_text(json_text(content), encoding="utf-8")
    return found


def wanted_frames(video: Path, numbers: set[int]) -> Iterator[tuple[int, ImageArray]]:
    """Decode a video, and give those of its frames (from 1) that are in `numbers`, with their numbers."""
    yield from zip(sorted(numbers), decoded_frames(video, numbers), strict=True)


def _chosen(truths: list[dict[str, Any]], rows: int) -> list[tuple[dict[str, Any], bool]]:
    """Who is cut out of which frame, about once a second, and whether to search with it."""
    last: dict[int, float] = {}
    chosen: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for truth in truths:
        box, visit = truth["box"], truth["visit"]
        large = box["bottom"] - box["top"] >= _TALL * rows and truth["visible_fraction"] >= _SEEN
        if large and truth["time"] - last.get(visit, -_APART) >= _APART - 1e-6:
            last[visit] = truth["time"]
            chosen[truth["person_id"]].append(truth)
    return [
        (truth, number == len(own) // 2 and len(own) > 1)
        for own in chosen.values()
        for number, truth in enumerate(own)
    ]


def _sighting(truth: dict[str, Any], camera: int, is_query: bool, output: Path) -> Sighting:
    name = f"{truth['person_id']:04d}_c{camera}s1_{truth['frame']:06d}_00.jpg"
    box = truth["box"]
    return Sighting(
        path=output / FOLDERS[1 if is_query else 2] / name,
        person_id=truth["person_id"],
        camera_id=camera,
        visit=truth["visit"],
        frame=truth["frame"],
        time=truth["time"],
        box=(box["left"], box["top"], box["right"], box["bottom"]),
        is_query=is_query,
    )


def _around(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels in and a little around a box, inside a picture of `size` columns and rows."""
    left, top, right, bottom = box
    margin = _MARGIN * (bottom - top)
    return (
        max(0, round(left - margin)),
        max(0, round(top - margin)),
        min(size[0], round(right + margin)),
        min(size[1], round(bottom + margin)),
    )
