"""Draws people as they are met in public: who they are, whom they look like, and in which clothes they come."""

from dataclasses import replace

import numpy as np

from passerby.synthetic.colours import contrasting, draw_colour, draw_hair, draw_skin
from passerby.synthetic.outfits import draw_bag, draw_outfit, draw_shoes, draw_thing
from passerby.synthetic.person import HairStyle, HatKind, Head, Person, Shape
from passerby.synthetic.randomness import stream, weighted

_USUAL_GROUP = 6
"""Of so many people, the last is dressed like the one before, unless groups are asked for."""


def sample_person(seed: int, index: int, look_alikes: int = 0, clothes_set: int = 0) -> Person:
    """Draw the person number `index` of the world `seed`.

    Args:
        seed: The world's seed, 0 or more.
        index: Which person, 0 or more.
        look_alikes: How many people in a row are dressed alike but for one thing each: 0 for a usual crowd, in
            which every sixth is like the one before; 1 for nobody; 2 or more for groups of so many.
        clothes_set: Which of the person's clothes, from 0. Body, hair, face and walk stay the same.

    Returns:
        The same person for the same arguments, however many others are drawn.
    """
    model = model_of(index, look_alikes)
    generator = stream(seed, "person", index)
    if model != index:
        # An independent choice for every set, so that a pair is alike on another day, too.
        own = stream(seed, "look-alike", index, clothes_set)
        return _look_alike(_draw_shape(generator), own, sample_person(seed, model, 1, clothes_set), index - model)
    shape = _draw_shape(generator)
    head = _draw_head(generator, shape)
    outfit = draw_outfit(generator, shape)
    texture_seed = int(generator.integers(1 << 31))
    if clothes_set:
        generator = stream(seed, "clothes", index, clothes_set)
        texture_seed = int(generator.integers(1 << 31))
        head = replace(head, hat=_draw_hat(generator), hat_colour=draw_colour(generator, "bag"))
        other = draw_outfit(generator, shape)
        # Many own one pair of shoes and one bag, which stay when the clothes change.
        shoes = outfit.shoes if generator.random() < 0.4 and not outfit.shoes.boot else other.shoes
        outfit = replace(other, shoes=shoes, bag=outfit.bag if generator.random() < 0.4 else other.bag)
    if outfit.hooded:
        head = replace(head, hat="hood", hat_colour=outfit.top.colour)
    return Person(
        shape=shape,
        head=_under_hat(head),
        top=outfit.top,
        bottom=outfit.bottom,
        shoes=outfit.shoes,
        bag=outfit.bag,
        held=outfit.held,
        texture_seed=texture_seed,
    )


def model_of(index: int, look_alikes: int = 0) -> int:
    """Which person the person number `index` is dressed like; `index` itself when nobody."""
    if look_alikes == 0:
        return index - 1 if index % _USUAL_GROUP == _USUAL_GROUP - 1 else index
    return index - index % look_alikes


def _look_alike(shape: Shape, generator: np.random.Generator, model: Person, place: int) -> Person:
    """Give someone else in the same clothes: another body and walk, and one thing worn differently.

    The third and later ones of a group change another thing each, in turn, so that they differ among themselves.
    """
    shape = replace(shape, feminine=model.shape.feminine, skin=model.shape.skin)
    twin = replace(model, shape=shape)
    choice = int(generator.integers(5)) if place == 1 else (place - 1) % 5
    match choice:
        case 0:
            bag = draw_bag(generator, shape)
            return replace(twin, bag=bag if bag.kind != model.bag.kind else replace(bag, kind="backpack"))
        case 1:
            return replace(twin, shoes=draw_shoes(generator, shape, model.bottom))
        case 2:
            if model.bottom.kind != "none":
                colour = contrasting(generator, model.bottom.colour, "bottom")
                return replace(twin, bottom=replace(model.bottom, colour=colour, pattern="plain"))
        case 3:
            thing = draw_thing(generator, model.bag, always=True)
            return replace(twin, held=thing)
        case _:
            pass
    return replace(twin, head=_under_hat(_draw_head(generator, shape)))


def _draw_shape(generator: np.random.Generator) -> Shape:
    feminine = float(np.clip(generator.normal(0.85 if generator.random() < 0.5 else 0.12, 0.12), 0.0, 1.0))
    return Shape(
        stature=float(np.clip(generator.normal(1.75 - 0.13 * feminine, 0.066), 1.48, 1.98)),
        girth=float(np.clip(generator.lognormal(-0.03, 0.11), 0.82, 1.36)),
        feminine=feminine,
        skin=draw_skin(generator),
        stride=float(generator.uniform(0.8, 1.25)),
        arm_swing=float(generator.uniform(0.3, 1.25)),
        stoop=float(generator.uniform(-1.0, 9.0)),
        bounce=float(generator.uniform(0.5, 1.6)),
        bow=float(np.clip(generator.normal(8.0, 10.0), 0.0, 40.0)),
        toe_out=float(np.clip(generator.normal(7.0, 6.0), -4.0, 22.0)),
    )


def _draw_head(generator: np.random.Generator, shape: Shape) -> Head:
    styles: list[tuple[float, HairStyle]] = (
        [(44, "long"), (24, "ponytail"), (17, "bob"), (7, "bun"), (6, "crop"), (2, "afro")]
        if shape.feminine > 0.5
        else [(66, "short"), (21, "crop"), (4, "bald"), (3, "long"), (2, "bun"), (4, "afro")]
    )
    return Head(
        style=weighted(generator, styles),
        hair=draw_hair(generator, shape.skin),
        length=float(generator.uniform(0.1, 1.0)),
        beard=bool(shape.feminine < 0.5 and generator.random() < 0.14),
        glasses=bool(generator.random() < 0.32),
        hat=_draw_hat(generator),
        hat_colour=draw_colour(generator, "bag"),
    )


def _draw_hat(generator: np.random.Generator) -> HatKind:
    hats: list[tuple[float, HatKind]] = [(91, "none"), (5, "cap"), (2.5, "beanie"), (1.5, "brim")]
    return weighted(generator, hats)


def _under_hat(head: Head) -> Head:
    """Hair that stands up gives way to a hat, and long hair to a hood."""
    hidden = ("afro", "bun", "long", "ponytail", "bob") if head.hat == "hood" else ("afro", "bun")
    return replace(head, style="crop") if head.hat != "none" and head.style in hidden else head
