"""Splitting people, never pictures: whom to hold out, and which of their pictures ask and answer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from passerby.types import Sample


def hold_out_people(
    samples: Sequence[Sample], count: int, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Take `count` people out, so that they are spread over cameras and sequences as all people are.

    People are ordered by where they were seen, shuffled within each such group, and taken at even steps through
    that order: a stratified draw that needs no group to be large. (On CUHK03-NP the last people are nearly all
    from two of five camera pairs; holding them out would measure another task than the test does.)

    Args:
        samples: Pictures of people; none is lost.
        count: How many people to take out, at least 0; at most all are.
        seed: Which ones.

    Returns:
        The pictures of the people who stay, and of those who were taken out, each in the given order.
    """
    places: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for sample in samples:
        places[sample.person_id].add((sample.camera_id, sample.sequence_id or 0))
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(places)]))
    shuffled = [sorted(places)[i] for i in rng.permutation(len(places))]
    ordered = sorted(shuffled, key=lambda person: sorted(places[person]))
    count = max(0, min(count, len(ordered)))
    step = len(ordered) / count if count else 0.0
    start = rng.uniform(0, step) if count else 0.0
    held_out = {ordered[min(int(start + i * step), len(ordered) - 1)] for i in range(count)}
    return (
        tuple(sample for sample in samples if sample.person_id not in held_out),
        tuple(sample for sample in samples if sample.person_id in held_out),
    )


def draw_people(people: Iterable[int], count: int, seed: int) -> set[int]:
    """Draw `count` of some people, each with the same chance; the same seed always draws the same."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    return {int(person) for person in rng.permutation(sorted(people))[:count]}


def query_and_gallery(samples: Sequence[Sample], seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Of each person and camera one picture asks, drawn with `seed`; all pictures answer.

    The query's own picture stands in the gallery too: evaluation never ranks it, and so a person with one
    picture in each of two cameras can still be asked for from both sides.
    """
    groups: dict[tuple[int, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.person_id, sample.camera_id].append(sample)
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(samples)]))
    query = tuple(group[int(rng.integers(len(group)))] for _, group in sorted(groups.items()))
    return query, tuple(samples)
