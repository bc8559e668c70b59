import numpy as np
import pytest

from passerby.evaluation import blocks, pairs
from passerby.evaluation.bootstrap import pair_rate_interval, ratio_interval
from passerby.evaluation.calibration import BINS, fit_evidence, reliability_diagram
from passerby.evaluation.pairs import errors_by_person, labelled_pairs
from passerby.evaluation.roc import RocCurve, roc_curve
from passerby.evaluation.verification import calibrate
from passerby.probability import expected_false_matches, log_likelihood_ratio, same_person_probability
from passerby.retrieval.distance import cosine_distances, normalise


def gaussian(seed: int, pairs_each: int = 20_000) -> RocCurve:
    """Distances of both kinds from two normal distributions, whose ratio is known."""
    random = np.random.default_rng(seed)
    return roc_curve(random.normal(0.6, 0.1, pairs_each), random.normal(0.9, 0.1, pairs_each))


def true_log_ratio(distances: np.ndarray) -> np.ndarray:
    return ((distances - 0.9) ** 2 - (distances - 0.6) ** 2) / (2 * 0.1**2)


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_both_methods_find_the_ratio_of_known_distributions(method: str) -> None:
    evidence = fit_evidence(gaussian(1), people=2000)
    asked = np.linspace(0.6, 0.9, 13)
    np.testing.assert_allclose(log_likelihood_ratio(evidence, asked, method), true_log_ratio(asked), atol=0.35)


def test_the_line_is_the_one_of_least_logarithmic_loss() -> None:
    random = np.random.default_rng(2)
    same, different = random.normal(0.6, 0.2, 80), random.normal(0.9, 0.2, 300)
    slope, intercept = fit_evidence(roc_curve(same, different), people=100_000).platt

    def loss(a: float, b: float) -> float:
        return float(np.logaddexp(0, -(a * same + b)).mean() + np.logaddexp(0, a * different + b).mean())

    best = loss(slope, intercept)
    for a, b in ((0.05, 0), (-0.05, 0), (0, 0.05), (0, -0.05), (0.05, -0.04), (-0.05, 0.04)):
        assert loss(slope + a, intercept + b) > best - 1e-6


def test_a_model_that_knows_nothing_gives_even_odds() -> None:
    random = np.random.default_rng(3)
    evidence = fit_evidence(roc_curve(random.random(500) + 1, random.random(500)), people=50)
    assert evidence.platt == (0, 0)
    assert same_person_probability(evidence, [0.1, 1.9], method="platt").tolist() == pytest.approx(
        [0.5, 0.5], abs=0.01
    )
    assert (same_person_probability(evidence, [0.1, 0.5, 1.9], method="isotonic") < 0.7).all()


def test_people_who_are_clearly_apart_give_finite_odds_that_grow_with_their_number() -> None:
    def nearest(people: int) -> float:
        evidence = fit_evidence(roc_curve(np.linspace(0.1, 0.2, 50), np.linspace(0.8, 0.9, 50)), people)
        assert np.isfinite(evidence.log_likelihood_ratios).all()
        assert len(evidence.distances) < 200
        return evidence.log_likelihood_ratios[0]

    assert nearest(10) == pytest.approx(np.log(45), rel=0.05)
    assert nearest(100) == pytest.approx(np.log(4950), rel=0.05)


def test_reliability_equals_counting_pairs_one_by_one() -> None:
    random = np.random.default_rng(4)
    same, different = random.normal(0.6, 0.2, 70), random.normal(0.8, 0.2, 200)
    evidence = fit_evidence(gaussian(5), people=100)
    found = reliability_diagram(roc_curve(same, different), evidence)
    rows = []
    for kind, distances in ((1, same), (0, different)):
        rows += [(float(same_person_probability(evidence, d)), kind, 1 / len(distances)) for d in distances]
    place = 0
    for bar in range(BINS):
        inside = [row for row in rows if min(int(row[0] * BINS), BINS - 1) == bar]
        weight = sum(w for *_, w in inside)
        if inside:
            assert found.weights[place] == pytest.approx(weight / 2, rel=1e-5)
            assert found.predicted[place] == pytest.approx(sum(p * w for p, _, w in inside) / weight, rel=1e-5)
            assert found.observed[place] == pytest.approx(sum(k * w for _, k, w in inside) / weight, abs=1e-6)
            place += 1
    assert place == len(found.weights)


@pytest.mark.parametrize("cameras", [1, 3])
def test_errors_of_each_person_equal_looking_at_each_pair(cameras: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 7)
    random = np.random.default_rng(cameras)
    people, camera_ids = random.integers(-1, 6, 50), random.integers(1, cameras + 1, 50)
    embeddings = normalise(random.normal(size=(50, 4)))
    found = errors_by_person(labelled_pairs(embeddings, people, camera_ids), 0.7)
    distances = cosine_distances(embeddings, embeddings)
    names = sorted(set(people.tolist()) - {-1})
    rejected, positive = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    accepted, negative = np.zeros((len(names),) * 2), np.zeros((len(names),) * 2)
    for a in range(50):
        for b in range(a):
            one, other = int(people[a]), int(people[b])
            if -1 in (one, other) or (cameras > 1 and camera_ids[a] == camera_ids[b]):
                continue
            if one == other:
                positive[one] += 1
                rejected[one] += distances[a, b] > 0.7
            else:
                place = tuple(sorted((names.index(one), names.index(other))))
                negative[place] += 1
                accepted[place] += distances[a, b] <= 0.7
    assert found.positive.tolist() == [positive[name] for name in names if name != 0]
    assert found.rejected.tolist() == [rejected[name] for name in names if name != 0]
    assert np.array_equal(found.negative, negative)
    assert np.array_equal(found.accepted + np.triu(found.accepted.T, 1), accepted + np.tril(found.accepted, -1))


def test_many_people_share_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    people = random.integers(1, 41, 400)
    embeddings = random.normal(size=(41, 8))[people] + random.normal(size=(400, 8))
    whole = errors_by_person(labelled_pairs(embeddings, people), 0.6)
    monkeypatch.setattr(pairs, "GROUPS", 20)
    grouped = errors_by_person(labelled_pairs(embeddings, people), 0.6)
    assert whole.accepted.shape == (40, 40)
    assert grouped.accepted.shape == (20, 20)
    assert grouped.accepted.sum() == whole.accepted.sum()
    one, other = (pair_rate_interval(errors.accepted, errors.negative) for errors in (whole, grouped))
    assert other.value == pytest.approx(one.value, rel=0.1)
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.5)


@pytest.fixture(scope="module")
def clustered() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    people = np.repeat(np.arange(1, 301), 6)
    embeddings = normalise(random.normal(size=(301, 48))[people] + 1.5 * random.normal(size=(1800, 48)))
    return embeddings, people, random.integers(1, 4, 1800)


def test_what_was_learnt_on_some_people_holds_on_others(clustered: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    embeddings, people, cameras = clustered
    learnt, others = people <= 150, people > 150
    found = calibrate(embeddings[learnt], people[learnt], cameras[learnt], source="some")
    assert found.evidence is not None
    assert found.evidence.reliability.held_out
    assert found.evidence.reliability.expected_calibration_error < 0.03
    elsewhere = calibrate(embeddings[others], people[others], cameras[others], source="others")
    curve = pairs.count_pairs(labelled_pairs(embeddings[others], people[others], cameras[others]))
    assert reliability_diagram(curve, found.evidence).expected_calibration_error < 0.03
    # And so does the number of strangers who come as near.
    query, gallery = embeddings[others][:400], embeddings[others][450:]
    strangers = (cosine_distances(query, gallery) <= found.threshold).sum(1).mean()
    assert strangers == pytest.approx(float(expected_false_matches(found, found.threshold, len(gallery))), rel=0.25)
    low, high = found.false_accept_interval
    assert low <= found.false_accept_rate <= high
    assert found.false_reject_interval[0] <= elsewhere.false_reject_rate <= found.false_reject_interval[1] + 0.05


def test_intervals_are_those_of_the_errors_counted_by_person(
    clustered: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    found = calibrate(*clustered, source="a test")
    errors = errors_by_person(labelled_pairs(*clustered), found.threshold)
    accepts, rejects = (
        pair_rate_interval(errors.accepted, errors.negative),
        ratio_interval(errors.rejected, errors.positive),
    )
    assert accepts.value == pytest.approx(found.false_accept_rate)
    assert rejects.value == pytest.approx(found.false_reject_rate)
    assert (accepts.low, accepts.high) == found.false_accept_interval
    assert (rejects.low, rejects.high) == found.false_reject_interval


def test_with_too_few_people_for_two_halves_nothing_is_held_out() -> None:
    found = calibrate(np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]]), [1, 1, 2, 2], source="two people")
    assert (found.evidence.method, found.evidence.reliability.held_out) == ("platt", False)
