"""Every method of re-ranking against a dense, literal version of its definition, in double precision."""

from collections.abc import Callable

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.retrieval.rerank import (
    diffusion,
    divide_and_fuse,
    expanded_cross_neighbourhood,
    graph_propagation,
    k_reciprocal,
    similar_top_dissimilar_bottom,
)

People = Callable[[int, int, int], tuple[np.ndarray, np.ndarray]]


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (left, right))
    return left @ right.T


def ranked(similarities: np.ndarray) -> np.ndarray:
    return np.argsort(-similarities, axis=1, kind="stable")


def last_by_cosine(distances: np.ndarray, query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    return np.where(distances < 1 - 1e-12, distances, 2 - cosines(query, gallery))


@pytest.mark.parametrize(("k", "t", "q"), [(25, 3, 8), (6, 1, 2), (10, 5, 3)])
@pytest.mark.parametrize("distance", ["rank", "cosine"])
def test_expanded_cross_neighbourhood_equals_plain_loops(
    k: int, t: int, q: int, distance: str, people: People
) -> None:
    query, gallery = people(k, 12, 60)
    both = np.concatenate([query, gallery])
    ranks = ranked(cosines(both, both))
    between = 1 - cosines(both, both)
    if distance == "rank":
        position = np.argsort(ranks, axis=1)
        lists = np.maximum(0, k - position)
        between = 1 - lists @ lists.T / (np.arange(1, k + 1) ** 2).sum()

    def expanded(picture: int) -> list[int]:
        first = list(ranks[picture, 1 : t + 1])
        return first + [further for other in first for further in ranks[other, 1 : q + 1]]

    expected = np.empty((12, 60))
    for one in range(12):
        for other in range(12, 72):
            sums = [between[p, other] for p in expanded(one)] + [between[p, one] for p in expanded(other)]
            expected[one, other - 12] = np.mean(sums)
    if distance == "rank":
        expected = last_by_cosine(expected, query, gallery)
    found = expanded_cross_neighbourhood(query, gallery, k, t, q, distance)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("k1", "k2", "layers", "alpha"), [(26, 7, 2, 2.0), (5, 3, 1, 1.0), (3, 9, 3, 0.0)])
def test_graph_propagation_equals_its_dense_form(k1: int, k2: int, layers: int, alpha: float, people: People) -> None:
    query, gallery = people(k1, 15, 90)
    both = np.concatenate([query, gallery])
    similarities = cosines(both, both)
    ranks = ranked(similarities)
    graph = np.zeros_like(similarities)
    for picture in range(len(both)):
        graph[picture, ranks[picture, :k1]] = 1
    for _ in range(layers):
        symmetric = graph + graph.T
        for picture in range(len(both)):
            nearest = ranks[picture, :k2]
            row = (np.maximum(similarities[picture, nearest], 0) ** alpha) @ symmetric[nearest]
            graph[picture] = row / np.linalg.norm(row)
    expected = last_by_cosine(1 - graph[:15] @ graph[15:].T, query, gallery)
    found = graph_propagation(query, gallery, k1, k2, layers, alpha)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("k", "k_query", "alpha", "gamma"), [(10, 3, 0.99, 3.0), (5, 1, 0.9, 1.0), (30, 10, 0.0, 2.0)]
)
def test_diffusion_equals_solving_the_dense_system(
    k: int, k_query: int, alpha: float, gamma: float, people: People
) -> None:
    query, gallery = people(k, 10, 70)
    similarities = np.maximum(cosines(gallery, gallery), 0) ** gamma
    np.fill_diagonal(similarities, np.inf)
    nearest = ranked(similarities)[:, : k + 1]
    affinity = np.zeros((70, 70))
    for one in range(70):
        for other in range(70):
            if one != other and other in nearest[one] and one in nearest[other]:
                affinity[one, other] = similarities[one, other]
    scale = 1 / np.sqrt(np.where(affinity.sum(axis=1) > 0, affinity.sum(axis=1), 1))
    system = np.eye(70) - alpha * scale[:, None] * affinity * scale[None]
    asked = np.maximum(cosines(query, gallery), 0) ** gamma
    begin = np.where(np.argsort(ranked(asked), axis=1) < k_query, asked, 0)
    flow = np.linalg.solve(system, begin.T).T
    expected = 1 - flow / flow.max(axis=1, keepdims=True)
    found = diffusion(query, gallery, k, k_query, alpha, gamma, iterations=1000)
    reached = expected < 1 - 1e-9
    np.testing.assert_allclose(found[reached], expected[reached], rtol=0, atol=1e-4)
    np.testing.assert_allclose(found[~reached], (2 - cosines(query, gallery))[~reached], rtol=0, atol=1e-5)


def test_diffusion_comes_nearer_with_every_step(people: People) -> None:
    query, gallery = people(3, 10, 70)
    solved = diffusion(query, gallery, 20, 5, iterations=1000)
    errors = [np.abs(diffusion(query, gallery, 20, 5, iterations=steps) - solved).max() for steps in (2, 8, 40)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3


@pytest.mark.parametrize(("top", "bottom", "pull", "push"), [(3, 3, 0.5, 0.2), (1, 9, 2.0, 0.0), (5, 1, 0.0, 1.0)])
def test_similar_top_dissimilar_bottom_equals_plain_loops(
    top: int, bottom: int, pull: float, push: float, people: People
) -> None:
    query, gallery = people(top, 9, 40)
    places, own = (np.argsort(ranked(cosines(rows, gallery)), axis=1) for rows in (query, gallery))
    places, own = places / (places + 7), own / (own + 7)
    order = ranked(cosines(query, gallery))
    expected = np.empty((9, 40))
    for q in range(9):
        for g in range(40):
            pulled = np.mean([own[t, g] for t in order[q, :top]])
            pushed = np.mean([1 - own[b, g] for b in order[q, -bottom:]])
            expected[q, g] = places[q, g] + pull * pulled + push * pushed
    found = similar_top_dissimilar_bottom(query, gallery, top, bottom, pull, push, depth=7)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_one_part_alone_is_k_reciprocal(people: People) -> None:
    query, gallery = people(1, 20, 80)
    np.testing.assert_allclose(
        divide_and_fuse(query, gallery, parts=1), k_reciprocal(query, gallery), rtol=0, atol=1e-5
    )


def test_with_lambda_1_parts_do_not_matter(people: People) -> None:
    query, gallery = people(1, 20, 80)
    np.testing.assert_allclose(
        divide_and_fuse(query, gallery, lambda_=1), k_reciprocal(query, gallery, lambda_=1), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_parts_are_fused_by_the_mean_of_their_vectors(power: float, people: People) -> None:
    """Vectors of each part are read off k-reciprocal distances of the part: overlap with one picture's only."""
    query, gallery = people(7, 6, 50)
    both = np.concatenate([query, gallery])
    fused = np.zeros((56, 56))
    for part in np.split(both, 3, axis=1):
        fused += dense_encoding(part, 6, 3) ** power
    fused = fused ** (1 / power)
    fused /= fused.sum(axis=1, keepdims=True)
    shared = np.minimum(fused[:6, None], fused[None, 6:]).sum(axis=2)
    original = k_reciprocal(query, gallery, 6, 3, lambda_=1)
    expected = 0.4 * original + 0.6 * (1 - shared / (2 - shared))
    found = divide_and_fuse(query, gallery, 3, 6, 3, 0.4, power)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def dense_encoding(embeddings: np.ndarray, k1: int, k2: int) -> np.ndarray:
    distances = 2 - 2 * cosines(embeddings, embeddings)
    ranks = ranked(-distances)
    total = len(embeddings)

    def mutual(picture: int, k: int) -> set[int]:
        return {int(other) for other in ranks[picture, : k + 1] if picture in ranks[other, : k + 1]}

    encoding = np.zeros((total, total))
    for picture in range(total):
        members = mutual(picture, k1)
        expanded = set(members)
        for member in members:
            further = mutual(member, round(k1 / 2))
            if 3 * len(further & members) > 2 * len(further):
                expanded |= further
        places = sorted(expanded)
        weights = np.exp(-distances[picture, places] / distances[picture].max())
        encoding[picture, places] = weights / weights.sum()
    return np.array([encoding[ranks[picture, :k2]].mean(axis=0) for picture in range(total)])


METHODS = [
    expanded_cross_neighbourhood,
    graph_propagation,
    diffusion,
    similar_top_dissimilar_bottom,
    divide_and_fuse,
    k_reciprocal,
]


@pytest.mark.parametrize("method", METHODS)
def test_everything_that_clusters_is_found_by_every_method(method: Callable[..., np.ndarray]) -> None:
    random = np.random.default_rng(0)
    people_ = np.repeat(np.arange(60), 6)
    embeddings = np.repeat(random.normal(size=(60, 32)), 6, axis=0) + 0.6 * random.normal(size=(360, 32))
    query, gallery = embeddings[::6], np.delete(embeddings, np.s_[::6], axis=0)
    distances = method(query, gallery)
    right = people_[::6, None] == np.delete(people_, np.s_[::6])[None]
    assert distances.dtype == np.float32
    assert distances.min() >= -1e-6
    assert np.isfinite(distances).all()
    assert right[np.arange(60), distances.argmin(axis=1)].mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("query", "gallery", "says"),
    [
        (np.ones((2, 4)), np.ones((30, 5)), "of the same dimension, got 4 and 5"),
        (np.ones((2, 4)), np.ones((0, 4)), "at least one gallery embedding, got none"),
        (np.ones((2, 4)), np.ones((2, 4)), r"expected \w+ of at most 2, the gallery's pictures, got \d+"),
        (np.full((2, 4), np.nan), np.ones((60, 4)), "row 0 of the query embeddings is not finite"),
        (np.ones((2, 4)), np.zeros((60, 4)), "row 0 of the gallery embeddings is all zeros"),
    ],
)
def test_bad_embeddings_are_refused_by_every_method(
    method: Callable[..., np.ndarray], query: np.ndarray, gallery: np.ndarray, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        method(query, gallery)


@pytest.mark.parametrize(
    ("method", "settings", "says"),
    [
        (expanded_cross_neighbourhood, {"distance": "euclid"}, "rank or cosine, got euclid"),
        (graph_propagation, {"layers": 0}, "1 layer or more"),
        (graph_propagation, {"alpha": np.nan}, "alpha of 0 or more, got 2 and nan"),
        (diffusion, {"alpha": 1.0}, "alpha from 0 to less than 1"),
        (diffusion, {"iterations": 0}, "1 iteration or more"),
        (similar_top_dissimilar_bottom, {"pull": -1.0}, "pull and push of 0 or more and depth above 0, got -1.0"),
        (divide_and_fuse, {"parts": 5}, "expected 1 to 4 parts"),
        (divide_and_fuse, {"power": 0.0}, "a power above 0, got 0.0"),
    ],
)
def test_numbers_out_of_their_range_are_refused(
    method: Callable[..., np.ndarray], settings: dict[str, float], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        method(np.ones((2, 4)), np.ones((60, 4)), **settings)


@pytest.mark.parametrize("method", METHODS)
def test_pictures_that_are_all_the_same_break_nothing(method: Callable[..., np.ndarray]) -> None:
    distances = method(np.ones((3, 8)), np.ones((70, 8)))
    assert np.isfinite(distances).all()


def test_what_no_neighbour_leads_to_comes_last_by_cosine() -> None:
    query = np.array([[1.0, 0.0, 0.0]])
    gallery = normalise(np.array([[1, 0.1, 0], [1, 0.2, 0], [0, 0, 1], [0, 0.1, 1], [0.2, 0, 1], [0.3, 0.1, 1.0]]))
    distances = expanded_cross_neighbourhood(query, gallery, k=2, t=1, q=1)
    unreached = distances[0] >= 1
    assert unreached.tolist() == [False, False, True, True, True, True]
    np.testing.assert_allclose(distances[0, unreached], 1 + cosine_distances(query, gallery)[0, unreached], atol=1e-6)
