from dataclasses import fields, replace

import numpy as np
import pytest

from passerby.synthetic.body import build_body, posed
from passerby.synthetic.camera import Box, sample_camera
from passerby.synthetic.gait import sample_pose, walking_pose
from passerby.synthetic.population import sample_person
from passerby.synthetic.randomness import stream
from passerby.synthetic.skeleton import PARENTS, Bone, Skeleton


def test_person_depends_on_seed_and_index_only() -> None:
    assert sample_person(0, 3) == sample_person(0, 3)
    assert len({sample_person(seed, index) for seed in range(2) for index in range(20)}) == 40


def test_people_wear_mostly_dark_and_muted_colours() -> None:
    colours = np.array([sample_person(0, index, look_alikes=1).top.colour for index in range(400)])
    saturated = (colours.max(1) - colours.min(1)) > 0.35
    assert saturated.mean() < 0.3
    assert (colours.mean(1) < 0.35).mean() > 0.4
    assert (colours.mean(1) > 0.7).mean() > 0.1


def test_look_alike_differs_in_one_thing_worn() -> None:
    for index in (5, 11, 17, 23):
        one, other = sample_person(0, index - 1), sample_person(0, index)
        worn = [f.name for f in fields(one) if f.name not in ("shape", "texture_seed")]
        assert sum(getattr(one, name) != getattr(other, name) for name in worn) == 1
        assert one.shape != other.shape


@pytest.mark.parametrize("index", range(8))
def test_body_is_as_tall_as_the_person_and_whole(index: int) -> None:
    person = sample_person(0, index)
    person = replace(person, head=replace(person.head, style="bald", hat="none"))
    body = build_body(person)
    mesh = body.mesh
    height = np.ptp(mesh.points[:, 2])
    assert person.shape.stature - 0.01 < height < person.shape.stature + 0.05
    assert np.isfinite(mesh.points).all()
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-3)
    assert np.allclose(mesh.bone_weights.sum(1), 1.0, atol=1e-5)
    assert mesh.bone_weights.min() >= 0
    assert mesh.texture_coordinates.min() >= 0
    assert mesh.texture_coordinates.max() <= 1
    assert mesh.triangles.max() < len(mesh.points)


def test_bones_keep_their_length_when_moved() -> None:
    person = sample_person(0, 0)
    skeleton = Skeleton.of(person.shape)
    transforms = skeleton.transforms(sample_pose(stream(0, "test"), person).rotations)
    placed = np.einsum("bij,bj->bi", transforms[:, :, :3], skeleton.joints) + transforms[:, :, 3]
    for bone, parent in enumerate(PARENTS):
        if parent >= 0:
            rest = np.linalg.norm(skeleton.joints[bone] - skeleton.joints[parent])
            assert np.linalg.norm(placed[bone] - placed[parent]) == pytest.approx(rest, abs=1e-5)


def test_legs_and_arms_swing_against_one_another() -> None:
    person = sample_person(0, 0)
    skeleton = Skeleton.of(person.shape)
    pose = walking_pose(person, 0.0, 1.0, {1: "swing", -1: "swing"}, look=0.0, nod=0.0)
    transforms = skeleton.transforms(pose.rotations)
    forward = (np.einsum("bij,bj->bi", transforms[:, :, :3], skeleton.joints) + transforms[:, :, 3])[:, 1]
    assert forward[Bone.RIGHT_FOOT] > 0.2 > -0.1 > forward[Bone.LEFT_FOOT]
    assert forward[Bone.LEFT_HAND] > forward[Bone.RIGHT_HAND]


@pytest.mark.parametrize("heading", [0.0, 90.0, 200.0])
def test_posed_body_stands_on_the_ground_and_faces_its_heading(heading: float) -> None:
    person = sample_person(0, 1)
    stands = walking_pose(person, 0.0, 0.0, {1: "swing", -1: "swing"}, look=0.0, nod=0.0)
    body = build_body(person)
    placed = posed(body, stands, (2.0, 7.0), heading)
    assert placed.points[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    low = placed.points[:, 2] < 0.05  # soles: the toes reach further forward than the heels back
    towards = placed.points[low][:, :2] - (2.0, 7.0)
    ahead = np.array([-np.sin(np.radians(heading)), np.cos(np.radians(heading))])
    assert (towards @ ahead).max() > 0.15 > -(towards @ ahead).min()


@pytest.mark.parametrize("distortion", [0.0, -0.2, 0.05])
def test_projection_agrees_with_pixels_and_rays(distortion: float) -> None:
    camera, box = replace(sample_camera(0, 1), distortion=distortion), Box(500.0, 200.0, 600.0, 420.0)
    points = np.array([[0.1, 7.0, 1.2], [-2.4, 9.0, 0.0], [1.5, 6.0, 1.7]], np.float32)
    pixels = camera.pixels(points)
    clip = np.concatenate([camera.bent(points), np.ones((3, 1), np.float32)], 1) @ camera.projection(box)
    x = (clip[:, 0] / clip[:, 3] + 1) / 2 * box.width + box.left
    y = (1 - clip[:, 1] / clip[:, 3]) / 2 * box.height + box.top
    assert np.allclose(np.stack([x, y], 1), pixels, atol=0.05)
    # A ray through the pixel that shows a point passes that point.
    for place, point in zip(pixels, points, strict=True):
        ray = camera.rays(Box(*(place - 0.5), *(place + 0.5)), 1, 1)[0, 0]
        towards = point - (0.0, 0.0, camera.height)
        assert np.allclose(np.cross(ray / np.linalg.norm(ray), towards), 0.0, atol=1e-2)


@pytest.mark.parametrize("size", [2, 4, 5])
def test_groups_of_look_alikes_differ_from_their_model_in_one_thing_worn(size: int) -> None:
    for first in range(0, 5 * size, size):
        model = sample_person(0, first, size)
        assert model == sample_person(0, first, 1)
        others = [sample_person(0, index, size) for index in range(first + 1, first + size)]
        for other in others:
            worn = [f.name for f in fields(model) if f.name not in ("shape", "texture_seed")]
            assert sum(getattr(model, name) != getattr(other, name) for name in worn) == 1
            assert other.texture_seed == model.texture_seed
            assert other.shape != model.shape


def test_other_clothes_are_worn_by_the_same_body_and_hair() -> None:
    for index in range(12):
        one, other = sample_person(3, index), sample_person(3, index, clothes_set=1)
        assert one.shape == other.shape
        assert one.head.hair == other.head.hair
        assert (one.head.beard, one.head.glasses) == (other.head.beard, other.head.glasses)
        assert (one.top, one.bottom) != (other.top, other.bottom)
        assert other == sample_person(3, index, clothes_set=1)


def test_look_alikes_are_alike_in_their_other_clothes_too() -> None:
    model, other = (sample_person(0, index, look_alikes=2, clothes_set=1) for index in (4, 5))
    assert model.top == other.top
    assert model.top != sample_person(0, 4).top


def test_phone_and_umbrella_are_seen_only_while_an_arm_uses_them() -> None:
    person = sample_person(0, 1)
    person = replace(person, held=replace(person.held, kind="umbrella", side=1))
    body = build_body(person)
    for right, left, used in (
        ("swing", "swing", [False, False, True, False]),
        ("umbrella", "phone", [False, True, False, True]),
        ("call", "swing", [True, False, False, False]),
    ):
        pose = walking_pose(person, 0.2, 1.0, {1: right, -1: left}, look=0.0, nod=0.0)  # type: ignore[dict-item]
        placed = posed(body, pose, (0.0, 5.0), 0.0)
        assert len(body.props) == 4
        shown = [bool(np.ptp(placed.points[vertices], axis=0).max() > 0.01) for vertices, _, _ in body.props]
        assert shown == used


def test_raised_umbrella_is_level_above_the_head() -> None:
    person = sample_person(0, 1)
    person = replace(person, held=replace(person.held, kind="umbrella", side=-1))
    body = build_body(person)
    pose = walking_pose(person, 0.4, 1.0, {1: "swing", -1: "umbrella"}, look=0.0, nod=0.0)
    placed = posed(body, pose, (0.0, 5.0), 70.0)
    canopy = placed.points[body.props[-1][0]]
    assert canopy[:, 2].min() > placed.key_points[-1, 2] - 0.12
    assert np.ptp(canopy[:, 2]) < 0.4 < np.ptp(canopy[:, 0])


def test_who_turns_round_walks_on() -> None:
    person = sample_person(0, 0)
    ahead, turned = (
        walking_pose(person, 0.3, 1.0, {1: "swing", -1: "swing"}, look=0.0, nod=0.0, turn=turn).rotations
        for turn in (0.0, 30.0)
    )
    changed = {bone for bone in Bone if not np.allclose(ahead[bone], turned[bone])}
    assert changed == {Bone.TORSO}
