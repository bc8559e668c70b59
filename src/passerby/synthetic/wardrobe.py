"""Paints a person's one texture: cloth with folds, seams and prints, a face, hair, shoes and bags."""

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.atlas_layout import ATLAS_SIZE, Patch
from passerby.synthetic.colours import Colour, rgb, scaled
from passerby.synthetic.person import Pattern, Person
from passerby.synthetic.textures import print_on, smooth_noise, weave
from passerby.types import FloatArray, ImageArray

_CENTRE = 64
"""Column of the trunk's patch that lies at the middle of the chest."""


def paint(person: Person, folds: dict[str, FloatArray], generator: np.random.Generator) -> ImageArray:
    """Paint everything that a person wears and is.

    Args:
        person: Who.
        folds: Relief in ±1 for "trunk", "sleeve", "leg" and "skirt", bottom row first; painted as shade too.
        generator: Draws weaves and prints.

    Returns:
        (256, 256, 3) uint8 sRGB, laid out as `atlas_layout` says.
    """
    atlas = np.full((ATLAS_SIZE, ATLAS_SIZE, 3), 0.5, np.float32)

    def fill(patch: Patch, cloth: FloatArray, relief: FloatArray | None = None, depth: float = 0.10) -> None:
        atlas[patch.pixels] = cloth if relief is None else _shaded(cloth, relief, depth)

    trunk_folds = folds["skirt"] * 0.6 + folds["trunk"] * 0.4 if person.top.hem > 0.3 else folds["trunk"]
    fill(layout.TORSO, _trunk(person, generator), trunk_folds)
    fill(layout.SLEEVE, _sleeve(person, generator), folds["sleeve"])
    fill(layout.LEG, _leg(person, generator), folds["leg"])
    fill(layout.SKIRT, _skirt(person, generator), folds["skirt"], 0.10 if person.bottom.kind == "skirt" else 0.03)
    fill(layout.HEAD, _face(person, generator))
    fill(layout.HAIR, _hair(person, generator))
    fill(layout.BAG, _bag(person, generator))
    fill(layout.SHOE, _shoe(person))
    fill(layout.TRIM, _trim(person, generator))
    legwear = person.bottom.legwear or scaled(person.shape.skin, 0.97)
    plain: list[tuple[Patch, Colour]] = [
        (layout.SKIN, person.shape.skin),
        (layout.LEGWEAR, legwear),
        (layout.SOCK, person.shoes.colour if person.shoes.boot else person.shoes.sock or person.shoes.colour),
        (layout.HAT, person.head.hat_colour),
        (layout.STRAP, scaled(person.bag.second, 0.85)),
        (layout.INNER, person.top.inner),
    ]
    for patch, colour in plain:
        fill(patch, _plain(generator, colour, patch))
    return np.asarray(np.clip(atlas, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


def _shaded(cloth: FloatArray, relief: FloatArray, depth: float) -> FloatArray:
    """Darken valleys and lighten ridges; `relief` has its lowest row first."""
    height, width = cloth.shape[:2]
    rows = np.linspace(len(relief) - 1, 0, height).round().astype(int)
    columns = np.linspace(0, relief.shape[1] - 1, width).round().astype(int)
    shade = relief[rows][:, columns, None]
    # Black cloth shows its folds by sheen, so a little light is added besides.
    return np.asarray(cloth * (1 + depth * shade) + 0.022 * np.maximum(shade, 0), np.float32)


def _plain(generator: np.random.Generator, colour: Colour, patch: Patch) -> FloatArray:
    grain = 1 + 0.02 * generator.standard_normal((patch.height, patch.width, 1), dtype=np.float32)
    return np.asarray(rgb(colour) * grain, np.float32)


def _trunk(person: Person, generator: np.random.Generator) -> FloatArray:
    top, patch = person.top, layout.TORSO
    cloth = weave(generator, top.pattern, top.colour, top.second, patch.height, patch.width)
    if top.front_print:
        print_on(generator, cloth, top.second, top.front_print, int(generator.integers(38, 54)), _CENTRE)
    if top.back_print:
        # The back lies at both edges of the patch: print in the middle of a turned copy.
        turned = np.roll(cloth, _CENTRE, axis=1)
        print_on(generator, turned, top.second, top.back_print, int(generator.integers(36, 50)), _CENTRE)
        cloth = np.roll(turned, -_CENTRE, axis=1)
    if top.kind == "vest":
        cloth[(np.arange(patch.height) % 14) < 2] *= 0.72
    if top.open:
        half = int(generator.integers(5, 12))
        _open_front(generator, cloth, person, half)
    elif top.kind in ("jacket", "coat", "vest"):
        cloth[8:, _CENTRE - 1 : _CENTRE + 1] *= 0.55
    elif top.kind == "shirt":
        cloth[6:, _CENTRE + 3] *= 0.8
        cloth[12::10, _CENTRE - 1 : _CENTRE + 1] = 0.75 if sum(top.colour) < 1.2 else 0.35
    if top.kind == "hoodie":
        cloth[84:86, _CENTRE - 18 : _CENTRE + 18] *= 0.72
        for edge in (_CENTRE - 18, _CENTRE + 17):
            cloth[86:112, edge] *= 0.75
    if top.kind in ("jacket", "coat"):
        for edge in (_CENTRE - 26, _CENTRE + 14):
            cloth[88:90, edge : edge + 12] *= 0.65
    # Hem or ribbing at the bottom; seams at both sides.
    ribbed = top.kind in ("jumper", "hoodie", "jacket")
    cloth[-6 if ribbed else -2 :] *= 0.82
    for seam in (31, 96):
        cloth[:, seam] *= 0.88
    if top.kind in ("t-shirt", "dress") and top.sleeve_length < 0.6:
        _neckline(cloth, person)
    return cloth


def _open_front(generator: np.random.Generator, cloth: FloatArray, person: Person, half: int) -> None:
    """Show the inner garment between the edges of an open jacket, wider towards the hem."""
    top = person.top
    pattern: Pattern = "stripes" if top.inner_striped else "plain"
    inner = weave(generator, pattern, top.inner, top.second, len(cloth), 2 * half)
    rows = np.arange(len(cloth), dtype=np.float32)[:, None] / len(cloth)
    columns = np.abs(np.arange(2 * half)[None] - half + 0.5)
    shown = columns < half * (0.65 + 0.35 * rows)
    edge = columns > half * (0.65 + 0.35 * rows) - 1.5
    region = cloth[:, _CENTRE - half : _CENTRE + half]
    trousers_below = rows > 0.88
    inner = np.where(trousers_below[..., None], rgb(person.bottom.colour), inner)
    region[:] = np.where(shown[..., None], inner * np.where(edge, 0.6, 0.94)[..., None], region)


def _neckline(cloth: FloatArray, person: Person) -> None:
    """Skin above a round neckline at the front."""
    y, x = np.mgrid[0 : len(cloth), 0 : cloth.shape[1]]
    deep = 9 + 7 * person.shape.feminine
    bare = ((x - _CENTRE) / 22.0) ** 2 + (y / deep) ** 2 < 1
    cloth[bare] = person.shape.skin


def _sleeve(person: Person, generator: np.random.Generator) -> FloatArray:
    top, patch = person.top, layout.SLEEVE
    pattern = top.pattern if top.sleeves == top.colour and top.pattern not in ("block", "band") else "plain"
    cloth = weave(generator, pattern, top.sleeves, top.second, patch.height, patch.width)
    cloth[-5 if top.kind in ("jumper", "hoodie", "jacket") else -2 :] *= 0.78
    return cloth


def _leg(person: Person, generator: np.random.Generator) -> FloatArray:
    bottom, patch = person.bottom, layout.LEG
    cloth = weave(generator, bottom.pattern, bottom.colour, bottom.second, patch.height, patch.width)
    # The side seam lies a quarter round; the patch serves both legs, so it is on both sides.
    for seam in (16, 48):
        cloth[:, seam : seam + 1] *= 0.84
        if bottom.side_stripe:
            cloth[:, seam - 2 : seam + 2] = bottom.second
    cloth[-3:] *= 0.75
    return cloth


def _skirt(person: Person, generator: np.random.Generator) -> FloatArray:
    bottom, patch = person.bottom, layout.SKIRT
    cloth = weave(generator, bottom.pattern, bottom.colour, bottom.second, patch.height, patch.width)
    if bottom.kind == "skirt":
        cloth[-2:] *= 0.8
        return cloth
    # Trousers: fly, pockets on the seat, belt.
    cloth[8:50, _CENTRE] *= 0.75
    for left in (4, 110):
        cloth[26:27, left : left + 14] *= 0.7
        cloth[26:46, [left, left + 13]] *= 0.8
    if bottom.kind == "trousers":
        cloth[:7] = rgb(scaled(bottom.colour, 0.45))
        cloth[:7, _CENTRE - 3 : _CENTRE + 3] = 0.5
    return cloth


def _face(person: Person, generator: np.random.Generator) -> FloatArray:
    """Face in the middle, hair painted above the hairline and behind the ears; row 0 is the crown."""
    patch, skin, hair = layout.HEAD, rgb(person.shape.skin), rgb(person.head.hair)
    face = _plain(generator, person.shape.skin, patch)
    y, x = np.mgrid[0 : patch.height, 0 : patch.width].astype(np.float32)
    aside = np.abs(x - 31.5)
    # Blood under the skin: cheeks and nose are redder, the eye sockets darker.
    cheeks = np.exp(-(((aside - 8) / 4) ** 2) - ((y - 39) / 5) ** 2)
    face *= 1 - cheeks[..., None] * rgb([0.0, 0.07, 0.07])
    face *= 1 - 0.22 * np.exp(-(((aside - 5.5) / 3.2) ** 2) - ((y - 31) / 3.0) ** 2)[..., None]
    if person.head.style != "bald":
        scalp = (y < 13 + 0.012 * aside**2) | ((aside > 15) & (y < 46)) | ((aside > 13) & (y < 34))
        face[scalp] = hair
    brow = (np.abs(aside - 5.5) < 3) & (np.abs(y - 27.5) < 1)
    face[brow] = 0.6 * hair + 0.25 * skin
    white = (np.abs(aside - 5.5) < 2) & (np.abs(y - 31) < 1)
    face[white] = 0.5 * face[white] + 0.28
    face[(np.abs(aside - 5.5) < 1) & (np.abs(y - 31) < 1.2)] = 0.12
    mouth = (aside < 4) & (np.abs(y - 47.5) < 1.2)
    face[mouth] = skin * rgb([0.82, 0.60, 0.58])
    face[(aside < 2.5) & (np.abs(y - 42.5) < 0.8)] *= 0.78
    if person.head.beard:
        bearded = (y > 41) & (aside < 16) & ~((aside < 3) & (np.abs(y - 47.5) < 1))
        bearded &= (y > 44) | (aside < 5) | (aside > 11)
        face[bearded] = 0.75 * hair + 0.2 * skin
    if person.head.glasses:
        rim = np.abs(np.hypot((aside - 5.5) * 0.9, (y - 31) * 1.2) - 3.8) < 0.7
        face[rim | ((aside > 9) & (aside < 17) & (np.abs(y - 30.5) < 0.8))] = 0.1
    return np.asarray(face, np.float32)


def _hair(person: Person, generator: np.random.Generator) -> FloatArray:
    """Strands run from crown to tip."""
    patch = layout.HAIR
    strands = smooth_noise(generator, patch.height, patch.width, 3, 30)[..., None]
    hair = rgb(person.head.hair)
    return np.asarray(hair * (1 + 0.22 * strands) + 0.012 * np.maximum(strands, 0), np.float32)


def _bag(person: Person, generator: np.random.Generator) -> FloatArray:
    """A bag's front lies at the patch's edges for a backpack: trim goes all round."""
    bag, patch = person.bag, layout.BAG
    cloth = _plain(generator, bag.colour, patch)
    cloth *= 1 + 0.08 * smooth_noise(generator, patch.height, patch.width, 5, 5)[..., None]
    match int(generator.integers(4)):
        case 0:
            cloth[30:] = rgb(bag.second)
        case 1:
            cloth[28:31] = rgb(bag.second)
        case 2:
            # A front pocket: an outline in the trim's colour at the back of the patch.
            for columns in (slice(0, 9), slice(55, 64)):
                cloth[32:56, columns] = 0.8 * rgb(bag.second) + 0.1
        case _:
            pass
    cloth[[16, 17]] *= 0.6
    cloth[-3:] *= 0.7
    return cloth


def _shoe(person: Person) -> FloatArray:
    """The ring around a foot begins below the sole (edges) and ends on the instep (middle)."""
    patch, shoes = layout.SHOE, person.shoes
    across = np.abs(np.arange(patch.width) - (patch.width - 1) / 2) / (patch.width / 2)
    cloth = np.broadcast_to(rgb(shoes.colour), (patch.height, patch.width, 3)).copy()
    cloth[:, across > 0.66] = shoes.sole
    laces = slice(12, 20)
    cloth[laces, across < 0.12] = 0.85 if sum(shoes.colour) < 1.3 else 0.4
    return cloth


def _trim(person: Person, generator: np.random.Generator) -> FloatArray:
    """Collar and hood: the garment's own colour, a little darker; ribs on knitwear."""
    top, patch = person.top, layout.TRIM
    bare = top.kind in ("t-shirt", "dress") and top.sleeve_length < 0.6 and person.shape.feminine > 0.5
    cloth = _plain(generator, person.shape.skin if bare else scaled(top.colour, 0.88), patch)
    if top.kind in ("jumper", "hoodie"):
        cloth[:, ::3] *= 0.88
    return cloth
