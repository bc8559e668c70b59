from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from passerby.data.provenance import is_synthetic
from passerby.data.tracks import read_tracks, seen_together
from passerby.errors import DataError


def picture(path: Path, colour: int = 90, size: tuple[int, int] = (16, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 40, 200)).save(path)


def test_names_as_mars_has_them(tmp_path: Path) -> None:
    for name in ("0001C1T0001F001", "0001C1T0001F003", "0002C1T0001F003", "0000C1T0009F003", "0001C1T0002F003"):
        picture(tmp_path / name[:4] / f"{name}.jpg")
    picture(tmp_path / "0003" / "0003C2T0001F003.jpg")
    tracks = read_tracks(tmp_path)
    names = [track.name for track in tracks]
    assert names == ["0000C1T0009", "0001C1T0001", "0001C1T0002", "0002C1T0001", "0003C2T0001"]
    assert [track.person for track in tracks] == [None, 1, 1, 2, 3]
    assert [shot.frame for shot in tracks[1].pictures] == [1, 3]
    # Person 1 is never taken for two people, and camera 2 saw nobody of camera 1.
    assert {(names[a], names[b]) for a, b in seen_together(tracks)} == {
        ("0000C1T0009", "0001C1T0001"),
        ("0000C1T0009", "0001C1T0002"),
        ("0000C1T0009", "0002C1T0001"),
        ("0001C1T0001", "0002C1T0001"),
        ("0001C1T0002", "0002C1T0001"),
    }


def test_a_folder_for_each_track_and_camera(tmp_path: Path) -> None:
    for name in ("door/t1/f_007.png", "door/t1/f_6.png", "door/t2/x7.png", "yard/t1/7.png", "yard/t3/8.png"):
        picture(tmp_path / name)
    tracks = read_tracks(tmp_path)
    assert [(track.camera, track.name) for track in tracks] == [
        ("door", "door/t1"),
        ("door", "door/t2"),
        ("yard", "yard/t1"),
        ("yard", "yard/t3"),
    ]
    assert [shot.frame for shot in tracks[0].pictures] == [6, 7]
    assert seen_together(tracks) == [(0, 1)]


@pytest.fixture
def sequence(tmp_path: Path) -> Callable[[str], Path]:
    """A function that writes a MOT sequence of three frames with these lines."""

    def write(lines: str) -> Path:
        for frame in (1, 2, 3):
            picture(tmp_path / "gate" / "img1" / f"{frame:06d}.jpg", 60 + frame, (200, 100))
        (tmp_path / "gate" / "tracks.txt").write_text(lines)
        return tmp_path

    return write


def test_mot_sequences_are_cut_from_their_frames(sequence: Callable[[str], Path]) -> None:
    root = sequence(
        "1,7,10,20,30.5,60,1,-1,-1,-1\n2,7,-5,-5,30,60,1,-1\n1,8,100,20,30,60\n\n"
        "3,9,10,10,20,40,0,1,1\n3,10,10,10,20,40,1,7,1\n3,8,100,20,30,60,1,-4.2,7.1,0\n"
    )
    tracks = read_tracks(root)
    assert [(track.name, track.camera, len(track.pictures)) for track in tracks] == [
        ("gate/7", "gate", 2),
        ("gate/8", "gate", 2),
    ]
    assert seen_together(tracks) == [(0, 1)]
    crop, edge = (shot.read() for shot in tracks[0].pictures)
    assert crop.shape == (60, 31, 3)
    assert edge.shape == (55, 25, 3)  # what lies outside the frame is not there
    assert abs(int(np.median(crop[..., 0])) - 61) <= 2


def test_boxes_that_cover_each_other_may_be_one_person_twice(sequence: Callable[[str], Path]) -> None:
    root = sequence("1,1,10,10,20,40\n1,2,12,10,20,40\n1,3,60,10,20,40\n2,2,90,10,20,40\n2,1,10,10,20,40\n")
    assert seen_together(read_tracks(root)) == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1,7,10,20", r"line 1: expected frame,id,left,top,width,height and more numbers, got '1,7,10,20'"),
        ("1,7,10,20,30,60\nframe,7,a,b,c,d", "line 2: expected frame,id"),
        ("9,7,10,20,30,60", "expected frame 9 in .*img1, got none"),
        ("", r"expected tracks \(.*\), got none"),
    ],
)
def test_a_file_that_is_not_mot_is_refused(sequence: Callable[[str], Path], lines: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        read_tracks(sequence(lines))
    assert "\n" not in str(error.value)


def test_folders_that_hold_no_tracks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of tracks, got nothing there"):
        read_tracks(tmp_path / "none")
    with pytest.raises(DataError, match=r"expected tracks \(.*got none"):
        read_tracks(tmp_path)
    picture(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"1\.png: expected it in the folder of a track"):
        read_tracks(tmp_path)
    (tmp_path / "1.png").rename(tmp_path / "0001C1T0001F001.png")
    picture(tmp_path / "t" / "face.png")
    with pytest.raises(DataError, match=r"expected a name as in 0001C1T0001F001\.png"):
        read_tracks(tmp_path)
    (tmp_path / "0001C1T0001F001.png").unlink()
    with pytest.raises(DataError, match=r"face.png: expected a frame's number in its name"):
        read_tracks(tmp_path)
    (tmp_path / "t" / "img1").mkdir()
    with pytest.raises(DataError, match=r"expected gt/gt.txt or tracks.txt beside img1"):
        read_tracks(tmp_path)


def test_who_was_drawn_is_told_by_the_provenance(tmp_path: Path) -> None:
    assert not is_synthetic(tmp_path)
    for content, drawn in (('{"generator": "passerby"}', True), ("[]", False), ("{", False), ('{"a": 1}', False)):
        (tmp_path / "provenance.json").write_text(content)
        assert is_synthetic(tmp_path) == drawn
