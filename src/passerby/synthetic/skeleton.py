"""Bones: where the joints of a body are, how rotations move them, and which bone moves which point."""

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np

from passerby.synthetic.mesh import Weighting
from passerby.synthetic.person import Shape
from passerby.types import FloatArray


class Bone(IntEnum):
    """The bones, each named after what it moves; every one follows its parent's joint."""

    PELVIS = 0
    TORSO = 1
    HEAD = 2
    RIGHT_UPPER_ARM = 3
    RIGHT_FOREARM = 4
    RIGHT_HAND = 5
    LEFT_UPPER_ARM = 6
    LEFT_FOREARM = 7
    LEFT_HAND = 8
    RIGHT_THIGH = 9
    RIGHT_SHANK = 10
    RIGHT_FOOT = 11
    LEFT_THIGH = 12
    LEFT_SHANK = 13
    LEFT_FOOT = 14


PARENTS = (-1, 0, 1, 1, 3, 4, 1, 6, 7, 0, 9, 10, 0, 12, 13)
"""Parent of every bone; parents come before their children."""

ARMS = {
    1: (Bone.RIGHT_UPPER_ARM, Bone.RIGHT_FOREARM, Bone.RIGHT_HAND),
    -1: (Bone.LEFT_UPPER_ARM, Bone.LEFT_FOREARM, Bone.LEFT_HAND),
}
"""Bones of the right (+1) and the left (-1) arm."""

LEGS = {
    1: (Bone.RIGHT_THIGH, Bone.RIGHT_SHANK, Bone.RIGHT_FOOT),
    -1: (Bone.LEFT_THIGH, Bone.LEFT_SHANK, Bone.LEFT_FOOT),
}
"""Bones of the right (+1) and the left (-1) leg."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A body's joints in the rest pose: upright, arms hanging.

    Proportions follow the anthropometric tables of Winter (Biomechanics and Motor Control of Human
    Movement), as shares of the stature.

    Attributes:
        joints: (15, 3) metres, where each bone turns.
        stature: Metres.
    """

    joints: FloatArray
    stature: float

    @classmethod
    def of(cls, shape: Shape) -> "Skeleton":
        """Place the joints of a body of this shape."""
        height, feminine = shape.stature, shape.feminine
        shoulder = 0.0935 - 0.0100 * feminine
        hip = 0.049 + 0.003 * feminine
        joints = np.zeros((len(Bone), 3), np.float32)
        joints[Bone.PELVIS] = (0.0, 0.0, 0.535)
        joints[Bone.TORSO] = (0.0, 0.0, 0.60)
        joints[Bone.HEAD] = (0.0, -0.004, 0.865)
        for side in (1, -1):
            upper, fore, hand = ARMS[side]
            joints[upper] = (side * shoulder, -0.004, 0.800)
            joints[fore] = (side * (shoulder + 0.004), -0.006, 0.632)
            joints[hand] = (side * (shoulder + 0.006), -0.004, 0.487)
            thigh, shank, foot = LEGS[side]
            joints[thigh] = (side * hip, 0.0, 0.525)
            joints[shank] = (side * hip * 0.95, 0.003, 0.287)
            joints[foot] = (side * hip * 0.9, -0.006, 0.047)
        return cls(joints=joints * np.float32(height), stature=height)

    def transforms(self, rotations: FloatArray) -> FloatArray:
        """Give every bone's affine transform from the rest pose, the pelvis staying in place.

        Args:
            rotations: (15, 3, 3), each bone's rotation against its parent.

        Returns:
            (15, 3, 4).
        """
        turned = np.empty((len(Bone), 3, 3), np.float32)
        placed = np.empty((len(Bone), 3), np.float32)
        for bone, parent in enumerate(PARENTS):
            if parent < 0:
                turned[bone], placed[bone] = rotations[bone], self.joints[bone]
                continue
            turned[bone] = turned[parent] @ rotations[bone]
            placed[bone] = placed[parent] + turned[parent] @ (self.joints[bone] - self.joints[parent])
        offsets = placed - np.einsum("bij,bj->bi", turned, self.joints)
        return np.concatenate([turned, offsets[:, :, None]], axis=2)


def rigid(bone: Bone) -> Weighting:
    """Move all points with one bone."""

    def weights(points: FloatArray) -> FloatArray:
        shares = np.zeros((len(points), len(Bone)), np.float32)
        shares[:, bone] = 1.0
        return shares

    return weights


def along_limb(skeleton: Skeleton, bones: tuple[Bone, ...], blend: float = 0.05) -> Weighting:
    """Bend a hanging limb at each joint between `bones`, over `blend` metres above and below it."""

    def weights(points: FloatArray) -> FloatArray:
        shares = np.zeros((len(points), len(Bone)), np.float32)
        shares[:, bones[0]] = 1.0
        for upper, lower in pairwise(bones):
            below = _smoothstep((skeleton.joints[lower][2] - points[:, 2]) / (2 * blend) + 0.5)
            moved = shares[:, upper] * below
            shares[:, lower] = moved
            shares[:, upper] -= moved
        return shares

    return weights


def around_trunk(skeleton: Skeleton, skirt: float = 0.0) -> Weighting:
    """Bend the trunk at the waist and the neck, and its shoulders a little with the arms.

    Args:
        skeleton: The body's joints.
        skirt: How far cloth below the hips follows the thighs, 0 to 1.
    """
    waist, neck = skeleton.joints[Bone.TORSO][2], skeleton.joints[Bone.HEAD][2]
    hips, knees = skeleton.joints[Bone.RIGHT_THIGH][2], skeleton.joints[Bone.RIGHT_SHANK][2]
    shoulder = skeleton.joints[Bone.RIGHT_UPPER_ARM]

    def weights(points: FloatArray) -> FloatArray:
        shares = np.zeros((len(points), len(Bone)), np.float32)
        x, z = points[:, 0], points[:, 2]
        upper = _smoothstep((z - waist + 0.09) / 0.18)
        head = _smoothstep((z - neck + 0.03) / 0.08)
        below = skirt * _smoothstep((hips + 0.04 - z) / (0.7 * (hips - knees)))
        right = _smoothstep(x / 0.24 + 0.5)
        shares[:, Bone.PELVIS] = (1 - upper) * (1 - below)
        # A long skirt is pushed back by the shanks, too.
        shanks = 0.6 * _smoothstep((knees + 0.06 - z) / 0.3)
        for thigh, shank, share in (
            (Bone.RIGHT_THIGH, Bone.RIGHT_SHANK, right),
            (Bone.LEFT_THIGH, Bone.LEFT_SHANK, 1 - right),
        ):
            shares[:, thigh] = (1 - upper) * below * share * (1 - shanks)
            shares[:, shank] = (1 - upper) * below * share * shanks
        near = _smoothstep((np.abs(x) - 0.72 * shoulder[0]) / (0.5 * shoulder[0]))
        near = 0.5 * near * _smoothstep((z - shoulder[2] + 0.10) / 0.08) * (1 - head)
        shares[:, Bone.TORSO] = upper * (1 - head) - near * upper
        shares[:, Bone.RIGHT_UPPER_ARM] = np.where(x > 0, near * upper, 0.0)
        shares[:, Bone.LEFT_UPPER_ARM] = np.where(x < 0, near * upper, 0.0)
        shares[:, Bone.HEAD] = upper * head
        return shares

    return weights


def _smoothstep(values: FloatArray) -> FloatArray:
    t = np.clip(values, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
