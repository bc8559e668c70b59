from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from passerby.errors import DataError
from passerby.synthetic import contact_sheet, placing
from passerby.synthetic.body import posed
from passerby.synthetic.gait import sample_pose
from passerby.synthetic.randomness import stream
from passerby.synthetic.renderer import Drawing
from passerby.synthetic.studio import Studio
from passerby.types import FloatArray, ImageArray

PEOPLE, CAMERAS, PICTURES = 5, 4, 4


@pytest.fixture(scope="module")
def pictures() -> dict[tuple[int, int, int], ImageArray]:
    """Pictures without camera effects, by person, camera and number."""
    with Studio(3, 64, 32, effects=False) as studio:
        return {
            (person, camera, picture): studio.take(person, camera, picture).pixels
            for person in range(PEOPLE)
            for camera in range(CAMERAS)
            for picture in range(PICTURES)
        }


def histogram(picture: ImageArray) -> FloatArray:
    """Colours of upper and lower body: the middle columns, where the person is."""
    counts = []
    for rows in (slice(12, 32), slice(32, 56)):
        colours = picture[rows, 11:21].reshape(-1, 3) // 43
        counts.append(np.bincount(colours @ [36, 6, 1], minlength=216) / len(colours))
    return np.concatenate(counts)


def test_pictures_of_one_person_resemble_each_other(pictures: dict[tuple[int, int, int], ImageArray]) -> None:
    histograms = {key: histogram(picture) for key, picture in pictures.items()}
    same, different = [], []
    for (a, first), (b, second) in combinations(histograms.items(), 2):
        # Another camera, so that the background cannot tell.
        if a[1] != b[1]:
            (same if a[0] == b[0] else different).append(np.abs(first - second).sum())
    assert np.mean(same) < 0.9 * np.mean(different)


def test_every_camera_sees_another_place(pictures: dict[tuple[int, int, int], ImageArray]) -> None:
    # The upper corners hardly ever show the person.
    corners = {
        camera: np.array([p[:10, :6].mean((0, 1)) for key, p in pictures.items() if key[1] == camera])
        for camera in range(CAMERAS)
    }
    for one, other in combinations(range(CAMERAS), 2):
        between = np.linalg.norm(corners[one].mean(0) - corners[other].mean(0))
        assert between > 8.0, (one, other)


def test_every_picture_differs(pictures: dict[tuple[int, int, int], ImageArray]) -> None:
    assert len({picture.tobytes() for picture in pictures.values()}) == PEOPLE * CAMERAS * PICTURES


def test_person_is_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    # The same picture with and without people differs where the person stands.
    with Studio(0, 64, 32, effects=False) as studio:
        shown = [studio.take(person, 0, 0).pixels.astype(int) for person in range(4)]

        def nothing(_: object, __: object, ___: object, size: tuple[int, int]) -> Drawing:
            return Drawing(np.zeros((*size, 4), np.uint8), np.zeros(size, np.uint8))

        monkeypatch.setattr(studio._painter.renderer, "draw", nothing)
        empty = [studio.take(person, 0, 0).pixels.astype(int) for person in range(4)]
    for with_person, without in zip(shown, empty, strict=True):
        changed = np.abs(with_person - without).max(axis=2) > 4
        assert 0.2 < changed.mean() < 0.8
        assert changed[8:56, 10:22].mean() > 0.5


def test_camera_effects_change_the_picture(pictures: dict[tuple[int, int, int], ImageArray]) -> None:
    with Studio(3, 64, 32) as studio:
        assert (studio.take(0, 0, 0).pixels != pictures[0, 0, 0]).mean() > 0.5


def test_contact_sheet_has_a_row_a_person(dataset: Path, tmp_path: Path) -> None:
    sheet = contact_sheet(dataset, tmp_path / "sheet.png", people=3, columns=4, height=64, width=32)
    with Image.open(sheet) as picture:
        assert picture.size == (4 * 32, 3 * 64)
        rows = np.asarray(picture)
    # Columns go through the cameras in turn.
    first = sorted((dataset / "bounding_box_train").glob("0001_c1*"))[0]
    second = sorted((dataset / "bounding_box_train").glob("0001_c2*"))[0]
    for column, path in enumerate((first, second)):
        with Image.open(path) as picture:
            assert (rows[:64, column * 32 : column * 32 + 32] == np.asarray(picture)).all()


def test_contact_sheet_refuses_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found none"):
        contact_sheet(tmp_path, tmp_path / "sheet.png")


def test_companions_walk_beside_and_the_same_way() -> None:
    generator, found = stream(0, "test"), 0
    with Studio(3, 64, 32, effects=False) as studio:
        body, site = studio._body(0, 0), studio._view(0).site
        for heading in (0.0, 60.0, 120.0, 250.0):
            subject = posed(body, sample_pose(generator, body.person), (0.0, 7.0), heading)
            companions = placing._companions(generator, site, subject, studio._body)
            found += len(companions)
            assert len(companions) <= 2
            ahead = np.array([-np.sin(np.radians(heading)), np.cos(np.radians(heading))])
            for companion in companions:
                assert abs((companion.heading - heading + 180) % 360 - 180) < 25
                away = companion.points[:, :2].mean(axis=0) - (0.0, 7.0)
                assert 0.3 < np.linalg.norm(away) < 1.1
                assert abs(away @ ahead) < 0.35
    assert found > 2
