from pathlib import Path

import numpy as np

from passerby.evaluation.embedding_map import embedding_map
from passerby.evaluation.protocols import RankingTask, ranking_task
from passerby.retrieval.distance import normalise
from passerby.types import DISTRACTOR, JUNK, Sample


def task(people: int, pictures: int, extra: tuple[int, ...] = ()) -> RankingTask:
    random = np.random.default_rng(0)
    ids = [person for person in range(1, people + 1) for _ in range(pictures)] + list(extra)
    samples = [Sample(Path(f"{number}.png"), person, number % 2 + 1) for number, person in enumerate(ids)]
    centres = random.normal(size=(people + 3, 8))
    embeddings = normalise(centres[ids] + 0.2 * random.normal(size=(len(ids), 8)))
    return ranking_task(embeddings[::3], samples[::3], embeddings, samples)


def test_shows_everybody_once_person_by_person() -> None:
    drawn = embedding_map(task(5, 4, extra=(JUNK, DISTRACTOR, DISTRACTOR)))
    assert drawn is not None
    assert [sample.person_id for sample in drawn.samples] == [p for p in range(1, 6) for _ in range(4)]
    assert len({sample.path for sample in drawn.samples}) == 20
    assert (drawn.points.min(0) == 0).all()
    assert (drawn.points.max(0) == 1).all()
    assert drawn.neighbours_right == 1
    assert drawn.people_left_out == 0


def test_many_are_thinned_out_evenly() -> None:
    drawn = embedding_map(task(12, 6), people=4, pictures=12)
    assert drawn is not None
    shown = [sample.person_id for sample in drawn.samples]
    assert sorted(set(shown)) == [1, 5, 8, 12]
    assert [shown.count(person) for person in (1, 5, 8, 12)] == [3] * 4
    assert drawn.people_left_out == 8


def test_the_share_of_right_neighbours_is_counted_among_those_shown() -> None:
    given = task(6, 4)
    random = normalise(np.random.default_rng(1).normal(size=(24, 8)))
    samples = given.gallery.samples
    drawn = embedding_map(ranking_task(random[::3], samples[::3], random, samples))
    assert drawn is not None
    places = [samples.index(sample) for sample in drawn.samples]
    right = 0
    for row in places:
        others = [place for place in places if place != row]
        nearest = max(others, key=lambda place: float(random[row] @ random[place]))
        right += samples[nearest].person_id == samples[row].person_id
    assert drawn.neighbours_right == right / len(places)


def test_nobody_with_two_pictures_gives_no_map() -> None:
    alone = task(4, 2)
    samples = tuple(Sample(Path(f"{n}.png"), n + 1, 1) for n in range(8))
    given = RankingTask(
        type(alone.queries)(alone.queries.embeddings[:0], ()),
        type(alone.gallery)(alone.gallery.embeddings, samples),
        alone.rule,
        None,
        alone.protocol,
        (),
    )
    assert embedding_map(given) is None
