"""Who a synthetic person is: everything that stays the same from picture to picture."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from passerby.synthetic.colours import Colour

TopKind: TypeAlias = Literal["t-shirt", "polo", "shirt", "jumper", "jacket", "hoodie", "coat", "vest", "dress"]
BottomKind: TypeAlias = Literal["trousers", "leggings", "shorts", "skirt", "none"]
Pattern: TypeAlias = Literal[
    "plain", "stripes", "pinstripes", "checks", "dots", "floral", "block", "band", "denim", "knit", "reflective"
]
HairStyle: TypeAlias = Literal["bald", "short", "crop", "bob", "long", "ponytail", "bun", "afro"]
BagKind: TypeAlias = Literal["none", "backpack", "shoulder", "hand", "carrier"]
BagForm: TypeAlias = Literal["box", "round", "soft"]
HatKind: TypeAlias = Literal["none", "cap", "beanie", "brim", "hood"]
ThingKind: TypeAlias = Literal["none", "folder", "bottle", "plastic bag", "umbrella"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The bare body.

    Attributes:
        stature: Height in metres, without shoes.
        girth: How heavy, as a factor on the width of trunk and limbs; 1 is average.
        feminine: 0 for broad shoulders and narrow hips, 1 for the reverse.
        skin: Skin colour.
        stride: Factor on the swing of the legs when walking.
        arm_swing: Factor on the swing of the arms.
        stoop: Forward lean of the trunk in degrees.
        bounce: Factor on the sway of hips and shoulders.
        bow: Degrees by which the elbows are held bent besides the swing.
        toe_out: Degrees by which the feet point outwards.
    """

    stature: float
    girth: float
    feminine: float
    skin: Colour
    stride: float
    arm_swing: float
    stoop: float
    bounce: float
    bow: float
    toe_out: float


@dataclass(frozen=True, slots=True)
class Head:
    """Hair, beard, glasses and hat.

    Attributes:
        style: Hair style.
        hair: Hair colour.
        length: 0 to 1, how far long hair and ponytails reach down the back.
        beard: Whether a full beard is worn.
        glasses: Whether glasses are worn.
        hat: What is worn on the head.
        hat_colour: The hat's colour.
    """

    style: HairStyle
    hair: Colour
    length: float
    beard: bool
    glasses: bool
    hat: HatKind
    hat_colour: Colour


@dataclass(frozen=True, slots=True)
class Top:
    """What covers the upper body.

    Attributes:
        kind: Which garment.
        colour: Its main colour.
        second: Colour of pattern, print or trim.
        pattern: Woven or printed pattern over the whole cloth.
        sleeves: Colour of the sleeves; differs from `colour` under a vest and in raglan cuts.
        sleeve_length: 0 for none, 0.5 to the elbow, 1 to the wrist.
        hem: How far the garment reaches below the hip joint, as a share of the thigh's length; below 0 is above.
        looseness: Distance from the skin in metres.
        open: Whether it is worn open, showing `inner`.
        inner: Colour of what is worn beneath.
        inner_hem: How far the inner garment shows below the hem, in metres; 0 where it does not.
        inner_striped: Whether the inner garment has stripes in `second`.
        front_print: Size of a print on the chest, 0 for none to 1.
        back_print: Size of a print on the back, 0 for none to 1.
        flare: How much a dress or coat widens towards its hem.
    """

    kind: TopKind
    colour: Colour
    second: Colour
    pattern: Pattern
    sleeves: Colour
    sleeve_length: float
    hem: float
    looseness: float
    open: bool
    inner: Colour
    inner_hem: float
    inner_striped: bool
    front_print: float
    back_print: float
    flare: float


@dataclass(frozen=True, slots=True)
class Bottom:
    """What covers the legs.

    Attributes:
        kind: Which garment; "none" under a dress.
        colour: Its main colour.
        second: Colour of pattern or side stripe.
        pattern: Pattern over the whole cloth.
        length: 0 at the hip to 1 at the ankle; above 1 bunches on the shoe.
        looseness: Distance from the skin in metres.
        side_stripe: Whether a stripe runs down the outside of the leg.
        legwear: Colour of tights under shorts, skirts and dresses, or None for bare legs.
    """

    kind: BottomKind
    colour: Colour
    second: Colour
    pattern: Pattern
    length: float
    looseness: float
    side_stripe: bool
    legwear: Colour | None


@dataclass(frozen=True, slots=True)
class Shoes:
    """What is worn on the feet.

    Attributes:
        colour: Colour of the upper.
        sole: Colour of the sole.
        boot: Height of the shaft, 0 for shoes to 1 for knee boots.
        sandal: Whether the foot shows between straps.
        sock: Colour of visible socks, or None.
    """

    colour: Colour
    sole: Colour
    boot: float
    sandal: bool
    sock: Colour | None


@dataclass(frozen=True, slots=True)
class Bag:
    """What is carried.

    Attributes:
        kind: Which bag.
        form: Square, rounded, or sagging.
        colour: Its main colour.
        second: Colour of its trim.
        size: 0.7 for small to 1.3 for large.
        side: Which side it hangs on: +1 right, -1 left.
        crossed: Whether a shoulder bag's strap crosses the chest.
    """

    kind: BagKind
    form: BagForm
    colour: Colour
    second: Colour
    size: float
    side: int
    crossed: bool


@dataclass(frozen=True, slots=True)
class Thing:
    """What is held in the hand, besides a bag.

    Attributes:
        kind: What it is; an umbrella is open in some pictures.
        colour: Its colour.
        side: Which hand holds it: +1 right, -1 left.
    """

    kind: ThingKind
    colour: Colour
    side: int


@dataclass(frozen=True, slots=True)
class Person:
    """One person's whole appearance, the same in every picture.

    Attributes:
        shape: The bare body.
        head: Hair, beard, glasses and hat.
        top: What covers the upper body.
        bottom: What covers the legs.
        shoes: What is worn on the feet.
        bag: What is carried.
        held: What is held in the hand.
        texture_seed: Seeds the folds and prints of the cloth.
    """

    shape: Shape
    head: Head
    top: Top
    bottom: Bottom
    shoes: Shoes
    bag: Bag
    held: Thing
    texture_seed: int
