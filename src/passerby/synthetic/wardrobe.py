"""Paints a person's one texture: cloth with folds, seams and prints, a face, hair, shoes and bags."""

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.accessories import bag_cloth, shoe_cloth
from passerby.synthetic.atlas_layout import ATLAS_SIZE, Patch
from passerby.synthetic.colours import Colour, rgb, scaled
from passerby.synthetic.faces import face_skin, hair_strands
from passerby.synthetic.person import Pattern, Person
from passerby.synthetic.textures import plain_cloth, print_on, seam, weave
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

    def fill(patch: Patch, cloth: FloatArray, relief: FloatArray | None = None, depth: float = 0.15) -> None:
        atlas[patch.pixels] = cloth if relief is None else _shaded(cloth, relief, depth)

    trunk_folds = folds["skirt"] * 0.6 + folds["trunk"] * 0.4 if person.top.hem > 0.3 else folds["trunk"]
    fill(layout.TORSO, _trunk(person, generator), trunk_folds)
    fill(layout.SLEEVE, _sleeve(person, generator), folds["sleeve"])
    fill(layout.LEG, _leg(person, generator), folds["leg"])
    fill(layout.SKIRT, _skirt(person, generator), folds["skirt"], 0.15 if person.bottom.kind == "skirt" else 0.04)
    fill(layout.HEAD, face_skin(person, generator))
    fill(layout.HAIR, hair_strands(person, generator))
    fill(layout.BAG, bag_cloth(person, generator))
    fill(layout.SHOE, shoe_cloth(person, generator))
    fill(layout.TRIM, _trim(person, generator))
    legwear = person.bottom.legwear or scaled(person.shape.skin, 0.97)
    plain: list[tuple[Patch, Colour]] = [
        (layout.SKIN, person.shape.skin),
        (layout.LEGWEAR, legwear),
        (layout.SOCK, person.shoes.colour if person.shoes.boot else person.shoes.sock or person.shoes.colour),
        (layout.HAT, person.head.hat_colour),
        (layout.STRAP, scaled(person.bag.second, 0.85)),
        (layout.INNER, person.top.inner),
        (layout.THING, person.held.colour),
        (layout.PHONE, (0.07, 0.07, 0.08)),
    ]
    for patch, colour in plain:
        fill(patch, plain_cloth(generator, colour, patch))
    return np.asarray(np.clip(atlas, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


def _shaded(cloth: FloatArray, relief: FloatArray, depth: float) -> FloatArray:
    """Darken valleys and lighten ridges; `relief` has its lowest row first."""
    height, width = cloth.shape[:2]
    rows = np.linspace(len(relief) - 1, 0, height).round().astype(int)
    columns = np.linspace(0, relief.shape[1] - 1, width).round().astype(int)
    shade = relief[rows][:, columns, None]
    # Black cloth shows its folds by sheen, so a little light is added besides.
    return np.asarray(cloth * (1 + depth * shade) + 0.028 * np.maximum(shade, 0), np.float32)


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
        seam(cloth[11::14], 0.6)
    if top.open:
        half = int(generator.integers(5, 13))
        _open_front(generator, cloth, person, half)
    else:
        _closed_front(generator, cloth, person)
    _details(generator, cloth, person)
    # Hem or ribbing at the bottom; seams at both sides.
    ribbed = top.kind in ("jumper", "hoodie", "jacket")
    seam(cloth[-7 if ribbed else -3 :], 0.5)
    for column in (31, 96):
        seam(cloth[:, column : column + 1], 0.3)
    if top.kind in ("t-shirt", "dress") and top.sleeve_length < 0.6:
        _neckline(generator, cloth, person)
    return cloth


def _closed_front(generator: np.random.Generator, cloth: FloatArray, person: Person) -> None:
    """Zip, buttons or placket at the middle of the chest."""
    top = person.top
    light = sum(top.colour) < 1.2
    match top.kind:
        case "jacket" | "coat" | "vest":
            if generator.random() < 0.6:
                cloth[4:, _CENTRE - 1 : _CENTRE + 1] = 0.45 if light else 0.3
            else:
                seam(cloth[4:, _CENTRE + 4 : _CENTRE + 5], 0.9)
                cloth[10::16, _CENTRE - 1 : _CENTRE + 1] = 0.5 if light else 0.2
        case "shirt":
            seam(cloth[4:, _CENTRE + 3 : _CENTRE + 4], 0.5)
            cloth[12::10, _CENTRE - 1 : _CENTRE + 1] = 0.62 if light else 0.32
        case "polo":
            seam(cloth[2:26, _CENTRE - 3 : _CENTRE + 3], 0.25)
            cloth[8:26:7, _CENTRE - 1 : _CENTRE + 1] = 0.6 if light else 0.3
        case _:
            pass
    if top.kind in ("shirt", "polo", "jacket", "coat"):
        # The neck opens in a small V with whatever is beneath, between the collar's points.
        y, x = np.mgrid[0 : len(cloth), 0 : cloth.shape[1]]
        deep = float(generator.uniform(4.0, 18.0))
        opening = np.abs(x - _CENTRE) < 9 * (1 - y / deep)
        cloth[opening] = person.shape.skin if top.kind in ("shirt", "polo") else top.inner
        points = (np.abs(np.abs(x - _CENTRE) - 9 * (1 - y / deep)) < 3.5) & (y < min(deep, 12.0))
        cloth[points] = np.clip(rgb(top.second if _collar_contrasts(person) else top.colour) * 0.9 + 0.05, 0, 1)


def _collar_contrasts(person: Person) -> bool:
    """Whether collar and cuffs are of the second colour, as on many polo shirts."""
    return person.top.kind in ("polo", "t-shirt", "jacket") and person.texture_seed % 4 == 0


def _details(generator: np.random.Generator, cloth: FloatArray, person: Person) -> None:
    """Pockets, badges, yokes and drawstrings: by such things dark clothes are told apart."""
    top = person.top
    light = np.float32(0.7 if sum(top.colour) < 1.5 else 0.2)
    match top.kind:
        case "hoodie":
            seam(cloth[82:85, _CENTRE - 18 : _CENTRE + 18], 0.9)
            for edge in (_CENTRE - 18, _CENTRE + 17):
                seam(cloth[85:112, edge : edge + 1], 0.8)
            if generator.random() < 0.6:
                reach = int(generator.integers(18, 40))
                for column in (_CENTRE - 6, _CENTRE + 5):
                    cloth[4:reach, column : column + 1] = light
        case "jacket" | "coat":
            for edge in (_CENTRE - 27, _CENTRE + 15):
                seam(cloth[86:89, edge : edge + 12], 1.0)
        case "shirt" | "polo" | "t-shirt" if not top.front_print and generator.random() < 0.4:
            rows, columns = (30, 12) if top.kind == "shirt" else (4, 5)
            pocket = cloth[32 : 32 + rows // 2, _CENTRE - 22 : _CENTRE - 22 + columns]
            if top.kind == "shirt":
                seam(pocket[:1], 1.0)
                seam(pocket[:, [0, -1]], 0.6)
            else:
                pocket[:] = rgb(top.second)
        case _:
            pass
    if top.kind in ("shirt", "jacket", "coat") and generator.random() < 0.5:
        yoke = np.r_[0:26, 102:128]
        cloth[20:22, yoke] *= 0.8
    if top.kind == "jacket" and generator.random() < 0.25:
        # Sportswear: a band across chest and back.
        row = int(generator.integers(24, 44))
        cloth[row : row + int(generator.integers(2, 8))] = rgb(top.second)


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


def _neckline(generator: np.random.Generator, cloth: FloatArray, person: Person) -> None:
    """Skin above a round or pointed neckline at the front, with a ribbed edge."""
    y, x = np.mgrid[0 : len(cloth), 0 : cloth.shape[1]]
    deep = float(generator.uniform(5.0, 10.0)) + 7 * person.shape.feminine
    power = 2.0 if generator.random() < 0.75 else 1.1
    place = (np.abs(x - _CENTRE) / 20.0) ** power + (y / deep) ** power
    ribbing = (place >= 1) & (place < 1.5)
    edge = cloth[ribbing]
    if _collar_contrasts(person):
        edge[:] = rgb(person.top.second)
    else:
        seam(edge, 0.4)
    cloth[ribbing] = edge
    cloth[place < 1] = person.shape.skin


def _sleeve(person: Person, generator: np.random.Generator) -> FloatArray:
    top, patch = person.top, layout.SLEEVE
    pattern = top.pattern if top.sleeves == top.colour and top.pattern not in ("block", "band") else "plain"
    cloth = _as_long(generator, pattern, top.sleeves, top.second, patch, 0.85 * max(0.2, top.sleeve_length))
    cuff = cloth[-5 if top.kind in ("jumper", "hoodie", "jacket") else -3 :]
    if _collar_contrasts(person):
        cuff[:] = rgb(top.second)
    else:
        seam(cuff, 0.5)
    if top.kind == "jacket" and top.pattern == "plain" and generator.random() < 0.2:
        for place in (28, 32):  # stripes down the outside of both arms
            cloth[:, place : place + 2] = rgb(top.second)
    return cloth


def _as_long(
    generator: np.random.Generator, pattern: Pattern, colour: Colour, second: Colour, patch: Patch, share: float
) -> FloatArray:
    """Weave cloth for something that covers `share` of the length that the patch is made for."""
    cloth = weave(generator, pattern, colour, second, max(8, round(share * patch.height)), patch.width)
    return cloth[np.arange(patch.height) * len(cloth) // patch.height]


def _leg(person: Person, generator: np.random.Generator) -> FloatArray:
    bottom, patch = person.bottom, layout.LEG
    cloth = _as_long(generator, bottom.pattern, bottom.colour, bottom.second, patch, min(1.0, bottom.length + 0.1))
    # The side seam lies a quarter round; the patch serves both legs, so it is on both sides.
    for column in (16, 48):
        seam(cloth[:, column : column + 1], 0.4)
        if bottom.side_stripe:
            cloth[:, column - 2 : column + 2] = bottom.second
    seam(cloth[-4:], 0.5)
    if bottom.length > 0.9 and generator.random() < 0.12:
        cloth[-9:] = np.clip(rgb(bottom.colour) * 1.5 + 0.06, 0, 1)  # turned up
    if bottom.kind in ("trousers", "shorts") and generator.random() < 0.25:
        # Cargo pockets on the outside of the thighs.
        rows = slice(40, 62) if bottom.kind == "trousers" else slice(60, 100)
        for middle in (16, 48):
            seam(cloth[rows.start : rows.start + 3, middle - 6 : middle + 6], 1.0)
            seam(cloth[rows, [middle - 6, middle + 5]], 0.7)
    return cloth


def _skirt(person: Person, generator: np.random.Generator) -> FloatArray:
    bottom, patch = person.bottom, layout.SKIRT
    cloth = weave(generator, bottom.pattern, bottom.colour, bottom.second, patch.height, patch.width)
    if bottom.kind == "skirt":
        seam(cloth[-2:], 0.5)
        if generator.random() < 0.4:  # pleats
            seam(cloth[14:, :: int(generator.integers(5, 9))], 0.6)
        return cloth
    # Trousers: fly, pockets on the seat, belt.
    seam(cloth[8:50, _CENTRE : _CENTRE + 1], 0.6)
    for left in (4, 110):
        seam(cloth[26:28, left : left + 14], 0.9)
        seam(cloth[26:46, [left, left + 13]], 0.5)
    if bottom.kind in ("trousers", "shorts"):
        cloth[:7] = rgb(scaled(bottom.colour, 0.45))
        cloth[:7, _CENTRE - 3 : _CENTRE + 3] = 0.5
    return cloth


def _trim(person: Person, generator: np.random.Generator) -> FloatArray:
    """Collar and hood: the garment's own colour, a little darker; ribs on knitwear."""
    top, patch = person.top, layout.TRIM
    bare = top.kind in ("t-shirt", "dress") and top.sleeve_length < 0.6
    own = top.second if _collar_contrasts(person) else top.colour
    cloth = plain_cloth(generator, person.shape.skin if bare else scaled(own, 0.9), patch)
    if top.kind in ("jumper", "hoodie"):
        cloth[:, ::3] *= 0.88
    return cloth
