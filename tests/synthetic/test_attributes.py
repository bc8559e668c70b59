import re
from dataclasses import replace

import numpy as np
import pytest

from passerby.synthetic.attributes import attributes_of, named
from passerby.synthetic.colours import _FREQUENCIES, HAIR_TONES, HUES, SKIN_TONES, named_colour
from passerby.synthetic.person import Person
from passerby.synthetic.population import sample_person
from passerby.synthetic.sentences import sentence

GENDERED = re.compile(r"\b(he|she|his|her|him|hers|m[ae]n|wom[ae]n|male|female|boy|girl|lady|gentleman)\b", re.I)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [sample_person(0, index) for index in range(300)]


@pytest.mark.parametrize("name", HUES)
def test_colours_get_the_names_that_they_were_drawn_by(name: str) -> None:
    generator = np.random.default_rng(0)
    hue, saturation, value = HUES[name]
    drawn = [
        named_colour(generator.uniform(*hue), generator.uniform(*saturation), generator.uniform(*value))
        for _ in range(60)
    ]
    # Navy, blue, denim and others overlap: there either name is right.
    overlapping = {"navy", "blue", "denim", "charcoal", "burgundy", "red", "brown", "beige", "cream", "black"}
    assert np.mean([named(colour).name == name for colour in drawn]) > (0.5 if name in overlapping else 0.9)


def test_every_name_is_of_a_colour_that_is_worn() -> None:
    assert {name for choices in _FREQUENCIES.values() for _, name in choices} == set(HUES)


def test_plain_colours_have_their_usual_names() -> None:
    usual = {
        "black": (0.05, 0.05, 0.05), "white": (1.0, 1.0, 1.0), "grey": (0.5, 0.5, 0.5), "red": (0.6, 0.1, 0.1),
        "blue": (0.2, 0.35, 0.6), "green": (0.2, 0.5, 0.25),
    }  # fmt: skip
    for name, colour in usual.items():
        assert named(colour).name == name


def test_attributes_agree_with_the_person(people: list[Person]) -> None:
    for person in people:
        said = attributes_of(person)
        assert said.height_m == pytest.approx(person.shape.stature, abs=1e-3)
        assert said.skin_tone in SKIN_TONES
        assert (said.hair_colour is None) == (person.head.style == "bald")
        assert said.hair_colour is None or said.hair_colour.name in HAIR_TONES
        assert said.upper.colour.rgb == tuple(round(255 * channel) for channel in person.top.colour)
        assert said.upper.open == person.top.open
        assert (said.bag is None) == (person.bag.kind == "none")
        assert (said.hat_colour is None) == (person.head.hat == "none")
        assert (said.lower.colour is None) == (person.bottom.kind == "none")


def test_skin_tones_run_from_light_to_dark(people: list[Person]) -> None:
    means = {}
    for tone in SKIN_TONES:
        of_tone = [sum(p.shape.skin) for p in people if attributes_of(p).skin_tone == tone]
        assert len(of_tone) > 20
        means[tone] = np.mean(of_tone)
    assert list(means.values()) == sorted(means.values(), reverse=True)


def test_sentences_are_sentences_and_say_nothing_of_gender(people: list[Person]) -> None:
    for person in people:
        said = attributes_of(person)
        text = sentence(said)
        assert re.fullmatch(r"An? .*person with .*, wearing .*\.", text), text
        assert not GENDERED.search(text), text
        assert "  " not in text
        assert "None" not in text
        assert "{" not in text
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text, re.I), text
        assert said.upper.kind in text
        assert said.shoes.colour.name in text
        assert ("carrying" in text) == (said.bag is not None or said.held is not None)
        assert ("glasses" in text) == said.glasses
        assert said.lower.kind == "none" or said.lower.kind in text


def test_sentences_tell_people_apart(people: list[Person]) -> None:
    assert len({sentence(attributes_of(person)) for person in people}) > 0.97 * len(people)


def test_a_sentence_in_full() -> None:
    person = sample_person(0, 0)
    person = replace(
        person,
        shape=replace(person.shape, stature=1.85, girth=0.9, skin=(0.4, 0.26, 0.19)),
        head=replace(
            person.head, style="ponytail", hair=(0.08, 0.07, 0.07), hat="none", glasses=True, beard=False
        ),
        top=replace(
            person.top, kind="coat", colour=(0.6, 0.1, 0.1), pattern="plain", open=True, inner=(0.9, 0.9, 0.9),
            sleeve_length=1.0, front_print=0.0, back_print=0.0,
        ),
        bottom=replace(
            person.bottom, kind="trousers", colour=(0.1, 0.1, 0.1), pattern="plain", side_stripe=False, legwear=None
        ),
        shoes=replace(person.shoes, colour=(0.9, 0.9, 0.9), boot=0.0),
        bag=replace(person.bag, kind="backpack", colour=(0.5, 0.5, 0.5)),
    )  # fmt: skip
    assert sentence(attributes_of(person)) == (
        "A tall slim person with dark skin and black hair in a ponytail, wearing an open red coat over a white top, "
        "black trousers, white shoes and glasses, carrying a grey backpack."
    )
