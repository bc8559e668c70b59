"""Boxes by frame as text: what is written is read, and what is broken is said in one line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.data.mot import TrackedBoxes, read_mot, write_mot
from passerby.errors import DataError


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 30), st.integers(0, 100))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.integers(-500, 5000, (count, 2)) / 4
    boxes = np.concatenate([corner, corner + random.integers(1, 500, (count, 2)) / 4], axis=1)
    frames = np.sort(random.integers(1, 9, count))
    written = TrackedBoxes(frames, np.arange(count), boxes, random.integers(1, 9, count) / 8)
    path = tmp_path_factory.mktemp("mot") / "tracks.txt"
    write_mot(path, written)
    read = read_mot(path)
    for field in ("frames", "tracks", "boxes", "scores"):
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))
    assert sum(len(part) for _, part in read.by_frame()) == count


def test_rows_that_do_not_count_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(
        "2,1,10,20,30,60,1,1,0.5\n1,1,10,20,30,60,1,1,1\n1,2,0,0,5,5,0,1,1\n1,3,0,0,5,5,1,3,1\n\n1,4,1,2,3,4,0.7,-1,-1,-1\n"
    )
    read = read_mot(path)
    assert read.frames.tolist() == [1, 1, 2]
    assert read.tracks.tolist() == [1, 4, 1]
    assert read.boxes[0].tolist() == [10, 20, 40, 80]
    assert read.scores.tolist() == [1, 0.7, 1]
    assert read.scaled(0.5).boxes[0].tolist() == [5, 10, 20, 40]


@pytest.mark.parametrize("line", ["one,2,3,4,5,6", "1,2,3", "1.5,1,0,0,5,5", "1,1,nan,0,5,5"])
def test_broken_lines_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(f"1,1,0,0,5,5\n{line}\n")
    with pytest.raises(DataError, match=r"line 2: expected frame,id"):
        read_mot(path)


def test_missing_and_binary_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_mot(tmp_path / "none.txt")
    (tmp_path / "video.mp4").write_bytes(b"\xff\xfe\x00\x81" * 9)
    with pytest.raises(DataError, match="expected a text file"):
        read_mot(tmp_path / "video.mp4")
