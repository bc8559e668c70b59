"""Every protocol against a loop that does what its paper says, one picture at a time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation.evaluate import evaluate, evaluate_task
from passerby.evaluation.protocols import PROTOCOLS, ProtocolOptions, RankingTask, ranking_task
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import Sample

Case = tuple[np.ndarray, tuple[Sample, ...], np.ndarray, tuple[Sample, ...]]


def case(seed: int, cameras: tuple[int, ...] = (1, 2, 3), names: str = "{}.jpg") -> Case:
    """Thirty queries and a hundred gallery pictures, three of which are the queries themselves."""
    random = np.random.default_rng(seed)
    people = [*random.integers(1, 9, 30).tolist(), *random.integers(-1, 10, 100).tolist()]
    by = random.choice(cameras, 130).tolist()
    embeddings = normalise(random.normal(size=(11, 6))[people] + random.normal(size=(130, 6)))
    samples = [Sample(Path(names.format(n)), p, c) for n, (p, c) in enumerate(zip(people, by, strict=True))]
    for copy in (0, 1, 2):
        samples[30 + copy], embeddings[30 + copy] = samples[copy], embeddings[copy]
    return embeddings[:30], tuple(samples[:30]), embeddings[30:], tuple(samples[30:])


def left(query: Sample, gallery: tuple[Sample, ...], cameras: bool = True) -> list[int]:
    """The gallery pictures that Market-1501's rule ranks."""
    return [
        place
        for place, sample in enumerate(gallery)
        if sample.person_id != -1
        and sample.path != query.path
        and not (cameras and (sample.person_id, sample.camera_id) == (query.person_id, query.camera_id))
    ]


def scored(row: np.ndarray, places: list[int], shown: list[int], person: int) -> tuple[int, int, float] | None:
    """The first right answer's rank among pictures and among people, and the average precision."""
    order = [shown[g] for g in sorted(places, key=lambda g: (row[g], g))]
    hits = [rank for rank, who in enumerate(order, 1) if who == person]
    if not hits:
        return None
    return hits[0], list(dict.fromkeys(order)).index(person) + 1, np.mean([n / r for n, r in enumerate(hits, 1)])


def test_answers_in_the_same_clothes_are_left_out() -> None:
    query_vectors, queries, gallery_vectors, gallery = case(2)
    random = np.random.default_rng(3)
    # Of every fourth picture nobody knows the clothes: those are never the same.
    worn = [None if number % 4 == 3 else int(random.integers(1, 3)) for number in range(130)]
    queries = tuple(replace(s, clothes_id=clothes) for s, clothes in zip(queries, worn[:30], strict=True))
    gallery = tuple(replace(s, clothes_id=clothes) for s, clothes in zip(gallery, worn[30:], strict=True))
    found = evaluate(query_vectors, queries, gallery_vectors, gallery, protocol="clothes-changed")
    shown = [sample.person_id for sample in gallery]
    ranks = []
    for query, row in zip(queries, cosine_distances(query_vectors, gallery_vectors), strict=True):
        places = [
            place
            for place in left(query, gallery)
            if gallery[place].person_id != query.person_id
            or query.clothes_id is None
            or gallery[place].clothes_id != query.clothes_id
        ]
        score = scored(row, places, shown, query.person_id)
        ranks.append(score[0] if score else 0)
    assert found.metrics.first_ranks[:, 0].tolist() == ranks
    plain = evaluate(query_vectors, queries, gallery_vectors, gallery)
    assert plain.metrics.first_ranks[:, 0].tolist() != ranks
    with pytest.raises(DataError, match=r"clothes are known, got none; .* is for PRCC and LTCC"):
        evaluate(*case(2), protocol="clothes-changed")


@pytest.mark.parametrize(("protocol", "cameras"), [("market1501", True), ("no-camera", False)])
def test_the_whole_gallery_answers(protocol: str, cameras: bool) -> None:
    query_vectors, queries, gallery_vectors, gallery = data = case(1)
    shown = [sample.person_id for sample in gallery]
    rows = cosine_distances(query_vectors, gallery_vectors)
    found = evaluate(*data, protocol=protocol)
    every = [scored(row, left(q, gallery, cameras), shown, q.person_id) for q, row in zip(queries, rows, strict=True)]
    assert found.metrics.first_ranks[:, 0].tolist() == [score[0] if score else 0 for score in every]
    assert found.metrics.mean_ap == pytest.approx(np.mean([score[2] for score in every if score]))
    assert found.protocol == protocol


@pytest.mark.parametrize(("protocol", "shots"), [("cuhk03", 1), ("multi-shot", 10), ("multi-shot", 3)])
def test_drawn_galleries_hold_so_many_pictures_of_each_person(protocol: str, shots: int) -> None:
    query_vectors, queries, gallery_vectors, gallery = data = case(2)
    shown = [sample.person_id for sample in gallery]
    options = ProtocolOptions(draws=4, seed=5, shots=None if shots != 3 else 3)
    task = ranking_task(*data, protocol, options)
    found = evaluate_task(task)
    rows = cosine_distances(query_vectors, gallery_vectors)
    for draw in range(4):
        drawn = task.draws.gallery(draw).tolist()
        counts = {who: sum(shown[g] == who for g in drawn) for who in set(shown) - {-1}}
        assert counts == {who: min(shots, shown.count(who)) for who in counts}
        assert len(set(drawn)) == len(drawn)
    for number, (query, row) in enumerate(zip(queries, rows, strict=True)):
        ranked = left(query, gallery)
        right = [g for g in ranked if shown[g] == query.person_id]
        if not right:
            assert np.isnan(found.metrics.average_precision[number])
            continue
        precisions = []
        own = task.draws._drawn_own(np.array(right), number)
        for draw in range(4):
            others = [g for g in task.draws.gallery(draw).tolist() if shown[g] != query.person_id and g in ranked]
            assert set(own[draw]) <= set(right)
            assert len(set(own[draw])) == min(shots, len(right))
            score = scored(row, others + own[draw].tolist(), shown, query.person_id)
            assert found.metrics.first_ranks[number, draw] == score[1]
            precisions.append(score[2])
        assert found.metrics.average_precision[number] == pytest.approx(np.mean(precisions))
    assert set(found.metrics.spread) == {"rank_1", "mAP", "mINP"}
    assert "drawn with seed 5" in found.rule


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    data = case(3)
    first, again, other = (
        evaluate(*data, protocol="cuhk03", options=ProtocolOptions(seed=seed)).metrics for seed in (1, 1, 2)
    )
    assert np.array_equal(first.first_ranks, again.first_ranks)
    assert not np.array_equal(first.first_ranks, other.first_ranks)


def test_draws_come_near_the_mean_over_all_galleries() -> None:
    """Rank-1 of a query is the mean over its right answers of the chance that all others drawn are farther."""
    query_vectors, queries, gallery_vectors, gallery = data = case(4)
    found = evaluate(*data, protocol="cuhk03", options=ProtocolOptions(draws=3000)).metrics
    rows = cosine_distances(query_vectors, gallery_vectors)
    for number in range(0, 30, 6):
        query, row = queries[number], rows[number]
        ranked = left(query, gallery)
        right = [g for g in ranked if gallery[g].person_id == query.person_id]
        chances = []
        for mate in right:
            chance = 1.0
            for who in {gallery[g].person_id for g in ranked} - {query.person_id}:
                theirs = [row[g] > row[mate] for g in ranked if gallery[g].person_id == who]
                chance *= np.mean(theirs)
            chances.append(chance)
        assert found.hits(1)[number] == pytest.approx(np.mean(chances), abs=0.04)


def test_multi_query_asks_with_the_mean_of_a_cameras_pictures() -> None:
    query_vectors, queries, gallery_vectors, gallery = data = case(5)
    found = evaluate(*data, protocol="multi-query")
    pool = {sample.path: (sample, vector) for sample, vector in zip(gallery, gallery_vectors, strict=True)}
    pool |= {sample.path: (sample, vector) for sample, vector in zip(queries, query_vectors, strict=True)}
    shown = [sample.person_id for sample in gallery]
    precisions, seen = [], set()
    for query in queries:
        key = (query.person_id, query.camera_id)
        if key in seen:
            continue
        seen.add(key)
        mean = sum(v.astype(float) for s, v in pool.values() if (s.person_id, s.camera_id) == key)
        row = 1 - gallery_vectors @ (mean / np.linalg.norm(mean))
        score = scored(row, left(query, gallery), shown, query.person_id)
        precisions.append(score[2] if score else np.nan)
    assert found.query_pictures == len(seen)
    np.testing.assert_allclose(found.metrics.average_precision, precisions)


@pytest.mark.parametrize("named", [True, False])
def test_tracklets_ask_and_answer_as_means(named: bool) -> None:
    random = np.random.default_rng(6)
    people, cameras, tracks = (random.integers(1, high, 120).tolist() for high in (6, 4, 3))
    embeddings = normalise(random.normal(size=(6, 5))[people] + random.normal(size=(120, 5)))
    samples = [
        Sample(Path(f"{p:04d}C{c}T{t:04d}F{n:03d}.jpg" if named else f"{n}.jpg"), p, c, None if named else t)
        for n, (p, c, t) in enumerate(zip(people, cameras, tracks, strict=True))
    ]
    found = evaluate(embeddings[:50], samples[:50], embeddings[50:], samples[50:], protocol="tracklets")
    sides = []
    for part in (slice(0, 50), slice(50, 120)):
        keys = list(zip(people[part], cameras[part], tracks[part], strict=True))
        means = {
            key: normalise(
                sum(v.astype(float) for k, v in zip(keys, embeddings[part], strict=True) if k == key)[None]
            )
            for key in keys
        }
        sides.append(means)
    asked, answers = sides
    shown = [person for person, *_ in answers]
    gallery = np.concatenate(list(answers.values()))
    precisions = []
    for (person, camera, _), vector in asked.items():
        places = [g for g, (p, c, _) in enumerate(answers) if (p, c) != (person, camera)]
        score = scored(1 - gallery @ vector[0], places, shown, person)
        precisions.append(score[2] if score else np.nan)
    assert (found.query_pictures, found.gallery_pictures) == (len(asked), len(answers))
    np.testing.assert_allclose(found.metrics.average_precision, precisions, rtol=1e-5)


@pytest.mark.parametrize(("protocol", "visible"), [("sysu-all", (1, 2, 4, 5)), ("sysu-indoor", (1, 2))])
@pytest.mark.parametrize("shots", [1, 2])
def test_infrared_asks_for_colour(protocol: str, visible: tuple[int, ...], shots: int) -> None:
    """Cameras 3 and 6 ask; camera 2 is never ranked for camera 3; CMC counts everybody once, mAP every picture."""
    query_vectors, queries, gallery_vectors, gallery = data = case(7, cameras=(1, 2, 3, 4, 5, 6))
    options = ProtocolOptions(draws=3, shots=shots, seed=8)
    task = ranking_task(*data, protocol, options)
    found = evaluate_task(task)
    pool = {sample.path: (sample, vector) for sample, vector in zip(queries, query_vectors, strict=True)}
    pool |= {s.path: (s, v) for s, v in zip(gallery, gallery_vectors, strict=True) if s.path not in pool}
    asking = [(s, v) for s, v in pool.values() if s.camera_id in (3, 6) and s.person_id > 0]
    answers = [(s, v) for s, v in pool.values() if s.camera_id in visible and s.person_id != -1]
    assert (found.query_pictures, found.gallery_pictures) == (len(asking), len(answers))
    shown = [sample.person_id for sample, _ in answers]
    vectors = np.stack([vector for _, vector in answers])
    groups = [(sample.person_id, sample.camera_id) for sample, _ in answers]
    for number, (query, vector) in enumerate(asking):
        row, precisions = 1 - vectors @ vector, []
        for draw in range(3):
            drawn = task.draws.gallery(draw).tolist()
            assert sorted(groups[g] for g in drawn) == sorted(
                key for key in set(groups) for _ in range(min(shots, groups.count(key)))
            )
            ranked = [g for g in drawn if not (query.camera_id == 3 and groups[g][1] == 2)]
            score = scored(row, ranked, shown, query.person_id)
            assert found.metrics.first_ranks[number, draw] == (score[1] if score else 0)
            precisions.append(score[2] if score else np.nan)
        assert found.metrics.average_precision[number] == pytest.approx(np.mean(precisions), nan_ok=True)


def test_equal_distances_are_ranked_in_gallery_order_in_drawn_galleries_too() -> None:
    # Person 2 is seen by both cameras, in pictures 1 and 4; the others only by one, so nobody answers them.
    samples = [Sample(Path(f"{n}.jpg"), person, 1 + n % 2) for n, person in enumerate([1, 2, 1, 3, 2, 3])]
    same = np.ones((6, 3))
    ranks = evaluate(same, samples, same, samples, protocol="multi-shot").metrics.first_ranks
    assert ranks.tolist() == [[rank] * 10 for rank in (0, 3, 0, 0, 2, 0)]


def test_every_protocol_has_a_sentence_and_unknown_ones_are_refused() -> None:
    assert all(protocol.summary.endswith(".") for protocol in PROTOCOLS.values())
    with pytest.raises(DataError, match=r'one of the protocols market1501, .*, got "market"'):
        evaluate(*case(1), protocol="market")
    with pytest.raises(DataError, match=r"infrared cameras \(3, 6\).* for SYSU-MM01's cameras"):
        evaluate(*case(1, cameras=(1, 2)), protocol="sysu-all")
    for options in (ProtocolOptions(draws=0), ProtocolOptions(shots=-1)):
        with pytest.raises(DataError, match="at least 1 shot and 1 draw"):
            evaluate(*case(1), protocol="cuhk03", options=options)


def test_embeddings_of_two_models_are_refused() -> None:
    query_vectors, queries, gallery_vectors, gallery = case(1)
    with pytest.raises(DataError, match=r"as many numbers each, got \(30, 5\) and \(100, 6\)"):
        evaluate(query_vectors[:, :5], queries, gallery_vectors, gallery)


def test_a_task_is_what_the_protocol_made() -> None:
    task = ranking_task(*case(1))
    assert isinstance(task, RankingTask)
    assert (task.rule.queries, task.rule.gallery, task.draws) == (30, 100, None)
