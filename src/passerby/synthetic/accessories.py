"""Paints bags and shoes: flaps, pockets, zips, labels, laces, straps and soles."""

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.colours import rgb
from passerby.synthetic.person import Bag, Person
from passerby.synthetic.textures import plain_cloth, print_on, seam, smooth_noise
from passerby.types import FloatArray


def bag_cloth(person: Person, generator: np.random.Generator) -> FloatArray:
    """A bag's outer face is painted in the middle, then turned to where the bag shows it."""
    bag, patch = person.bag, layout.BAG
    cloth = plain_cloth(generator, bag.colour, patch)
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
    seam(cloth[zipped : zipped + 1], 0.9)
    low, half = int(generator.integers(26, 36)), int(generator.integers(9, 14))
    if generator.random() < 0.8:
        pocket = cloth[low:60, middle - half : middle + half]
        pocket *= generator.uniform(0.75, 1.35)
        seam(pocket[:2], 1.0)
        seam(pocket[:, [0, -1]], 0.7)
    if generator.random() < 0.5:
        size = int(generator.integers(2, 5))
        row = int(generator.integers(15, 24))
        cloth[row : row + size, middle - size : middle + size] = 0.75 if sum(bag.colour) < 1.5 else 0.2
    for column in (middle - 18, middle + 17):
        seam(cloth[30:58, column : column + 1], 0.8)
    seam(cloth[-4:], 0.5)


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
            seam(pocket[:2], 1.0)
            seam(pocket[:, [0, -1]], 0.7)
    seam(face[10:12], 0.8)
    if generator.random() < 0.4:
        face[24:28, middle - 2 : middle + 2] = (0.70, 0.62, 0.40)  # a buckle
    seam(face[-3:], 0.5)


def shoe_cloth(person: Person, generator: np.random.Generator) -> FloatArray:
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
