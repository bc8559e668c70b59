from pathlib import Path

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation.bootstrap import Interval, paired_test
from passerby.evaluation.compare import compare, points
from passerby.evaluation.evaluate import Evaluation, evaluate
from passerby.types import Sample


def evaluated(noise: float, seed: int, people: int = 40) -> Evaluation:
    """The same people and cameras whatever the noise."""
    random = np.random.default_rng(seed)
    whom = np.repeat(np.arange(1, people + 1), 6)
    samples = [Sample(Path(f"{n}.jpg"), int(p), 1 + n % 3) for n, p in enumerate(whom)]
    centres = np.random.default_rng(0).normal(size=(people + 1, 12))
    embeddings = centres[whom] + noise * random.normal(size=(len(whom), 12))
    asking = list(range(0, len(whom), 3))
    return evaluate(embeddings[asking], [samples[n] for n in asking], embeddings, samples)


def test_the_better_model_is_named_with_its_lead() -> None:
    worse, better = evaluated(1.6, seed=1), evaluated(1.0, seed=2)
    found = compare(worse, better, ("old", "new"))
    assert found.better == "second"
    assert found.verdict.startswith("new is better than old: mAP +")
    assert compare(better, worse, ("new", "old")).better == "first"
    figure = found.figures["mAP"]
    assert (figure.first.value, figure.second.value) == pytest.approx((worse.metrics.mean_ap, better.metrics.mean_ap))
    test = paired_test(worse.metrics.average_precision, better.metrics.average_precision, worse.query_people)
    assert figure.test == test
    assert set(found.figures) == {"rank_1", "rank_5", "rank_10", "rank_20", "mAP", "mINP"}
    assert (found.queries, found.people) == (80, 40)
    assert found.to_dict()["figures"]["rank_1"]["difference"]["p_value"] == found.figures["rank_1"].test.p_value


def test_chance_is_not_called_a_difference() -> None:
    answers = [compare(evaluated(1.5, 10 + n), evaluated(1.5, 40 + n), seed=n).better for n in range(12)]
    assert answers.count(None) >= 9
    same = evaluated(1.5, 3)
    found = compare(same, same)
    assert found.better is None
    assert "No difference between A and B can be told" in found.verdict
    assert found.figures["mAP"].test.p_value == 1


def test_evaluations_of_other_queries_are_refused() -> None:
    with pytest.raises(
        DataError, match="the same queries and gallery by one protocol, got 80 queries of 240 pictures"
    ):
        compare(evaluated(1, 1), evaluated(1, 1, people=30))


def test_nothing_is_printed_as_nothing_without_a_minus() -> None:
    assert points(Interval(-1e-6, -4e-4, 0.012)) == "+0.0 [+0.0, +1.2] points"
    assert points(Interval(-0.031, -0.05, -0.012)) == "-3.1 [-5.0, -1.2] points"
