"""Tracking metrics against their definitions, written as loops over all one-to-one matches."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.boxes import intersection_over_union
from passerby.data.mot import TrackedBoxes
from passerby.errors import DataError
from passerby.evaluation.tracking import ALPHAS, tracking_metrics


def tracked(rows: list[tuple[int, int, float, float, float, float]]) -> TrackedBoxes:
    table = np.array(sorted(rows), np.float64).reshape(-1, 6)
    return TrackedBoxes(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2:], np.ones(len(table)))


def random_tracks(seed: int, frames: int = 7, people: int = 3) -> tuple[TrackedBoxes, TrackedBoxes]:
    """People who walk, and tracks of them with misses, switches, false boxes and boxes that are off."""
    random = np.random.default_rng(seed)
    truth, found = [], []
    for person in range(people):
        start, step = random.uniform(0, 30, 2), random.uniform(-4, 4, 2)
        number = 10 + person
        for frame in range(1, frames + 1):
            left, top = start + step * frame
            if random.random() < 0.15:
                continue
            truth.append((frame, person, left, top, left + 10, top + 20))
            if random.random() < 0.15:
                number = 20 + person
            if random.random() < 0.8:
                off = random.normal(0, 2, 4)
                found.append((frame, number, left + off[0], top + off[1], left + 10 + off[2], top + 20 + off[3]))
    for frame in range(1, frames + 1):
        if random.random() < 0.3:
            left = random.uniform(0, 40)
            found.append((frame, 99, left, 5, left + 10, 25))
    return tracked(truth), tracked(found)


def matches(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    """All one-to-one matches of as many as there can be."""
    if rows <= columns:
        for chosen in itertools.permutations(range(columns), rows):
            yield list(zip(range(rows), chosen, strict=True))
    else:
        for turned in matches(columns, rows):
            yield [(row, column) for column, row in turned]


def frames_of(truth: TrackedBoxes, found: TrackedBoxes) -> Iterator[tuple[list[int], list[int], np.ndarray]]:
    for frame in range(0, int(max(*truth.frames, *found.frames, 1)) + 1):
        here, there = truth.frames == frame, found.frames == frame
        if here.any() or there.any():
            overlaps = intersection_over_union(truth.boxes[here], found.boxes[there])
            yield truth.tracks[here].tolist(), found.tracks[there].tolist(), overlaps


def naive_hota(truth: TrackedBoxes, found: TrackedBoxes) -> tuple[float, float, float]:
    people, tracks = sorted(set(truth.tracks.tolist())), sorted(set(found.tracks.tolist()))
    size = {person: int((truth.tracks == person).sum()) for person in people}
    length = {track: int((found.tracks == track).sum()) for track in tracks}
    together = dict.fromkeys(itertools.product(people, tracks), 0.0)
    for here, there, overlaps in frames_of(truth, found):
        for row, person in enumerate(here):
            for column, track in enumerate(there):
                union = overlaps[row].sum() + overlaps[:, column].sum() - overlaps[row, column]
                together[person, track] += overlaps[row, column] / union if union > 1e-9 else 0
    alignment = {(p, t): value / (size[p] + length[t] - value) for (p, t), value in together.items()}
    hota, detection, association = [], [], []
    for alpha in ALPHAS:
        count = dict.fromkeys(together, 0)
        for here, there, overlaps in frames_of(truth, found):
            if here and there:
                best = max(
                    matches(len(here), len(there)),
                    key=lambda pairs: sum(alignment[here[r], there[c]] * overlaps[r, c] for r, c in pairs),
                )
                for row, column in best:
                    if overlaps[row, column] >= alpha - 1e-9:
                        count[here[row], there[column]] += 1
        true = sum(count.values())
        detection.append(true / (len(truth) + len(found) - true))
        parts = [n * n / (size[p] + length[t] - n) for (p, t), n in count.items() if n]
        association.append(sum(parts) / max(1, true))
        hota.append(np.sqrt(detection[-1] * association[-1]))
    return float(np.mean(hota)), float(np.mean(detection)), float(np.mean(association))


def naive_idf1(truth: TrackedBoxes, found: TrackedBoxes) -> float:
    people, tracks = sorted(set(truth.tracks.tolist())), sorted(set(found.tracks.tolist()))
    agree = np.zeros((len(people), len(tracks)))
    for here, there, overlaps in frames_of(truth, found):
        for row, person in enumerate(here):
            for column, track in enumerate(there):
                agree[people.index(person), tracks.index(track)] += overlaps[row, column] >= 0.5
    best = max(sum(agree[pair] for pair in pairs) for pairs in matches(len(people), len(tracks)))
    return float(2 * best / (len(truth) + len(found)))


def naive_clear(truth: TrackedBoxes, found: TrackedBoxes) -> tuple[float, int]:
    last: dict[int, int] = {}
    before: dict[int, int] = {}
    true = switches = 0
    for here, there, overlaps in frames_of(truth, found):
        kept = {
            row: there.index(before[person])
            for row, person in enumerate(here)
            if before.get(person) in there and overlaps[row, there.index(before[person])] >= 0.5
        }
        rows = [row for row in range(len(here)) if row not in kept]
        columns = [column for column in range(len(there)) if column not in kept.values()]
        good = [
            [(rows[r], columns[c]) for r, c in pairs if overlaps[rows[r], columns[c]] >= 0.5]
            for pairs in matches(len(rows), len(columns))
        ]
        best = max(good, key=lambda pairs: sum(overlaps[pair] for pair in pairs), default=[])
        before = {}
        for row, column in [*kept.items(), *best]:
            person, track = here[row], there[column]
            switches += last.get(person, track) != track
            last[person] = before[person] = track
            true += 1
    return 1 - (len(truth) - true + len(found) - true + switches) / len(truth), switches


@pytest.mark.parametrize("seed", range(6))
def test_metrics_are_as_defined(seed: int) -> None:
    truth, found = random_tracks(seed)
    got = tracking_metrics(truth, found)
    assert (got.hota, got.det_a, got.ass_a) == pytest.approx(naive_hota(truth, found))
    assert got.idf1 == pytest.approx(naive_idf1(truth, found))
    mota, switches = naive_clear(truth, found)
    assert got.mota == pytest.approx(mota)
    assert got.switches == switches
    assert got.misses + got.false_boxes + got.switches == round((1 - got.mota) * got.boxes)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_truth_is_perfect_and_names_do_not_matter(seed: int) -> None:
    truth, found = random_tracks(seed)
    perfect = tracking_metrics(truth, truth)
    assert (perfect.hota, perfect.idf1, perfect.mota, perfect.switches) == pytest.approx((1, 1, 1, 0))
    assert perfect.mostly_tracked == perfect.people
    other_names = TrackedBoxes(found.frames, 1000 - 3 * found.tracks, found.boxes, found.scores)
    assert asdict(tracking_metrics(truth, other_names)) == pytest.approx(asdict(tracking_metrics(truth, found)))


def test_nobody_found_and_everybody_found_twice() -> None:
    truth = tracked([(frame, 1, 0, 0, 10, 20) for frame in range(1, 5)])
    nothing = tracked([])
    none = tracking_metrics(truth, nothing)
    assert (none.hota, none.idf1, none.mota, none.misses, none.mostly_lost) == (0, 0, 0, 4, 1)
    broken = tracked([(1, 1, 0, 0, 10, 20), (2, 1, 0, 0, 10, 20), (4, 2, 0, 0, 10, 20)])
    got = tracking_metrics(truth, broken)
    assert (got.switches, got.fragments, got.misses) == (1, 1, 1)


def test_bad_input_is_one_line() -> None:
    truth = tracked([(1, 1, 0, 0, 10, 20)])
    with pytest.raises(DataError, match="got none"):
        tracking_metrics(tracked([]), truth)
    with pytest.raises(DataError, match="got two in the tracks"):
        tracking_metrics(truth, tracked([(1, 1, 0, 0, 10, 20), (1, 1, 5, 0, 15, 20)]))
