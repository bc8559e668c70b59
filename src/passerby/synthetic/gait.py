"""How people walk and stand: rotations of every bone for a moment of the gait cycle."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from passerby.synthetic.person import Person
from passerby.synthetic.randomness import weighted
from passerby.synthetic.skeleton import ARMS, LEGS, Bone
from passerby.types import FloatArray

ArmTask: TypeAlias = Literal["swing", "pocket", "phone", "call", "strap", "clutch", "umbrella"]


@dataclass(frozen=True, slots=True)
class Pose:
    """One moment of a body.

    Attributes:
        rotations: (15, 3, 3), every bone's rotation against its parent.
        amount: How far the legs swing: 0 for standing, 1 for a usual stride.
        right_arm: What the right arm does.
        left_arm: What the left arm does.
        seated: How far the body has sat down: 0 for standing or walking, 1 for sitting.
    """

    rotations: FloatArray
    amount: float
    right_arm: ArmTask
    left_arm: ArmTask
    seated: float = 0.0


def sample_pose(generator: np.random.Generator, person: Person, standing: bool = False) -> Pose:
    """Draw a moment of a person's walk, or of standing about (one in ten, or always when `standing`)."""
    walks = 0.06 if generator.random() < 0.1 else person.shape.stride * float(generator.uniform(0.7, 1.1))
    amount = 0.06 if standing else walks
    tasks: list[tuple[float, ArmTask]] = [(78, "swing"), (9, "pocket"), (7, "phone"), (3, "call"), (3, "strap")]
    others: list[tuple[float, ArmTask]] = [(90, "swing"), (10, "pocket")]
    right, left = weighted(generator, tasks), weighted(generator, others)
    if person.bag.kind in ("hand", "carrier"):
        right, left = ("swing", left) if person.bag.side > 0 else (right, "swing")
    if person.held.kind != "none":
        holding: ArmTask = "swing"
        if generator.random() < 0.5:
            holding = {"folder": "clutch", "umbrella": "umbrella"}.get(person.held.kind, "swing")  # type: ignore[assignment]
        right, left = (holding, left) if person.held.side > 0 else (right, holding)
    turn = float(generator.normal(0.0, 24.0)) if generator.random() < 0.15 else 0.0
    nod = float(generator.normal(-5.0, 7.0)) - (16.0 if "phone" in (right, left) else 0.0)
    return walking_pose(
        person,
        phase=float(generator.uniform(0.0, 1.0)),
        amount=amount,
        arm_tasks={1: right, -1: left},
        look=float(generator.normal(0.0, 14.0)) + turn,
        nod=nod,
        turn=turn,
    )


def walking_pose(
    person: Person,
    phase: float,
    amount: float,
    arm_tasks: dict[int, ArmTask],
    look: float,
    nod: float,
    turn: float = 0.0,
) -> Pose:
    """Put a person into a moment of the gait cycle.

    The joint angles follow the mean curves of level walking at a natural pace.

    Args:
        person: Who walks; stoop and arm swing are theirs.
        phase: Place in the cycle, 0 to 1; 0 is the right heel's strike.
        amount: 0 for standing, 1 for a usual stride.
        arm_tasks: What the right (+1) and the left (-1) arm do.
        look: Turn of the head to the left, degrees.
        nod: Lift of the chin, degrees.
        turn: Turn of the trunk to the left while the legs walk on, degrees.
    """
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (len(Bone), 3, 3)).copy()
    twist = 5.0 * amount * person.shape.bounce * np.cos(2 * np.pi * phase)
    sway = 2.0 * amount * person.shape.bounce * np.sin(2 * np.pi * phase)
    rotations[Bone.PELVIS] = turned("z", twist) @ turned("y", -sway)
    rotations[Bone.TORSO] = turned("z", turn - 2.0 * twist) @ turned("y", sway) @ turned("x", -person.shape.stoop)
    rotations[Bone.HEAD] = turned("z", twist + look) @ turned("x", 0.6 * person.shape.stoop + nod)
    for side in (1, -1):
        cycle = (phase + (0.0 if side > 0 else 0.5)) % 1.0
        thigh, shank, foot = LEGS[side]
        hip, knee, ankle = _leg_angles(cycle, amount)
        if amount < 0.1 and (side > 0) == (phase < 0.5):
            # Who stands rests on one leg; the other is a little bent.
            hip, knee, ankle = hip + 9.0, knee + 18.0, ankle + 9.0
        # The pelvis turns, but the legs swing straight ahead.
        rotations[thigh] = (
            turned("z", -side * person.shape.toe_out - twist) @ turned("y", side * 1.0) @ turned("x", hip)
        )
        rotations[shank] = turned("x", -knee)
        rotations[foot] = turned("x", ankle)
        swing = -22.0 * amount * person.shape.arm_swing * np.cos(2 * np.pi * (cycle - 0.04))
        _move_arm(rotations, side, arm_tasks[side], swing, person)
    return Pose(rotations, amount=float(amount), right_arm=arm_tasks[1], left_arm=arm_tasks[-1])


def _leg_angles(cycle: float, amount: float) -> tuple[float, float, float]:
    """Flexion of hip and knee and dorsiflexion of the ankle, in degrees."""
    hip = 7.0 * amount + 22.0 * amount * np.cos(2 * np.pi * (cycle + 0.03))
    knee = 4.0 + amount * (12.0 * _bump(cycle, 0.14, 0.08) + 56.0 * _bump(cycle, 0.72, 0.11))
    ankle = amount * (
        7.0 * _bump(cycle, 0.42, 0.13) - 20.0 * _bump(cycle, 0.62, 0.08) + 4.0 * _bump(cycle, 0.95, 0.08)
    )
    # A foot on the ground stays flat: the ankle takes back what hip and knee have turned.
    flat = _bump(cycle, 0.28, 0.22)
    return hip, knee, ankle * (1 - flat) + (knee - hip) * flat


def _move_arm(rotations: FloatArray, side: int, task: ArmTask, swing: float, person: Person) -> None:
    upper, fore, hand = ARMS[side]
    # Thick clothes and a broad trunk hold the arms further out.
    wide = 3.0 if person.top.kind in ("dress", "coat") else 0.0
    out = -side * (4.0 + wide + 110.0 * person.top.looseness + 10.0 * max(0.0, person.shape.girth - 1.0))
    elbow = 10.0 + person.shape.bow + 0.45 * max(0.0, swing)
    match task:
        case "swing":
            rotations[upper] = turned("y", out) @ turned("x", swing)
            rotations[fore] = turned("z", side * 10.0) @ turned("x", elbow)
        case "pocket":
            rotations[upper] = turned("y", out - side * 8.0) @ turned("x", -14.0 + 0.2 * swing)
            rotations[fore] = turned("y", side * 12.0) @ turned("x", 38.0)
        case "phone":
            rotations[upper] = turned("y", out * 0.5) @ turned("x", 18.0)
            rotations[fore] = turned("z", side * 28.0) @ turned("x", 98.0)
        case "call":
            rotations[upper] = turned("z", -side * 30.0) @ turned("x", 62.0)
            rotations[fore] = turned("z", side * 34.0) @ turned("x", 132.0)
        case "clutch":
            rotations[upper] = turned("y", out * 0.4) @ turned("x", 12.0)
            rotations[fore] = turned("z", side * 62.0) @ turned("x", 84.0)
            # What is held lies flat against the body.
            rotations[hand] = (rotations[upper] @ rotations[fore]).T @ turned("z", side * 80.0)
            return
        case "umbrella":
            rotations[upper] = turned("y", out * 0.5) @ turned("x", 28.0)
            rotations[fore] = turned("z", side * 16.0) @ turned("x", 104.0)
            # The shaft stays upright, whatever the arm does.
            rotations[hand] = (rotations[upper] @ rotations[fore]).T
            return
        case "strap":
            rotations[upper] = turned("y", out) @ turned("x", 6.0)
            rotations[fore] = turned("z", side * 40.0) @ turned("x", 118.0)
    rotations[hand] = turned("z", -side * 12.0) @ turned("x", 8.0)


def _bump(cycle: float, centre: float, width: float) -> float:
    """A bell over the cyclic interval 0 to 1."""
    distance = abs((cycle - centre + 0.5) % 1.0 - 0.5)
    return float(np.exp(-((distance / width) ** 2)))


_UNTURNED = np.eye(3, dtype=np.float32)


def turned(axis: Literal["x", "y", "z"], degrees: float) -> FloatArray:
    """Rotation matrix (3, 3) by the right-hand rule."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = _UNTURNED.copy()
    matrix[first, first] = matrix[second, second] = cosine
    matrix[second, first], matrix[first, second] = sine, -sine
    return matrix
