"""Heads: face, ears, hair and hats."""

from passerby.synthetic.anatomy import Measures
from passerby.synthetic.atlas_layout import HAIR, HAT, HEAD, SKIN
from passerby.synthetic.mesh import Mesh, Ring, loft
from passerby.synthetic.person import Head
from passerby.synthetic.skeleton import Bone, around_trunk, rigid
from passerby.types import FloatArray

_SKULL = (
    # height above the joint, middle, half width, depth to the front and to the back; metres
    (0.008, 0.030, 0.020, 0.028, 0.030), (0.024, 0.024, 0.044, 0.054, 0.060), (0.055, 0.012, 0.059, 0.076, 0.076),
    (0.095, 0.003, 0.068, 0.089, 0.088), (0.135, 0.000, 0.073, 0.092, 0.096), (0.175, 0.000, 0.075, 0.089, 0.099),
    (0.205, -0.002, 0.067, 0.074, 0.089), (0.228, -0.004, 0.045, 0.047, 0.062), (0.238, -0.004, 0.010, 0.010, 0.014),
)  # fmt: skip
_SHORT_HAIR = (
    # The front half stays inside the head up to the hairline, so that the face is free.
    (0.045, -0.050, 0.050, 0.010, 0.040), (0.085, -0.036, 0.071, 0.020, 0.066), (0.125, -0.020, 0.079, 0.030, 0.086),
    (0.165, -0.010, 0.081, 0.040, 0.101), (0.190, -0.003, 0.079, 0.074, 0.106), (0.208, -0.002, 0.073, 0.086, 0.100),
    (0.222, -0.002, 0.066, 0.074, 0.088),
    (0.240, -0.004, 0.047, 0.052, 0.064), (0.251, -0.005, 0.008, 0.008, 0.010),
)  # fmt: skip
_HAT_DOME = (
    (0.150, -0.003, 0.084, 0.101, 0.108), (0.185, -0.003, 0.085, 0.100, 0.108), (0.220, -0.004, 0.075, 0.084, 0.094),
    (0.250, -0.005, 0.050, 0.055, 0.062), (0.262, -0.005, 0.008, 0.008, 0.010),
)  # fmt: skip


_HOOD = (
    # Open in front: there it stays inside the face and the neck.
    (-0.060, -0.050, 0.105, 0.040, 0.075), (0.000, -0.045, 0.098, 0.020, 0.080), (0.070, -0.035, 0.096, 0.020, 0.088),
    (0.140, -0.020, 0.096, 0.040, 0.104), (0.190, -0.008, 0.092, 0.088, 0.112), (0.225, -0.006, 0.078, 0.086, 0.100),
    (0.255, -0.006, 0.050, 0.058, 0.066), (0.268, -0.006, 0.008, 0.008, 0.010),
)  # fmt: skip


def head_surfaces(measures: Measures, head: Head, relief: FloatArray) -> list[Mesh]:
    """Build head, ears, nose, hair and hat.

    Args:
        measures: Whose head.
        head: What it looks like.
        relief: Unevenness of the hair, ±1.
    """
    place = _Place(measures)
    meshes = [
        loft(place.rings(_SKULL), HEAD, rigid(Bone.HEAD), rows=16, segments=18),
        _nose(place),
        *(_ear(place, side) for side in (1, -1)),
    ]
    if head.style != "bald":
        meshes += _hair(measures, place, head, relief)
    if head.hat != "none":
        meshes += _hat(place, head)
    return meshes


class _Place:
    """Turns measures of a usual head into rings at one person's head."""

    def __init__(self, measures: Measures) -> None:
        joint = measures.skeleton.joints[Bone.HEAD]
        self.skeleton = measures.skeleton
        self.y, self.z = float(joint[1]), float(joint[2])
        # Heads vary less than bodies do.
        self.scale = 0.53 + 0.5 * measures.scale

    def ring(self, height: float, middle: float, side: float, front: float, back: float | None = None) -> Ring:
        s = self.scale
        back = front if back is None else back
        return Ring((0.0, self.y + middle * s, self.z + height * s), side * s, front * s, back * s)

    def rings(self, profile: tuple[tuple[float, ...], ...], thicker: float = 0.0) -> list[Ring]:
        rings = []
        for height, middle, side, front, back in profile:
            rings.append(
                self.ring(height + thicker * (height > 0.2), middle, side + thicker, front + thicker, back + thicker)
            )
        return rings


def _nose(place: _Place) -> Mesh:
    rings = [
        place.ring(0.078, 0.084, 0.006, 0.006),
        place.ring(0.085, 0.090, 0.016, 0.018, 0.01),
        place.ring(0.110, 0.088, 0.010, 0.010),
        place.ring(0.130, 0.084, 0.006, 0.006),
    ]
    return loft(rings, SKIN, rigid(Bone.HEAD), rows=5, segments=8)


def _ear(place: _Place, side: int) -> Mesh:
    rings = []
    for height, half, depth in (
        (0.085, 0.004, 0.008),
        (0.10, 0.010, 0.016),
        (0.125, 0.012, 0.020),
        (0.142, 0.005, 0.010),
    ):
        ring = place.ring(height, -0.008, half, depth)
        rings.append(Ring((side * 0.073 * place.scale, *ring.centre[1:]), ring.side, ring.front))
    return loft(rings, SKIN, rigid(Bone.HEAD), rows=5, segments=8)


def _hair(measures: Measures, place: _Place, head: Head, relief: FloatArray) -> list[Mesh]:
    thicker = {"crop": -0.006, "afro": 0.034, "bob": 0.006, "long": 0.004}.get(head.style, 0.002)
    if head.hat != "none":
        thicker = min(thicker, -0.003)
    rough = relief * (0.010 if head.style == "afro" else 0.006)
    meshes = [loft(place.rings(_SHORT_HAIR, thicker), HAIR, rigid(Bone.HEAD), rows=14, segments=18, relief=rough)]
    match head.style:
        case "bob":
            meshes.append(_curtain(measures, place, 0.02 + 0.05 * head.length, rough))
        case "long":
            meshes.append(_curtain(measures, place, 0.08 + 0.30 * head.length, rough))
        case "ponytail":
            meshes.append(_tail(place, 0.02 + 0.24 * head.length))
        case "bun":
            meshes.append(_bun(place))
    return meshes


def _curtain(measures: Measures, place: _Place, below: float, relief: FloatArray) -> Mesh:
    """Hair that hangs over ears and neck, `below` metres below the chin, and lies on the back."""

    def behind(down: float) -> float:
        return -(measures.trunk(place.z - down)[2] + 0.028) / place.scale

    rings = [
        place.ring(-below, behind(below), 0.050, 0.012, 0.020),
        place.ring(-below * 0.75, behind(0.75 * below), 0.080, 0.030, 0.030),
        place.ring(-0.01, -0.066, 0.090, 0.040, 0.046),
        place.ring(0.06, -0.040, 0.088, 0.060, 0.066),
        place.ring(0.13, -0.025, 0.086, 0.070, 0.086),
        place.ring(0.19, -0.015, 0.078, 0.070, 0.090),
        place.ring(0.215, -0.010, 0.05, 0.05, 0.07),
    ]
    return loft(rings, HAIR, around_trunk(place.skeleton), rows=16, segments=16, relief=relief)


def _tail(place: _Place, below: float) -> Mesh:
    rings = [
        place.ring(-below, -0.150, 0.010, 0.008),
        place.ring(-below * 0.6, -0.155, 0.028, 0.022),
        place.ring(0.06, -0.150, 0.034, 0.028),
        place.ring(0.14, -0.130, 0.026, 0.024),
        place.ring(0.165, -0.105, 0.022, 0.024),
    ]
    return loft(rings, HAIR, rigid(Bone.HEAD), rows=11, segments=10)


def _bun(place: _Place) -> Mesh:
    rings = [
        place.ring(0.165, -0.105, 0.012, 0.012),
        place.ring(0.180, -0.110, 0.040, 0.040),
        place.ring(0.215, -0.108, 0.046, 0.044),
        place.ring(0.245, -0.100, 0.034, 0.034),
        place.ring(0.256, -0.098, 0.006, 0.006),
    ]
    return loft(rings, HAIR, rigid(Bone.HEAD), rows=9, segments=12)


def _hat(place: _Place, head: Head) -> list[Mesh]:
    if head.hat == "hood":
        return [loft(place.rings(_HOOD), HAT, around_trunk(place.skeleton), rows=14, segments=18)]
    if head.hat == "beanie":
        rings = [place.ring(0.125, -0.010, 0.083, 0.096, 0.108), *place.rings(_HAT_DOME, 0.004)]
        return [loft(rings, HAT, rigid(Bone.HEAD), rows=12, segments=18)]
    dome = loft(place.rings(_HAT_DOME), HAT, rigid(Bone.HEAD), rows=10, segments=18)
    if head.hat == "cap":
        brim = [
            place.ring(0.146, 0.085, 0.074, 0.090, 0.02),
            place.ring(0.156, 0.080, 0.076, 0.085, 0.02),
            place.ring(0.166, 0.070, 0.060, 0.045, 0.02),
        ]
    else:
        brim = [
            place.ring(0.146, 0.0, 0.15, 0.17),
            place.ring(0.156, 0.0, 0.145, 0.165),
            place.ring(0.160, 0.0, 0.08, 0.10),
        ]
    return [dome, loft(brim, HAT, rigid(Bone.HEAD), rows=6, segments=18)]
