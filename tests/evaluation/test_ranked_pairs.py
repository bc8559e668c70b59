import numpy as np
import pytest

from passerby.evaluation import blocks, ranked_pairs
from passerby.evaluation.bootstrap import RESAMPLES
from passerby.evaluation.evaluate import evaluate_task
from passerby.evaluation.protocols import Pictures, RankingTask
from passerby.evaluation.ranked_pairs import RankedPairs
from passerby.evaluation.roc import roc_curve
from passerby.evaluation.rule import RankingRule
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import Sample


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distances of 40 queries and 90 gallery pictures, and their people and cameras."""
    random = np.random.default_rng(1)
    people = np.concatenate([random.integers(1, 12, 40), random.integers(-1, 13, 90)])
    cameras = random.integers(1, 4, 130)
    embeddings = normalise(random.normal(size=(14, 8))[people] + random.normal(size=(130, 8)))
    return embeddings, people[:40], people[40:], cameras[:40], cameras[40:]


def ranked(case: tuple[np.ndarray, ...], scale: float | None = None) -> RankedPairs:
    embeddings, asked, shown, by, of = case
    queries, gallery = (
        Pictures(vectors, tuple(Sample(None, int(p), int(c)) for p, c in zip(people, cameras, strict=True)))
        for vectors, people, cameras in ((embeddings[:40], asked, by), (embeddings[40:], shown, of))
    )
    task = RankingTask(queries, gallery, RankingRule(asked, shown, by, of), None, "market1501", ())
    distances = None if scale is None else scale * cosine_distances(embeddings[:40], embeddings[40:]) - scale / 3
    pairs = evaluate_task(task, distances).pairs
    assert pairs is not None
    return pairs


def naive(case: tuple[np.ndarray, ...]) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Who is asked for and how far, for each ranked pair of the same person and of different people."""
    embeddings, asked, shown, by, of = case
    distances = cosine_distances(embeddings[:40], embeddings[40:])
    same, different = [], []
    for q, g in np.ndindex(distances.shape):
        if shown[g] == -1 or (asked[q] == shown[g] and by[q] == of[g]):
            continue
        (same if asked[q] == shown[g] else different).append((int(asked[q]), float(distances[q, g])))
    return same, different


def test_every_ranked_pair_is_counted_as_it_is(case: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 7)
    found, (same, different) = ranked(case), naive(case)
    exact = roc_curve(*(np.array([distance for _, distance in rows]) for rows in (same, different)))
    assert (found.curve.positive_pairs, found.curve.negative_pairs) == (len(same), len(different))
    assert found.figures["auc"] == pytest.approx(exact.area(), abs=1e-6)
    assert found.figures["eer"] == pytest.approx(exact.equal_error_rate(), abs=1e-6)
    for rate in (0.1, 0.01):
        assert found.figures[f"tpr_at_fpr_{rate}"] == exact.true_accept_rate_at(rate)
    wins = np.mean([(s < d) + (s == d) / 2 for _, s in same for _, d in different])
    assert found.figures["auc"] == pytest.approx(wins, abs=1e-6)
    for counts, rows in ((found.same, same), (found.different, different)):
        for place, person in enumerate(sorted(set(case[1].tolist()))):
            assert counts[place].sum() == sum(whom == person for whom, _ in rows)
            below = sum(whom == person and distance <= 0.75 for whom, distance in rows)
            assert counts[place][: 768 + 1].sum() == below


def test_other_distances_are_counted_on_a_scale_of_their_own(case: tuple[np.ndarray, ...]) -> None:
    cosine, other = ranked(case), ranked(case, scale=700.0)
    assert other.curve.positive_pairs == cosine.curve.positive_pairs
    for name, value in cosine.figures.items():
        assert other.figures[name] == pytest.approx(value, abs=0.003)


def test_intervals_are_those_of_people_drawn_one_by_one(case: tuple[np.ndarray, ...]) -> None:
    found, (same, different) = ranked(case), naive(case)
    intervals = found.intervals(seed=2)
    people = sorted(set(case[1].tolist()))
    draws = np.random.default_rng(np.random.SeedSequence([2, 0])).integers(0, len(people), (RESAMPLES, len(people)))
    kinds = [{p: [d for whom, d in rows if whom == p] for p in people} for rows in (same, different)]
    drawn: dict[str, list[float]] = {name: [] for name in intervals}
    for draw in draws[:400]:
        both = [np.array([d for place in draw for d in kind[people[place]]]) for kind in kinds]
        curve = roc_curve(*both)
        drawn["auc"].append(curve.area())
        drawn["eer"].append(curve.equal_error_rate())
        drawn["tpr_at_fpr_0.1"].append(curve.true_accept_rate_at(0.1))
    for name in ("auc", "eer", "tpr_at_fpr_0.1"):
        low, high = np.quantile(drawn[name], [0.025, 0.975])
        assert (intervals[name].low, intervals[name].high) == pytest.approx((low, high), abs=0.03)
        assert intervals[name].value == found.figures[name]


def test_many_people_are_drawn_in_groups(case: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranked_pairs, "GROUPS", 5)
    found = ranked(case)
    assert found.same.shape[0] == 5
    assert found.same.sum() == found.curve.positive_pairs
