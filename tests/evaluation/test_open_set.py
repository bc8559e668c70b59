from pathlib import Path

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation import blocks
from passerby.evaluation.open_set import FALSE_ALARM_RATES, open_set
from passerby.evaluation.protocols import RankingTask, ranking_task
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import Sample


@pytest.fixture
def task() -> RankingTask:
    """Sixty queries of nine people, one of whom the gallery lacks, among strangers, junk and distractors."""
    random = np.random.default_rng(1)
    people = [*(n % 9 + 1 for n in range(60)), *random.choice([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21], 150)]
    cameras = random.integers(1, 4, 210).tolist()
    embeddings = normalise(random.normal(size=(23, 6))[people] + 0.7 * random.normal(size=(210, 6)))
    samples = [Sample(Path(f"{n}.jpg"), int(p), c) for n, (p, c) in enumerate(zip(people, cameras, strict=True))]
    return ranking_task(embeddings[:60], samples[:60], embeddings[60:], samples[60:])


def naive(task: RankingTask, enrolled: set[int], rate: float) -> tuple[float, list[bool | None]]:
    """TPIR of one draw at the threshold that keeps to the rate, and whether each enrolled query was found."""
    distances = cosine_distances(task.queries.embeddings, task.gallery.embeddings)
    asked = {sample.person_id for sample in task.queries.samples}
    best: list[tuple[bool, bool, float]] = []
    for number, query in enumerate(task.queries.samples):
        ranked = []
        for place, shown in enumerate(task.gallery.samples):
            who = shown.person_id
            same_camera = who == query.person_id and shown.camera_id == query.camera_id
            if who == -1 or same_camera or (who in asked and who not in enrolled):
                continue
            ranked.append((float(distances[number, place]), who == query.person_id))
        own = min((d for d, right in ranked if right), default=np.inf)
        others = min(d for d, right in ranked if not right)
        at_home = query.person_id in enrolled and len(task.rule.split(number)[0]) > 0
        best.append((at_home, own < others, own if at_home else others))
    strangers = sorted(d for at_home, _, d in best if not at_home)
    thresholds = [t for t in [*(d - 1e-9 for d in strangers), np.inf] if np.mean([s <= t for s in strangers]) <= rate]
    found = [(first and d <= max(thresholds)) if at_home else None for at_home, first, d in best]
    return float(np.mean([f for f in found if f is not None])), found


def test_equals_a_loop_over_draws_queries_and_pictures(task: RankingTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_ROWS", 7)
    found = open_set(task, enrolled=0.6, draws=3, seed=4)
    answered = sorted({q.person_id for n, q in enumerate(task.queries.samples) if len(task.rule.split(n)[0])})
    random = np.random.default_rng(np.random.SeedSequence([4, len(answered)]))
    draws = [set(random.choice(answered, found.enrolled, replace=False).tolist()) for _ in range(3)]
    assert (found.enrolled, found.strangers, found.draws) == (5, 3, 3)
    for rate in FALSE_ALARM_RATES:
        results = [naive(task, enrolled, rate) for enrolled in draws]
        assert found.found[rate].mean == pytest.approx(np.mean([tpir for tpir, _ in results]))
        assert found.found[rate].deviation == pytest.approx(np.std([tpir for tpir, _ in results]))
        queries = [[hit[n] for _, hit in results if hit[n] is not None] for n in range(60)]
        assert found.intervals[rate].value == pytest.approx(np.mean([np.mean(h) for h in queries if h]))
    place = int(np.searchsorted(found.det_fpir, 0.1))
    assert 1 - found.det_fnir[place] == pytest.approx(
        np.mean([naive(task, enrolled, found.det_fpir[place])[0] for enrolled in draws])
    )


def test_a_matrix_gives_the_same_as_the_embeddings_it_is_from(task: RankingTask) -> None:
    matrix = cosine_distances(task.queries.embeddings, task.gallery.embeddings)
    one, other = open_set(task, matrix), open_set(task)
    assert one.found == other.found
    assert one.det_fnir.tolist() == other.det_fnir.tolist()


def test_more_false_alarms_never_find_fewer(task: RankingTask) -> None:
    found = open_set(task)
    rates = [found.found[rate].mean for rate in FALSE_ALARM_RATES]
    assert rates == sorted(rates)
    assert (np.diff(found.det_fnir) <= 1e-12).all()
    assert found.thresholds[1.0] == np.inf
    assert found.without_mate == sum(len(task.rule.split(n)[0]) == 0 for n in range(60))


def test_what_cannot_be_drawn_is_refused(task: RankingTask) -> None:
    with pytest.raises(DataError, match="between 0 and 1, got 1"):
        open_set(task, enrolled=1)
    with pytest.raises(DataError, match="at least 1 draw of who is enrolled, got 0"):
        open_set(task, draws=0)
    samples = [Sample(Path(f"{n}.jpg"), 1, n % 2) for n in range(4)]
    alone = ranking_task(np.eye(4), samples, np.eye(4), samples)
    with pytest.raises(DataError, match="at least two people who are asked for and in the gallery, got 1"):
        open_set(alone)
