"""What people carry: backpacks, shoulder bags, handbags, carrier bags, and what they hold in the hand."""

import numpy as np

from passerby.synthetic.anatomy import Measures
from passerby.synthetic.atlas_layout import BAG, PHONE, STRAP, THING
from passerby.synthetic.gait import ArmTask
from passerby.synthetic.mesh import Mesh, Ring, loft, sweep
from passerby.synthetic.person import Bag, Thing
from passerby.synthetic.skeleton import ARMS, Bone, around_trunk, rigid

_SQUARENESS = {"box": 5.0, "round": 3.0, "soft": 2.4}


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


def props_of(measures: Measures, thing: Thing) -> list[tuple[Mesh, int, tuple[ArmTask, ...]]]:
    """Build phones and what a person holds, each with its side (+1 right) and the arm's tasks that show it."""
    props: list[tuple[Mesh, int, tuple[ArmTask, ...]]] = [
        (_phone(measures, side), side, ("phone", "call")) for side in (1, -1)
    ]
    if thing.kind != "none":
        furled: tuple[ArmTask, ...] = ("swing", "clutch", "pocket")
        props.append((_held(measures, thing), thing.side, furled))
    if thing.kind == "umbrella":
        props.append((_canopy(measures, thing), thing.side, ("umbrella",)))
    return props


def _held(measures: Measures, thing: Thing) -> Mesh:
    """A folder or book, a bottle, a plastic bag, or a furled umbrella, in a hanging hand."""
    s, bone = measures.scale, ARMS[thing.side][2]
    x, y, z = (float(v) for v in measures.skeleton.joints[bone])
    grip, squareness = z - 0.10 * s, 2.0
    match thing.kind:
        case "folder":
            profile, squareness = [(0.06, 0.011, 0.11), (0.05, 0.012, 0.118), (-0.20, 0.012, 0.118)], 8.0
            x += thing.side * 0.02
        case "bottle":
            profile = [(0.13, 0.012, 0.012), (0.09, 0.028, 0.028), (-0.08, 0.030, 0.030)]
        case "plastic bag":
            profile = [(0.0, 0.008, 0.016), (-0.09, 0.035, 0.06), (-0.2, 0.07, 0.10), (-0.30, 0.05, 0.08)]
        case _:
            profile = [(0.09, 0.008, 0.008), (-0.02, 0.010, 0.010), (-0.08, 0.028, 0.026)]
            profile += [(-0.45, 0.016, 0.016), (-0.52, 0.005, 0.005)]
    rings = [Ring((x, y, grip + up * s), half * s, depth * s) for up, half, depth in reversed(profile)]
    return loft(rings, THING, rigid(bone), rows=8, segments=10, squareness=squareness)


def _canopy(measures: Measures, thing: Thing) -> Mesh:
    """An open umbrella over the head of who holds it in a raised hand."""
    bone = ARMS[thing.side][2]
    x, y, z = (float(v) for v in measures.skeleton.joints[bone])
    x, y, rim = x - thing.side * 0.10, y - 0.14, z + 0.62
    rings = [
        Ring((x, y, rim + up), half, half) for up, half in ((0.0, 0.50), (0.07, 0.42), (0.14, 0.26), (0.19, 0.02))
    ]
    return loft(rings, THING, rigid(bone), rows=6, segments=8)


def _phone(measures: Measures, side: int) -> Mesh:
    """Build the phone that a hand holds when its arm is raised to look at it or to call."""
    s, bone = measures.scale, ARMS[side][2]
    x, y, z = (float(v) for v in measures.skeleton.joints[bone])
    x -= side * 0.030 * s
    rings = [Ring((x, y, z - down * s), 0.006, 0.036 * s) for down in (0.17, 0.03)]
    return loft(rings, PHONE, rigid(bone), rows=3, segments=8, squareness=8.0)


def _backpack(measures: Measures, bag: Bag, clothes: float) -> list[Mesh]:
    s, size = measures.scale, bag.size
    back = measures.trunk(1.30 * s)[2] + clothes
    half, depth = 0.145 * size**0.5 * s, 0.074 * size * s
    top, low = 1.44 * s, (1.44 - 0.43 * size) * s
    y = -back - depth * 0.85
    # share of the height, of half the width, of the depth; from the bottom up
    profile = {
        "box": [(0.0, 0.85, 0.7), (0.06, 1.0, 1.0), (0.45, 1.0, 1.08), (0.90, 0.96, 0.85), (1.0, 0.80, 0.5)],
        "round": [(0.0, 0.72, 0.6), (0.08, 0.98, 1.0), (0.40, 1.04, 1.15), (0.80, 0.84, 0.8), (1.0, 0.36, 0.3)],
        "soft": [(0.0, 0.80, 0.6), (0.10, 1.04, 1.1), (0.35, 1.06, 1.2), (0.75, 0.82, 0.8), (1.0, 0.50, 0.5)],
    }[bag.form]
    rings = [
        Ring((0, y + 0.02 * up**4, low + up * (top - low)), wide * half, 0.9 * deep * depth, deep * depth)
        for up, wide, deep in profile
    ]
    meshes = [loft(rings, BAG, rigid(Bone.TORSO), rows=12, segments=20, squareness=_SQUARENESS[bag.form])]
    for side in (1, -1):
        x = side * 0.096 * s
        chest, shoulder = measures.trunk(1.32 * s)[1] + clothes, measures.trunk(1.42 * s)[1] + clothes
        path = [
            (x * 1.25, -back * 0.6, 1.12 * s),
            (x * 1.45, back * 0.2, 1.13 * s),
            (x * 1.14, chest * 0.95, 1.22 * s),
            (x, chest * 1.0, 1.32 * s),
            (x, shoulder * 0.88, 1.42 * s),
            (x * 0.95, 0.012, 1.485 * s),
            (x * 0.85, -back * 0.75, 1.44 * s),
        ]
        width = 0.019 if bag.form != "soft" else 0.012
        meshes.append(sweep(path, width, 0.007, (x * 0.6, 0, 0), STRAP, rigid(Bone.TORSO), rows=16))
    return meshes


def _shoulder_bag(measures: Measures, bag: Bag, clothes: float) -> list[Mesh]:
    s, side = measures.scale, bag.side
    hip = measures.trunk(0.95 * s)[0] + clothes
    height, half, depth = 0.26 * bag.size * s, 0.045 * s, 0.16 * bag.size * s
    # Worn on one shoulder it hangs higher, under the arm; crossed, at the hip and a little behind.
    x, top = side * (hip + half + 0.010), (0.99 if bag.crossed else 1.07) * s
    y = -0.05 if bag.crossed else -0.02
    sag = 1.12 if bag.form == "soft" else 1.0
    rings = [
        Ring((x, y, top - height), half * 0.8 * sag, depth * (0.7 if bag.form == "round" else 0.9)),
        Ring((x, y, top - height * 0.9), half * sag, depth * sag),
        Ring((x, y, top - height * 0.3), half * 0.85, depth * 0.97),
        Ring((x, y, top), half * 0.4, depth * (0.6 if bag.form == "round" else 0.88)),
    ]
    squareness = _SQUARENESS[bag.form]
    meshes = [loft(rings, BAG, rigid(Bone.PELVIS), rows=9, segments=16, squareness=squareness)]
    over = -side * 0.09 * s if bag.crossed else side * 0.115 * s
    middle = (x * 0.8 + over) / 2
    for face in (1, -1):
        depth_at = [measures.trunk(z * s)[1 if face > 0 else 2] + clothes + 0.006 for z in (1.10, 1.28, 1.40)]
        path = [
            (x * 0.97, y + face * depth * 0.6, top - 0.02),
            (x * 0.80, face * depth_at[0] * 0.80, max(top, 1.08 * s)),
            (middle, face * depth_at[1] * 1.0, 1.25 * s),
            (over * 0.95, face * depth_at[2] * 0.93, 1.40 * s),
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
    height, half, depth = (0.32 if carrier else 0.23) * bag.size * s, 0.05 * s, 0.14 * bag.size * s
    top = grip - (0.08 if carrier else 0.11) * s
    # A plastic bag is drawn together at the handles and bulges below; a paper bag or case keeps its edges.
    soft = bag.form == "soft"
    shape = [(1.0, 0.7, 0.6), (0.9, 1.15, 1.02), (0.45, 1.0, 0.9), (0.0, 0.3, 0.35)]
    if not soft:
        shape = [(1.0, 0.9, 0.9), (0.92, 1.0, 0.95), (0.4, 0.95, 1.0), (0.0, 0.35, 0.8 if bag.form == "box" else 0.6)]
    rings = [Ring((x, y, top - height * down), half * wide, depth * deep) for down, wide, deep in shape]
    relief = None
    if soft:
        relief = np.asarray(0.008 * np.sin(np.arange(12)[:, None] * 2.4 + np.arange(16)[None] * 1.9), np.float32)
    meshes = [loft(rings, BAG, rigid(bone), rows=9, segments=16, squareness=_SQUARENESS[bag.form], relief=relief)]
    spread = 0.3 if soft else 0.5
    handle = [
        (x, y - depth * spread, top - 0.01),
        (x, y - depth * 0.22, grip + 0.005),
        (x, y, grip + 0.012),
        (x, y + depth * 0.22, grip + 0.005),
        (x, y + depth * spread, top - 0.01),
    ]
    meshes.append(sweep(handle, 0.007, 0.007, (x - bag.side, y, 0), STRAP, rigid(bone), rows=10))
    return meshes
