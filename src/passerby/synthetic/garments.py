"""Clothes: what is worn on trunk, arms, legs and feet, as surfaces a little off the skin."""

import numpy as np

from passerby.synthetic.anatomy import Measures
from passerby.synthetic.atlas_layout import INNER, LEG, SHOE, SKIRT, SLEEVE, SOCK, TORSO, TRIM
from passerby.synthetic.mesh import LENGTHWISE, Mesh, Ring, loft
from passerby.synthetic.person import Bottom, Shoes, Top
from passerby.synthetic.skeleton import ARMS, LEGS, Bone, along_limb, around_trunk, rigid
from passerby.types import FloatArray


def sleeve_length(measures: Measures, top: Top) -> float:
    """Length of the sleeves from the shoulder joint in metres."""
    shoulder, wrist = (float(measures.skeleton.joints[ARMS[1][i]][2]) for i in (0, 2))
    return top.sleeve_length * (shoulder - wrist + 0.015)


def legs_bare_from(measures: Measures, top: Top, bottom: Bottom) -> float:
    """Where the legs' own skin must be drawn, metres below the hip joint; 9 where cloth hides all of it."""
    thigh_to_ankle = float(measures.skeleton.joints[LEGS[1][0]][2] - measures.skeleton.joints[LEGS[1][2]][2])
    match bottom.kind:
        case "trousers" | "leggings":
            return (bottom.length - 0.12) * thigh_to_ankle if bottom.length < 0.99 else 9.0
        case "shorts" | "skirt":
            return max(0.0, bottom.length * thigh_to_ankle - 0.08)
        case "none":
            thigh = measures.skeleton.joints[LEGS[1][0]] - measures.skeleton.joints[LEGS[1][1]]
            return max(0.0, top.hem * float(thigh[2]) - 0.08)
    return 9.0


def top_surfaces(measures: Measures, top: Top, folds: dict[str, FloatArray], hood_up: bool) -> list[Mesh]:
    """Build trunk, sleeves, hood and collar of what covers the upper body.

    Args:
        measures: Whose body.
        top: The garment.
        folds: Relief in ±1 for "trunk", "sleeve" and "skirt".
        hood_up: Whether a hood is worn on the head, not on the back.
    """
    meshes = [_trunk(measures, top, folds), _collar(measures, top)]
    if top.sleeve_length > 0:
        meshes += [_sleeve(measures, top, side, folds["sleeve"]) for side in (1, -1)]
    if top.kind == "hoodie" and not hood_up:
        meshes.append(_hood(measures, top))
    if top.inner_hem > 0:
        meshes.append(_inner_hem(measures, top))
    return meshes


def bottom_surfaces(measures: Measures, bottom: Bottom, folds: dict[str, FloatArray]) -> list[Mesh]:
    """Build what covers hips and legs; `folds` holds relief for "leg" and "skirt"."""
    match bottom.kind:
        case "none":
            return []
        case "skirt":
            return [_skirt(measures, bottom, folds["skirt"])]
    return [_seat(measures, bottom)] + [_leg(measures, bottom, side, folds["leg"]) for side in (1, -1)]


def shoe_surfaces(measures: Measures, shoes: Shoes) -> list[Mesh]:
    """Build both shoes, with socks or boot shafts."""
    meshes = []
    for side in (1, -1):
        meshes.append(_shoe(measures, side))
        shaft = 0.14 + 0.24 * shoes.boot if shoes.boot else 0.12 if shoes.sock else 0.0
        if shaft:
            meshes.append(_shaft(measures, side, shaft * measures.scale, bool(shoes.boot)))
    return meshes


def _trunk(measures: Measures, top: Top, folds: dict[str, FloatArray]) -> Mesh:
    scale, ease = measures.scale, top.looseness
    hip = float(measures.skeleton.joints[Bone.RIGHT_THIGH][2])
    thigh = hip - float(measures.skeleton.joints[Bone.RIGHT_SHANK][2])
    hem, neck = hip - top.hem * thigh, 1.492 * scale
    crotch, hips = 0.84 * scale, measures.trunk(0.93 * scale)
    rings = []
    if hem < crotch - 0.02:
        # Below the hips the cloth hangs from the widest place and no longer follows the body.
        side, front, back = hips
        for height in np.linspace(hem, crotch, 4)[:-1]:
            drop = (crotch - float(height)) / thigh
            widen = 1.05 + top.flare * drop + 0.12 * drop * (top.kind == "dress")
            rings.append(Ring((0, 0, float(height)), side * widen + ease, front * widen + ease, back * widen + ease))
        hem = crotch
    loose_hem = 0.008 if top.kind in ("t-shirt", "polo", "shirt", "jacket", "coat") else -0.005
    for height in measures.trunk_levels(hem, neck):
        side, front, back = measures.trunk(height)
        if height < 0.93 * scale:
            # Over the thighs it falls straight from the hips, and is wider than what is worn beneath.
            side, front, back = (max(a, b) + 0.006 for a, b in zip((side, front, back), hips, strict=True))
        # Cloth bridges the waist rather than following it in.
        bridging = 0.02 * np.exp(-(((height / scale - 1.10) / 0.09) ** 2)) * min(1.0, ease / 0.012)
        near_neck = np.clip((neck - height) / (0.07 * scale), 0.25, 1.0)
        extra = ease * near_neck + bridging + loose_hem * np.clip(1 - (height - hem) / 0.12, 0, 1)
        rings.append(Ring((0, 0, height), side + extra, front + extra, back + extra))
    long = top.hem > 0.3
    relief = 0.007 * folds["trunk"] * (0.7 + 22 * ease)
    if long:
        blend = np.clip(np.linspace(1.6, -0.6, len(relief)), 0, 1)[:, None]
        relief = relief * (1 - blend) + 0.022 * folds["skirt"] * blend
    weighting = around_trunk(measures.skeleton, skirt=0.85 if long else 0.25)
    return loft(rings, TORSO, weighting, rows=30 if long else 24, segments=28, squareness=2.3, relief=relief)


def _inner_hem(measures: Measures, top: Top) -> Mesh:
    """The lower end of what is worn beneath, where it is longer."""
    scale = measures.scale
    hip = float(measures.skeleton.joints[Bone.RIGHT_THIGH][2])
    thigh = hip - float(measures.skeleton.joints[Bone.RIGHT_SHANK][2])
    hem = max(hip - top.hem * thigh, 0.86 * scale)
    rings = []
    for height in (hem - top.inner_hem, hem, hem + 0.03):
        side, front, back = measures.trunk(height)
        ease = 0.009
        rings.append(Ring((0, 0, height), side + ease, front + ease, back + ease))
    return loft(rings, INNER, around_trunk(measures.skeleton, skirt=0.3), rows=4, segments=20, squareness=2.3)


def _collar(measures: Measures, top: Top) -> Mesh:
    """A band round the neck: ribbing, shirt collar or stand-up collar."""
    scale = measures.scale
    tall = {"shirt": 0.030, "polo": 0.026, "coat": 0.05, "jacket": 0.042, "vest": 0.03, "jumper": 0.018}
    tall_by = tall.get(top.kind, 0.008)
    radius = (0.062 - 0.006 * measures.shape.feminine) * scale + 0.3 * top.looseness
    rings = [
        Ring((0, -0.008 * scale, 1.468 * scale), radius * 1.18, radius * 1.0),
        Ring((0, -0.008 * scale, 1.492 * scale), radius, radius),
        Ring((0, -0.010 * scale, (1.497 + tall_by) * scale), radius * 1.04, radius * 0.98),
    ]
    return loft(rings, TRIM, around_trunk(measures.skeleton), rows=6, segments=14)


def _sleeve(measures: Measures, top: Top, side: int, folds: FloatArray) -> Mesh:
    upper, fore, hand = ARMS[side]
    shoulder, wrist = measures.skeleton.joints[upper], measures.skeleton.joints[hand]
    length, ease = sleeve_length(measures, top), top.looseness
    reach = float(shoulder[2] - wrist[2])
    x, y, z = (float(v) for v in shoulder)
    flare = 0.012 if top.sleeve_length < 0.5 else 0.0
    rings = []
    for drop in np.linspace(length, 0.01, 8):
        share = float(drop) / reach
        radius = (
            measures.arm(max(0.0, float(drop))) + ease * (0.45 if share > 0.9 else 0.65) + flare * max(0.0, share) * 2
        )
        rings.append(Ring((x + side * 0.004 * share, y, z - float(drop)), radius, radius * 1.04))
    # The shoulder slopes from the neck: the cap leans inwards and ends beneath the trunk's cloth.
    cap, s = measures.arm(0.0) + 0.6 * ease, measures.scale
    rings.append(Ring((x - side * 0.006, y, z + 0.002 * s), cap * 0.90, cap * 0.95))
    rings.append(Ring((x - side * 0.022, y, z + 0.014 * s), cap * 0.66, cap * 0.78))
    rings.append(Ring((x - side * 0.040, y, z + 0.022 * s), cap * 0.30, cap * 0.45))
    relief = 0.005 * folds * (0.6 + 32 * ease)
    return loft(rings, SLEEVE, along_limb(measures.skeleton, (upper, fore)), rows=20, segments=12, relief=relief)


def _hood(measures: Measures, top: Top) -> Mesh:
    """A hood that lies on the upper back."""
    s, ease = measures.scale, top.looseness
    back = measures.trunk(1.40 * s)[2] + ease
    rings = [
        Ring((0, -back * 0.9, 1.36 * s), 0.03 * s, 0.02 * s),
        Ring((0, -back * 0.95, 1.40 * s), 0.10 * s, 0.03 * s, 0.035 * s),
        Ring((0, -back * 0.75, 1.47 * s), 0.125 * s, 0.05 * s, 0.055 * s),
        Ring((0, -back * 0.45, 1.53 * s), 0.105 * s, 0.06 * s, 0.055 * s),
        Ring((0, -back * 0.40, 1.545 * s), 0.085 * s, 0.05 * s, 0.04 * s),
    ]
    return loft(rings, TRIM, rigid(Bone.TORSO), rows=10, segments=14)


def _seat(measures: Measures, bottom: Bottom) -> Mesh:
    scale = measures.scale
    ease = min(bottom.looseness, 0.004)
    rings = []
    for level in (0.795, 0.83, 0.88, 0.93, 0.98, 1.06):
        side, front, back = measures.trunk(level * scale)
        narrow = 0.62 if level < 0.8 else 0.92 if level < 0.85 else 1.0
        rings.append(
            Ring((0, 0, level * scale), (side + ease) * narrow, (front + ease) * narrow, (back + ease) * narrow)
        )
    return loft(rings, SKIRT, around_trunk(measures.skeleton, skirt=0.35), rows=11, segments=20, squareness=2.3)


def _leg(measures: Measures, bottom: Bottom, side: int, folds: FloatArray) -> Mesh:
    thigh, shank, foot = LEGS[side]
    hip, ankle = measures.skeleton.joints[thigh], measures.skeleton.joints[foot]
    reach = float(hip[2] - ankle[2])
    length, ease = bottom.length * reach, bottom.looseness
    rings = []
    for drop in np.linspace(length, -0.06 * measures.scale, 10):
        share = float(drop) / reach
        # A straight leg does not narrow with the calf; the tighter it is, the more it does.
        straight = 0.62 * measures.leg(0.2) if ease > 0.012 else 0.0
        radius = max(measures.leg(float(drop)), straight) + ease * (0.15 + 0.85 * min(1.0, max(0.0, share) * 4))
        centre = hip + (ankle - hip) * max(0.0, share)
        calf = 0.010 * measures.breadth * float(np.exp(-(((share - 0.68) / 0.12) ** 2)))
        rings.append(
            Ring((float(centre[0]), float(centre[1]), float(hip[2]) - float(drop)), radius, radius, radius + calf)
        )
    relief = (0.004 + 0.30 * ease) * folds * _calm_above(folds)
    return loft(rings, LEG, along_limb(measures.skeleton, (thigh, shank)), rows=26, segments=14, relief=relief)


def _calm_above(folds: FloatArray) -> FloatArray:
    """(rows, 1) factor on folds that lets them end at the hip, where the top hangs over them."""
    return np.clip(np.linspace(4.0, -0.4, len(folds), dtype=np.float32), 0.0, 1.0)[:, None]


def _skirt(measures: Measures, bottom: Bottom, folds: FloatArray) -> Mesh:
    scale = measures.scale
    hip = float(measures.skeleton.joints[Bone.RIGHT_THIGH][2])
    reach = hip - float(measures.skeleton.joints[Bone.RIGHT_FOOT][2])
    hem = hip - bottom.length * reach
    side, front, back = measures.trunk(0.93 * scale)
    flare = 1.04 + 6.0 * bottom.looseness * bottom.length
    rings = [
        Ring((0, 0, hem), side * flare * 1.06, front * flare * 1.3, back * flare * 1.3),
        Ring((0, 0, (hem + hip) / 2), side * (flare + 1) / 2 * 1.05, front * (flare + 1) / 2 * 1.15, back * 1.1),
        Ring((0, 0, 0.93 * scale), side + 0.008, front + 0.012, back + 0.010),
    ]
    for level in (1.00, 1.06):
        side, front, back = measures.trunk(level * scale)
        rings.append(Ring((0, 0, level * scale), side + 0.006, front + 0.006, back + 0.006))
    weighting = around_trunk(measures.skeleton, skirt=0.88)
    relief = 0.02 * min(1.0, 60 * bottom.looseness) * folds * _calm_above(folds)
    return loft(rings, SKIRT, weighting, rows=18, segments=28, relief=relief)


def _shoe(measures: Measures, side: int) -> Mesh:
    x, y = (float(v) for v in measures.skeleton.joints[LEGS[side][2]][:2])
    s = measures.scale * (1.0 - 0.07 * measures.shape.feminine)
    low = -0.012  # the sole reaches a little below the bare foot
    rings = []
    # place along the foot, half width, height above the sole; heel to toe
    for along, half, tall in (
        (-0.082, 0.012, 0.045), (-0.075, 0.030, 0.075), (-0.045, 0.038, 0.098), (0.0, 0.040, 0.105),
        (0.06, 0.043, 0.082), (0.12, 0.048, 0.056), (0.165, 0.042, 0.044), (0.192, 0.026, 0.034), (0.20, 0.006, 0.02),
    ):  # fmt: skip
        middle = low + tall * s / 2
        rings.append(Ring((x + side * 0.006, y + along * s, middle), half * s, tall * s / 2))
    return loft(rings, SHOE, rigid(LEGS[side][2]), rows=14, segments=12, axes=LENGTHWISE, squareness=2.6)


def _shaft(measures: Measures, side: int, height: float, boot: bool) -> Mesh:
    thigh, shank, foot = LEGS[side]
    hip, ankle = measures.skeleton.joints[thigh], measures.skeleton.joints[foot]
    x, y, z = (float(v) for v in ankle)
    off = 0.012 if boot else 0.004
    rings = []
    for level in np.linspace(z - 0.01, z + height, 5):
        below = float(hip[2]) - float(level)
        radius = measures.leg(below) + off
        rings.append(Ring((x, y, float(level)), radius, radius, radius + 0.012))
    return loft(rings, SOCK, rigid(shank), rows=7, segments=12)
