"""Searches one person of a scene across cameras, track by track, and says how likely each is the same person."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passerby.demo.sightings import Sighting
from passerby.errors import DataError
from passerby.probability import same_person_probability
from passerby.retrieval.distance import cosine_distances
from passerby.types import Calibration, FloatArray


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's way through one camera's view, as an answer to a search.

    Attributes:
        rank: 1 for the nearest.
        sightings: The crops of the track, in order of time.
        distance: Median cosine distance of its crops to the query.
        right: Whether it truly is the same person.
        accepted: Whether the distance is at most the calibrated threshold; None without a calibration.
        probability: That it is the same person, when one in as many tracks is as there are people; None without a
            calibration that says so.
    """

    rank: int
    sightings: tuple[Sighting, ...]
    distance: float
    right: bool
    accepted: bool | None
    probability: float | None


def choose_query(sightings: Sequence[Sighting]) -> Sighting:
    """The query of the person who is seen by the most cameras; among several, of whom there are the most crops.

    Raises:
        DataError: Nobody is seen by two cameras.
    """
    cameras: dict[int, set[int]] = defaultdict(set)
    for sighting in sightings:
        cameras[sighting.person_id].add(sighting.camera_id)
    crops = {person: sum(one.person_id == person for one in sightings) for person in cameras}
    queries = [one for one in sightings if one.is_query and len(cameras[one.person_id]) > 1]
    if not queries:
        raise DataError(
            "expected somebody who is seen by two cameras, found nobody; try another --seed or more people"
        )
    return max(queries, key=lambda one: (len(cameras[one.person_id]), crops[one.person_id], -one.frame))


def search_tracks(
    query: Sighting,
    sightings: Sequence[Sighting],
    embeddings: FloatArray,
    calibration: Calibration | None,
) -> tuple[Answer, ...]:
    """Rank the tracks of all other cameras by how near they are to a query.

    Args:
        query: One of `sightings`.
        sightings: All crops.
        embeddings: (N, D) unit vectors of the crops, in the same order.
        calibration: What a distance means, where it is known.

    Returns:
        Nearest first.
    """
    distances = cosine_distances(embeddings[[sightings.index(query)]], embeddings)[0]
    tracks: dict[int, list[int]] = defaultdict(list)
    for place, sighting in enumerate(sightings):
        if sighting.camera_id != query.camera_id:
            tracks[sighting.visit].append(place)
    ranked = sorted((float(np.median(distances[places])), visit) for visit, places in tracks.items())
    people = len({sighting.person_id for sighting in sightings})
    answers = []
    for rank, (distance, visit) in enumerate(ranked, start=1):
        own = tuple(sightings[place] for place in tracks[visit])
        probability = None
        if calibration is not None and calibration.evidence is not None:
            prior = min(0.5, 1.0 / people)
            probability = float(same_person_probability(calibration, distance, prior=prior))
        accepted = None if calibration is None else distance <= calibration.threshold
        answers.append(Answer(rank, own, distance, own[0].person_id == query.person_id, accepted, probability))
    return tuple(answers)
