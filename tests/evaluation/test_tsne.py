"""t-SNE: its slope against finite differences, its neighbourhoods against the definition, and what a map needs."""

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.evaluation import tsne as module
from passerby.evaluation.tsne import gradient, principal_components, tsne
from passerby.retrieval.distance import normalise


def groups(people: int = 6, pictures: int = 8, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    ids = np.repeat(np.arange(people), pictures)
    return normalise(random.normal(size=(people, 16))[ids] + noise * random.normal(size=(len(ids), 16))), ids


def divergence(points: np.ndarray, joint: np.ndarray) -> float:
    kernel = 1 / (1 + ((points[:, None] - points) ** 2).sum(-1))
    np.fill_diagonal(kernel, 0)
    among = kernel / kernel.sum()
    off = ~np.eye(len(points), dtype=bool)
    return float((joint[off] * np.log(joint[off] / among[off])).sum())


def test_the_slope_is_that_of_the_divergence() -> None:
    random = np.random.default_rng(1)
    points, joint = random.normal(size=(7, 2)), random.random((7, 7))
    joint = joint + joint.T
    np.fill_diagonal(joint, 0)
    joint /= joint.sum()
    found = gradient(points, joint)
    for place in np.ndindex(points.shape):
        moved = np.zeros_like(points)
        moved[place] = 1e-6
        slope = (divergence(points + moved, joint) - divergence(points - moved, joint)) / 2e-6
        assert found[place] == pytest.approx(slope, abs=1e-7)


def test_every_neighbourhood_has_the_perplexity() -> None:
    embeddings, _ = groups()
    distances = 2 - 2 * embeddings.astype(np.float64) @ embeddings.T
    joint = module._joint(distances, 10)
    assert joint.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(joint, joint.T)
    # Recomputed one row at a time, by bisection on the definition.
    rows = np.zeros_like(joint)
    for row in range(len(embeddings)):
        others = np.delete(distances[row], row)
        low, high = 1e-6, 1e6
        for _ in range(200):
            middle = np.sqrt(low * high)
            share = np.exp(-(others - others.min()) * middle)
            share /= share.sum()
            entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
            low, high = (middle, high) if entropy > np.log(10) else (low, middle)
        rows[row] = np.insert(share, row, 0)
    np.testing.assert_allclose(joint, np.maximum((rows + rows.T) / (2 * len(rows)), 1e-12), atol=1e-8)


def test_people_stay_together_and_the_picture_is_the_same_each_time() -> None:
    embeddings, ids = groups()
    points = tsne(embeddings, perplexity=5)
    distances = ((points[:, None] - points) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    assert (ids[distances.argmin(1)] == ids).all()
    np.testing.assert_array_equal(points, tsne(embeddings, perplexity=5))
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_few_and_equal_embeddings_are_laid_out_too(count: int) -> None:
    assert np.isfinite(tsne(groups()[0][:count])).all()
    assert np.isfinite(tsne(np.repeat(groups()[0][:1], count, axis=0))).all()


def test_principal_components_spread_most() -> None:
    embeddings, _ = groups()
    centred = embeddings - embeddings.mean(0)
    values = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    np.testing.assert_allclose((principal_components(embeddings) ** 2).sum(0), values[:2], rtol=1e-4)


def test_a_perplexity_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="perplexity of more than 1, got 1"):
        tsne(groups()[0], perplexity=1)
