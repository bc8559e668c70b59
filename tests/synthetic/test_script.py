"""Who walks where and when: possible, unseen between the cameras, and the same for the same seed."""

import json

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.synthetic.camera import FRAME_HEIGHT, FRAME_WIDTH
from passerby.synthetic.direction import write_script
from passerby.synthetic.population import sample_person
from passerby.synthetic.script import Placement, Script, Stop, Visit
from passerby.synthetic.stage import Stage, set_stages
from passerby.synthetic.walk import Walk, stride_length

SEED, PEOPLE, CAMERAS, SECONDS = 3, 14, 4, 150.0


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(SEED, PEOPLE, CAMERAS, SECONDS, change_clothes=1.0)


@pytest.fixture(scope="module")
def stages() -> tuple[Stage, ...]:
    return set_stages(SEED, CAMERAS)


@pytest.fixture(scope="module")
def walks(script: Script) -> list[Walk]:
    return [Walk(visit, sample_person(SEED, visit.person)) for visit in script.visits]


def local(placement: Placement, place: tuple[float, float]) -> tuple[float, float]:
    turn = np.radians(placement.heading)
    x, y = place[0] - placement.x, place[1] - placement.y
    return float(np.cos(turn) * x + np.sin(turn) * y), float(-np.sin(turn) * x + np.cos(turn) * y)


def before_walls(stage: Stage, x: float, y: float) -> bool:
    right, away, distance = stage.site.back
    return bool(right * x + away * y < distance)


def is_seen(stage: Stage, place: tuple[float, float]) -> bool:
    """Whether somebody 1.7 m tall at a place in the world would be in a camera's picture."""
    x, y = local(stage.placement, place)
    if y < 0.5 or not before_walls(stage, x, y):
        return False
    body = np.array([(x, y, 0.0), (x, y, 0.9), (x, y, 1.7)], np.float32)
    pixels = stage.camera.pixels(body)
    inside = (pixels >= 0) & (pixels < (FRAME_WIDTH, FRAME_HEIGHT))
    return bool((stage.camera.depths(body) > 0.5).all() and inside.all(axis=1).any())


def test_the_same_seed_gives_the_same_script_and_another_another(script: Script) -> None:
    assert write_script(SEED, PEOPLE, CAMERAS, SECONDS, change_clothes=1.0) == script
    assert write_script(SEED + 1, PEOPLE, CAMERAS, SECONDS, change_clothes=1.0) != script


def test_goes_through_json_and_back(script: Script) -> None:
    assert Script.from_dict(json.loads(json.dumps(script.to_dict()))) == script


@pytest.mark.parametrize("change", [{"visits": [{}]}, {"visits": 3}, {"journeys": [{"path": [[1]]}]}, {"colour": 1}])
def test_anything_else_is_refused_in_one_line(script: Script, change: dict[str, object]) -> None:
    with pytest.raises(DataError, match="expected a script") as caught:
        Script.from_dict({**script.to_dict(), **change})
    assert "\n" not in str(caught.value)


def test_everybody_comes_and_most_see_several_cameras(script: Script) -> None:
    cameras = {person: {v.camera for v in script.visits if v.person == person} for person in range(PEOPLE)}
    assert all(cameras.values())
    assert sum(len(seen) > 1 for seen in cameras.values()) > PEOPLE / 2
    assert {v.camera for v in script.visits} == set(range(CAMERAS))


def test_people_stop_walk_together_come_back_and_change(script: Script) -> None:
    assert any(visit.stop for visit in script.visits)
    assert any(visit.group is not None for visit in script.visits)
    assert any(visit.clothes for visit in script.visits)
    unchanged = write_script(SEED, PEOPLE, CAMERAS, SECONDS)
    assert not any(visit.clothes for visit in unchanged.visits)
    returns = [(v.person, v.camera) for v in script.visits]
    assert len(set(returns)) < len(returns)


def test_paths_begin_and_end_out_of_the_picture_and_lead_through_it(
    script: Script, stages: tuple[Stage, ...], walks: list[Walk]
) -> None:
    for visit, walk in zip(script.visits, walks, strict=True):
        stage = stages[visit.camera]
        for time in (visit.begin, walk.end):
            assert not is_seen(stage, stage.placement.to_world(walk.at(time).place))
        times = np.linspace(visit.begin, walk.end, 60)
        assert any(is_seen(stage, stage.placement.to_world(walk.at(float(time)).place)) for time in times)


def test_nobody_is_seen_by_another_camera_or_between_two(
    script: Script, stages: tuple[Stage, ...], walks: list[Walk]
) -> None:
    for visit, walk in zip(script.visits, walks, strict=True):
        others = [stage for camera, stage in enumerate(stages) if camera != visit.camera]
        for time in np.linspace(visit.begin, walk.end, 25):
            place = script.placements[visit.camera].to_world(walk.at(float(time)).place)
            assert not any(is_seen(stage, place) for stage in others)
    assert script.journeys
    for journey in script.journeys:
        for time in np.linspace(journey.begin, journey.end, 60):
            assert not any(is_seen(stage, journey.at(float(time))) for stage in stages)


def test_journeys_join_the_visits_at_a_walking_pace(script: Script, walks: list[Walk]) -> None:
    ends = {(v.person, round(w.end, 6)): (v, w) for v, w in zip(script.visits, walks, strict=True)}
    joined = 0
    for journey in script.journeys:
        if journey.begin < 0:  # its visit is over before the recording begins
            continue
        before, walk = ends[journey.person, round(journey.begin, 6)]
        assert journey.path[0] == pytest.approx(script.placements[before.camera].to_world(walk.at(walk.end).place))
        length = np.hypot(*np.diff(np.array(journey.path), axis=0).T).sum()
        assert 0.6 < length / (journey.end - journey.begin) < 2.2
        after = [v for v in script.visits if v.person == journey.person and abs(v.begin - journey.end) < 0.2]
        for visit in after:
            start = script.placements[visit.camera].to_world(visit.path[0])
            assert np.hypot(*np.subtract(start, journey.path[-1])) < 2.5  # who walks beside comes in beside
            joined += 1
    assert joined


def test_nobody_jumps_or_spins(script: Script, walks: list[Walk]) -> None:
    step = 0.1
    for visit, walk in zip(script.visits, walks, strict=True):
        moments = [walk.at(float(time)) for time in np.arange(visit.begin, walk.end, step)]
        places = np.array([moment.place for moment in moments])
        assert np.hypot(*np.diff(places, axis=0).T).max() <= visit.speed * step * 1.1
        turns = (np.diff([moment.heading for moment in moments]) + 180.0) % 360.0 - 180.0
        assert np.abs(turns).max() < 45.0


def test_steps_are_as_long_as_the_way(walks: list[Walk]) -> None:
    walk = next(walk for walk in walks if walk.visit.stop is None)
    start, later = walk.at(walk.visit.begin), walk.at(walk.visit.begin + 1.0)
    person = sample_person(SEED, walk.visit.person)
    strides = walk.visit.speed / stride_length(person, start.amount)
    assert (later.phase - start.phase) % 1.0 == pytest.approx(strides % 1.0, abs=0.02)


def test_a_stop_is_kept_and_faced() -> None:
    visit = Visit(0, 0, 0, None, 5.0, 1.25, ((-5.0, 8.0), (0.0, 8.0), (5.0, 8.0)), Stop(1, 6.0, 180.0, "standing"))
    walk = Walk(visit, sample_person(0, 0))
    assert walk.end == pytest.approx(5.0 + 10.0 / 1.25 + 6.0 + 0.8, abs=0.1)
    halted = [
        walk.at(float(time)) for time in np.arange(5.0, walk.end, 0.05) if walk.at(float(time)).activity != "walking"
    ]
    assert len(halted) * 0.05 == pytest.approx(6.0, abs=0.1)
    assert {moment.speed for moment in halted} == {0.0}
    assert all(moment.place == pytest.approx((0.0, 8.0), abs=0.06) for moment in halted)
    middle = walk.at(5.0 + 4.0 + 0.4 + 3.0)
    assert middle.heading % 360.0 == pytest.approx(180.0)
    assert middle.amount == 0.0
    assert walk.at(5.0).heading == pytest.approx(-90.0, abs=2.0)  # to the right, clockwise of the line of sight


def test_people_who_walk_alone_keep_clear_of_one_another(script: Script, walks: list[Walk]) -> None:
    closest = []
    for number, one in enumerate(walks):
        for other in walks[number + 1 :]:
            together = one.visit.group is not None and one.visit.group == other.visit.group
            if one.visit.camera != other.visit.camera or together:
                continue
            times = np.arange(max(one.visit.begin, other.visit.begin), min(one.end, other.end), 0.4)
            if len(times):
                apart = [np.hypot(*np.subtract(one.at(t).place, other.at(t).place)) for t in map(float, times)]
                closest.append(min(apart))
    assert len(closest) > 10
    assert np.mean(np.array(closest) > 0.5) > 0.85
