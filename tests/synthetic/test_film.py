"""Frames against what they are put together from: the backdrop with its shadows, figures one by one, key points."""

from dataclasses import replace

import numpy as np
import pytest

from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.body import PosedBody, build_body, posed
from passerby.synthetic.camera import Box
from passerby.synthetic.direction import write_script
from passerby.synthetic.figures import FigureDrawing
from passerby.synthetic.film import Film, Frame, frame_box
from passerby.synthetic.gait import walking_pose
from passerby.synthetic.plate import Plate
from passerby.synthetic.population import sample_person
from passerby.synthetic.script import Script
from passerby.synthetic.stage import Stage, set_stages

SIZE = HEIGHT, WIDTH = 180, 320
SEED = 2


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(SEED, 12, 2, 12.0)


@pytest.fixture(scope="module")
def stage() -> Stage:
    return set_stages(SEED, 2)[0]


def nothing() -> np.ndarray:
    """Depths of an empty frame in which nothing stands."""
    return np.full(SIZE, 1000.0, np.float32)


def walker(person: int, place: tuple[float, float]) -> PosedBody:
    who = sample_person(SEED, person)
    pose = walking_pose(who, phase=0.2, amount=1.0, arm_tasks={1: "swing", -1: "swing"}, look=0.0, nod=0.0)
    return posed(build_body(who), pose, place, 90.0)


@pytest.mark.parametrize("shape", [(180, 320), (360, 640), (200, 200), (100, 400)])
def test_frames_show_the_middle_of_the_cameras_picture_undistorted(shape: tuple[int, int]) -> None:
    box = frame_box(*shape)
    assert box.height / box.width == pytest.approx(shape[0] / shape[1])
    assert (box.left + box.right, box.top + box.bottom) == pytest.approx((1280, 720))
    assert box.left >= 0
    assert box.top >= 0
    assert min(box.left, box.top) == pytest.approx(0)


def test_a_plate_with_shadows_is_what_the_backdrop_draws(stage: Stage) -> None:
    light = replace(stage.site.light, sun=np.full(3, 0.7, np.float32))
    box = frame_box(*SIZE)
    near, far = stage.camera.distances
    bodies = [walker(0, (-1.0, near + 0.5)), walker(1, (1.2, (near + far) / 2))]
    display, windows = Plate(stage.site, stage.camera, light, box, SIZE).shaded(bodies)
    points = np.concatenate([body.points for body in bodies])
    fine = 2 * HEIGHT, 2 * WIDTH
    drawn = Backdrop(stage.site, stage.camera).draw(box, fine, light, points, np.ones(fine, np.bool_))
    expected = drawn.reshape(HEIGHT, 2, WIDTH, 2, 3).mean(axis=(1, 3))
    empty = Plate(stage.site, stage.camera, light, box, SIZE).empty
    assert np.abs(display - empty).max() > 0.03
    assert np.abs(display - expected).mean() < 0.004
    changed = np.zeros(SIZE, np.bool_)
    for window in windows:
        changed[window] = True
    assert np.array_equal(display[~changed], empty[~changed])


def test_shares_that_are_seen_are_those_of_whole_figures(stage: Stage) -> None:
    box = frame_box(*SIZE)
    drawing = FigureDrawing(stage.camera, stage.site, nothing(), stage.site.light, box, SIZE)
    y = sum(stage.camera.distances) / 2
    behind, before, beside = walker(0, (0.0, y)), walker(1, (0.12, y - 1.2)), walker(2, (2.0, y))
    try:
        figures = [drawing.figure(body) for body in (behind, before, beside)]
        assert all(figures)
        together = np.zeros((*SIZE, 3), np.float32)
        shares = drawing.draw(figures, together)
        assert shares[1:] == [1.0, 1.0]
        alone = [np.zeros((*SIZE, 3), np.float32) for _ in figures]
        for figure, picture in zip(figures, alone, strict=True):
            assert drawing.draw([figure], picture) == [1.0]
        masks = [picture.max(axis=2) > 0 for picture in alone]
        expected = np.count_nonzero(masks[0] & ~masks[1]) / np.count_nonzero(masks[0])
        assert 0.1 < shares[0] == pytest.approx(expected, abs=0.06)
        assert drawing.draw(figures[::-1], np.zeros((*SIZE, 3), np.float32)) == shares[::-1]
    finally:
        drawing.close()


def test_what_the_edge_of_the_picture_cuts_off_is_not_seen(stage: Stage) -> None:
    y = sum(stage.camera.distances) / 2
    body = walker(0, (0.0, y))
    left, right = (float(f(stage.camera.pixels(body.points)[:, 0])) for f in (np.min, np.max))
    top = frame_box(*SIZE).top
    middle = (left + right) / 2
    half = Box(middle, top, middle + 1280, top + 720)
    drawing = FigureDrawing(stage.camera, stage.site, nothing(), stage.site.light, half, SIZE)
    try:
        figure = drawing.figure(body)
        assert figure is not None
        assert figure.outline.left < 0
        (share,) = drawing.draw([figure], np.zeros((*SIZE, 3), np.float32))
        assert share == pytest.approx(0.5, abs=0.15)
        assert drawing.figure(walker(0, (30.0, y))) is None
    finally:
        drawing.close()


def test_things_of_the_site_hide_who_stands_behind_them(stage: Stage) -> None:
    box, y = frame_box(*SIZE), sum(stage.camera.distances) / 2
    before = nothing()
    before[HEIGHT // 2 :] = 1.0
    drawing = FigureDrawing(stage.camera, stage.site, before, stage.site.light, box, SIZE)
    try:
        figure = drawing.figure(walker(0, (0.0, y)))
        assert figure is not None
        picture = np.zeros((*SIZE, 3), np.float32)
        (share,) = drawing.draw([figure], picture)
        assert 0.05 < share < 0.95
        assert picture[: HEIGHT // 2].max() > 0
        assert picture[HEIGHT // 2 :].max() == 0
    finally:
        drawing.close()


@pytest.fixture(scope="module")
def frames(script: Script, stage: Stage) -> list[Frame]:
    with Film(script, stage, 0, HEIGHT, WIDTH, 2.0, key_points=True) as film:
        return list(film.frames())


def test_a_film_is_as_long_as_its_script_and_people_come_and_go(frames: list[Frame]) -> None:
    assert [frame.number for frame in frames] == list(range(24))
    assert all(frame.pixels.shape == (*SIZE, 3) and frame.pixels.dtype == np.uint8 for frame in frames)
    present = [{one.person for one in frame.people} for frame in frames]
    assert len(set.union(*present)) > 3
    assert len({frozenset(people) for people in present}) > 3


def test_a_frame_is_the_same_whichever_others_are_drawn(frames: list[Frame], script: Script, stage: Stage) -> None:
    with Film(script, stage, 0, HEIGHT, WIDTH, 2.0, key_points=True) as film:
        again = film.frame(17)
    assert np.array_equal(again.pixels, frames[17].pixels)
    assert again.people == frames[17].people


def test_what_is_true_fits_together(frames: list[Frame], stage: Stage) -> None:
    box, seen = frame_box(*SIZE), 0
    scale = HEIGHT / box.height
    for frame in frames:
        assert [one.person for one in frame.people] == sorted(one.person for one in frame.people)
        for one in frame.people:
            assert 0.0 <= one.visible <= 1.0
            foot = np.array([[*one.place, 0.0]], np.float32)
            x, y = (stage.camera.pixels(foot)[0] - np.array([box.left, box.top])) * scale
            assert one.box.left - 4 <= x <= one.box.right + 4
            assert one.box.bottom == pytest.approx(y, abs=0.12 * one.box.height + 2)
            assert len(one.key_points) == 14
            for point in one.key_points:
                assert one.box.left - 1 <= point.x <= one.box.right + 1
                assert one.box.top - 1 <= point.y <= one.box.bottom + 1
            if one.visible == 1.0:
                seen += 1
                assert sum(point.visible for point in one.key_points) > 5
    assert seen > 5


def test_people_change_the_picture_where_they_are(frames: list[Frame]) -> None:
    background = np.median([frame.pixels for frame in frames], axis=0)
    inside, outside = [], []
    for frame in frames:
        change = np.abs(frame.pixels - background).mean(axis=2)
        mask = np.zeros(SIZE, np.bool_)
        for one in frame.people:
            if one.visible > 0.9:
                rows = slice(max(0, round(one.box.top)), round(one.box.bottom))
                columns = slice(max(0, round(one.box.left)), round(one.box.right))
                mask[rows, columns] = True
        inside.append(change[mask])
        outside.append(change[~mask])
    assert np.concatenate(inside).mean() > 4 * np.concatenate(outside).mean()
