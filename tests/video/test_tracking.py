"""Who is followed through crossings, gaps and late frames, and who is known again."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.types import Calibration, FloatArray, IntArray
from passerby.video.appearance import settings_for
from passerby.video.association import match
from passerby.video.tracking import Tracker, TrackerSettings, Update

RED, BLUE = np.array([1, 0, 0, 0], np.float32), np.array([0, 1, 0, 0], np.float32)


def walker(place: float, top: float = 0.0) -> list[float]:
    return [place, top, place + 20, top + 50]


def looks(*embeddings: FloatArray) -> Callable[[IntArray], FloatArray]:
    return lambda places: np.stack([embeddings[place] for place in places])


def feed(
    tracker: Tracker, time: float, boxes: list[list[float]], *embeddings: FloatArray, score: float = 0.9
) -> Update:
    """Update, and describe everybody by what they look like in this frame."""
    update = tracker.update(
        time, np.array(boxes), np.full(len(boxes), score), looks(*embeddings) if embeddings else None
    )
    for one in update.followed:
        if embeddings:
            tracker.describe(one.number, embeddings[one.detection])
    return update


def numbers(update: Update) -> list[int]:
    return [one.number for one in update.followed]


def test_two_who_cross_keep_their_numbers() -> None:
    tracker = Tracker()
    for frame in range(60):
        update = feed(tracker, frame / 10, [walker(3.0 * frame), walker(177 - 3.0 * frame, 5)])
        assert numbers(update) == [1, 2]
    assert all(one.confirmed for one in update.followed)


def test_appearance_decides_where_motion_does_not() -> None:
    tracker = Tracker()
    for frame in range(20):
        feed(tracker, frame / 10, [walker(100 + frame), walker(140 - frame)], RED, BLUE)
    for frame in range(20, 25):  # Both vanish behind a pillar, and turn round there.
        feed(tracker, frame / 10, [])
    update = feed(tracker, 2.5, [walker(128), walker(112)], BLUE, RED)
    assert numbers(update) == [2, 1]


def test_doubtful_boxes_go_on_with_tracks_but_begin_none() -> None:
    tracker = Tracker()
    for frame in range(5):
        feed(tracker, frame / 10, [walker(frame)])
    update = feed(tracker, 0.5, [walker(5)], score=0.2)
    assert numbers(update) == [1]
    assert feed(tracker, 0.6, [walker(300)], score=0.2).followed == []


def test_a_mistake_is_never_confirmed_and_then_forgotten() -> None:
    tracker = Tracker()
    first = feed(tracker, 0, [walker(0)])
    assert [one.confirmed for one in first.followed] == [False]
    assert feed(tracker, 0.1, []).forgotten == [1]
    assert tracker.numbers() == []


def test_somebody_who_comes_back_is_known_again_by_appearance_alone() -> None:
    tracker = Tracker()
    for frame in range(10):
        feed(tracker, frame / 10, [walker(frame)], RED)
    left = [number for time in range(1, 8) for number in feed(tracker, float(time), []).left]
    assert left == [1]
    for frame in range(2):
        update = feed(tracker, 8 + frame / 10, [walker(200), walker(400)], BLUE, RED)
        assert update.renamed == {}
    update = feed(tracker, 8.2, [walker(200), walker(400)], BLUE, RED)
    assert update.renamed == {3: 1}
    assert numbers(update) == [2, 1]


def test_nobody_is_known_again_who_cannot_have_come_so_far_or_after_too_long() -> None:
    for when, settings in ((8.0, TrackerSettings(speed=0.1)), (90.0, TrackerSettings())):
        tracker = Tracker(settings)
        for frame in range(10):
            feed(tracker, frame / 10, [walker(frame)], RED)
        feed(tracker, 7.0, [])
        for frame in range(4):
            update = feed(tracker, when + frame / 10, [walker(500)], RED)
            assert update.renamed == {}


def test_late_and_missing_frames_need_no_care() -> None:
    tracker = Tracker()
    for time in (0, 0.1, 0.2, 0.3, 0.9, 1.0, 2.2, 2.3):
        assert numbers(feed(tracker, time, [walker(40 * time)])) == [1]


def test_state_goes_through_json_and_goes_on_alike() -> None:
    random = np.random.default_rng(3)
    ways = random.uniform(0, 300, (4, 1)) + random.uniform(-4, 4, (4, 1)) * np.arange(80)

    def frame(tracker: Tracker, number: int) -> Update:
        here = [walker(way[number], 10 * place) for place, way in enumerate(ways) if (number // 9 + place) % 4]
        return feed(tracker, number / 10, here)

    whole = Tracker()
    for number in range(40):
        frame(whole, number)
    again = Tracker()
    again.restore(json.loads(json.dumps(whole.state())))
    for number in range(40, 80):
        assert frame(whole, number) == frame(again, number)


def test_a_match_takes_as_many_pairs_as_it_can() -> None:
    costs = np.array([[0.0, 0.5], [0.1, 0.9]])
    rows, columns = match(costs, np.array([[True, True], [True, False]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])
    assert match(np.empty((0, 3)), np.empty((0, 3), bool))[0].tolist() == []


def test_bad_input_is_one_line() -> None:
    tracker = Tracker()
    feed(tracker, 1.0, [])
    with pytest.raises(DataError, match=r"later than 1\.000 s"):
        feed(tracker, 1.0, [])
    with pytest.raises(DataError, match="a score for each of 1 boxes"):
        tracker.update(2.0, np.array([walker(0)]), np.array([0.5, 0.5]))
    with pytest.raises(DataError, match="without area"):
        tracker.update(2.0, np.array([[5.0, 5, 5, 9]]), np.array([0.5]))
    with pytest.raises(DataError, match="0 ≤ low ≤ high"):
        TrackerSettings(low=0.7)


def test_a_calibration_says_what_distances_mean(calibration: Calibration) -> None:
    settings = settings_for(calibration)
    assert (settings.same, settings.other) == (0.2, 2.0)
    motion_alone = settings_for(None)
    assert motion_alone.same < 0
    assert motion_alone.weight == 0
