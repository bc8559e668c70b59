"""Small videos of squares that walk, as files that are good, odd or broken."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Video = Callable[..., Path]
Picture = Callable[[int], np.ndarray]


def squares(number: int, height: int = 96, width: int = 128) -> np.ndarray:
    """Frame `number` of a red square that walks to the right over grey, above a blue one that walks to the left."""
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[10:40, 5 + 2 * number : 25 + 2 * number] = (220, 30, 30)
    picture[50:80, width - 30 - 2 * number : width - 10 - 2 * number] = (30, 40, 220)
    return picture


@pytest.fixture(scope="session")
def picture() -> Picture:
    return squares


@pytest.fixture
def video(tmp_path: Path) -> Video:
    """A function that writes frames as a video."""
    av = pytest.importorskip("av", reason="needs PyAV, which reads and writes videos")

    def write(
        name: str = "video.mp4",
        frames: int = 30,
        *,
        height: int = 96,
        width: int = 128,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        options: dict[str, str] | None = None,
        times: list[int] | None = None,
        fps: int = 10,
        faststart: bool = False,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options={"movflags": "+faststart"} if faststart else {}) as container:
            stream: Any = container.add_stream(codec, rate=Fraction(fps), options={"bf": "0", **(options or {})})
            stream.height, stream.width, stream.pix_fmt = height, width, pixels
            container.start_encoding()
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(squares(number, height, width), format="rgb24")
                if times is not None:
                    frame.pts, frame.time_base = times[number], Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def frame_folder(tmp_path: Path) -> Path:
    """Twelve frames as pictures."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(squares(number)).save(folder / f"frame{number + 1}.png")
    return folder
