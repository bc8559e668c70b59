import json
import math
from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from passerby.errors import CalibrationError
from passerby.probability import (
    expected_false_matches,
    false_accept_rate,
    log_likelihood_ratio,
    same_person_probability,
    search_odds,
    threshold_for_gallery,
)
from passerby.types import Calibration, DistanceEvidence


def test_ratios_are_read_between_the_rows_and_kept_beyond_them(
    evidence: DistanceEvidence, calibration: Calibration
) -> None:
    assert log_likelihood_ratio(evidence, [0.3, 0.5, 0.6]).tolist() == pytest.approx([3.5, 1.0, 0.0])
    assert log_likelihood_ratio(calibration, [-0.1, 2.5]).tolist() == [6.0, -5.0]
    assert log_likelihood_ratio(evidence, [0.5, 0.0, 2.0], "platt").tolist() == pytest.approx([1.0, 6.0, -5.0])
    assert log_likelihood_ratio(replace(evidence, method="platt"), 0.5) == pytest.approx(1.0)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.001, 0.999), st.floats(0, 2), st.floats(0, 2), st.sampled_from(["isotonic", "platt"]))
def test_probability_is_bayes_rule_and_falls_with_distance(
    evidence: DistanceEvidence, prior: float, one: float, other: float, how: str
) -> None:
    near, far = sorted((one, other))
    found = same_person_probability(evidence, [near, far], prior=prior, method=how)
    odds = prior / (1 - prior) * math.exp(log_likelihood_ratio(evidence, near, how))
    assert found[0] == pytest.approx(odds / (1 + odds))
    assert 0 < found[1] <= found[0] < 1


def test_the_odds_of_a_search_are_those_of_all_cases_counted(
    evidence: DistanceEvidence, calibration: Calibration
) -> None:
    """Every picture may show the person or not: add up the weights of all sixteen cases."""
    distances, prior = [0.1, 0.3, 0.5, 0.9], 0.4
    each = 1 - (1 - prior) ** (1 / 4)
    ratios = np.exp(log_likelihood_ratio(evidence, distances))
    total, none, shows = 0.0, 0.0, np.zeros(4)
    for case in product((0, 1), repeat=4):
        weight = math.prod(each * r if same else 1 - each for same, r in zip(case, ratios, strict=True))
        total += weight
        none += weight * (sum(case) == 0)
        shows += weight * np.array(case)
    found = search_odds(calibration, distances, 4, prior=prior)
    assert found.probabilities == pytest.approx(tuple(shows / total))
    assert found.no_match == pytest.approx(none / total)


def test_pictures_that_are_not_listed_count_as_farther_than_the_last(evidence: DistanceEvidence) -> None:
    prior, size = 0.3, 50
    each = 1 - (1 - prior) ** (1 / size)
    listed = each * math.exp(log_likelihood_ratio(evidence, 0.4))
    unlisted = each * 0.4 / (1 - 0.001)
    expected = (1 - each) / (1 - each + listed) * ((1 - each) / (1 - each + unlisted)) ** (size - 1)
    assert search_odds(evidence, [0.4], size, prior=prior).no_match == pytest.approx(expected)
    assert search_odds(evidence, [], size, prior=prior).no_match == pytest.approx(1 - prior)


def test_a_larger_gallery_makes_the_same_distance_say_less(evidence: DistanceEvidence) -> None:
    small, large = (search_odds(evidence, [0.3], size) for size in (10, 100_000))
    assert small.probabilities[0] > 0.5 > large.probabilities[0]
    assert not small.no_match_is_likely
    assert search_odds(evidence, [1.0], 10).no_match_is_likely
    assert large.expected_false_matches[0] == pytest.approx(100_000 * 0.00055)


def test_false_matches_and_the_threshold_for_them_are_inverse(evidence: DistanceEvidence) -> None:
    assert false_accept_rate(evidence, [0.0, 0.3, 2.0]).tolist() == pytest.approx([0.0001, 0.00055, 1.0])
    for size, wanted in ((1000, 0.5), (1000, 1.0), (10, 0.1), (20_000, 3.0)):
        threshold = threshold_for_gallery(evidence, size, wanted)
        assert expected_false_matches(evidence, threshold, size) == pytest.approx(wanted)
    assert threshold_for_gallery(evidence, 10, 10) == threshold_for_gallery(evidence, 10, 99) == 2.0
    assert threshold_for_gallery(evidence, 1000, 0.1) == 0.2  # the farthest of the distances that tell as much


def test_what_cannot_be_told_is_said(evidence: DistanceEvidence, calibration: Calibration) -> None:
    with pytest.raises(CalibrationError, match="one of an older version; run `passerby calibrate` again"):
        same_person_probability(replace(calibration, evidence=None), 0.5)
    for prior in (0.0, 1.0, math.nan):
        with pytest.raises(CalibrationError, match="prior between 0 and 1"):
            same_person_probability(evidence, 0.5, prior=prior)
    with pytest.raises(CalibrationError, match="at least 2 pictures, got 1"):
        search_odds(evidence, [0.1, 0.2], 1)
    with pytest.raises(CalibrationError, match="0 or more pictures, got -1"):
        expected_false_matches(evidence, 0.1, -1)
    with pytest.raises(CalibrationError, match="more than 0 false matches, got 10 and 0"):
        threshold_for_gallery(evidence, 10, 0)
    with pytest.raises(CalibrationError, match=r"find a FAR of 1e-06, got pairs that tell a FAR of 0\.0001 at the"):
        threshold_for_gallery(evidence, 1_000_000, 1)


def test_a_calibration_survives_json_and_older_ones_are_read(calibration: Calibration) -> None:
    kinds = TypeAdapter(Calibration)
    assert kinds.validate_python(json.loads(json.dumps(asdict(calibration), allow_nan=False))) == calibration
    old = {key: value for key, value in asdict(calibration).items() if key not in ("evidence", "synthetic")}
    read = kinds.validate_python({key: value for key, value in old.items() if not key.endswith("_interval")})
    assert (read.threshold, read.evidence, read.synthetic) == (0.5, None, False)


@pytest.mark.parametrize(
    "change",
    [
        {"distances": (0.0, 0.2, 0.4, 0.6, 1.0)},
        {"distances": (0.0, 0.4, 0.2, 0.6, 1.0, 2.0)},
        {"log_likelihood_ratios": (6.0, 7.0, 2.0, 0.0, -4.0, -5.0)},
        {"log_likelihood_ratios": (math.inf, 5.0, 2.0, 0.0, -4.0, -5.0)},
        {"false_accept_rates": (0.5, 0.0001, 0.001, 0.01, 0.5, 1.0)},
        {"false_reject_rates": (0.5, 0.8, 0.4, 0.2, 0.01, 0.0)},
        {"platt": (math.nan, 0.0)},
    ],
)
def test_a_table_that_makes_no_sense_is_refused(
    evidence: DistanceEvidence, change: dict[str, tuple[float, ...]]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(evidence, **change)
    with pytest.raises(ValidationError):
        TypeAdapter(DistanceEvidence).validate_python(asdict(evidence) | change)


def test_the_calibration_error_is_the_weighted_distance_from_the_diagonal(evidence: DistanceEvidence) -> None:
    assert evidence.reliability.expected_calibration_error == pytest.approx(0.05)
