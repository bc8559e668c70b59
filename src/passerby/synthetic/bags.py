"""What people carry: backpacks, shoulder bags, handbags and carrier bags."""

from passerby.synthetic.anatomy import Measures
from passerby.synthetic.atlas_layout import BAG, STRAP
from passerby.synthetic.mesh import Mesh, Ring, loft, sweep
from passerby.synthetic.person import Bag
from passerby.synthetic.skeleton import ARMS, Bone, around_trunk, rigid


def bag_surfaces(measures: Measures, bag: Bag, clothes: float) -> list[Mesh]:
    """Build a bag with its straps.

    Args:
        measures: Who carries it.
        bag: The bag.
        clothes: How far the clothes stand off the trunk in metres; the bag lies on them.
    """
    match bag.kind:
        case "backpack":
            return _backpack(measures, bag, clothes)
        case "shoulder":
            return _shoulder_bag(measures, bag, clothes)
        case "hand" | "carrier":
            return _hand_bag(measures, bag)
        case "none":
            return []


def _backpack(measures: Measures, bag: Bag, clothes: float) -> list[Mesh]:
    s, size = measures.scale, bag.size
    back = measures.trunk(1.30 * s)[2] + clothes
    half, depth = 0.145 * size**0.5 * s, 0.078 * size * s
    top, low = 1.43 * s, (1.43 - 0.42 * size) * s
    y = -back - depth * 0.85
    rings = [
        Ring((0, y, low), half * 0.80, depth * 0.6),
        Ring((0, y, low + 0.02), half, depth * 0.95),
        Ring((0, y, low + 0.4 * (top - low)), half * 1.02, depth * 1.0, depth * 1.12),
        Ring((0, y + 0.006, top - 0.05), half * 0.92, depth * 0.85),
        Ring((0, y + 0.02, top), half * 0.55, depth * 0.45),
    ]
    meshes = [loft(rings, BAG, rigid(Bone.TORSO), rows=12, segments=20, squareness=4.0)]
    for side in (1, -1):
        x = side * 0.105 * s
        chest, shoulder = measures.trunk(1.32 * s)[1] + clothes, measures.trunk(1.42 * s)[1] + clothes
        path = [
            (x * 1.25, -back * 0.6, 1.12 * s),
            (x * 1.45, back * 0.2, 1.13 * s),
            (x * 1.12, chest * 0.93, 1.22 * s),
            (x, chest * 0.98, 1.32 * s),
            (x, shoulder * 0.86, 1.42 * s),
            (x * 0.95, 0.012, 1.485 * s),
            (x * 0.85, -back * 0.75, 1.44 * s),
        ]
        meshes.append(sweep(path, 0.021, 0.007, (x * 0.6, 0, 0), STRAP, rigid(Bone.TORSO), rows=16))
    return meshes


def _shoulder_bag(measures: Measures, bag: Bag, clothes: float) -> list[Mesh]:
    s, side = measures.scale, bag.side
    hip = measures.trunk(0.95 * s)[0] + clothes
    height, half, depth = 0.24 * bag.size * s, 0.045 * s, 0.15 * bag.size * s
    x, top = side * (hip + half + 0.015), 0.98 * s
    y = -0.03
    rings = [
        Ring((x, y, top - height), half * 0.8, depth * 0.85),
        Ring((x, y, top - height * 0.9), half, depth),
        Ring((x, y, top - height * 0.2), half * 0.85, depth * 0.95),
        Ring((x, y, top), half * 0.4, depth * 0.85),
    ]
    meshes = [loft(rings, BAG, rigid(Bone.PELVIS), rows=9, segments=16, squareness=3.5)]
    over = -side * 0.10 * s if bag.crossed else side * 0.125 * s
    middle = (x * 0.8 + over) / 2
    for face in (1, -1):
        depth_at = [measures.trunk(z * s)[1 if face > 0 else 2] + clothes + 0.006 for z in (1.10, 1.28, 1.40)]
        path = [
            (x * 0.97, y + face * depth * 0.6, top - 0.02),
            (x * 0.80, face * depth_at[0] * 0.80, 1.08 * s),
            (middle, face * depth_at[1] * 0.99, 1.25 * s),
            (over * 0.95, face * depth_at[2] * 0.92, 1.40 * s),
            (over, face * 0.02, 1.487 * s),
        ]
        weighting = around_trunk(measures.skeleton)
        meshes.append(sweep(path, 0.016, 0.006, (0, 0, 0), STRAP, weighting, rows=16))
    return meshes


def _hand_bag(measures: Measures, bag: Bag) -> list[Mesh]:
    s, bone = measures.scale, ARMS[bag.side][2]
    x, y, z = (float(v) for v in measures.skeleton.joints[bone])
    grip = z - 0.11 * s
    carrier = bag.kind == "carrier"
    height, half, depth = (0.30 if carrier else 0.22) * bag.size * s, 0.05 * s, 0.14 * bag.size * s
    top = grip - (0.10 if carrier else 0.12) * s
    rings = [
        Ring((x, y, top - height), half * 0.9, depth * 0.85),
        Ring((x, y, top - height * 0.92), half, depth * 0.95),
        Ring((x, y, top - height * 0.4), half, depth),
        Ring((x, y, top), half * 0.35, depth * 0.8),
    ]
    meshes = [loft(rings, BAG, rigid(bone), rows=9, segments=16, squareness=3.2)]
    handle = [
        (x, y - depth * 0.5, top - 0.01),
        (x, y - depth * 0.22, grip + 0.005),
        (x, y, grip + 0.012),
        (x, y + depth * 0.22, grip + 0.005),
        (x, y + depth * 0.5, top - 0.01),
    ]
    meshes.append(sweep(handle, 0.007, 0.007, (x - bag.side, y, 0), STRAP, rigid(bone), rows=10))
    return meshes
