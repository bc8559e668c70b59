"""Paints a person's one texture: cloth with folds, seams and prints, a face, hair, shoes and bags."""

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.atlas_layout import ATLAS_SIZE, Patch
from passerby.synthetic.colours import Colour, rgb, scaled
from passerby.synthetic.person import Bag, Pattern, Person
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

    def fill(patch: Patch, cloth: FloatArray, relief: FloatArray | None = None, depth: float = 0.15) -> None:
        atlas[patch.pixels] = cloth if relief is None else _shaded(cloth, relief, depth)

    trunk_folds = folds["skirt"] * 0.6 + folds["trunk"] * 0.4 if person.top.hem > 0.3 else folds["trunk"]
    fill(layout.TORSO, _trunk(person, generator), trunk_folds)
    fill(layout.SLEEVE, _sleeve(person, generator), folds["sleeve"])
    fill(layout.LEG, _leg(person, generator), folds["leg"])
    fill(layout.SKIRT, _skirt(person, generator), folds["skirt"], 0.15 if person.bottom.kind == "skirt" else 0.04)
    fill(layout.HEAD, _face(person, generator))
    fill(layout.HAIR, _hair(person, generator))
    fill(layout.BAG, _bag(person, generator))
    fill(layout.SHOE, _shoe(person, generator))
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
        fill(patch, _plain(generator, colour, patch))
    return np.asarray(np.clip(atlas, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


def _shaded(cloth: FloatArray, relief: FloatArray, depth: float) -> FloatArray:
    """Darken valleys and lighten ridges; `relief` has its lowest row first."""
    height, width = cloth.shape[:2]
    rows = np.linspace(len(relief) - 1, 0, height).round().astype(int)
    columns = np.linspace(0, relief.shape[1] - 1, width).round().astype(int)
    shade = relief[rows][:, columns, None]
    # Black cloth shows its folds by sheen, so a little light is added besides.
    return np.asarray(cloth * (1 + depth * shade) + 0.028 * np.maximum(shade, 0), np.float32)


def _seam(region: FloatArray, strength: float) -> None:
    """Draw seams and edges in place: darker than light cloth, lighter than dark cloth, on which shade is lost."""
    dark = region.mean(axis=-1, keepdims=True) < 0.2
    region[:] = np.where(dark, region + 0.13 * strength, region * (1 - 0.45 * strength))


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
        _seam(cloth[11::14], 0.6)
    if top.open:
        half = int(generator.integers(5, 13))
        _open_front(generator, cloth, person, half)
    else:
        _closed_front(generator, cloth, person)
    _details(generator, cloth, person)
    # Hem or ribbing at the bottom; seams at both sides.
    ribbed = top.kind in ("jumper", "hoodie", "jacket")
    _seam(cloth[-7 if ribbed else -3 :], 0.5)
    for seam in (31, 96):
        _seam(cloth[:, seam : seam + 1], 0.3)
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
                _seam(cloth[4:, _CENTRE + 4 : _CENTRE + 5], 0.9)
                cloth[10::16, _CENTRE - 1 : _CENTRE + 1] = 0.5 if light else 0.2
        case "shirt":
            _seam(cloth[4:, _CENTRE + 3 : _CENTRE + 4], 0.5)
            cloth[12::10, _CENTRE - 1 : _CENTRE + 1] = 0.62 if light else 0.32
        case "polo":
            _seam(cloth[2:26, _CENTRE - 3 : _CENTRE + 3], 0.25)
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
            _seam(cloth[82:85, _CENTRE - 18 : _CENTRE + 18], 0.9)
            for edge in (_CENTRE - 18, _CENTRE + 17):
                _seam(cloth[85:112, edge : edge + 1], 0.8)
            if generator.random() < 0.6:
                reach = int(generator.integers(18, 40))
                for column in (_CENTRE - 6, _CENTRE + 5):
                    cloth[4:reach, column : column + 1] = light
        case "jacket" | "coat":
            for edge in (_CENTRE - 27, _CENTRE + 15):
                _seam(cloth[86:89, edge : edge + 12], 1.0)
        case "shirt" | "polo" | "t-shirt" if not top.front_print and generator.random() < 0.4:
            rows, columns = (30, 12) if top.kind == "shirt" else (4, 5)
            pocket = cloth[32 : 32 + rows // 2, _CENTRE - 22 : _CENTRE - 22 + columns]
            if top.kind == "shirt":
                _seam(pocket[:1], 1.0)
                _seam(pocket[:, [0, -1]], 0.6)
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
    _seam_mask = (place >= 1) & (place < 1.5)
    edge = cloth[_seam_mask]
    if _collar_contrasts(person):
        edge[:] = rgb(person.top.second)
    else:
        _seam(edge, 0.4)
    cloth[_seam_mask] = edge
    cloth[place < 1] = person.shape.skin


def _sleeve(person: Person, generator: np.random.Generator) -> FloatArray:
    top, patch = person.top, layout.SLEEVE
    pattern = top.pattern if top.sleeves == top.colour and top.pattern not in ("block", "band") else "plain"
    cloth = _as_long(generator, pattern, top.sleeves, top.second, patch, 0.85 * max(0.2, top.sleeve_length))
    cuff = cloth[-5 if top.kind in ("jumper", "hoodie", "jacket") else -3 :]
    if _collar_contrasts(person):
        cuff[:] = rgb(top.second)
    else:
        _seam(cuff, 0.5)
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
    for seam in (16, 48):
        _seam(cloth[:, seam : seam + 1], 0.4)
        if bottom.side_stripe:
            cloth[:, seam - 2 : seam + 2] = bottom.second
    _seam(cloth[-4:], 0.5)
    if bottom.length > 0.9 and generator.random() < 0.12:
        cloth[-9:] = np.clip(rgb(bottom.colour) * 1.5 + 0.06, 0, 1)  # turned up
    if bottom.kind in ("trousers", "shorts") and generator.random() < 0.25:
        # Cargo pockets on the outside of the thighs.
        rows = slice(40, 62) if bottom.kind == "trousers" else slice(60, 100)
        for middle in (16, 48):
            _seam(cloth[rows.start : rows.start + 3, middle - 6 : middle + 6], 1.0)
            _seam(cloth[rows, [middle - 6, middle + 5]], 0.7)
    return cloth


def _skirt(person: Person, generator: np.random.Generator) -> FloatArray:
    bottom, patch = person.bottom, layout.SKIRT
    cloth = weave(generator, bottom.pattern, bottom.colour, bottom.second, patch.height, patch.width)
    if bottom.kind == "skirt":
        _seam(cloth[-2:], 0.5)
        if generator.random() < 0.4:  # pleats
            _seam(cloth[14:, :: int(generator.integers(5, 9))], 0.6)
        return cloth
    # Trousers: fly, pockets on the seat, belt.
    _seam(cloth[8:50, _CENTRE : _CENTRE + 1], 0.6)
    for left in (4, 110):
        _seam(cloth[26:28, left : left + 14], 0.9)
        _seam(cloth[26:46, [left, left + 13]], 0.5)
    if bottom.kind in ("trousers", "shorts"):
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
        # From a high hairline to a fringe over the brows, straight or parted.
        fringe = float(generator.uniform(12.0, 24.0 if person.head.style != "crop" else 15.0))
        parting = float(generator.uniform(-0.25, 0.25))
        scalp = (
            (y < fringe + 0.012 * aside**2 + parting * (x - 31.5))
            | ((aside > 15) & (y < 46))
            | ((aside > 13) & (y < 34))
        )
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
    return np.asarray(hair * (1 + 0.25 * strands) + 0.025 * np.maximum(strands, 0), np.float32)


def _bag(person: Person, generator: np.random.Generator) -> FloatArray:
    """A bag's outer face is painted in the middle, then turned to where the bag shows it."""
    bag, patch = person.bag, layout.BAG
    cloth = _plain(generator, bag.colour, patch)
    cloth *= 1 + 0.10 * smooth_noise(generator, patch.height, patch.width, 6, 6)[..., None]
    if bag.kind == "backpack":
        _backpack_face(generator, cloth, bag)
        return np.roll(cloth, patch.width // 2, axis=1)
    # Bags at the side show either broad face; both are painted alike.
    half = patch.width // 2
    face = cloth[:, :half]
    _side_bag_face(generator, face, bag)
    cloth[:, half:] = face
    return cloth


def _backpack_face(generator: np.random.Generator, cloth: FloatArray, bag: Bag) -> None:
    middle = cloth.shape[1] // 2
    second = rgb(bag.second)
    match int(generator.integers(5)):
        case 0:
            cloth[34:] = second
        case 1:
            cloth[:22, middle - 14 : middle + 14] = second
        case 2:
            for column in (middle - 10, middle + 8):
                cloth[4:, column : column + 2] = second  # compression straps
        case 3:
            cloth[8:, middle - 15 : middle - 9] = cloth[8:, middle + 9 : middle + 15] = second
        case _:
            pass
    # The main zip goes round the top; pockets below it have zips and edges of their own.
    zipped = int(generator.integers(8, 14))
    _seam(cloth[zipped : zipped + 1], 0.9)
    low, half = int(generator.integers(26, 36)), int(generator.integers(9, 14))
    if generator.random() < 0.8:
        pocket = cloth[low:60, middle - half : middle + half]
        pocket *= generator.uniform(0.75, 1.35)
        _seam(pocket[:2], 1.0)
        _seam(pocket[:, [0, -1]], 0.7)
    if generator.random() < 0.5:
        size = int(generator.integers(2, 5))
        row = int(generator.integers(15, 24))
        cloth[row : row + size, middle - size : middle + size] = 0.75 if sum(bag.colour) < 1.5 else 0.2
    for column in (middle - 18, middle + 17):
        _seam(cloth[30:58, column : column + 1], 0.8)
    _seam(cloth[-4:], 0.5)


def _side_bag_face(generator: np.random.Generator, face: FloatArray, bag: Bag) -> None:
    middle = face.shape[1] // 2
    if bag.kind == "carrier":
        if generator.random() < 0.55:
            print_on(generator, face, bag.second, float(generator.uniform(0.05, 0.35)), 34, middle)
        return
    match int(generator.integers(4)):
        case 0:
            face[: int(generator.integers(20, 36))] = 0.8 * rgb(bag.second)  # a flap
        case 1:
            face[44:] = rgb(bag.second)
        case 2:
            print_on(generator, face, bag.second, float(generator.uniform(0.0, 0.3)), 36, middle)
        case _:
            pocket = face[30:54, 5:-5]
            _seam(pocket[:2], 1.0)
            _seam(pocket[:, [0, -1]], 0.7)
    _seam(face[10:12], 0.8)
    if generator.random() < 0.4:
        face[24:28, middle - 2 : middle + 2] = (0.70, 0.62, 0.40)  # a buckle
    _seam(face[-3:], 0.5)


def _shoe(person: Person, generator: np.random.Generator) -> FloatArray:
    """The ring around a foot begins below the sole (edges) and ends on the instep (middle); row 0 is the toe."""
    patch, shoes = layout.SHOE, person.shoes
    across = np.abs(np.arange(patch.width) - (patch.width - 1) / 2) / (patch.width / 2)
    cloth = np.broadcast_to(rgb(shoes.colour), (patch.height, patch.width, 3)).copy()
    if shoes.sandal:
        cloth[:] = rgb(person.shape.skin)
        straps = ((7, 11), (22, 26)) if generator.random() < 0.5 else ((6, 10),)
        for low, high in straps:
            cloth[low:high] = rgb(shoes.colour)
    else:
        light = 0.85 if sum(shoes.colour) < 1.3 else 0.4
        if not shoes.boot and generator.random() < 0.6:
            cloth[12:19:2, across < 0.14] = light
        if generator.random() < 0.3:  # a trainer's stripe on both sides
            cloth[13:22, (across > 0.3) & (across < 0.5)] = light
        if generator.random() < 0.2:
            cloth[:6] = light  # the toe cap
    cloth[:, across > 0.70] = shoes.sole
    return cloth


def _trim(person: Person, generator: np.random.Generator) -> FloatArray:
    """Collar and hood: the garment's own colour, a little darker; ribs on knitwear."""
    top, patch = person.top, layout.TRIM
    bare = top.kind in ("t-shirt", "dress") and top.sleeve_length < 0.6
    own = top.second if _collar_contrasts(person) else top.colour
    cloth = _plain(generator, person.shape.skin if bare else scaled(own, 0.9), patch)
    if top.kind in ("jumper", "hoodie"):
        cloth[:, ::3] *= 0.88
    return cloth
