"""A person's whole body: one surface, one texture, and a skeleton to move it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from passerby.synthetic.anatomy import Measures, bare_skin
from passerby.synthetic.bags import bag_surfaces, props_of
from passerby.synthetic.gait import ArmTask, Pose
from passerby.synthetic.garments import (
    bottom_surfaces,
    legs_bare_from,
    shoe_surfaces,
    sleeve_length,
    top_surfaces,
)
from passerby.synthetic.heads import head_surfaces
from passerby.synthetic.keypoints import KEY_POINT_BONES, resting_key_points
from passerby.synthetic.lighting import ambient_access
from passerby.synthetic.mesh import Mesh, merged
from passerby.synthetic.person import Person
from passerby.synthetic.randomness import stream
from passerby.synthetic.skeleton import Bone, Skeleton
from passerby.synthetic.textures import hanging_folds, limb_folds, smooth_noise, trunk_folds
from passerby.synthetic.wardrobe import paint
from passerby.types import FloatArray, ImageArray

_FEET = [Bone.RIGHT_FOOT, Bone.LEFT_FOOT]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What is needed to draw a person in any pose.

    Attributes:
        person: Whose body.
        skeleton: Joints in the rest pose.
        mesh: The surface in the rest pose.
        texture: (256, 256, 3) uint8 sRGB.
        ambient: (V,) how much of the surrounding light reaches each vertex, 0 to 1.
        props: What hands hold only while they do something certain: which vertices, whose hand (+1 right), and
            the tasks of the arm during which it is seen.
    """

    person: Person
    skeleton: Skeleton
    mesh: Mesh
    texture: ImageArray
    ambient: FloatArray
    props: tuple[tuple[slice, int, tuple[ArmTask, ...]], ...]


def build_body(person: Person) -> Body:
    """Build a person's body, clothes and bags; the same person gives the same body."""
    generator = stream(person.texture_seed, "cloth")
    measures = Measures(person.shape, Skeleton.of(person.shape))
    slack = float(np.clip(person.bottom.looseness / 0.03, 0.0, 1.0))
    folds = {
        "trunk": trunk_folds(generator),
        "sleeve": limb_folds(generator, joint=0.45, slack=min(1.0, person.top.looseness / 0.03)),
        "leg": limb_folds(generator, joint=0.45, slack=slack),
        "skirt": hanging_folds(generator),
        "hair": smooth_noise(generator, 32, 32, 5, 9),
    }
    props = props_of(measures, person.held)
    mesh = merged(
        [
            *bare_skin(
                measures,
                sleeve_end=sleeve_length(measures, person.top),
                legs_from=legs_bare_from(measures, person.top, person.bottom),
            ),
            *head_surfaces(measures, person.head, folds["hair"]),
            *bottom_surfaces(measures, person.bottom, folds),
            *top_surfaces(measures, person.top, folds, person.head.hat == "hood"),
            *shoe_surfaces(measures, person.shoes),
            *bag_surfaces(measures, person.bag, person.top.looseness),
            *(surface for surface, _, _ in props),
        ]
    )
    ends = len(mesh.points) - np.cumsum([0, *(len(surface.points) for surface, _, _ in reversed(props))])[::-1]
    return Body(
        person=person,
        skeleton=measures.skeleton,
        mesh=mesh,
        texture=paint(person, folds, generator),
        ambient=ambient_access(mesh.points, mesh.normals),
        props=tuple(
            (slice(int(start), int(end)), side, tasks)
            for start, end, (_, side, tasks) in zip(ends[:-1], ends[1:], props, strict=True)
        ),
    )


@dataclass(frozen=True, eq=False)
class PosedBody:
    """A body in one pose at one place.

    Attributes:
        body: Whose surface and texture.
        points: (V, 3) metres in the world.
        normals: (V, 3) unit vectors.
        key_points: (14, 3) metres in the world, in the order of `keypoints.KEY_POINTS`.
        pose: The pose.
        heading: Where it faces, degrees counter-clockwise from +y.
    """

    body: Body
    points: FloatArray
    normals: FloatArray
    key_points: FloatArray
    pose: Pose
    heading: float

    @cached_property
    def middle(self) -> FloatArray:
        """(3,) the mean of its points, metres."""
        return np.asarray(self.points.mean(axis=0), np.float32)


def posed(body: Body, pose: Pose, place: tuple[float, float], heading: float) -> PosedBody:
    """Stand a body on the ground.

    Args:
        body: Which body.
        pose: Its pose.
        place: (x, y) on the ground in metres.
        heading: Where it faces, degrees counter-clockwise from +y.
    """
    bones = body.skeleton.transforms(pose.rotations)
    turn = np.radians(heading)
    rotation = np.array(
        [[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]], np.float32
    )
    bones = rotation @ bones
    moves = (body.mesh.bone_weights @ bones.reshape(len(bones), 12)).reshape(-1, 3, 4)
    points = (moves[:, :, :3] @ body.mesh.points[:, :, None])[:, :, 0] + moves[:, :, 3]
    normals = np.asarray((moves[:, :, :3] @ body.mesh.normals[:, :, None])[:, :, 0], np.float32)
    # One coordinate after the other: numpy is slow along rows of three.
    length = np.sqrt(normals[:, 0] ** 2 + normals[:, 1] ** 2 + normals[:, 2] ** 2) + np.float32(1e-9)
    for axis in range(3):
        normals[:, axis] /= length
    for vertices, side, tasks in body.props:
        if (pose.right_arm if side > 0 else pose.left_arm) not in tasks:
            points[vertices] = (points[vertices.start] + points[vertices.stop - 1]) / 2  # nothing is left to draw
    # Whatever is lowest, the standing foot's sole, rests on the ground; beside a seat a bag may hang lower.
    lowest = points[body.mesh.bone_weights[:, _FEET].sum(axis=1) > 0.5] if pose.seated else points
    shift = np.array([place[0], place[1], -lowest[:, 2].min()], np.float32)
    for axis in range(3):
        points[:, axis] += shift[axis]
    joints = bones[KEY_POINT_BONES]
    resting = resting_key_points(body.skeleton)
    key_points = (joints[:, :, :3] @ resting[:, :, None])[:, :, 0] + joints[:, :, 3] + shift
    return PosedBody(
        body=body, points=points, normals=normals, key_points=key_points, pose=pose, heading=float(heading) % 360.0
    )
