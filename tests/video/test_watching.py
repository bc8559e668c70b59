"""Quality, colours, best pictures and tracklets of a small world whose people are squares."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from passerby.boxes import covered
from passerby.errors import DataError
from passerby.video.clothes import upper_and_lower
from passerby.video.detection import Detections
from passerby.video.frames import Frame
from passerby.video.quality import cut, qualities, sharpness, whole
from passerby.video.shots import Shot, Shots, pooled
from passerby.video.tracklets import Tracklet, TrackletSettings
from passerby.video.watching import Watch

COLOURS = {"red": (210, 30, 30), "blue": (40, 60, 200), "green": (30, 150, 50)}


def person(upper: str, lower: str, height: int = 60) -> np.ndarray:
    """A textured picture of somebody in two colours."""
    picture = np.full((height, height * 2 // 5, 3), 120, np.uint8)
    for colour, (top, bottom) in ((upper, (0.1, 0.5)), (lower, (0.5, 0.95))):
        picture[int(top * height) : int(bottom * height), 2:-2] = COLOURS[colour]
    picture[::4, ::3] = picture[::4, ::3] // 2
    return picture


def scene(number: int, *, second: bool = True) -> Frame:
    """Somebody in red over blue walks to the right from frame 1, somebody in green over red to the left until 40."""
    picture = np.full((140, 300, 3), 170, np.uint8)
    one, other = person("red", "blue"), person("green", "red")
    left = 5 + 2 * number
    picture[10:70, left : left + 24] = one
    if second and number <= 40:
        left = 250 - 3 * number
        picture[75:135, left : left + 24] = other
    return Frame(number, number / 10, picture)


def detector(frame: Frame) -> Detections:
    boxes = [[5 + 2 * frame.number, 10, 29 + 2 * frame.number, 70]]
    if frame.number <= 40:
        boxes.append([250 - 3 * frame.number, 75, 274 - 3 * frame.number, 135])
    return Detections(np.array(boxes, float), np.full(len(boxes), 0.9))


def embed(crops: Sequence[np.ndarray]) -> np.ndarray:
    """Mean colours of the upper and the lower half."""
    vectors = [np.concatenate([half.mean(axis=(0, 1)) for half in np.array_split(crop, 2)]) - 120 for crop in crops]
    return np.stack([vector / np.linalg.norm(vector) for vector in vectors]).astype(np.float32)


def watched(watch: Watch, first: int, last: int) -> Iterator[Tracklet]:
    for number in range(first, last + 1):
        yield from watch.see(scene(number)).tracklets


def test_tracklets_come_when_people_have_gone_or_at_the_end() -> None:
    watch = Watch(detector, embed)
    gone = list(watched(watch, 1, 80))
    assert [(one.number, one.upper, one.lower) for one in gone] == [(2, "green", "red")]
    (still,) = watch.end()
    assert (still.number, still.part, still.upper, still.lower) == (1, 1, "red", "blue")
    assert (still.first, still.last, still.frames) == (0.1, 8.0, 80)
    for tracklet, colours in ((gone[0], ("green", "red")), (still, ("red", "blue"))):
        assert tracklet.embedding is not None
        assert tracklet.embedding @ embed([person(*colours)])[0] > 0.99
        assert np.linalg.norm(tracklet.embedding) == pytest.approx(1, abs=1e-6)
        times = sorted(shot.time for shot in tracklet.shots)
        assert all(later - earlier >= 0.5 for earlier, later in pairwise(times))
        assert tracklet.best.quality == max(shot.quality for shot in tracklet.shots)
    assert set(watch.stages.seconds) == {"detect", "track", "quality", "embed"}


def test_long_tracks_come_in_parts() -> None:
    watch = Watch(detector, embed, tracklets=TrackletSettings(longest=2.0))
    parts = [(one.number, one.part) for one in (*watched(watch, 1, 90), *watch.end())]
    assert [part for number, part in parts if number == 1] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("stop", [3, 17, 39, 55])
def test_an_interrupted_watch_goes_on_as_it_would_have(stop: int) -> None:
    def told(tracklets: list[Tracklet]) -> list[Any]:
        return [
            (one.number, one.part, one.first, one.last, one.frames, [shot.frame for shot in one.shots], one.upper)
            for one in tracklets
        ]

    whole_watch = Watch(detector, embed)
    whole_tracklets = [*watched(whole_watch, 1, 90), *whole_watch.end()]
    before = Watch(detector, embed)
    found = list(watched(before, 1, stop))
    state = json.dumps(before.state())
    assert "crop" not in state
    assert len(state) < 20_000
    after = Watch(detector, embed, state=json.loads(state))
    assert 1 <= after.first_needed <= stop + 1
    found += [*watched(after, after.first_needed, 90), *after.end()]
    assert told(found) == told(whole_tracklets)
    for one, other in zip(found, whole_tracklets, strict=True):
        assert one.embedding is not None
        assert other.embedding is not None
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-6)
        assert np.array_equal(one.shots[0].crop, other.shots[0].crop)  # type: ignore[arg-type]


def test_without_an_embedder_motion_decides_and_tracklets_have_no_embedding() -> None:
    watch = Watch(detector)
    assert [one.embedding for one in (*watched(watch, 1, 80), *watch.end())] == [None, None]


def test_a_detector_that_gives_nonsense_is_told() -> None:
    with pytest.raises(DataError, match="of a detector"):
        Watch(lambda frame: Detections(np.zeros((2, 3)), np.zeros(2))).see(scene(1))


def test_quality_falls_with_everything_that_spoils_a_picture() -> None:
    frame = scene(10).picture
    boxes = np.array([[25.0, 10, 49, 70]])
    (good,) = qualities(frame, boxes)
    blurred = np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(4)))
    assert qualities(blurred, boxes)[0].sharpness < 0.6 * good.sharpness
    assert whole(np.array([0.0, 10, 24, 70]), 140, 300) == 0.5 * whole(np.array([9.0, 10, 33, 70]), 140, 300)
    assert whole(np.array([9.0, 10, 99, 40]), 140, 300) < 0.3
    (small,) = qualities(np.asarray(Image.fromarray(frame).resize((150, 70))), boxes / 2)
    assert small.size == good.size / 2
    pair = np.array([[10.0, 10, 34, 70], [22, 20, 46, 80]])
    assert covered(pair) == pytest.approx([0.5 * 5 / 6, 0])
    assert all(0 <= one.total <= 1 for one in qualities(frame, pair))
    assert sharpness(np.full((40, 20, 3), 99, np.uint8)) == 0


def test_crops_are_never_too_small_for_a_picture() -> None:
    frame = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    for box in ([28.9, 0, 30, 20], [0, 0, 0.5, 0.5], [29.5, 19.5, 30, 20]):
        crop = cut(frame, np.array(box))
        assert min(crop.shape[:2]) >= 4
    assert cut(frame, np.array([3.2, 4, 11, 15.5])).shape == (12, 8, 3)


def test_colours_have_their_names() -> None:
    for name, rgb in {
        "black": (20, 22, 25), "grey": (120, 122, 118), "white": (235, 235, 230), "red": (180, 30, 35),
        "orange": (225, 120, 30), "yellow": (220, 190, 40), "green": (40, 130, 60), "blue": (40, 60, 150),
        "purple": (110, 50, 140), "pink": (230, 150, 185), "brown": (95, 65, 40),
    }.items():  # fmt: skip
        assert upper_and_lower(np.full((60, 24, 3), rgb, np.uint8)) == (name, name)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=30))
def test_best_shots_are_few_apart_and_not_alike(offers: list[tuple[float, int]]) -> None:
    shots = Shots(3, 0.5)
    for number, (quality, level) in enumerate(offers):
        shot = Shot(number, number / 5, (0, 0, 9, 20), quality, None, None)
        shot.show(np.full((20, 10, 3), level, np.uint8))
        took = shots.offer(shot)
        assert took == any(shot is other for other in shots)
        assert not took or all(
            abs(shot.time - other.time) >= 0.5 and np.abs(shot.thumbnail - other.thumbnail).mean() >= 9
            for other in shots
            if other is not shot
        )
    assert len(shots) <= 3
    assert [shot.quality for shot in shots.best_first()] == sorted((shot.quality for shot in shots), reverse=True)


def test_pooling_weighs_by_quality() -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    assert pooled(vectors, np.array([3.0, 4.0])).tolist() == pytest.approx([0.6, 0.8])
