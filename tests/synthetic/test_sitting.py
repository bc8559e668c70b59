"""People who sit: their bodies, the benches under them, and how they come to sit there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from passerby.synthetic import render_people
from passerby.synthetic.body import build_body, posed
from passerby.synthetic.camera import sample_camera
from passerby.synthetic.direction import write_script
from passerby.synthetic.film import Film
from passerby.synthetic.gait import walking_pose
from passerby.synthetic.plan import Plan
from passerby.synthetic.population import sample_person
from passerby.synthetic.scene import build_site
from passerby.synthetic.script import Script, Stop, Visit
from passerby.synthetic.sitting import REACH, SEAT_HEIGHT, hips_back, seated
from passerby.synthetic.stage import set_stages
from passerby.synthetic.studio import Studio
from passerby.synthetic.walk import Walk

SEED = 5


@pytest.mark.parametrize("stature", [1.5, 1.72, 1.95])
def test_who_sits_has_the_hips_on_the_bench_and_the_feet_where_they_stood(stature: float) -> None:
    person = sample_person(0, 2)
    person = replace(person, shape=replace(person.shape, stature=stature))
    body = build_body(person)
    arms = {1: "swing", -1: "swing"}
    standing = walking_pose(person, phase=0.25, amount=0.05, arm_tasks=arms, look=0.0, nod=0.0)
    ankles, hips = [], []
    for share in (0.01, 0.3, 0.6, 1.0):
        back = hips_back(person, share)
        points = posed(body, seated(standing, person, share, ease=0.0), (0.0, -back), 0.0)
        ankles.append(points.key_points[[0, 5]])
        hips.append(points.key_points[2:4].mean(axis=0))
        shoes = points.points[body.mesh.bone_weights[:, [11, 14]].sum(axis=1) > 0.5]
        assert shoes[:, 2].min() == pytest.approx(0.0, abs=1e-5)
    assert np.abs(np.array(ankles) - ankles[0]).max() < 0.05
    assert np.all(np.diff([hip[2] for hip in hips]) < 0)
    assert hips[-1][2] == pytest.approx(SEAT_HEIGHT + 0.075 * person.shape.girth, abs=0.03)
    assert hips[-1][1] == pytest.approx(-REACH, abs=0.1)


def test_benches_change_nothing_else_of_a_site() -> None:
    for index in range(2):
        camera = sample_camera(1, index)
        bare, furnished = build_site(1, index, camera), build_site(1, index, camera, benches=True)
        assert bare.seats == ()
        assert furnished.kind == bare.kind
        assert len(furnished.surfaces) > len(bare.surfaces)
        assert np.array_equal(furnished.shade, bare.shade)
        assert np.array_equal(furnished.light.sun, bare.light.sun)
        for one, other in zip(bare.surfaces, furnished.surfaces, strict=False):
            assert np.array_equal(one.origin, other.origin)
            assert np.array_equal(one.material.levels[0], other.material.levels[0])
        near, far = camera.distances
        for seat in furnished.seats:
            assert not furnished.is_free(*seat.place)
            assert near <= seat.place[1] + 1.0
            assert seat.place[1] - 1.0 <= far
            assert np.hypot(*np.subtract(seat.before, seat.place)) == pytest.approx(REACH)


def test_pictures_of_people_who_sit() -> None:
    with Studio(SEED, 64, 32, sitting=1.0) as studio, Studio(SEED, 64, 32) as usual:
        activities = [studio.take(person, camera, 0).truth for person in range(4) for camera in (0,)]
        again = studio.take(0, 0, 0)
        assert usual.take(0, 0, 0).truth.pose.activity != "sitting"
    assert {truth.pose.activity for truth in activities} == {"sitting"}
    for truth in activities:
        places = np.array(truth.places)
        hips, knees, head = places[2:4, 2].mean(), places[[1, 4], 2].mean(), places[13, 2]
        assert abs(hips - knees) < 0.25
        assert 0.4 < hips < 0.65
        assert 0.5 * truth.attributes.height_m < head - hips + 0.1 < truth.attributes.height_m
    assert again.truth == activities[0]


def test_a_share_of_a_data_set_sits_and_the_rest_does_not(tmp_path: Path) -> None:
    half = render_people(
        tmp_path / "half", people=9, cameras=1, pictures=2, seed=SEED, height=32, width=16, sitting=0.5
    )
    lines = [json.loads(line) for line in (half / "truth.jsonl").read_text().splitlines()]
    share = sum(line["pose"]["activity"] == "sitting" for line in lines) / len(lines)
    assert 0.2 < share < 0.8
    arguments = json.loads((half / "provenance.json").read_text())["arguments"]
    assert arguments["sitting"] == 0.5
    # Data sets in which nobody sits are the same as before anybody could.
    del arguments["sitting"]
    assert Plan(**arguments).arguments() == arguments


def test_sitting_down_and_getting_up() -> None:
    path = ((-5.0, 8.0), (0.0, 8.0), (5.0, 8.0))
    visit = Visit(0, 0, 0, None, 0.0, 1.25, path, Stop(1, 12.0, 180.0, "sitting"))
    person = sample_person(0, 0)
    walk = Walk(visit, person)
    moments = [walk.at(float(time)) for time in np.arange(0.0, walk.end, 0.05)]
    shares = np.array([moment.seated for moment in moments])
    assert shares[0] == shares[-1] == 0.0
    assert shares.max() == 1.0
    assert np.abs(np.diff(shares)).max() < 0.1
    assert 6.0 < 0.05 * np.count_nonzero([moment.activity == "sitting" for moment in moments]) < 11.0
    for moment in moments:
        if moment.seated:
            assert moment.heading == pytest.approx(180.0)
            assert moment.speed == 0.0
        if moment.seated == 1.0:  # who faces the camera sits farther away than the feet stand
            assert moment.place == pytest.approx((0.0, 8.0 + hips_back(person, 1.0)), abs=0.03)
    places = np.array([moment.place for moment in moments])
    assert np.hypot(*np.diff(places, axis=0).T).max() < 1.25 * 0.05 * 1.1
    times = np.arange(0.0, walk.end, 0.31)
    assert all(walk.place(float(time)) == walk.at(float(time)).place for time in times)


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(SEED, 14, 1, 20.0, sitting=1.0)


def test_people_sit_on_seats_and_groups_side_by_side(script: Script) -> None:
    stages = set_stages(SEED, 1, benches=True)
    assert Script.from_dict(json.loads(json.dumps(script.to_dict()))) == script
    sat: dict[tuple[int | None, float], list[int]] = {}
    for visit in script.visits:
        if visit.stop is None or visit.stop.activity != "sitting":
            continue
        seats = stages[visit.camera].site.seats
        middle = visit.path[1]
        (number,) = [n for n, seat in enumerate(seats) if np.hypot(*np.subtract(seat.before, middle)) < 1e-6]
        assert seats[number].heading == visit.stop.facing
        if visit.group is not None:
            sat.setdefault((visit.group, round(visit.begin)), []).append(number)
    together = [numbers for numbers in sat.values() if len(numbers) > 1]
    assert together
    for numbers in together:
        assert len(set(numbers)) == len(numbers)
        assert max(numbers) - min(numbers) == len(numbers) - 1
    usual = write_script(SEED, 8, 1, 20.0)
    assert all(visit.stop.activity != "sitting" for visit in usual.visits if visit.stop)


def test_a_film_tells_who_sits(script: Script) -> None:
    with Film(script, set_stages(SEED, 1, benches=True)[0], 0, 180, 320, 2.0, key_points=True) as film:
        people = film.frame(20).people
    sitting = [one for one in people if one.activity == "sitting"]
    walking = [one for one in people if one.activity == "walking" and one.visible > 0.5]
    assert sitting
    assert {one.speed for one in sitting} == {0.0}
    for one in sitting:
        visit = script.visits[one.visit]
        assert visit.stop is not None
        assert visit.stop.activity == "sitting"
        assert one.box.height / one.box.width < 2.6
    assert walking
