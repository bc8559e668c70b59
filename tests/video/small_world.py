"""A recording of people who are squares, and what finds and embeds them; also run as a process that can be killed.

Arguments: the gallery, the recording, and seconds to wait in every frame.
"""

import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from passerby.gallery import open_gallery
from passerby.video.detection import Detections
from passerby.video.frames import Frame
from passerby.video.ingest import Job, Outcome, ingest
from passerby.video.source import open_source

FRAMES, HEIGHT, WIDTH = 120, 160, 240
PEOPLE = 6


def boxes_of(number: int) -> list[tuple[int, list[int]]]:
    """Who is where in frame `number`, from 1: six people cross the picture, in three rows, one behind another."""
    found = []
    for person in range(PEOPLE):
        place = 4.5 * (number - 8 * (person % 3) - 52 * (person // 3))
        left = int(place if person % 3 == 1 else WIDTH - 20 - place)
        if 0 <= left <= WIDTH - 20:
            top = 5 + 50 * (person % 3)
            found.append((person, [left, top, left + 20, top + 48]))
    return found


def draw(number: int) -> np.ndarray:
    """Frame `number`, from 1."""
    picture = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    for person, (left, top, right, bottom) in boxes_of(number):
        colours = np.random.default_rng(person).integers(0, 256, (2, 3))
        picture[top : top + 24, left:right] = colours[0]
        picture[top + 24 : bottom, left:right] = colours[1]
        picture[top:bottom:5, left:right:3] //= 2
    light = np.linspace(0.5, 1, WIDTH)[:, None]  # From left to right, so that nobody looks the same everywhere.
    return (picture * light).astype(np.uint8)


def record(path: Path, frames: int = FRAMES) -> Path:
    """Write the video."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(10), options={"bf": "0", "preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for number in range(1, frames + 1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(number), format="rgb24")))
        container.mux(stream.encode())
    return path


class Finder:
    """Finds everybody, and takes its time."""

    def __init__(self, wait: float = 0.0) -> None:
        self._wait = wait

    def __call__(self, frame: Frame) -> Detections:
        time.sleep(self._wait)
        boxes = [box for _, box in boxes_of(frame.number)]
        return Detections(np.array(boxes, float).reshape(-1, 4), np.full(len(boxes), 0.9))


class Colours:
    """Embeds mean colours of the upper and the lower half."""

    identity = f"{7:064d}"
    dimension = 6
    bundle = SimpleNamespace(path=Path("colours"), calibration=None)

    def embed(self, images: Sequence[np.ndarray], progress: Any = None) -> np.ndarray:
        vectors = [np.concatenate([half.mean(axis=(0, 1)) for half in np.array_split(image, 2)]) for image in images]
        return np.stack([(v - 128) / np.linalg.norm(v - 128) for v in vectors]).astype(np.float32)


def take_in(gallery: str | Path, recording: Path, wait: float = 0.0, **settings: Any) -> list[Outcome]:
    """Ingest the recording as camera "gate"."""
    with open_gallery(gallery, model=Colours()) as there:  # type: ignore[arg-type]
        sys.stdout.write("open\n")
        sys.stdout.flush()
        job = Job("gate", open_source(recording), lambda: Finder(wait), "squares")
        return ingest(there, [job], **settings)


if __name__ == "__main__":
    take_in(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), often=0.02)
    sys.stdout.write("done\n")
