"""What is said of a picture is checked against its pixels, by drawing parts of people alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from passerby.synthetic.body import Body, PosedBody, build_body, posed
from passerby.synthetic.camera import Box, Camera
from passerby.synthetic.gait import sample_pose, walking_pose
from passerby.synthetic.keypoints import KEY_POINTS
from passerby.synthetic.painting import Scene
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream
from passerby.synthetic.renderer import Renderer
from passerby.synthetic.site_kinds import INDOORS
from passerby.synthetic.skeleton import Bone
from passerby.synthetic.studio import Studio
from passerby.synthetic.truth import Picture
from passerby.synthetic.visibility import in_picture, key_points_seen
from passerby.types import FloatArray

HEIGHT, WIDTH = 400, 200
CAMERA = Camera(3.0, 12.0, 0.0, 900.0, (5.0, 9.0), 180.0, 10.0)
PARTS = {
    "right ankle": (Bone.RIGHT_SHANK, Bone.RIGHT_FOOT), "right knee": (Bone.RIGHT_THIGH, Bone.RIGHT_SHANK),
    "left knee": (Bone.LEFT_THIGH, Bone.LEFT_SHANK), "left ankle": (Bone.LEFT_SHANK, Bone.LEFT_FOOT),
    "right wrist": (Bone.RIGHT_FOREARM, Bone.RIGHT_HAND), "right elbow": (Bone.RIGHT_UPPER_ARM, Bone.RIGHT_FOREARM),
    "left elbow": (Bone.LEFT_UPPER_ARM, Bone.LEFT_FOREARM), "left wrist": (Bone.LEFT_FOREARM, Bone.LEFT_HAND),
    "neck": (Bone.TORSO, Bone.HEAD), "head top": (Bone.HEAD,),
}  # fmt: skip
"""Between or in which bones a key point lies."""


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(HEIGHT, WIDTH) as made:
        yield made


@pytest.fixture(scope="module")
def taken() -> list[Picture]:
    """Many pictures of one world, without effects."""
    with Studio(11, 96, 48, effects=False) as studio:
        return [studio.take(person, camera, 0) for person in range(25) for camera in range(4)]


def plainly_dressed(index: int) -> Body:
    """A body without bag, skirt or coat, whose parts are told apart by its bones, in white all over."""
    person = sample_person(0, index)
    person = replace(
        person,
        bag=replace(person.bag, kind="none"),
        held=replace(person.held, kind="none"),
        top=replace(person.top, kind="shirt", hem=0.0, looseness=0.012, sleeve_length=1.0),
        bottom=replace(person.bottom, kind="trousers", length=0.95, looseness=0.01, legwear=None),
    )
    body = build_body(person)
    return replace(body, texture=np.full_like(body.texture, 255))


def box_of(body: PosedBody) -> Box:
    pixels = CAMERA.pixels(body.points)
    (left, top), (right, bottom) = pixels.min(0) - 15, pixels.max(0) + 15
    return Box(float(left), float(top), float(right), float(bottom))


def lit(body: PosedBody, bones: tuple[Bone, ...]) -> FloatArray:
    """White light on what moves mostly with these bones, none on the rest."""
    shares = body.body.mesh.bone_weights[:, list(bones)].sum(axis=1)
    return np.repeat((shares > 0.5).astype(np.float32)[:, None], 3, axis=1)


def part_alone(renderer: Renderer, body: PosedBody, bones: tuple[Bone, ...]) -> npt.NDArray[np.bool_]:
    """Where the picture of a part would be if there were nothing else."""
    shares = body.body.mesh.bone_weights[:, list(bones)].sum(axis=1) > 0.5
    triangles = body.body.mesh.triangles
    kept = triangles[shares[triangles].all(axis=1)]
    part = replace(body, body=replace(body.body, mesh=replace(body.body.mesh, triangles=kept)))
    drawing = renderer.draw([part], [np.ones_like(body.points)], CAMERA.projection(box_of(body)))
    return drawing.pixels[..., 3] > 0


def near(mask: npt.NDArray[np.bool_], place: FloatArray, reach: int = 2) -> npt.NDArray[np.bool_]:
    row, column = int(place[1]), int(place[0])
    return mask[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]


@pytest.mark.parametrize("heading", [0.0, 60.0, 180.0, 250.0])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7])
def test_key_points_lie_in_the_parts_they_are_named_after(renderer: Renderer, heading: float, phase: float) -> None:
    body = plainly_dressed(2)
    pose = walking_pose(body.person, phase, 1.0, {1: "swing", -1: "phone"}, look=10.0, nod=-3.0)
    person = posed(body, pose, (0.3, 6.0), heading)
    places = in_picture(CAMERA, box_of(person), (HEIGHT, WIDTH), person.key_points)
    for name, bones in PARTS.items():
        shown = part_alone(renderer, person, bones)
        assert near(shown, places[KEY_POINTS.index(name)]).any(), name
        # The same point mirrored is elsewhere, so right and left are not exchanged.
        if name.startswith("right"):
            other = places[KEY_POINTS.index(name.replace("right", "left"))]
            if np.abs(other - places[KEY_POINTS.index(name)]).max() > 25:
                assert not near(shown, other).all(), name


def test_right_and_left_are_the_persons_own() -> None:
    body = plainly_dressed(1)
    stands = walking_pose(body.person, 0.0, 0.0, {1: "swing", -1: "swing"}, look=0.0, nod=0.0)
    for heading, sign in ((0.0, 1), (180.0, -1)):
        person = posed(body, stands, (0.0, 6.0), heading)
        x = in_picture(CAMERA, box_of(person), (HEIGHT, WIDTH), person.key_points)[:, 0]
        for joint in ("ankle", "hip", "wrist", "shoulder"):
            assert sign * (x[KEY_POINTS.index(f"right {joint}")] - x[KEY_POINTS.index(f"left {joint}")]) > 0


def test_key_points_stand_in_anatomical_order() -> None:
    body = plainly_dressed(1)
    stands = walking_pose(body.person, 0.0, 0.0, {1: "swing", -1: "swing"}, look=0.0, nod=0.0)
    heights = dict(zip(KEY_POINTS, posed(body, stands, (0.0, 6.0), 180.0).key_points[:, 2], strict=True))
    order = ["ankle", "knee", "wrist", "hip", "elbow", "shoulder"]
    for side in ("right", "left"):
        values = [heights[f"{side} {joint}"] for joint in order]
        assert values == sorted(values)
    assert heights["right shoulder"] < heights["neck"] < heights["head top"]
    assert heights["head top"] == pytest.approx(body.person.shape.stature, abs=0.04)


def test_visible_limbs_are_those_whose_pixels_are_seen(renderer: Renderer) -> None:
    """Light up one limb in the whole picture: its key point is bright exactly when it is said to be visible."""
    agreeing = total = hidden = 0
    for index in range(4):
        body = plainly_dressed(index)
        generator = stream(0, "visibility", index)
        for heading in (20.0, 80.0, 140.0, 200.0, 270.0, 330.0):
            person = posed(body, sample_pose(generator, body.person), (0.0, 6.0), heading)
            box, seen = box_of(person), key_points_seen(CAMERA, [person])
            places = in_picture(CAMERA, box, (HEIGHT, WIDTH), person.key_points)
            for name, bones in PARTS.items():
                if name in ("neck", "head top"):
                    continue
                drawing = renderer.draw([person], [lit(person, bones)], CAMERA.projection(box))
                number = KEY_POINTS.index(name)
                # The middle of the limb's pixels decides; at its very edge either answer is right.
                bright = near(drawing.pixels[..., 0] > 127, places[number]).mean()
                if 0.25 < bright < 0.75:
                    continue
                agreeing += bool(seen[number]) == (bright >= 0.75)
                hidden += not seen[number]
                total += 1
    assert total > 150
    assert hidden > 20
    assert agreeing / total > 0.97


def test_someone_in_front_hides_key_points_and_pixels() -> None:
    body, other = plainly_dressed(0), plainly_dressed(1)
    stands = walking_pose(body.person, 0.0, 0.0, {1: "swing", -1: "swing"}, look=0.0, nod=0.0)
    person = posed(body, stands, (0.0, 7.0), 180.0)
    alone = key_points_seen(CAMERA, [person])
    assert alone.all()
    for place in ((0.0, 7.8), (1.5, 6.0)):
        assert key_points_seen(CAMERA, [person, posed(other, stands, place, 180.0)]).all()
    half_covered = key_points_seen(CAMERA, [person, posed(other, stands, (0.25, 6.3), 180.0)])
    # Seen from behind the person in front, the person's left is at the right-hand side of the picture.
    assert half_covered[KEY_POINTS.index("right wrist")]
    assert not half_covered[KEY_POINTS.index("left shoulder")]
    fully_covered = key_points_seen(CAMERA, [person, posed(other, stands, (0.0, 6.6), 180.0)])
    assert fully_covered.sum() <= 4


def test_key_points_outside_the_picture_are_not_visible(taken: list[Picture]) -> None:
    for picture in taken:
        for point in picture.truth.key_points:
            if not (0 <= point.x < 48 and 0 <= point.y < 96):
                assert not point.visible


def test_visible_fraction_is_the_ratio_of_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the person alone with a wide margin, and white among black others in the box; count both."""
    height, width = 192, 96
    with (
        Studio(11, height, width, effects=False) as studio,
        Renderer(height, width) as close,
        Renderer(3 * height, 3 * width) as far,
    ):
        compared, behind = [], []
        draw_people = studio._painter.people

        def watch(scene: Scene) -> Any:
            camera, box, bodies = scene.view.camera, scene.canvas.box, scene.bodies
            wide = Box(box.left - box.width, box.top - box.height, box.right + box.width, box.bottom + box.height)
            bent = [replace(body, points=camera.bent(body.points)) for body in bodies]
            white = [np.ones_like(body.points) for body in bodies]
            dark = [white[0], *(np.zeros_like(points) for points in white[1:])]
            white_only = replace(bodies[0].body, texture=np.full_like(bodies[0].body.texture, 255))
            marked = [replace(bent[0], body=white_only), *bent[1:]]
            whole = far.draw(marked[:1], white[:1], camera.projection(wide)).pixels[..., 0] > 127
            seen = close.draw(marked, dark, camera.projection(box)).pixels[..., 0] > 127
            feet = bodies[0].points.mean(axis=0) * (1.0, 1.0, 0.0)
            free = scene.view.backdrop.depths(box, (height, width)) > camera.depths(feet[None].astype(np.float32))[0]
            behind.append((seen & ~free).any())
            compared.append((seen & free).sum() / whole.sum())
            return draw_people(scene)

        monkeypatch.setattr(studio._painter, "people", watch)
        said = [studio.take(number % 10, number % 40, number).truth for number in range(80)]

        def someone_in_front(_: Any, __: Any, ___: Any, subject: PosedBody, body_of: Any) -> list[PosedBody]:
            x, y = subject.points[:, :2].mean(axis=0)
            place = (0.85 * x + 0.1 * (len(compared) % 9 - 4), 0.85 * y)
            return [posed(body_of(100, 0), subject.pose, place, 180.0)]

        monkeypatch.setattr("passerby.synthetic.studio.passers_by", someone_in_front)
        alone = len(said)
        said += [studio.take(number % 10, number % 40, number).truth for number in range(20)]
    fractions = np.array([truth.visible_fraction for truth in said])
    assert np.abs(fractions - np.array(compared)).max() < 0.03
    assert (fractions[:alone] == 1.0).sum() >= 10
    assert (fractions < 0.5).sum() >= 3
    assert sum(behind) >= 3
    unseen = [
        (truth.others, hidden) for truth, hidden in zip(said, behind, strict=True) if truth.visible_fraction < 0.6
    ]
    assert all(others or hidden for others, hidden in unseen)


def test_visible_people_are_there(taken: list[Picture]) -> None:
    for picture in taken:
        truth = picture.truth
        assert 0.3 < truth.visible_fraction <= 1.0
        assert picture.pixels.shape == (*truth.size, 3)
        assert truth.native_size == pytest.approx((truth.box.height, truth.box.width))
        assert truth.light.indoors == (truth.light.place in INDOORS)
        assert 3.0 < truth.distance < 25.0


def test_facing_tells_which_side_is_turned_to_the_camera(taken: list[Picture]) -> None:
    """From the front the person's right shoulder is on the picture's left; the side nearer the camera is larger."""
    facings = set()
    for truth in (picture.truth for picture in taken):
        points = {point.name: point for point in truth.key_points}
        across = points["right shoulder"].x - points["left shoulder"].x
        facings.add(truth.pose.facing)
        if truth.pose.facing in ("front", "back"):
            assert (across < 0) == (truth.pose.facing == "front")
        hidden = [name for name in ("right", "left") if not points[f"{name} shoulder"].visible]
        if truth.others == 0 and abs(truth.pose.heading % 180.0 - 90.0) < 15 and len(hidden) == 1:
            assert hidden[0] != truth.pose.facing
    assert facings == {"front", "back", "left", "right"}


def test_truth_is_written_beside_the_pictures(dataset: Path) -> None:
    lines = [json.loads(line) for line in (dataset / "truth.jsonl").read_text().splitlines()]
    files = [line["file"] for line in lines]
    assert sorted(files) == sorted(path.relative_to(dataset).as_posix() for path in dataset.glob("*/*.jpg"))
    names = [Path(file).name for file in files]
    assert names == sorted(names)
    for line, name in zip(lines, names, strict=True):
        assert name.startswith(f"{line['person_id']:04d}_c{line['camera_id']}s1_")
        assert len(line["key_points"]) == 14
        assert all(visible in (0, 1) for _, _, visible in line["key_points"])
        assert line["size"] == [64, 32]
    people = json.loads((dataset / "people.json").read_text())
    assert [person["person_id"] for person in people] == [1, 2, 3, 4, 5]
    assert [person["split"] for person in people] == ["train"] * 3 + ["test"] * 2
    described = {person["person_id"]: person for person in people}
    for line in lines:
        assert line["attributes"] == described[line["person_id"]]["attributes"]
        assert line["sentence"] == described[line["person_id"]]["sentence"]


def test_truth_is_that_of_the_studio(dataset: Path) -> None:
    lines = [json.loads(line) for line in (dataset / "truth.jsonl").read_text().splitlines()]
    with Studio(0, 64, 32) as studio:
        for line in lines[::5]:
            taken = studio.take(line["person_id"] - 1, line["camera_id"] - 1, line["picture"])
            assert {"file": line["file"], **taken.truth.to_dict()} == line
