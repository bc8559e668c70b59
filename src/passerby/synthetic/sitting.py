"""How people sit: on benches of one height, and on the way down to them and up again."""

from dataclasses import replace

import numpy as np

from passerby.synthetic.gait import Pose, turned
from passerby.synthetic.person import Person
from passerby.synthetic.skeleton import ARMS, LEGS, Bone, Skeleton

SEAT_HEIGHT = 0.44
"""Metres from the ground to the top of a bench."""

REACH = 0.42
"""Metres in front of the middle of a seat at which people stand who are about to sit down."""

_THIGH = 0.075
"""Metres between the joint of the hip and what is sat on, for an average girth."""

_LEAN = 32.0
"""Degrees by which people lean forward half-way down or up, so that they do not fall over."""


def seated(pose: Pose, person: Person, share: float, ease: float = 0.5) -> Pose:
    """Bend a body that stands until it sits on a bench.

    Feet stay where they are, flat on the ground, while the hips come back and down: `hips_back` says how far back.

    Args:
        pose: Of somebody who stands.
        person: Whose pose.
        share: How far down, from 0 (as it was) to 1 (sitting).
        ease: How the person sits, 0 for upright with the knees together to 1 for leaning back, knees apart.
    """
    rotations = pose.rotations.copy()
    flexion = share * _flexion(person)
    for side in (1, -1):
        thigh, shank, foot = LEGS[side]
        # Knees fall apart, feet go a little forward: one more than the other.
        forward = share * ease * (22.0 if side > 0 else 4.0)
        rotations[thigh] = turned("z", -side * share * (2.0 + 14.0 * ease)) @ turned("x", flexion)
        rotations[shank] = turned("x", forward - flexion)
        rotations[foot] = turned("x", -forward)
    lean = _LEAN * np.sin(np.pi * share) - 9.0 * ease * share
    rotations[Bone.PELVIS] = turned("x", 6.0 * share * ease)
    rotations[Bone.TORSO] = pose.rotations[Bone.TORSO] @ turned("x", -lean)
    rotations[Bone.HEAD] = pose.rotations[Bone.HEAD] @ turned("x", 0.6 * lean)
    for side, task in ((1, pose.right_arm), (-1, pose.left_arm)):
        if task == "swing":
            _rest_hand(rotations, side, person, share)
    return replace(pose, rotations=rotations, seated=float(share))


def hips_back(person: Person, share: float) -> float:
    """Metres by which the hips of somebody who sits down are behind the feet."""
    upper, lower = _leg(person)
    return float((upper - lower) * np.sin(np.radians(share * _flexion(person))))


def _rest_hand(rotations: np.ndarray, side: int, person: Person, share: float) -> None:
    """Lay an arm with nothing to do on the thigh; what it carries hangs beside the knee."""
    upper, fore, hand = ARMS[side]
    carries = (person.bag.side == side and person.bag.kind in ("hand", "carrier")) or (
        person.held.side == side and person.held.kind != "none"
    )
    raised, bent = (16.0, 30.0) if carries else (24.0, 58.0)
    rotations[upper] = rotations[upper] @ turned("x", share * raised)
    rotations[fore] = rotations[fore] @ turned("x", share * (bent - person.shape.bow))
    if carries:
        rotations[hand] = (rotations[upper] @ rotations[fore]).T


def _flexion(person: Person) -> float:
    """Degrees by which the hips are bent on a bench: tall people's knees are higher than their hips."""
    upper, lower = _leg(person)
    drop = SEAT_HEIGHT + _THIGH * person.shape.girth - lower
    return float(np.degrees(np.arccos(np.clip(drop / (upper - lower), -0.4, 0.6))))


def _leg(person: Person) -> tuple[float, float]:
    """Metres from the ground to the hip and to the knee of somebody who stands."""
    joints = Skeleton.of(person.shape).joints
    thigh, shank, _ = LEGS[1]
    return float(joints[thigh][2]), float(joints[shank][2])
