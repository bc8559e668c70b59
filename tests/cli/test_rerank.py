"""`--rerank` of `passerby evaluate` and `passerby search`, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby import machine
from passerby.data import Dataset
from passerby.evaluation.evaluate import evaluate_distances
from passerby.retrieval.embedding_file import load_embeddings
from passerby.retrieval.methods import METHODS
from passerby.retrieval.rerank import k_reciprocal
from passerby.training.trainer import TrainingResult

SMALL = "k-reciprocal:k1=5,k2=2,lambda=0.2"


@pytest.fixture
def embeddings(passerby: Callable[..., Any], trained: TrainingResult, market: Path, tmp_path: Path) -> Path:
    file = tmp_path / "all.npz"
    passerby("embed", trained.best.path, market / "query", market / "bounding_box_test", "--output", file)
    return file


def test_evaluating_gives_figures_with_and_without(
    passerby: Callable[..., Any], embeddings: Path, market: Path, dataset: Dataset, tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    plain = passerby("evaluate", embeddings, "--data", market, "--json", file)
    before = json.loads(file.read_text())
    assert "rerank" not in before
    outcome = passerby("evaluate", embeddings, "--data", market, "--rerank", SMALL, "--json", file)
    assert (plain.code, outcome.code) == (0, 0)
    after = json.loads(file.read_text())
    content = load_embeddings(embeddings)
    distances = k_reciprocal(
        content.embeddings[content.rows_of(dataset.query, market)],
        content.embeddings[content.rows_of(dataset.gallery, market)],
        k1=5,
        k2=2,
        lambda_=0.2,
    )
    expected = evaluate_distances(distances, dataset.query, dataset.gallery).to_dict()
    assert after["rerank"] == SMALL
    assert after["mAP"] == pytest.approx(expected["mAP"])
    assert after["cmc"] == pytest.approx(expected["cmc"])
    assert after["without_rerank"]["mAP"] == before["mAP"]
    assert SMALL in outcome.out
    assert "mAP without" in outcome.out
    assert "not re-ranked" not in outcome.err
    strangers = passerby("evaluate", embeddings, "--data", market, "--rerank", SMALL, "--open-set")
    assert "searches among strangers, and the errors of groups, are those by cosine distance" in strangers.err


@pytest.mark.parametrize("name", METHODS)
def test_searching_takes_every_method(
    name: str, passerby: Callable[..., Any], embeddings: Path, market: Path
) -> None:
    few = {"diffusion": "k=4,k_query=2", "local-metric": "count=3,skip=5", "cross-neighbourhood": "k=5"}
    few |= {"graph": "k1=5,k2=2", "k-reciprocal": "k1=5,k2=2", "divide-and-fuse": "k1=5,k2=2"}
    query = sorted((market / "query").iterdir())[0]
    method = f"{name}:{few.get(name, '')}"
    plain = passerby("search", query, "--gallery", embeddings, "--json", "--top", 36)
    outcome = passerby("search", query, "--gallery", embeddings, "--json", "--top", 36, "--rerank", method)
    assert outcome.code == 0
    before, after = json.loads(plain.out), json.loads(outcome.out)
    assert [answer["rank"] for answer in after] == list(range(1, 37))
    known = {answer.pop("path"): answer for answer in before}
    for answer in after:
        match = known[answer.pop("path")]
        assert {**match, "rank": 0} == {**answer, "rank": 0}


def test_the_order_of_a_search_is_that_of_the_method(
    passerby: Callable[..., Any], embeddings: Path, market: Path, trained: TrainingResult
) -> None:
    content = load_embeddings(embeddings)
    query = content.paths[0]
    outcome = passerby("search", query, "--gallery", embeddings, "--json", "--top", 5, "--rerank", SMALL)
    distances = k_reciprocal(content.embeddings[:1], content.embeddings, 5, 2, 0.2)[0]
    found = [distances[content.paths.index(answer["path"])] for answer in json.loads(outcome.out)]
    np.testing.assert_allclose(found, np.sort(distances)[:5], atol=1e-4)
    table = passerby("search", query, "--gallery", embeddings, "--rerank", SMALL)
    assert f"in the order of {SMALL}" in table.err


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("kreciprocal", "got 'kreciprocal'; did you mean k-reciprocal?"),
        ("k-reciprocal:k3=1", "got 'k3'; did you mean k2?"),
        ("k-reciprocal:k1=x", "expected k1 of k-reciprocal to be a whole number, got 'x'"),
    ],
)
def test_unknown_methods_are_refused_before_anything_is_read(
    method: str, says: str, passerby: Callable[..., Any], tmp_path: Path
) -> None:
    nowhere = tmp_path / "none"
    for command in (("evaluate", nowhere, "--data", nowhere), ("search", nowhere, "--gallery", nowhere)):
        outcome = passerby(*command, "--rerank", method)
        assert outcome.code == 2
        assert says in outcome.error


def test_more_neighbours_than_pictures_are_refused(
    passerby: Callable[..., Any], embeddings: Path, market: Path
) -> None:
    query = sorted((market / "query").iterdir())[0]
    for command in (("evaluate", embeddings, "--data", market), ("search", query, "--gallery", embeddings)):
        outcome = passerby(*command, "--rerank", "k-reciprocal:k1=99")
        assert outcome.code == 2
        assert "expected k1 of at most" in outcome.error


def test_too_little_memory_is_noticed_before_the_work(
    passerby: Callable[..., Any], embeddings: Path, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = sorted((market / "query").iterdir())[0]
    needed = load_embeddings(embeddings).embeddings.nbytes
    monkeypatch.setattr(machine, "available_memory", lambda: 2 * needed)
    outcome = passerby("search", query, "--gallery", embeddings, "--rerank", SMALL)
    assert outcome.code == 2
    assert "re-ranking 36 pictures for 1 queries needs about" in outcome.error


def test_embeddings_that_are_not_finite_are_refused(
    passerby: Callable[..., Any], embeddings: Path, market: Path, tmp_path: Path
) -> None:
    content = load_embeddings(embeddings)
    broken = content.embeddings.copy()
    broken[3] = np.nan
    np.savez(tmp_path / "broken.npz", embeddings=broken, paths=list(content.paths))
    outcome = passerby("evaluate", tmp_path / "broken.npz", "--data", market, "--rerank", SMALL)
    assert outcome.code == 2
    assert "row 3 of the embeddings is not finite" in outcome.error
