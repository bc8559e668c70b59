"""Draws people as they are met in public: what is worn how often, and what goes with what."""

from dataclasses import replace

import numpy as np

from passerby.synthetic.colours import Colour, contrasting, draw_colour, draw_hair, draw_skin, scaled
from passerby.synthetic.person import (
    Bag,
    BagKind,
    Bottom,
    BottomKind,
    HairStyle,
    HatKind,
    Head,
    Pattern,
    Person,
    Shape,
    Shoes,
    Top,
    TopKind,
)
from passerby.synthetic.randomness import stream, weighted


def sample_person(seed: int, index: int, look_alikes: bool = True) -> Person:
    """Draw the person number `index` of the world `seed`.

    Args:
        seed: The world's seed, 0 or more.
        index: Which person, 0 or more.
        look_alikes: Whether every sixth person is dressed like the one before, but for one thing.

    Returns:
        The same person for the same `seed` and `index`, however many others are drawn.
    """
    generator = stream(seed, "person", index)
    if look_alikes and index % 6 == 5:
        return _look_alike(generator, sample_person(seed, index - 1))
    shape = _draw_shape(generator)
    top = _draw_top(generator, shape)
    bottom = _draw_bottom(generator, shape, top)
    return Person(
        shape=shape,
        head=_draw_head(generator, shape),
        top=top,
        bottom=bottom,
        shoes=_draw_shoes(generator, shape, bottom),
        bag=_draw_bag(generator, shape),
        texture_seed=int(generator.integers(1 << 31)),
    )


def _look_alike(generator: np.random.Generator, model: Person) -> Person:
    """Give someone else in nearly the same clothes: another face and walk, and one thing worn differently."""
    shape = replace(_draw_shape(generator), feminine=model.shape.feminine, skin=model.shape.skin)
    twin = replace(model, shape=shape, texture_seed=int(generator.integers(1 << 31)))
    match int(generator.integers(4)):
        case 0:
            bag = _draw_bag(generator, shape)
            return replace(twin, bag=bag if bag.kind != model.bag.kind else replace(bag, kind="backpack"))
        case 1:
            return replace(twin, shoes=_draw_shoes(generator, shape, model.bottom))
        case 2:
            colour = contrasting(generator, model.bottom.colour, "bottom")
            return replace(twin, bottom=replace(model.bottom, colour=colour))
        case _:
            return replace(twin, head=_draw_head(generator, shape))


def _draw_shape(generator: np.random.Generator) -> Shape:
    feminine = float(np.clip(generator.normal(0.85 if generator.random() < 0.5 else 0.12, 0.12), 0.0, 1.0))
    return Shape(
        stature=float(np.clip(generator.normal(1.77 - 0.13 * feminine, 0.068), 1.48, 1.98)),
        girth=float(np.clip(generator.lognormal(0.0, 0.11), 0.84, 1.36)),
        feminine=feminine,
        skin=draw_skin(generator),
        stride=float(generator.uniform(0.75, 1.2)),
        arm_swing=float(generator.uniform(0.35, 1.25)),
        stoop=float(generator.uniform(-1.0, 7.0)),
    )


def _draw_head(generator: np.random.Generator, shape: Shape) -> Head:
    styles: list[tuple[float, HairStyle]] = (
        [(44, "long"), (22, "ponytail"), (14, "bob"), (8, "bun"), (8, "crop"), (4, "afro")]
        if shape.feminine > 0.5
        else [(56, "short"), (24, "crop"), (7, "bald"), (4, "long"), (3, "bun"), (6, "afro")]
    )
    style = weighted(generator, styles)
    hats: list[tuple[float, HatKind]] = [(82, "none"), (9, "cap"), (7, "beanie"), (2, "brim")]
    hat = weighted(generator, hats)
    if hat != "none" and style in ("afro", "bun"):
        style = "crop"
    return Head(
        style=style,
        hair=draw_hair(generator, shape.skin),
        length=float(generator.uniform(0.1, 1.0)),
        beard=bool(shape.feminine < 0.5 and generator.random() < 0.22),
        glasses=bool(generator.random() < 0.22),
        hat=hat,
        hat_colour=draw_colour(generator, "bag"),
    )


def _draw_top(generator: np.random.Generator, shape: Shape) -> Top:
    kinds: list[tuple[float, TopKind]] = [
        (27, "t-shirt"), (13, "shirt"), (14, "jumper"), (19, "jacket"), (11, "hoodie"), (9, "coat"), (5, "vest"),
        (13 if shape.feminine > 0.5 else 0, "dress"),
    ]  # fmt: skip
    kind = weighted(generator, kinds)
    colour = draw_colour(generator, "top")
    patterns: list[tuple[float, Pattern]] = [
        (56, "plain"), (12, "stripes"), (12 if kind == "shirt" else 5, "checks"), (4, "block"), (5, "band"),
        (9 if shape.feminine > 0.5 else 1, "floral"), (5 if shape.feminine > 0.5 else 1, "dots"),
        (6 if kind == "shirt" else 1, "pinstripes"), (8 if kind in ("jacket", "shirt") else 0, "denim"),
    ]  # fmt: skip
    pattern = weighted(generator, patterns)
    if kind in ("coat", "vest") and pattern not in ("plain", "block"):
        pattern = "plain"
    if pattern == "denim":
        colour = (0.24, 0.33, 0.47)
    second = contrasting(generator, colour)
    short = kind == "t-shirt" or (kind == "shirt" and generator.random() < 0.35)
    short = short or (kind == "dress" and generator.random() < 0.65)
    raglan = kind in ("t-shirt", "jumper", "hoodie") and generator.random() < 0.1
    sleeveless = short and shape.feminine > 0.5 and generator.random() < 0.22
    hems = {"coat": (0.35, 1.05), "dress": (0.7, 1.7), "jumper": (-0.05, 0.12), "vest": (-0.1, 0.08)}
    ease = {"coat": 0.032, "vest": 0.036, "hoodie": 0.026, "jacket": 0.026, "jumper": 0.018}
    return Top(
        kind=kind,
        colour=colour,
        second=second,
        pattern=pattern,
        sleeves=second if kind == "vest" or raglan else colour,
        sleeve_length=0.0 if sleeveless else float(generator.uniform(0.28, 0.46)) if short else 1.0,
        hem=float(generator.uniform(*hems.get(kind, (-0.08, 0.2)))),
        looseness=ease.get(kind, 0.013) * float(generator.uniform(0.75, 1.35)),
        open=kind in ("jacket", "coat", "vest", "hoodie") and generator.random() < 0.5,
        inner=contrasting(generator, colour),
        inner_striped=bool(generator.random() < 0.15),
        front_print=_print_size(generator, 0.34 if kind in ("t-shirt", "jumper", "hoodie") else 0.04),
        back_print=_print_size(generator, 0.14 if kind in ("t-shirt", "jacket", "hoodie") else 0.02),
        flare=float(generator.uniform(0.0, 0.10 if kind == "coat" else 0.22)),
    )


def _print_size(generator: np.random.Generator, probability: float) -> float:
    return float(generator.uniform(0.25, 1.0)) if generator.random() < probability else 0.0


def _draw_bottom(generator: np.random.Generator, shape: Shape, top: Top) -> Bottom:
    kinds: list[tuple[float, BottomKind]] = (
        [(55, "trousers"), (14, "leggings"), (13, "shorts"), (18, "skirt")]
        if shape.feminine > 0.5
        else [(80, "trousers"), (20, "shorts")]
    )
    kind: BottomKind = weighted(generator, kinds)
    if top.kind == "dress":
        kind = "none" if generator.random() < 0.75 else "leggings"
    if top.kind == "coat" and kind == "shorts":
        kind = "trousers"
    colour = draw_colour(generator, "bottom")
    patterns: list[tuple[float, Pattern]] = [
        (86, "plain"), (4, "checks"), (2, "pinstripes"), (5 if kind == "skirt" else 1, "floral"),
    ]  # fmt: skip
    is_denim = colour[2] - colour[0] > 0.06 and kind in ("trousers", "shorts", "skirt")
    lengths = {"trousers": (0.9, 1.04), "leggings": (0.86, 0.97), "shorts": (0.3, 0.52), "skirt": (0.28, 0.8)}
    ease = {"leggings": (0.002, 0.004), "trousers": (0.006, 0.032), "shorts": (0.015, 0.035)}
    return Bottom(
        kind=kind,
        colour=colour,
        second=contrasting(generator, colour),
        pattern="denim" if is_denim else weighted(generator, patterns),
        length=float(generator.uniform(*lengths.get(kind, (0.0, 0.1)))),
        looseness=float(generator.uniform(*ease.get(kind, (0.01, 0.02)))),
        side_stripe=bool(kind in ("trousers", "leggings") and not is_denim and generator.random() < 0.09),
        legwear=_tights(generator) if kind in ("skirt", "none") and generator.random() < 0.35 else None,
    )


def _tights(generator: np.random.Generator) -> Colour:
    grey = float(generator.uniform(0.06, 0.16))
    return grey, grey, grey * 1.05


def _draw_shoes(generator: np.random.Generator, shape: Shape, bottom: Bottom) -> Shoes:
    colour = draw_colour(generator, "shoe")
    bare_legs = bottom.kind in ("shorts", "skirt", "none")
    boot = float(generator.uniform(0.3, 1.0)) if generator.random() < 0.06 + 0.12 * shape.feminine else 0.0
    if bottom.kind == "trousers":
        boot = 0.0  # trousers are worn over the shaft
    sock = draw_colour(generator, "shoe") if bare_legs and generator.random() < 0.55 else None
    light_sole = generator.random() < 0.55
    return Shoes(
        colour=colour,
        sole=(0.82, 0.82, 0.79) if light_sole else scaled(colour, 0.5),
        boot=boot,
        sock=sock,
    )


def _draw_bag(generator: np.random.Generator, shape: Shape) -> Bag:
    kinds: list[tuple[float, BagKind]] = [
        (44, "none"), (25, "backpack"), (12 + 10 * shape.feminine, "shoulder"), (7, "hand"), (6, "carrier"),
    ]  # fmt: skip
    kind = weighted(generator, kinds)
    colour = draw_colour(generator, "bag")
    if kind == "carrier":
        colour = weighted(generator, [(5.0, (0.88, 0.88, 0.86)), (2.0, (0.66, 0.51, 0.35)), (3.0, colour)])
    return Bag(
        kind=kind,
        colour=colour,
        second=contrasting(generator, colour, "bag") if generator.random() < 0.4 else scaled(colour, 0.7),
        size=float(generator.uniform(0.75, 1.25)),
        side=1 if generator.random() < 0.55 else -1,
        crossed=bool(generator.random() < 0.55),
    )
