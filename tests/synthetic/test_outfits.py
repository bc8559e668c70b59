from dataclasses import replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest

from passerby.synthetic.atlas_layout import ATLAS_SIZE, BAG, TORSO
from passerby.synthetic.body import build_body
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
from passerby.synthetic.population import sample_person


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [sample_person(1, index, look_alikes=1) for index in range(900)]


def trunk(person: Person) -> npt.NDArray[np.int16]:
    return build_body(person).texture[TORSO.pixels].astype(np.int16)


def test_everything_that_can_be_worn_is_worn_by_somebody(people: list[Person]) -> None:
    worn = {
        TopKind: {person.top.kind for person in people},
        BottomKind: {person.bottom.kind for person in people},
        Pattern: {person.top.pattern for person in people},
        HairStyle: {person.head.style for person in people},
        HatKind: {person.head.hat for person in people},
        BagKind: {person.bag.kind for person in people},
        BagForm: {person.bag.form for person in people},
        ThingKind: {person.held.kind for person in people},
    }
    for kinds, found in worn.items():
        assert found == set(get_args(kinds))


def test_most_have_dark_hair_plain_clothes_and_a_bag(people: list[Person]) -> None:
    assert np.mean([sum(person.head.hair) < 0.36 for person in people]) > 0.6
    assert np.mean([person.top.pattern == "plain" for person in people]) > 0.5
    assert 0.55 < np.mean([person.bag.kind != "none" for person in people]) < 0.75
    assert 0.2 < np.mean([person.bag.kind == "backpack" for person in people]) < 0.4
    bottoms = np.array([person.bottom.colour for person in people])
    assert np.median(bottoms.max(1) - bottoms.min(1)) < 0.12
    assert np.median(bottoms.mean(1)) < 0.25


@pytest.mark.parametrize("form", get_args(BagForm))
@pytest.mark.parametrize("kind", get_args(BagKind))
def test_every_bag_hangs_on_its_side(kind: BagKind, form: BagForm) -> None:
    person = sample_person(0, 0)
    for side in (1, -1):
        mesh = build_body(replace(person, bag=replace(person.bag, kind=kind, form=form, side=side))).mesh
        assert np.isfinite(mesh.points).all()
        x, y = mesh.texture_coordinates.T * ATLAS_SIZE
        left, low = BAG.left, ATLAS_SIZE - BAG.top - BAG.height
        bag = mesh.points[(x > left) & (x < left + BAG.width) & (y > low) & (y < low + BAG.height)]
        if kind == "none":
            assert len(bag) == 0
        elif kind == "backpack":
            assert bag[:, 1].max() < 0.0  # behind
            assert abs(bag[:, 0].mean()) < 0.02
        else:
            assert bag[:, 0].mean() * side > 0.1


@pytest.mark.parametrize("kind", get_args(ThingKind))
def test_what_a_hand_holds_is_at_that_hand(kind: ThingKind) -> None:
    person = sample_person(0, 0)
    body = build_body(replace(person, held=replace(person.held, kind=kind, side=-1)))
    assert len(body.props) == 2 + {"none": 0, "umbrella": 2}.get(kind, 1)
    for vertices, side, _ in body.props:
        assert (body.mesh.points[vertices][:, 0].mean() > 0) == (side > 0)


def test_prints_and_open_fronts_are_seen_from_one_side_only() -> None:
    person = sample_person(0, 0)
    top = replace(
        person.top, kind="jacket", pattern="plain", colour=(0.2, 0.2, 0.2), second=(0.9, 0.2, 0.2), sleeve_length=1.0,
        inner=(0.9, 0.9, 0.9), inner_striped=False, hem=0.0, open=False, front_print=0.0, back_print=0.0,
    )  # fmt: skip
    front, back = slice(TORSO.width // 4, 3 * TORSO.width // 4), np.r_[: TORSO.width // 4, 3 * TORSO.width // 4 : 128]
    for change, seen, unseen in (
        ({"front_print": 1.0, "kind": "jumper"}, front, back),
        ({"back_print": 1.0, "kind": "jumper"}, back, front),
        ({"open": True, "kind": "jacket"}, front, back),
    ):
        plain = trunk(replace(person, top=replace(top, kind=change["kind"])))
        changed = trunk(replace(person, top=replace(top, **change)))
        bright = (changed.max(axis=2) > 150) & (plain.max(axis=2) < 120)
        assert bright[:, seen].sum() > 60, change
        assert bright[:, unseen].sum() == 0, change


@pytest.mark.parametrize("kind", ["jacket", "hoodie", "coat", "polo", "shirt"])
def test_details_show_on_black_cloth(kind: TopKind) -> None:
    person = sample_person(0, 0)
    black = (0.07, 0.07, 0.07)
    top = replace(
        person.top, kind=kind, colour=black, sleeves=black, pattern="plain", open=False, sleeve_length=1.0,
        front_print=0.0, back_print=0.0, hem=0.0,
    )  # fmt: skip
    texture = trunk(replace(person, top=top))
    assert (texture.mean(axis=2) > 40).sum() > 30  # seams and edges
    assert np.median(texture) < 30  # and yet it is black
