"""The 14 key points of a body, in the order of the Leeds Sports Poses and of MPII's 14: LSP-14."""

from dataclasses import dataclass

import numpy as np

from passerby.synthetic.skeleton import ARMS, LEGS, Bone, Skeleton
from passerby.types import FloatArray

KEY_POINTS = (
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle",
    "right wrist", "right elbow", "right shoulder", "left shoulder", "left elbow", "left wrist",
    "neck", "head top",
)  # fmt: skip
"""Names in LSP's order; right and left are the person's own, as in LSP."""

LEG_POINTS = slice(0, 6)
"""Those of the legs."""

KEY_POINT_BONES = np.array(
    [*LEGS[1][::-1], *LEGS[-1], *ARMS[1][::-1], *ARMS[-1], Bone.TORSO, Bone.HEAD], dtype=np.int64
)
"""(14,) the bone that each key point moves with: limbs' points are the joints in which these bones turn."""


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """One key point of a person in a picture.

    Attributes:
        name: Which, one of `KEY_POINTS`.
        x: Pixels of the picture from its left edge; may lie outside.
        y: Pixels of the picture from its top edge; may lie outside.
        visible: Inside the picture, and nothing in front of it hides it: no other person, none of the person's
            own other limbs, not the far side of the own body. What is worn over a joint does not hide it.
    """

    name: str
    x: float
    y: float
    visible: bool


def resting_key_points(skeleton: Skeleton) -> FloatArray:
    """(14, 3) metres: the key points of a body in the rest pose.

    The neck is the middle of the bare neck; the head's top is the crown, without hair or hat.
    """
    points = skeleton.joints[KEY_POINT_BONES].copy()
    head, scale = skeleton.joints[Bone.HEAD], skeleton.stature / 1.75
    points[12] = 0.0, -0.002 * scale, 0.848 * skeleton.stature
    points[13] = 0.0, head[1], head[2] + 0.237 * (0.5 + 0.5 * scale)  # heads vary less than bodies do
    return points
