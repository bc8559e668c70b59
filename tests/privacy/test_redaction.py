import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import ImageError
from passerby.privacy.redaction import Region, blur_head, head_region, head_region_from_points
from passerby.synthetic.studio import Studio


def noise_picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 150), st.integers(1, 90), st.integers(-20, 160), st.integers(-20, 100), st.integers(0, 170))
def test_only_the_region_changes_whatever_its_place(h: int, w: int, top: int, left: int, size: int) -> None:
    crop = noise_picture(h, w)
    before = crop.copy()
    region = Region(top, left, top + size, left + size)
    blurred = blur_head(crop, region)
    assert (blurred.shape, blurred.dtype) == (crop.shape, np.uint8)
    np.testing.assert_array_equal(crop, before)
    outside = np.ones((h, w), bool)
    outside[max(0, top) : max(0, top + size), max(0, left) : max(0, left + size)] = False
    np.testing.assert_array_equal(blurred[outside], crop[outside])
    np.testing.assert_array_equal(blurred, blur_head(crop, region))


def test_without_a_region_the_top_of_the_box_is_blurred() -> None:
    assert head_region(128, 64) == Region(0, 0, 32, 64)
    assert head_region(256, 64) == Region(0, 0, 52, 64)
    assert head_region(64, 64) == Region(0, 0, 32, 64)  # a box cut off below
    assert head_region(10, 64) == Region(0, 0, 10, 64)
    crop = noise_picture(128, 64)
    blurred = blur_head(crop)
    assert (blurred[:32] != crop[:32]).mean() > 0.9
    np.testing.assert_array_equal(blurred[32:], crop[32:])


def test_details_are_gone_for_good() -> None:
    """Pictures with the same few mean colours: no attack can tell which of their details were there."""
    rng = np.random.default_rng(3)
    detail = rng.integers(-60, 61, (200, 32, 64, 3))
    # Four rows of cells of eight pixels: without its mean in each cell, a detail is all that pixelating removes.
    cells = detail.reshape(200, 4, 8, 8, 8, 3)
    detail = (cells - cells.mean(axis=(2, 4), keepdims=True).round()).reshape(200, 32, 64, 3)
    pictures = np.full((200, 128, 64, 3), 128, np.uint8)
    pictures[:, :32] = np.clip(128 + detail, 0, 255)
    results = np.stack([blur_head(picture)[:32] for picture in pictures]).astype(np.float64)
    lost = detail.reshape(200, -1).astype(np.float64)
    left = (results - results.mean(axis=0)).reshape(200, -1)
    # Ridge regression from blurred to clear, on one half, predicts nothing on the other.
    train, test = slice(0, 100), slice(100, 200)
    kernel = left @ left.T
    ridge = 0.1 * np.trace(kernel) / 200
    weights = np.linalg.solve(kernel[train, train] + ridge * np.eye(100), lost[train])
    guess = kernel[test, train] @ weights
    explained = 1 - ((lost[test] - guess) ** 2).sum() / (lost[test] ** 2).sum()
    assert explained < 0.01


def test_a_picture_is_taken_for_another_after_blurring() -> None:
    """Who knows all clear heads still can't say whose head it was, when their rough colours are alike."""
    rng = np.random.default_rng(5)
    heads = np.clip(140 + rng.normal(0, 40, (100, 32, 64, 3)), 0, 255).astype(np.uint8)
    pictures = np.concatenate([heads, np.full((100, 96, 64, 3), 90, np.uint8)], axis=1)
    blurred = np.stack([blur_head(picture)[:32] for picture in pictures]).astype(np.float64)
    clear = heads.astype(np.float64)
    right = sum(int(np.argmin(((clear - one) ** 2).mean(axis=(1, 2, 3)))) == n for n, one in enumerate(blurred))
    assert right < 30


def test_looking_again_tells_no_more_and_no_two_pictures_share_their_noise() -> None:
    grey = np.full((128, 64, 3), 128, np.uint8)
    other = grey.copy()
    other[0, 0, 0] += 1
    np.testing.assert_array_equal(blur_head(grey), blur_head(grey))
    assert (blur_head(grey)[:32] != blur_head(other)[:32]).mean() > 0.5


def test_points_give_a_square_around_the_head_inside_the_crop() -> None:
    assert head_region_from_points(200, 100, (50, 10), (50, 50)) == Region(0, 20, 60, 80)
    assert head_region_from_points(200, 100, (95, 20), (95, 40)) == Region(15, 80, 45, 100)
    fallback = head_region(200, 100)
    nan, far = (float("nan"), 1.0), (500.0, 20.0)
    for head_top, neck in (((5, 5), (5, 5)), (nan, (5, 5)), (far, (500, 40)), ((50, -90), (50, -60))):
        assert head_region_from_points(200, 100, head_top, neck) == fallback


def test_heads_of_synthetic_people_are_covered_with_and_without_key_points() -> None:
    with Studio(5, 128, 64, effects=False) as studio:
        taken = [studio.take(person, camera, 0) for person in range(12) for camera in range(2)]
    covered = 0
    for picture in taken:
        points = {point.name: (point.x, point.y) for point in picture.truth.key_points}
        height, width = picture.pixels.shape[:2]
        known = head_region_from_points(height, width, points["head top"], points["neck"])
        guessed = head_region(height, width)
        middle = (points["head top"][1] + points["neck"][1]) / 2
        lowest = points["neck"][1] - 0.25 * (points["neck"][1] - points["head top"][1])  # the chin
        covered += guessed.top <= middle and lowest <= guessed.bottom
        assert known.top <= max(0, points["head top"][1])
        assert known.bottom >= min(height, points["neck"][1])
    assert covered == len(taken)


def test_what_is_no_picture_is_refused() -> None:
    for wrong in (
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3)),
    ):
        with pytest.raises(ImageError, match="expected a picture"):
            blur_head(wrong)
