from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from passerby.data.tracks import Track, TrackPicture, seen_together
from passerby.errors import CalibrationError
from passerby.evaluation import track_calibration
from passerby.evaluation.roc import roc_curve
from passerby.evaluation.track_calibration import PER_TRACK, TrackCalibration, calibrate_tracks, evenly_spaced
from passerby.evaluation.verification import Criterion, choose_threshold
from passerby.retrieval.distance import normalise


def tracks_of(count: int, together: int = 3, pictures: int = 4) -> list[Track]:
    """So many tracks of one camera, some of which are seen together at a time."""
    return [
        Track(
            str(number),
            "door",
            tuple(TrackPicture(Path(f"{number}-{n}.jpg"), number // together * 100 + n) for n in range(pictures)),
        )
        for number in range(count)
    ]


def embedded(tracks: list[Track], noise: float, seed: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [
        normalise(random.normal(size=16) + noise * random.normal(size=(len(track.pictures), 16))) for track in tracks
    ]


def calibrated(count: int, noise: float, **options: object) -> TrackCalibration:
    tracks = tracks_of(count)
    return calibrate_tracks(embedded(tracks, noise), tracks, Criterion(0.05), source="a test", **options)


def test_equals_all_pairs_measured_one_by_one() -> None:
    tracks = tracks_of(30)
    embeddings = embedded(tracks, 1.0)
    same = [float(1 - a @ b) for vectors in embeddings for a, b in combinations(vectors, 2)]
    different = [
        float(1 - a @ b) for one, other in seen_together(tracks) for a in embeddings[one] for b in embeddings[other]
    ]
    found = calibrate_tracks(embeddings, tracks, Criterion(0.05), source="a test")
    calibration = found.calibration
    assert (calibration.positive_pairs, calibration.negative_pairs) == (len(same), len(different))
    positive, negative = np.array(same), np.array(different)
    assert calibration.threshold == pytest.approx(choose_threshold(positive, negative, max_far=0.05), abs=1e-6)
    assert calibration.false_reject_rate == pytest.approx((positive > calibration.threshold).mean(), abs=0.005)
    assert found.equal_error_rate.value == pytest.approx(roc_curve(positive, negative).equal_error_rate())
    for rate, interval in (
        (calibration.false_accept_rate, calibration.false_accept_interval),
        (calibration.false_reject_rate, calibration.false_reject_interval),
        (found.equal_error_rate.value, (found.equal_error_rate.low, found.equal_error_rate.high)),
    ):
        assert interval[0] <= rate <= interval[1]
    assert calibration.people == 30
    assert not calibration.cross_camera


def test_the_answer_follows_the_evidence() -> None:
    answers = [calibrated(60, noise) for noise in (0.3, 1.4, 9.0)]
    assert [answer.works for answer in answers] == [True, None, False]
    for answer, words in zip(answers, ("Yes,", "with many errors", "No,"), strict=True):
        assert words in answer.verdict
        assert str(answer.equal_error_rate) in answer.verdict
    few = calibrated(6, 0.3)
    assert few.works is None
    assert "Too little to say" in few.verdict
    assert "6 tracks" in few.verdict


def test_the_threshold_kept_so_far_is_tried() -> None:
    former = calibrated(60, 1.0, seed=2).calibration
    found = calibrated(60, 1.4, former=replace(former, synthetic=True))
    sentence = next(finding for finding in found.findings if "kept so far" in finding)
    assert f"{former.threshold:.4f} from synthetic people" in sentence
    assert f"there {former.false_accept_rate:.2%}" in sentence


def test_of_very_many_pairs_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = calibrated(60, 1.0)
    monkeypatch.setattr(track_calibration, "MOST_PAIRS", 30)
    drawn = calibrated(60, 1.0)
    assert whole.calibration.negative_pairs == 60 * 16
    assert drawn.calibration.negative_pairs == 30 * 16
    assert drawn == calibrated(60, 1.0)


def test_pictures_of_long_tracks_are_taken_evenly() -> None:
    frames = [picture.frame for picture in evenly_spaced(tracks_of(1, pictures=71)[0])]
    assert frames == list(range(0, 71, 10))
    assert len(frames) == PER_TRACK
    assert len(evenly_spaced(tracks_of(1, pictures=3)[0])) == 3


def test_a_person_tracked_twice_is_suspected() -> None:
    tracks = tracks_of(30)
    embeddings = embedded(tracks, 0.5)
    embeddings[1] = embeddings[0]
    found = calibrate_tracks(embeddings, tracks, Criterion(0.05), source="a test")
    assert any("follow one person twice" in finding for finding in found.findings)
    assert not any("twice" in finding for finding in calibrated(30, 0.5).findings)


def test_tracks_that_say_nothing_are_refused() -> None:
    alone = tracks_of(5, together=1)
    with pytest.raises(CalibrationError, match="two tracks that one camera saw in one frame, got none among 5"):
        calibrate_tracks(embedded(alone, 1), alone, Criterion(), source="a test")
    short = tracks_of(5, pictures=1)
    with pytest.raises(CalibrationError, match="a track with two or more pictures, got none among 5"):
        calibrate_tracks(embedded(short, 1), short, Criterion(), source="a test")
