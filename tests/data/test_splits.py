from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.data.dataset import people
from passerby.data.splits import hold_out_people, query_and_gallery
from passerby.types import Sample

SAMPLES = st.lists(
    st.tuples(st.integers(1, 12), st.integers(-1, 4), st.sampled_from([None, 1, 2])), min_size=1, max_size=60
).map(lambda labels: [Sample(Path(f"{number}.jpg"), *label) for number, label in enumerate(labels)])


@settings(max_examples=150, deadline=None)
@given(SAMPLES, st.integers(0, 15), st.integers(0, 5))
def test_people_are_held_out_whole_and_nothing_is_lost(samples: list[Sample], count: int, seed: int) -> None:
    stay, out = hold_out_people(samples, count, seed)
    assert not people(stay) & people(out)
    assert len(people(out)) == min(count, len(people(samples)))
    assert sorted(stay + out, key=samples.index) == samples
    assert [samples.index(sample) for sample in stay] == sorted(samples.index(sample) for sample in stay)
    assert hold_out_people(samples, count, seed) == (stay, out)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(2, 12), st.integers(0, 100))
def test_each_place_gives_its_share(places: int, each: int, seed: int) -> None:
    samples = [
        Sample(Path(f"{person}_{camera}.jpg"), person, camera, place)
        for place in range(places)
        for person in range(1 + place * each, 1 + (place + 1) * each)
        for camera in (2 * place, 2 * place + 1)
    ]
    _, out = hold_out_people(samples, places, seed)
    held = [{sample.sequence_id for sample in out if sample.person_id == person} for person in people(out)]
    assert sorted(place for (place,) in held) == list(range(places))


def test_another_seed_holds_out_others() -> None:
    samples = [Sample(Path(f"{person}.jpg"), person, 1) for person in range(1, 41)]
    draws = {frozenset(people(hold_out_people(samples, 4, seed)[1])) for seed in range(10)}
    assert len(draws) > 5


def test_the_order_of_the_pictures_does_not_decide_who_is_held_out() -> None:
    samples = [Sample(Path(f"{person}_{camera}.jpg"), person, camera) for person in range(1, 21) for camera in (1, 2)]
    assert people(hold_out_people(samples, 5, 3)[1]) == people(hold_out_people(samples[::-1], 5, 3)[1])


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.integers(0, 5))
def test_each_person_and_camera_asks_once_and_all_answer(samples: list[Sample], seed: int) -> None:
    query, gallery = query_and_gallery(samples, seed)
    assert list(gallery) == samples
    asked = [(sample.person_id, sample.camera_id) for sample in query]
    assert sorted(asked) == sorted({(sample.person_id, sample.camera_id) for sample in samples})
    assert set(query) <= set(samples)
    assert query_and_gallery(samples, seed) == (query, gallery)
