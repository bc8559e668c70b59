import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import PasserbyError
from passerby.privacy.transform import SecretTransform, _orthogonal

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))


def unit(rows: int, dimension: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((rows, dimension))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def distances(embeddings: np.ndarray) -> np.ndarray:
    exact = embeddings.astype(np.float64)
    return 1 - exact @ exact.T


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(2, 96))
def test_the_matrix_is_orthogonal(secret: bytes, dimension: int) -> None:
    matrix = _orthogonal(secret, dimension)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(dimension), atol=1e-12)


@pytest.mark.parametrize("dimension", [2, 128, 512, 1024])
def test_distances_and_lengths_stay_within_a_hundred_thousandth(dimension: int) -> None:
    embeddings = unit(200, dimension)
    turned = SecretTransform(SECRET, dimension).apply(embeddings)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(distances(turned), distances(embeddings), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(SecretTransform(SECRET, dimension).undo(turned), embeddings, atol=1e-6)


def test_ranking_stays_as_it_was() -> None:
    gallery, queries = unit(500, 256), unit(20, 256, 1)
    transform = SecretTransform(SECRET, 256)
    before = np.argsort(-queries @ gallery.T, axis=1)[:, :50]
    after = np.argsort(-transform.apply(queries) @ transform.apply(gallery).T, axis=1)[:, :50]
    agreement = np.mean([len(set(a) & set(b)) / 50 for a, b in zip(before, after, strict=True)])
    assert agreement > 0.99  # all but ties


def test_under_another_secret_the_same_embeddings_are_strangers() -> None:
    embeddings = unit(400, 512)
    mine, theirs = (SecretTransform(secret, 512).apply(embeddings) for secret in (SECRET, OTHER))
    similarity = np.sum(mine * theirs, axis=1)
    assert abs(similarity.mean()) < 0.02
    assert np.abs(similarity).max() < 0.25  # independent directions: 0 ± 1/sqrt(512)
    assert np.mean(np.argmax(mine @ theirs.T, axis=1) == np.arange(400)) < 0.02


def test_identities_differ_by_secret_and_dimension_and_tell_nothing() -> None:
    suffixes = {SecretTransform(secret, d).suffix for secret in (SECRET, OTHER) for d in (4, 8)}
    assert len(suffixes) == 4
    transform = SecretTransform(SECRET, 4)
    assert transform.identity("abc") == f"abc~{transform.suffix}"
    assert repr(transform) == f"SecretTransform({transform.suffix}, dimension=4)"
    assert transform.suffix not in SECRET.hex()


def test_the_same_secret_gives_the_same_matrix_in_every_version() -> None:
    """Computed when the format was fixed: a gallery must outlive versions of numpy and of LAPACK."""
    expected = [
        [0.359226668204055, -0.9284201820440953, 0.09482703424774315],
        [-0.6737944970362114, -0.1877103533130112, 0.7146788082928046],
        [-0.6457222131959938, -0.32062562098546254, -0.6929949744067081],
    ]
    np.testing.assert_allclose(_orthogonal(SECRET, 3), expected, atol=1e-12)
    assert SecretTransform(SECRET, 3).suffix == "e7cb6edaf1ce85e3"


def test_all_orthogonal_matrices_are_as_likely() -> None:
    """Under Haar's measure the trace has mean 0 and variance 1, and half of the determinants are -1."""
    matrices = [_orthogonal(number.to_bytes(32, "big"), 6) for number in range(600)]
    traces = np.array([np.trace(matrix) for matrix in matrices])
    assert abs(traces.mean()) < 0.15
    assert abs(traces.var() - 1) < 0.2
    assert 0.42 < np.mean([np.linalg.det(matrix) < 0 for matrix in matrices]) < 0.58
    entries = np.array(matrices)[:, 0, 0]
    assert abs(np.mean(entries > 0) - 0.5) < 0.08


def test_another_dimension_is_refused() -> None:
    for shape in ((3, 5), (4,), (1, 2, 4)):
        with pytest.raises(PasserbyError, match=r"expected embeddings \(N, 4\)"):
            SecretTransform(SECRET, 4).apply(np.zeros(shape, np.float32))
    for dimension in (0, 1, 8193):
        with pytest.raises(PasserbyError, match="length 2 to 8,192"):
            SecretTransform(SECRET, dimension)
    assert SecretTransform(SECRET, 4).apply(np.zeros((0, 4), np.float32)).shape == (0, 4)
