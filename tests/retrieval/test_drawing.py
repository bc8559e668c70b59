from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from passerby.errors import ImageError, PasserbyError
from passerby.retrieval.drawing import check_drawing, draw_matches, draw_pair, save_drawing
from passerby.retrieval.pictures import Decision
from passerby.types import Match

GREEN, RED, GREY = (22, 128, 61), (190, 30, 45), (140, 148, 160)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Sixteen pictures in person's proportion, blue all over, with a name that no line has room for."""
    paths = [tmp_path / f"{'a very long name of a picture ' * 4}{number}.png" for number in range(16)]
    for path in paths:
        Image.new("RGB", (64, 128), (0, 0, 255)).save(path)
    return paths


def matches(paths: list[Path], same_person: bool | None = None) -> list[Match]:
    return [Match(rank, str(path), 0.1 * rank, same_person) for rank, path in enumerate(paths, start=1)]


def count(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(image) == colour).all(2).sum())


@pytest.mark.parametrize("number", [0, 1, 5, 6, 7, 16])
@pytest.mark.parametrize("columns", [1, 6, 100])
def test_grids_have_room_for_every_answer(pictures: list[Path], number: int, columns: int) -> None:
    sheet = draw_matches(pictures[0], matches(pictures[:number]), columns)
    across = max(1, min(columns, number))
    assert sheet.mode == "RGB"
    assert sheet.width > (across + 1) * 128
    assert sheet.height > max(1, -(-number // across)) * 256
    assert sheet.width * sheet.height < 40e6
    # Query and answers are drawn completely: none is cut off.
    assert count(sheet, (0, 0, 255)) == (number + 1) * 128 * 256


@pytest.mark.parametrize(("same", "colour"), [(True, GREEN), (False, RED), (None, GREY)])
def test_frames_say_what_the_threshold_says(
    pictures: list[Path], same: bool | None, colour: tuple[int, int, int]
) -> None:
    sheet = draw_matches(pictures[0], matches(pictures[:2], same))
    frame = (128 + 8) * (256 + 8) - 128 * 256
    assert count(sheet, colour) == 2 * frame
    for other in {GREEN, RED, GREY} - {colour}:
        assert count(sheet, other) == 0


@pytest.mark.parametrize("size", [(4, 4), (400, 10), (10, 400), (4, 16_384), (1000, 1000)])
def test_pictures_of_any_proportion_fit(size: tuple[int, int], tmp_path: Path) -> None:
    Image.new("RGB", size, (0, 0, 255)).save(tmp_path / "a.png")
    sheet = draw_matches(tmp_path / "a.png", matches([tmp_path / "a.png"]))
    assert sheet.width < 400
    assert sheet.height < 400


def test_pairs_are_labelled_and_framed_as_decided(pictures: list[Path]) -> None:
    for same, colour in ((True, GREEN), (False, RED)):
        decision = Decision(same, 0.25, 0.3, "FAR at most 0.01, calibrated on 10 people of a set " * 5)
        sheet = draw_pair(pictures[0], pictures[1], decision)
        assert count(sheet, (0, 0, 255)) == 2 * 128 * 256
        assert count(sheet, colour) > 2 * ((128 + 8) * (256 + 8) - 128 * 256)
        assert 256 < sheet.width < 600
        assert 256 < sheet.height < 900
    short = draw_pair(pictures[0], pictures[1], Decision(True, 0.25, 0.3, "given"))
    assert short.height < sheet.height


def test_pairs_take_every_kind_of_picture(pictures: list[Path]) -> None:
    array = np.asarray(Image.open(pictures[0]))
    decision = Decision(True, 0.25, 0.3, "given")
    assert draw_pair(array, str(pictures[0]), decision).size == draw_pair(array, array, decision).size


def test_a_picture_that_is_gone_is_named(pictures: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.jpg: there is no such file"):
        draw_matches(pictures[0], matches([tmp_path / "gone.jpg"]))


@pytest.mark.parametrize("name", ["a.png", "A.JPG", "a.webp", "a.tiff", "a.ppm", "a.bmp", "a.jpeg", "a.tif"])
def test_drawings_are_written_in_the_format_of_their_ending(name: str, tmp_path: Path) -> None:
    save_drawing(tmp_path / "new" / name, Image.new("RGB", (30, 20), (10, 200, 30)))
    with Image.open(tmp_path / "new" / name) as image:
        assert image.size == (30, 20)


@pytest.mark.parametrize("name", ["a", "a.txt", "a.png.bak", ".png"])
def test_other_endings_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(PasserbyError, match=r"expected a name that ends in \.png or \.jpg"):
        save_drawing(tmp_path / name, Image.new("RGB", (30, 20)))
    with pytest.raises(PasserbyError, match="expected a name"):
        check_drawing(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_probabilities_are_written_where_the_calibration_tells_them(pictures: list[Path]) -> None:
    plain = matches(pictures[:3], same_person=True)
    told = [replace(match, probability=0.9, no_match=0.2) for match in plain]
    without, with_odds = draw_matches(pictures[0], plain), draw_matches(pictures[0], told)
    assert with_odds.height == without.height + 18
    # Below the query's own picture stands how likely nobody is the person.
    below = (0, 16 + 256 + 6 + 18, 128, 16 + 256 + 6 + 36)
    assert np.asarray(with_odds.crop(below)).min() < 255
    assert np.asarray(without.crop((0, below[1], 128, without.height))).min() == 255
    decision = Decision(True, 0.1, 0.2, "a test")
    pair = draw_pair(pictures[0], pictures[1], decision)
    assert draw_pair(pictures[0], pictures[1], replace(decision, probability=0.97)).height == pair.height + 18
