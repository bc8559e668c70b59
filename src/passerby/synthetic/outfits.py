"""Draws what people wear and carry: which garments how often, and what goes with what."""

from dataclasses import dataclass, replace

import numpy as np

from passerby.synthetic.colours import Colour, contrasting, draw_colour, scaled
from passerby.synthetic.person import (
    Bag,
    BagForm,
    BagKind,
    Bottom,
    BottomKind,
    Pattern,
    Shape,
    Shoes,
    Thing,
    ThingKind,
    Top,
    TopKind,
)
from passerby.synthetic.randomness import weighted

_WARM: tuple[TopKind, ...] = ("jumper", "jacket", "hoodie", "coat")


@dataclass(frozen=True, slots=True)
class Outfit:
    """Everything that is worn and carried, but for what belongs to the head; `hooded` says that a hood is up."""

    top: Top
    bottom: Bottom
    shoes: Shoes
    bag: Bag
    held: Thing
    hooded: bool


def draw_outfit(generator: np.random.Generator, shape: Shape) -> Outfit:
    """Draw what a person of this shape wears and carries."""
    top = _draw_top(generator, shape)
    bottom = _draw_bottom(generator, shape, top)
    if generator.random() < 0.05:
        top, bottom = _uniform(generator, shape, top, bottom)
    bag = draw_bag(generator, shape)
    return Outfit(
        top=top,
        bottom=bottom,
        shoes=draw_shoes(generator, shape, bottom),
        bag=bag,
        held=draw_thing(generator, bag),
        hooded=bool(top.kind in ("hoodie", "coat") and generator.random() < 0.08),
    )


def _draw_top(generator: np.random.Generator, shape: Shape) -> Top:
    feminine = shape.feminine > 0.5
    kinds: list[tuple[float, TopKind]] = [
        (36, "t-shirt"), (3 if feminine else 12, "polo"), (16, "shirt"), (10, "jumper"), (12, "jacket"),
        (8, "hoodie"), (5, "coat"), (2, "vest"), (10 if feminine else 0, "dress"),
    ]  # fmt: skip
    kind = weighted(generator, kinds)
    colour = draw_colour(generator, "top")
    pattern = _draw_pattern(generator, kind, feminine)
    if pattern == "denim":
        colour = scaled((0.24, 0.33, 0.47), float(generator.uniform(0.6, 1.3)))
    second = contrasting(generator, colour)
    short = kind in ("t-shirt", "polo") or (kind == "shirt" and generator.random() < 0.4)
    short = short or (kind == "dress" and generator.random() < 0.7)
    # Contrasting sleeves: raglan shirts, sleeves of a shirt beneath, college jackets.
    contrast = kind == "vest" or (kind in ("t-shirt", "jumper", "hoodie", "jacket") and generator.random() < 0.07)
    sleeveless = short and kind != "polo" and generator.random() < (0.14 if feminine else 0.02)
    rolled = kind in ("shirt", "jumper", "hoodie", "jacket") and not short and generator.random() < 0.25
    length = 0.0 if sleeveless else generator.uniform(0.26, 0.44) if short else 0.62 if rolled else 1.0
    hems = {"coat": (0.35, 1.0), "dress": (0.55, 1.6), "jumper": (-0.05, 0.15), "vest": (-0.1, 0.08)}
    ease = {"coat": 0.026, "vest": 0.024, "hoodie": 0.021, "jacket": 0.018, "jumper": 0.014}
    return Top(
        kind=kind,
        colour=colour,
        second=second,
        pattern=pattern,
        sleeves=second if contrast else colour,
        sleeve_length=float(length),
        hem=float(generator.uniform(*hems.get(kind, (-0.1, 0.22)))),
        looseness=ease.get(kind, 0.011) * float(generator.uniform(0.65, 1.45)),
        open=kind in ("jacket", "coat", "vest", "hoodie", "shirt")
        and generator.random() < (0.08 if kind == "shirt" else 0.5),
        inner=contrasting(generator, colour, "top"),
        inner_hem=_inner_hem(generator, kind),
        inner_striped=bool(generator.random() < 0.12),
        front_print=_print_size(generator, 0.42 if kind in ("t-shirt", "jumper", "hoodie") else 0.05),
        back_print=_print_size(generator, 0.12 if kind in ("t-shirt", "jacket", "hoodie") else 0.02),
        flare=float(generator.uniform(0.0, 0.10 if kind == "coat" else 0.22)),
    )


def _draw_pattern(generator: np.random.Generator, kind: TopKind, feminine: bool) -> Pattern:
    patterns: list[tuple[float, Pattern]] = [
        (70, "plain"), (12 if kind in ("t-shirt", "polo", "jumper", "dress") else 3, "stripes"),
        (26 if kind == "shirt" else 2, "checks"), (2, "block"), (4 if kind in ("t-shirt", "polo") else 1, "band"),
        (5 if feminine else 0.5, "floral"), (3 if feminine else 0.5, "dots"),
        (8 if kind == "shirt" else 0.3, "pinstripes"), (7 if kind in ("jacket", "shirt") else 0, "denim"),
        (35 if kind == "jumper" else 0, "knit"),
    ]  # fmt: skip
    pattern = weighted(generator, patterns)
    return "plain" if kind in ("coat", "vest") and pattern not in ("plain", "block") else pattern


def _inner_hem(generator: np.random.Generator, kind: TopKind) -> float:
    layered = kind in ("jumper", "hoodie", "jacket", "vest") and generator.random() < 0.35
    return float(generator.uniform(0.02, 0.07)) if layered else 0.0


def _print_size(generator: np.random.Generator, probability: float) -> float:
    return float(generator.uniform(0.2, 1.0)) if generator.random() < probability else 0.0


def _draw_bottom(generator: np.random.Generator, shape: Shape, top: Top) -> Bottom:
    kinds: list[tuple[float, BottomKind]] = (
        [(46, "trousers"), (16, "leggings"), (20, "shorts"), (18, "skirt")]
        if shape.feminine > 0.5
        else [(72, "trousers"), (28, "shorts")]
    )
    kind: BottomKind = weighted(generator, kinds)
    if top.kind == "dress":
        kind = "none" if generator.random() < 0.7 else "leggings"
    if top.kind == "coat" and kind == "shorts":
        kind = "trousers"
    colour = draw_colour(generator, "bottom")
    patterns: list[tuple[float, Pattern]] = [
        (93, "plain"), (2, "checks"), (1, "pinstripes"), (5 if kind == "skirt" else 0.3, "floral"),
    ]  # fmt: skip
    is_denim = colour[2] - colour[0] > 0.05 and kind in ("trousers", "shorts", "skirt")
    shorts = (0.12, 0.5) if shape.feminine > 0.5 else (0.34, 0.58)
    lengths = {"trousers": (0.92, 1.04), "leggings": (0.84, 0.98), "shorts": shorts, "skirt": (0.24, 0.8)}
    length = float(generator.uniform(*lengths.get(kind, (0.0, 0.1))))
    if kind == "trousers" and generator.random() < 0.08:
        length = float(generator.uniform(0.66, 0.86))  # cropped or rolled up
    ease = {"leggings": (0.001, 0.003), "trousers": (0.003, 0.024), "shorts": (0.010, 0.028)}
    return Bottom(
        kind=kind,
        colour=colour,
        second=contrasting(generator, colour),
        pattern="denim" if is_denim else weighted(generator, patterns),
        length=length,
        looseness=float(generator.uniform(*ease.get(kind, (0.008, 0.02)))),
        side_stripe=bool(kind != "skirt" and not is_denim and generator.random() < 0.08),
        legwear=_tights(generator) if kind in ("skirt", "none", "shorts") and _in_tights(generator, shape) else None,
    )


def _in_tights(generator: np.random.Generator, shape: Shape) -> bool:
    return bool(generator.random() < 0.3) and shape.feminine > 0.5


def _tights(generator: np.random.Generator) -> Colour:
    grey = float(generator.uniform(0.05, 0.14))
    return grey, grey, grey * 1.05


def _uniform(generator: np.random.Generator, shape: Shape, top: Top, bottom: Bottom) -> tuple[Top, Bottom]:
    """Clothes for school, office or work: in one colour, or in the bright colours of safety."""
    dark = draw_colour(generator, "bottom") if generator.random() < 0.3 else (0.10, 0.11, 0.15)
    trousers = replace(bottom, kind="trousers", pattern="plain", colour=dark, length=1.0, legwear=None)
    plain = replace(top, pattern="plain", front_print=0.0, back_print=0.0, hem=0.1, looseness=0.013)
    match int(generator.integers(3)):
        case 0:
            if shape.feminine > 0.5:
                trousers = replace(trousers, kind="skirt", length=float(generator.uniform(0.4, 0.55)))
            white = (0.90, 0.90, 0.89)
            return replace(plain, kind="shirt", colour=white, sleeves=white, sleeve_length=0.36, open=False), trousers
        case 1:
            suit = replace(plain, kind="jacket", colour=dark, sleeves=dark, sleeve_length=1.0, open=True)
            return replace(suit, inner=(0.88, 0.88, 0.90), inner_striped=False), trousers
        case _:
            bright = (0.88, 0.45, 0.12) if generator.random() < 0.5 else (0.80, 0.84, 0.20)
            work = replace(plain, kind="vest", colour=bright, second=(0.84, 0.84, 0.82), pattern="reflective")
            return replace(work, sleeves=dark, sleeve_length=1.0, open=False, back_print=0.4), trousers


def draw_shoes(generator: np.random.Generator, shape: Shape, bottom: Bottom) -> Shoes:
    """Draw shoes that go with what covers the legs."""
    colour = draw_colour(generator, "shoe")
    bare_legs = bottom.kind in ("shorts", "skirt", "none") or bottom.length < 0.9
    boot = float(generator.uniform(0.2, 1.0)) if generator.random() < 0.04 + 0.1 * shape.feminine else 0.0
    if bottom.kind == "trousers":
        boot = 0.0  # trousers are worn over the shaft
    sandal = not boot and bare_legs and bottom.legwear is None and generator.random() < 0.28
    socks = bare_legs and not sandal and generator.random() < 0.55
    sock: Colour | None = draw_colour(generator, "shoe") if socks else None
    return Shoes(
        colour=colour,
        sole=(0.82, 0.82, 0.79) if generator.random() < 0.5 and not sandal else scaled(colour, 0.5),
        boot=boot,
        sandal=bool(sandal),
        sock=sock,
    )


def draw_bag(generator: np.random.Generator, shape: Shape) -> Bag:
    """Draw a bag, or none: two in three carry one, most of them on the back."""
    kinds: list[tuple[float, BagKind]] = [
        (36, "none"), (37 - 13 * shape.feminine, "backpack"), (11 + 15 * shape.feminine, "shoulder"),
        (4 + 3 * shape.feminine, "hand"), (7, "carrier"),
    ]  # fmt: skip
    kind = weighted(generator, kinds)
    colour = draw_colour(generator, "bag")
    if kind == "carrier":
        colour = weighted(generator, [(6.0, (0.88, 0.88, 0.86)), (2.0, (0.66, 0.51, 0.35)), (3.0, colour)])
    forms: list[tuple[float, BagForm]] = [(4, "box"), (4, "round"), (3 if kind != "carrier" else 12, "soft")]
    return Bag(
        kind=kind,
        form=weighted(generator, forms),
        colour=colour,
        second=contrasting(generator, colour, "bag") if generator.random() < 0.4 else scaled(colour, 0.7),
        size=float(generator.uniform(0.72, 1.25)),
        side=1 if generator.random() < 0.55 else -1,
        crossed=bool(generator.random() < 0.55),
    )


def draw_thing(generator: np.random.Generator, bag: Bag, always: bool = False) -> Thing:
    """Draw what is held in the hand: one in seven holds something, `always` that somebody does."""
    kinds: list[tuple[float, ThingKind]] = [
        (0 if always else 88, "none"), (4, "folder"), (3, "bottle"), (5, "plastic bag"), (3, "umbrella"),
    ]  # fmt: skip
    kind = weighted(generator, kinds)
    colour = draw_colour(generator, "top" if kind == "folder" else "bag")
    if kind == "plastic bag" and generator.random() < 0.7:
        colour = (0.86, 0.86, 0.85)
    side = -bag.side if bag.kind in ("hand", "carrier") else 1 if generator.random() < 0.6 else -1
    return Thing(kind=kind, colour=colour, side=side)
