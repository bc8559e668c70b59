"""A person's attributes: what a witness could tell, in words and in numbers."""

import colorsys
from dataclasses import dataclass
from typing import Literal, TypeAlias

from passerby.synthetic.colours import HAIR_TONES, HUES, SKIN_TONES, Colour
from passerby.synthetic.person import (
    BagForm,
    BagKind,
    BottomKind,
    HairStyle,
    HatKind,
    Pattern,
    Person,
    ThingKind,
    TopKind,
)

Build: TypeAlias = Literal["slim", "average", "heavy"]
Outline: TypeAlias = Literal["broad shoulders", "even", "broad hips"]
Stature: TypeAlias = Literal["short", "medium", "tall"]
Sleeves: TypeAlias = Literal["none", "short", "long"]
Length: TypeAlias = Literal["short", "knee-long", "long"]


@dataclass(frozen=True, slots=True)
class NamedColour:
    """A colour as people call it, and as it is.

    Attributes:
        name: Its name.
        rgb: sRGB, each channel 0 to 255.
    """

    name: str
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Upper:
    """What covers the upper body.

    `second` is the colour of a pattern, `inner` that of what shows in front of an open garment or below its hem.
    """

    kind: TopKind
    colour: NamedColour
    pattern: Pattern
    second: NamedColour | None
    sleeves: Sleeves
    sleeve_colour: NamedColour | None
    inner: NamedColour | None
    open: bool
    front_print: bool
    back_print: bool


@dataclass(frozen=True, slots=True)
class Lower:
    """What covers the legs; `legwear` is the colour of tights. Under a dress the kind may be "none"."""

    kind: BottomKind
    colour: NamedColour | None
    pattern: Pattern | None
    second: NamedColour | None
    length: Length | None
    side_stripe: bool
    legwear: NamedColour | None


@dataclass(frozen=True, slots=True)
class Footwear:
    """What is worn on the feet; `socks` is their colour where they are seen."""

    kind: Literal["shoes", "boots", "sandals"]
    colour: NamedColour
    sole: NamedColour
    socks: NamedColour | None


@dataclass(frozen=True, slots=True)
class Carried:
    """A bag, and on which of the person's sides it is; a backpack has none."""

    kind: BagKind
    form: BagForm
    colour: NamedColour
    side: Literal["right", "left"] | None


@dataclass(frozen=True, slots=True)
class Held:
    """What a hand holds."""

    kind: ThingKind
    colour: NamedColour
    side: Literal["right", "left"]


@dataclass(frozen=True, slots=True)
class Attributes:
    """Everything about a person that pictures can show. Nothing is said of gender.

    Attributes:
        height_m: Stature in metres, without shoes.
        stature: The same in a word: short below 1.62 m, tall from 1.80 m.
        build: How heavy.
        outline: Which is broader, shoulders or hips.
        skin_tone: One of `colours.SKIN_TONES`, from light to dark.
        skin: The colour of the skin.
        hair: Style of the hair.
        hair_colour: Its colour; None without hair.
        beard: Whether a beard is worn.
        glasses: Whether glasses are worn.
        hat: What is worn on the head.
        hat_colour: Its colour, if any is worn.
        upper: What covers the upper body.
        lower: What covers the legs.
        shoes: What is worn on the feet.
        bag: Which bag is carried; None without one.
        held: What a hand holds besides; None for nothing.
    """

    height_m: float
    stature: Stature
    build: Build
    outline: Outline
    skin_tone: str
    skin: NamedColour
    hair: HairStyle
    hair_colour: NamedColour | None
    beard: bool
    glasses: bool
    hat: HatKind
    hat_colour: NamedColour | None
    upper: Upper
    lower: Lower
    shoes: Footwear
    bag: Carried | None
    held: Held | None


def attributes_of(person: Person) -> Attributes:
    """Describe a person by attributes."""
    shape, head, bag = person.shape, person.head, person.bag
    skin_tone = _nearest_tone(shape.skin, SKIN_TONES)
    return Attributes(
        height_m=round(shape.stature, 3),
        stature="short" if shape.stature < 1.62 else "tall" if shape.stature >= 1.80 else "medium",
        build="slim" if shape.girth < 0.93 else "heavy" if shape.girth > 1.1 else "average",
        outline="broad shoulders" if shape.feminine < 0.35 else "broad hips" if shape.feminine > 0.65 else "even",
        skin_tone=skin_tone,
        skin=NamedColour(skin_tone, _bytes(shape.skin)),
        hair=head.style,
        hair_colour=None
        if head.style == "bald"
        else NamedColour(_nearest_tone(head.hair, HAIR_TONES), _bytes(head.hair)),
        beard=head.beard,
        glasses=head.glasses,
        hat=head.hat,
        hat_colour=named(head.hat_colour) if head.hat != "none" else None,
        upper=_upper(person),
        lower=_lower(person),
        shoes=Footwear(
            kind="boots" if person.shoes.boot else "sandals" if person.shoes.sandal else "shoes",
            colour=named(person.shoes.colour),
            sole=named(person.shoes.sole),
            socks=named(person.shoes.sock) if person.shoes.sock and not person.shoes.boot else None,
        ),
        bag=None
        if bag.kind == "none"
        else Carried(bag.kind, bag.form, named(bag.colour), None if bag.kind == "backpack" else _side(bag.side)),
        held=None
        if person.held.kind == "none"
        else Held(person.held.kind, named(person.held.colour), _side(person.held.side)),
    )


def named(colour: Colour) -> NamedColour:
    """Name a colour after the range of `colours.HUES` that it lies in, or nearest to.

    Example:
        >>> named((0.1, 0.1, 0.1))
        NamedColour(name='black', rgb=(26, 26, 26))
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)

    def distance(name: str) -> tuple[float, float]:
        hues, saturations, values = HUES[name]
        turned = min((hue - 1.0, hue, hue + 1.0), key=lambda h: _beyond(h, hues))
        # The greyer and darker a colour, the less its hue and saturation show.
        off_hue = 4.0 * _beyond(turned, hues) * saturation * value
        off = off_hue + _beyond(saturation, saturations) * value + _beyond(value, values)
        return off, abs(value - sum(values) / 2) + abs(saturation - sum(saturations) / 2)

    return NamedColour(min(HUES, key=distance), _bytes(colour))


def _side(sign: int) -> Literal["right", "left"]:
    return "right" if sign > 0 else "left"


def _beyond(value: float, ends: tuple[float, float]) -> float:
    return max(0.0, ends[0] - value, value - ends[1])


def _nearest_tone(colour: Colour, tones: dict[str, tuple[Colour, Colour]]) -> str:
    """Name a colour after the tone whose line between its two ends is nearest."""

    def distance(name: str) -> float:
        start, end = tones[name]
        along = [b - a for a, b in zip(start, end, strict=True)]
        share = sum((c - a) * d for c, a, d in zip(colour, start, along, strict=True)) / sum(d * d for d in along)
        share = min(1.0, max(0.0, share))
        return sum((c - a - share * d) ** 2 for c, a, d in zip(colour, start, along, strict=True))

    return min(tones, key=distance)


def _bytes(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(255 * min(1.0, max(0.0, channel))) for channel in colour)
    return red, green, blue


def _upper(person: Person) -> Upper:
    top = person.top
    shows_second = top.pattern not in ("plain", "denim", "knit") or top.front_print > 0 or top.back_print > 0
    length = top.sleeve_length
    return Upper(
        kind=top.kind,
        colour=named(top.colour),
        pattern=top.pattern,
        second=named(top.second) if shows_second else None,
        sleeves="none" if length == 0 else "short" if length < 0.5 else "long",
        sleeve_colour=named(top.sleeves) if length > 0 else None,
        inner=named(top.inner) if top.open or top.inner_hem > 0 else None,
        open=top.open,
        front_print=top.front_print > 0,
        back_print=top.back_print > 0,
    )


def _lower(person: Person) -> Lower:
    bottom = person.bottom
    worn = bottom.kind != "none"
    shows_second = worn and (bottom.pattern not in ("plain", "denim") or bottom.side_stripe)
    legs_show = bottom.kind in ("none", "skirt", "shorts")
    length: Length = "short" if bottom.length < 0.45 else "knee-long" if bottom.length < 0.7 else "long"
    return Lower(
        kind=bottom.kind,
        colour=named(bottom.colour) if worn else None,
        pattern=bottom.pattern if worn else None,
        second=named(bottom.second) if shows_second else None,
        length=length if worn else None,
        side_stripe=worn and bottom.side_stripe,
        legwear=named(bottom.legwear) if legs_show and bottom.legwear else None,
    )
