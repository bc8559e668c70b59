import numpy as np
import pytest

from passerby.errors import DataError
from passerby.retrieval.methods import METHODS, parameters_of, reranker
from passerby.retrieval.rerank import expanded_cross_neighbourhood, k_reciprocal


@pytest.fixture
def embeddings() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(4, 8)), random.normal(size=(80, 8))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_goes_by_its_name_and_defaults(name: str, embeddings: tuple[np.ndarray, np.ndarray]) -> None:
    distances = reranker(name)(*embeddings)
    assert distances.shape == (4, 80)
    assert np.array_equal(distances, METHODS[name](*embeddings))
    defaults = ",".join(f"{key}={value}" for key, value in parameters_of(name).items())
    assert np.array_equal(distances, reranker(f"{name}:{defaults}")(*embeddings))


def test_parameters_reach_the_method(embeddings: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(
        reranker("k-reciprocal:k1=7,lambda=0.5,k2=2")(*embeddings), k_reciprocal(*embeddings, 7, 2, 0.5)
    )
    assert np.array_equal(
        reranker("cross-neighbourhood:distance=cosine")(*embeddings),
        expanded_cross_neighbourhood(*embeddings, distance="cosine"),
    )


def test_it_is_written_as_it_was_read() -> None:
    for text in ("k-reciprocal", "diffusion:k=20,alpha=0.9"):
        assert str(reranker(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kreciprocal", "got 'kreciprocal'; did you mean k-reciprocal?"),
        ("k-reciprocal:K1=3", "parameters k1, k2, lambda, got 'K1'; did you mean k1?"),
        ("k-reciprocal:lambda_=0.3", "got 'lambda_'; did you mean lambda?"),
        ("k-reciprocal:k1", "expected key=value after k-reciprocal:, got 'k1'"),
        ("k-reciprocal:k1=many", "expected k1 of k-reciprocal to be a whole number, got 'many'"),
        ("k-reciprocal:k1=2.5", "to be a whole number, got '2.5'"),
        ("k-reciprocal:lambda=x", "to be a number, got 'x'"),
        ("k-reciprocal:k1=3,k1=4", "expected k1 of k-reciprocal once"),
        ("cross-neighbourhood:distance=ranks", "to be rank or cosine, got 'ranks'; did you mean rank?"),
        ("", r"expected a method of re-ranking \(k-reciprocal, .*\), got ''"),
    ],
)
def test_what_is_unknown_is_refused_with_the_nearest(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        reranker(text)
