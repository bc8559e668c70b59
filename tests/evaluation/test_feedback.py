import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation.feedback import average_precision, simulate_feedback
from passerby.evaluation.ranking import rank_metrics
from passerby.evaluation.rule import RankingRule
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.feedback import rocchio


@pytest.fixture
def site() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Twenty people seen by three cameras that change everybody's look, junk among them."""
    random = np.random.default_rng(9)
    ids, cameras = np.repeat(np.arange(1, 21), 9), np.tile(np.repeat([1, 2, 3], 3), 20)
    people, casts = random.normal(size=(21, 24)), random.normal(size=(4, 24))
    embeddings = normalise(people[ids] + casts[cameras] + 0.7 * random.normal(size=(180, 24)))
    query = np.arange(0, 180, 9)
    gallery = np.delete(np.arange(180), query)
    gallery_ids = ids[gallery].copy()
    gallery_ids[::31] = -1
    return embeddings[query], embeddings[gallery], (ids[query], gallery_ids, cameras[query], cameras[gallery])


def test_before_the_first_round_everything_is_plain_ranking(site: tuple) -> None:
    query, gallery, labels = site
    rounds = simulate_feedback(query, gallery, RankingRule(*labels), rounds=1)
    plain = rank_metrics(cosine_distances(query, gallery), *labels).average_precision
    for figures in (rounds.marked_first, rounds.residual, rounds.residual_unrefined):
        np.testing.assert_allclose(figures[0], plain, atol=1e-12)
    assert not rounds.found[0].any()


def test_rounds_equal_an_examiner_who_goes_down_the_list_by_hand(site: tuple) -> None:
    query, gallery, labels = site
    rule = RankingRule(*labels)
    found = simulate_feedback(query, gallery, rule, refine=rocchio, rounds=2, shown=4)
    for number in range(5):
        right, removed = rule.split(number)
        yes: list[int] = []
        no: list[int] = []
        refined = query[number]
        for turn in (1, 2):
            order = np.argsort(-(gallery @ refined), kind="stable").tolist()
            shown = [place for place in order if place not in {*removed, *yes, *no}][:4]
            yes += [place for place in shown if place in right]
            no += [place for place in shown if place not in right]
            refined = rocchio(query[number], gallery[yes], gallery[no])
            order = np.argsort(-(gallery @ refined), kind="stable").tolist()
            rest = [place for place in order if place not in {*removed, *yes, *no}]
            for ranking, figure in (
                (yes + rest + no, found.marked_first[turn, number]),
                (rest, found.residual[turn, number]),
            ):
                hits = [rank for rank, place in enumerate(ranking, 1) if place in right]
                expected = np.mean([(n + 1) / rank for n, rank in enumerate(hits)]) if hits else np.nan
                assert figure == pytest.approx(expected, nan_ok=True)
            assert found.found[turn, number] == len(yes)


def test_feedback_finds_more_than_marking_alone(site: tuple) -> None:
    query, gallery, labels = site
    rule = RankingRule(*labels)
    refined = simulate_feedback(query, gallery, rule, shown=5)
    marking_only = simulate_feedback(query, gallery, rule, refine=lambda query, yes, no: query, shown=5)
    assert (np.diff(refined.found, axis=0) >= 0).all()
    assert refined.found[-1].sum() > marking_only.found[-1].sum()
    assert refined.marked_first[-1].mean() > marking_only.marked_first[-1].mean()
    assert np.nanmean(refined.residual[1]) > np.nanmean(refined.residual_unrefined[1])
    np.testing.assert_allclose(marking_only.residual, marking_only.residual_unrefined)


def test_progress_is_told(site: tuple) -> None:
    query, gallery, labels = site
    told: list[tuple[int, int]] = []
    simulate_feedback(query, gallery, RankingRule(*labels), progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 20) for done in range(1, 21)]


def test_nothing_right_is_no_figure() -> None:
    assert np.isnan(average_precision(np.arange(3.0), np.zeros(3, bool)))
    assert average_precision(np.array([0.5, 0.5, 0.1]), np.array([True, False, True])) == 1


def test_bad_input_is_refused(site: tuple) -> None:
    query, gallery, labels = site
    rule = RankingRule(*labels)
    with pytest.raises(DataError, match="embeddings of 20 queries and 160 gallery pictures, got 19 and 160"):
        simulate_feedback(query[1:], gallery, rule)
    with pytest.raises(DataError, match="1 round or more with 1 picture or more, got 0 and 10"):
        simulate_feedback(query, gallery, rule, rounds=0)
    with pytest.raises(DataError, match="row 2 of the query embeddings is not finite"):
        simulate_feedback(np.where(np.arange(20)[:, None] == 2, np.nan, query), gallery, rule)
