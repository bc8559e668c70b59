"""The bare body: its measures, and the skin of neck, arms, hands and legs."""

from dataclasses import dataclass

import numpy as np

from passerby.synthetic.atlas_layout import LEGWEAR, SKIN
from passerby.synthetic.mesh import Mesh, Ring, loft
from passerby.synthetic.person import Shape
from passerby.synthetic.skeleton import ARMS, LEGS, Skeleton, along_limb, around_trunk, rigid

_TRUNK = np.array(
    # height, half width of a masculine and a feminine body, depth to the front and to the back; metres at 1.75 m
    [
        (0.83, 0.146, 0.152, 0.082, 0.098),
        (0.93, 0.160, 0.170, 0.094, 0.116),
        (1.00, 0.152, 0.154, 0.096, 0.100),
        (1.10, 0.137, 0.117, 0.094, 0.078),
        (1.22, 0.144, 0.128, 0.100, 0.092),
        (1.30, 0.155, 0.140, 0.107, 0.102),
        (1.37, 0.156, 0.140, 0.094, 0.104),
        (1.425, 0.138, 0.121, 0.070, 0.092),
        (1.462, 0.104, 0.092, 0.056, 0.074),
        (1.495, 0.068, 0.060, 0.054, 0.064),
    ]
)
_ARM = ((0.045, 0.028), (0.03, 0.046), (-0.04, 0.051), (-0.14, 0.045), (-0.30, 0.037), (-0.38, 0.039), (-0.55, 0.025))
_LEG = ((0.05, 0.074), (-0.08, 0.077), (-0.22, 0.067), (-0.40, 0.053), (-0.53, 0.052), (-0.70, 0.037), (-0.82, 0.033))


@dataclass(frozen=True, slots=True)
class Measures:
    """A body's dimensions.

    Attributes:
        shape: Whose they are.
        skeleton: The joints.
    """

    shape: Shape
    skeleton: Skeleton

    @property
    def scale(self) -> float:
        """Factor on lengths against a body of 1.75 m."""
        return self.shape.stature / 1.75

    @property
    def breadth(self) -> float:
        """Factor on widths: grows with stature and girth."""
        return self.scale * self.shape.girth

    def trunk(self, height: float) -> tuple[float, float, float]:
        """Half width, depth to the front and to the back of the trunk at `height` metres above the ground."""
        level = height / self.scale
        feminine = self.shape.feminine
        width = _TRUNK[:, 1] * (1 - feminine) + _TRUNK[:, 2] * feminine
        side, front, back = (float(np.interp(level, _TRUNK[:, 0], v)) for v in (width, _TRUNK[:, 3], _TRUNK[:, 4]))
        chest = 0.018 * feminine * float(np.exp(-(((level - 1.28) / 0.06) ** 2)))
        belly = 0.16 * max(0.0, self.shape.girth - 1.0) * float(np.exp(-(((level - 1.08) / 0.13) ** 2)))
        slim_above = self.shape.girth if level < 1.4 else 1 + 0.5 * (self.shape.girth - 1)
        return (
            side * self.scale * slim_above,
            (front + chest + belly) * self.breadth,
            back * self.breadth,
        )

    def trunk_levels(self, low: float, high: float) -> list[float]:
        """Heights in metres at which the trunk's outline is known, from `low` to `high`, both included."""
        inner = [float(z) for z in _TRUNK[:, 0] * self.scale if low + 0.015 < z < high - 0.012]
        return [low, *inner, high]

    def arm(self, below_shoulder: float) -> float:
        """Radius of the arm, `below_shoulder` metres below the shoulder joint."""
        radius = _limb_radius(_ARM, below_shoulder / self.scale)
        return float(radius * self.scale * self.shape.girth**0.7 * (1.0 - 0.13 * self.shape.feminine))

    def leg(self, below_hip: float) -> float:
        """Radius of the leg, `below_hip` metres below the hip joint."""
        return _limb_radius(_LEG, below_hip / self.scale) * self.breadth * (1.0 + 0.02 * self.shape.feminine)


def bare_skin(measures: Measures, sleeve_end: float, legs_from: float) -> list[Mesh]:
    """Build neck, arms below the sleeves, hands, and legs below the hem.

    Args:
        measures: Whose skin.
        sleeve_end: Length of the sleeve in metres; less arm than that is left out.
        legs_from: Where bare or stockinged legs begin, metres below the hip joint; 9 for hidden legs.
    """
    meshes = [_neck(measures)]
    for side in (1, -1):
        meshes += [*_arm(measures, side, sleeve_end), _hand(measures, side)]
        if legs_from < 0.75 * measures.scale:
            meshes.append(_leg(measures, side, legs_from))
    return meshes


def _neck(measures: Measures) -> Mesh:
    scale, girth = measures.scale, 0.5 + 0.5 * measures.shape.girth
    radius = (0.058 - 0.009 * measures.shape.feminine) * scale * girth
    rings = [
        Ring((0, -0.012 * scale, 1.43 * scale), radius * 1.25, radius * 1.1),
        Ring((0, -0.008 * scale, 1.48 * scale), radius, radius),
        Ring((0, 0.004 * scale, 1.58 * scale), radius * 0.92, radius * 0.95),
    ]
    return loft(rings, SKIN, around_trunk(measures.skeleton), rows=6, segments=12)


def _arm(measures: Measures, side: int, sleeve_end: float) -> list[Mesh]:
    upper, fore, _ = ARMS[side]
    shoulder, wrist = measures.skeleton.joints[upper], measures.skeleton.joints[ARMS[side][2]]
    length = float(shoulder[2] - wrist[2])
    start = max(sleeve_end - 0.06, -0.04)
    if start > length - 0.03:
        return []
    drops = np.linspace(start, length, 7)
    rings = [_limb_ring(shoulder, wrist, length, float(drop), measures.arm(float(drop))) for drop in drops]
    if sleeve_end <= 0:
        rings.insert(0, Ring((float(shoulder[0]) * 0.97, 0.0, float(shoulder[2]) + 0.055), 0.012, 0.012))
    return [loft(rings, SKIN, along_limb(measures.skeleton, (upper, fore)), rows=13, segments=10)]


def _hand(measures: Measures, side: int) -> Mesh:
    x, y, z = (float(v) for v in measures.skeleton.joints[ARMS[side][2]])
    s = measures.scale * (1.0 - 0.08 * measures.shape.feminine)
    rings = [
        Ring((x, y, z + 0.03 * s), 0.022 * s, 0.026 * s),
        Ring((x, y, z), 0.020 * s, 0.027 * s),
        Ring((x, y + 0.006 * s, z - 0.05 * s), 0.019 * s, 0.042 * s, 0.036 * s),
        Ring((x - side * 0.008 * s, y + 0.006 * s, z - 0.10 * s), 0.017 * s, 0.038 * s),
        Ring((x - side * 0.016 * s, y + 0.006 * s, z - 0.16 * s), 0.014 * s, 0.030 * s),
        Ring((x - side * 0.020 * s, y + 0.006 * s, z - 0.185 * s), 0.006 * s, 0.014 * s),
    ]
    return loft(rings, SKIN, rigid(ARMS[side][2]), rows=9, segments=8)


def _leg(measures: Measures, side: int, start: float) -> Mesh:
    thigh, shank, foot = LEGS[side]
    hip, ankle = measures.skeleton.joints[thigh], measures.skeleton.joints[foot]
    length = float(hip[2] - ankle[2])
    rings = []
    for drop in np.linspace(min(start, length - 0.1), length + 0.01, 10):
        radius = measures.leg(float(drop))
        ring = _limb_ring(hip, ankle, length, float(drop), radius)
        calf = 0.016 * measures.breadth * float(np.exp(-(((drop / measures.scale - 0.54) / 0.09) ** 2)))
        rings.append(Ring(ring.centre, radius, radius, radius + calf))
    return loft(rings, LEGWEAR, along_limb(measures.skeleton, (thigh, shank)), rows=16, segments=12)


def _limb_ring(top: np.ndarray, end: np.ndarray, length: float, drop: float, radius: float) -> Ring:
    x, y = (float(v) for v in (top + (end - top) * (drop / length))[:2])
    return Ring((x, y, float(top[2]) - drop), radius, radius)


def _limb_radius(profile: tuple[tuple[float, float], ...], below: float) -> float:
    heights, radii = zip(*profile, strict=True)
    return float(np.interp(below, [-h for h in heights], radii))
