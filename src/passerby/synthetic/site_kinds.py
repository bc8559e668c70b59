"""What sorts of places there are, and what stands there."""

from typing import Literal, TypeAlias

from passerby.synthetic.colours import Colour
from passerby.synthetic.furniture import Builder
from passerby.synthetic.materials import MaterialKind
from passerby.synthetic.randomness import weighted

SiteKind: TypeAlias = Literal[
    "street", "mall", "campus", "corridor", "park", "station", "bridge", "plaza", "lobby", "car park", "shop",
    "courtyard",
]  # fmt: skip

SITE_KINDS: tuple[SiteKind, ...] = (
    "street", "mall", "bridge", "corridor", "park", "station", "plaza", "shop", "campus", "lobby", "car park",
    "courtyard",
)  # fmt: skip
"""In the order in which cameras get them."""

INDOORS: tuple[SiteKind, ...] = ("mall", "corridor", "station", "lobby", "shop")
"""Those under a roof."""

_GREEN: Colour = (0.20, 0.30, 0.14)

_GROUNDS: dict[SiteKind, list[tuple[float, MaterialKind]]] = {
    "street": [(5, "slabs"), (2, "asphalt"), (2, "cobbles"), (1, "tiles")],
    "mall": [(4, "tiles"), (3, "terrazzo"), (1, "planks")],
    "campus": [(4, "slabs"), (3, "asphalt"), (2, "cobbles")],
    "corridor": [(3, "vinyl"), (3, "tiles"), (2, "carpet"), (1, "terrazzo")],
    "park": [(1, "grass")],
    "station": [(4, "tiles"), (3, "terrazzo"), (2, "slabs")],
    "bridge": [(3, "tiles"), (3, "slabs"), (2, "planks"), (1, "asphalt")],
    "plaza": [(4, "slabs"), (4, "cobbles"), (2, "tiles")],
    "lobby": [(3, "terrazzo"), (3, "tiles"), (2, "carpet")],
    "car park": [(4, "asphalt"), (1, "vinyl")],
    "shop": [(3, "tiles"), (2, "planks"), (3, "vinyl"), (2, "carpet")],
    "courtyard": [(3, "slabs"), (3, "cobbles"), (2, "gravel"), (1, "asphalt")],
}

_BACKS: dict[SiteKind, list[tuple[float, MaterialKind]]] = {
    "street": [(3, "windows"), (2, "brick"), (2, "shopfront"), (1, "plaster")],
    "mall": [(6, "shopfront"), (1, "panels")],
    "campus": [(3, "brick"), (3, "windows"), (1, "hedge"), (1, "plaster")],
    "corridor": [(3, "plaster"), (2, "panels"), (1, "windows")],
    "park": [(4, "hedge"), (1, "brick")],
    "station": [(3, "panels"), (2, "tiles"), (1, "shopfront"), (1, "louvre")],
    "bridge": [(2, "panels"), (2, "hedge"), (2, "windows"), (1, "louvre")],
    "plaza": [(3, "windows"), (2, "shopfront"), (2, "hedge"), (1, "brick")],
    "lobby": [(3, "windows"), (2, "plaster"), (2, "wood"), (1, "panels")],
    "car park": [(3, "louvre"), (2, "brick"), (2, "hedge"), (2, "plaster")],
    "shop": [(4, "shelves"), (1, "panels")],
    "courtyard": [(3, "brick"), (3, "windows"), (2, "plaster")],
}


def furnish(place: Builder, kind: SiteKind) -> None:
    """Build a place of a kind."""
    _ground(place, kind)
    _back(place, kind)
    match kind:
        case "street":
            _street(place)
        case "mall":
            place.poles(2, 0.32, 4.5, place.warm(0.6, 0.85))
            place.things(2, (0.5, 0.5, 0.9), "wood")
        case "campus":
            grass = place.material("grass", (0.32, 0.37, 0.22))
            place.flat(-30, place.wall - 1.6, 60, 1.6, grass, lift=0.004)
            place.things(2, (2.0, 0.5, 0.8), "hedge", colour=_GREEN)
        case "park":
            _park(place)
        case "corridor":
            _corridor(place)
        case "station":
            stripe = place.material("tiles", (0.74, 0.62, 0.22))
            place.flat(-30, place.edge - 0.9, 60, 0.4, stripe, lift=0.004)
            place.things(2, (1.0, 0.7, 1.9), "poster", colour=place.bright())
            place.things(1, (1.6, 0.5, 0.5), "metal")
            place.poles(1, 0.28, 5.0, place.grey(0.5, 0.8))
        case "bridge":
            _bridge(place)
        case "plaza" | "courtyard":
            place.things(2, (1.8, 0.5, 0.5), "wood")
            if place.chance(0.5):
                _stairs(place)
            place.poles(2, 0.12, 5.0, place.grey(0.15, 0.6))
        case "lobby":
            place.things(1, (2.6, 0.8, 1.1), "wood")
            place.things(2, (0.7, 0.7, 0.45), "carpet", colour=place.bright())
        case "car park":
            line = place.material("plaster", (0.85, 0.85, 0.82))
            for number in range(-3, 4):
                place.flat(number * 2.6, place.edge - 3.0, 0.11, 4.6, line, lift=0.005)
            for _ in range(2):
                place.car(place.between(-6.5, 2.5), place.edge + place.between(0.1, 0.6))
        case "shop":
            place.things(3, (1.4, 0.6, 1.5), "shelves")
    _signs(place)
    if place.chance(0.45):
        place.in_front()
        if place.chance(0.4):
            place.in_front()


def _ground(place: Builder, kind: SiteKind) -> None:
    """What people walk on, with seams, patches and lines."""
    material = weighted(place.generator, _GROUNDS[kind])
    colour = (0.35, 0.39, 0.24) if material == "grass" else place.warm(0.24, 0.74)
    if material in ("planks", "carpet") and place.chance(0.6):
        colour = place.masonry() if material == "planks" else place.bright()
    place.flat(-60, -60, 120, 120, place.material(material, colour))
    if kind == "park":
        return
    for _ in range(int(place.generator.integers(0, 4))):
        # Repairs, mats, drains.
        patch: MaterialKind = "asphalt" if material in ("asphalt", "cobbles") else "vinyl"
        tone = place.between(0.6, 1.25)
        shade = (colour[0] * tone, colour[1] * tone, colour[2] * tone)
        size = place.between(0.4, 2.5), place.between(0.3, 1.5)
        place.flat(place.between(-4, 3), place.between(-4, 3), *size, place.material(patch, shade), lift=0.002)
    if place.chance(0.35):
        stripe = place.material("plaster", place.bright() if place.chance(0.4) else place.grey(0.7, 0.95))
        for number in range(int(place.generator.choice([1, 1, 2, 7]))):
            place.flat(
                -30, place.between(-3.0, 0.0) + 0.9 * number, 60, place.between(0.08, 0.45), stripe, lift=0.003
            )


def _back(place: Builder, kind: SiteKind) -> None:
    """The wall, front or hedge behind, with what belongs to its foot."""
    material = weighted(place.generator, _BACKS[kind])
    if kind == "street":
        place.wall += 6.0
    colour = _GREEN if material == "hedge" else place.warm(0.35, 0.9) if place.chance(0.5) else place.masonry()
    height = 9.0 if material == "hedge" else 3.2 if kind in INDOORS else 8.0
    place.upright(-60, place.wall, 120, height, place.material(material, colour))
    if material != "hedge":
        skirting = place.material("plaster", (0.6 * colour[0], 0.6 * colour[1], 0.6 * colour[2]))
        place.upright(-60, place.wall - 0.02, 120, 0.14, skirting)
    if kind in ("lobby", "corridor", "bridge", "station") and place.chance(0.5):
        # Openings to the bright outside, which cameras overexpose.
        light = place.material("plaster", (0.95, 0.96, 0.97))
        for _ in range(int(place.generator.integers(1, 4))):
            width, base = place.between(1.0, 5.0), place.between(0.0, 1.0)
            u = place.between(-6.0, 3.0)
            place.upright(
                u, place.wall - 0.03, width, 2.4 - 0.5 * base, light, base=base, glow=place.between(0.8, 3.0)
            )
            frame = place.material("metal", place.grey(0.1, 0.7))
            for bar in range(4):
                place.upright(u + bar * width / 3.0, place.wall - 0.05, 0.06, 2.4 - 0.5 * base, frame, base=base)


def _street(place: Builder) -> None:
    kerb = place.edge + 0.3
    road = place.material("asphalt", place.grey(0.2, 0.38))
    place.flat(-30, kerb + 0.25, 60, place.wall - kerb - 1.2, road, lift=0.004)
    place.flat(-30, kerb, 60, 0.25, place.material("plaster", place.grey(0.62, 0.72)), lift=0.005)
    if place.chance(0.7):
        place.car(place.between(-5.5, 1.0), kerb + 0.7)
    if place.chance(0.3):
        place.railing(-6.0, kerb + 0.1, 12.0, place.grey(0.15, 0.7))
    place.poles(2, 0.08, 4.0, place.grey(0.2, 0.4))


def _park(place: Builder) -> None:
    path = place.material("gravel" if place.chance(0.5) else "asphalt", place.warm(0.42, 0.66))
    place.flat(-30, -1.5 - place.edge, 60, 2 * place.edge + 1.2, path, lift=0.004)
    place.poles(3, 0.16, 5.0, (0.30, 0.24, 0.18))
    place.things(1, (1.6, 0.5, 0.5), "wood")
    if place.chance(0.4):
        place.railing(-8.0, place.edge + 0.2, 16.0, place.masonry())


def _corridor(place: Builder) -> None:
    half = 0.3 * place.camera.distances[1] + place.between(0.5, 1.5)
    material = place.material("panels" if place.chance(0.5) else "plaster", place.warm(0.5, 0.9))
    place.add((-half, 40.0, 0.0), (0, -1, 0), (0, 0, 1), (80.0, 3.2), material)
    place.add((half, -40.0, 0.0), (0, 1, 0), (0, 0, 1), (80.0, 3.2), material)
    door = place.material("wood", place.masonry())
    for _ in range(2):
        place.upright(place.between(-half, half - 1.0), place.wall - 0.03, 1.0, 2.1, door)
        place.add((-half + 0.03, place.between(-3.0, 3.0), 0.0), (0, -1, 0), (0, 0, 1), (1.0, 2.1), door)


def _bridge(place: Builder) -> None:
    """A covered walk: railings, pillars, and daylight beyond."""
    place.wall += place.between(0.0, 5.0)
    place.railing(-9.0, place.edge + 0.05, 18.0, place.grey(0.08, 0.5) if place.chance(0.6) else place.masonry())
    if place.chance(0.5):
        low = place.material("plaster", place.warm(0.45, 0.8))
        place.block(-20.0, place.edge + 0.2, (40.0, 0.2, place.between(0.2, 0.6)), low)
    place.poles(2, 0.3, 4.0, place.grey(0.4, 0.8))


def _stairs(place: Builder) -> None:
    """Steps that lead up to the wall behind."""
    material = place.material("terrazzo", place.warm(0.4, 0.75))
    count = int(min(8, max(2, (place.wall - place.edge) / 0.3)))
    for step in range(count):
        v = place.wall - (count - step) * 0.3
        place.upright(-4.0, v, 8.0, 0.16, material, base=0.16 * step)
        place.flat(-4.0, v, 8.0, 0.3, material, lift=0.16 * (step + 1))


def _signs(place: Builder) -> None:
    """Posters, notices, doors and machines along the wall behind."""
    for _ in range(int(place.generator.integers(0, 5))):
        width, height = place.between(0.4, 2.2), place.between(0.4, 1.6)
        material = place.material("poster", place.bright())
        glow = 0.5 if place.chance(0.2) else 0.0
        place.upright(place.between(-7, 5), place.wall - 0.05, width, height, material, place.between(0.5, 1.3), glow)
