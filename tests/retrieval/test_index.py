"""The index against brute force in float64, for any filter, any order of adding, and after any change."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import DataError, MachineError
from passerby.retrieval import vector_blocks
from passerby.retrieval.distance import normalise
from passerby.retrieval.index import Index


def vectors(count: int, dimension: int = 8, seed: int = 0) -> np.ndarray:
    return normalise(np.random.default_rng(seed).normal(size=(count, dimension)))


def brute_force(
    queries: np.ndarray, held: dict[int, np.ndarray], top: int, allowed: set[int] | None = None
) -> tuple[list[list[float]], list[list[int]]]:
    """Every distance by itself, sorted with ids: what any search must give."""
    distances, ids = [], []
    for query in queries.astype(np.float64):
        among = [
            (np.float32(min(2.0, max(0.0, 1 - (query * vector.astype(np.float64)).sum()))), identifier)
            for identifier, vector in held.items()
            if allowed is None or identifier in allowed
        ]
        best = sorted(among)[:top]
        distances.append([float(distance) for distance, _ in best])
        ids.append([identifier for _, identifier in best])
    return distances, ids


def assert_exact(
    index: Index, queries: np.ndarray, held: dict[int, np.ndarray], top: int, allowed: list[int] | None
) -> None:
    distances, ids = index.search(queries, top, None if allowed is None else np.array(allowed, np.int64))
    expected = brute_force(queries, held, top, None if allowed is None else set(allowed))
    assert ids.tolist() == expected[1]
    assert distances.tolist() == expected[0]
    assert distances.dtype == np.float32
    assert ids.dtype == np.int64


@pytest.fixture(params=[160, 8 * 2**20], ids=["five rows a block", "usual blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_blocks, "BLOCK_BYTES", request.param)


# Few directions, so that most distances tie.
directions = st.sampled_from(vectors(5, 3, seed=3).tolist())
changes = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.dictionaries(st.integers(-5, 30), directions, max_size=12)),
        st.tuples(st.just("remove"), st.lists(st.integers(-5, 30), max_size=8)),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(
    changes=changes,
    allowed=st.none() | st.lists(st.integers(-8, 33), max_size=30),
    queries=st.lists(directions, min_size=1, max_size=4),
    top=st.integers(1, 12),
    block_rows=st.integers(1, 9),
)
def test_search_equals_brute_force_under_any_filter_after_any_change(
    changes: list[tuple[str, Any]],
    allowed: list[int] | None,
    queries: list[list[float]],
    top: int,
    block_rows: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_blocks, "BLOCK_BYTES", 12 * block_rows)
        index = Index(3)
    held: dict[int, np.ndarray] = {}
    for change, content in changes:
        if change == "add":
            new = {i: np.array(vector, np.float32) for i, vector in content.items() if i not in held}
            index.add(np.array(list(new), np.int64), np.array(list(new.values()), np.float32).reshape(-1, 3))
            held |= new
        else:
            gone = set(content) & set(held)
            assert index.remove(np.array(content, np.int64)) == len(gone)
            held = {i: vector for i, vector in held.items() if i not in gone}
    assert len(index) == len(held)
    assert index.ids.tolist() == sorted(held)
    assert all((i in index) == (i in held) for i in range(-8, 34))
    assert_exact(index, np.array(queries, np.float32), held, top, allowed)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("share", [None, 0.0, 0.02, 0.5, 0.95])
def test_large_galleries_are_searched_exactly(share: float | None) -> None:
    random = np.random.default_rng(4)
    gallery, queries = vectors(3000, seed=1), vectors(3, seed=2)
    gallery[1000:1200] = gallery[1000]  # Many that tie, within one block and across blocks.
    queries[0] = gallery[1000]
    ids = random.permutation(10_000)[:3000]
    allowed = None if share is None else random.choice(ids, round(share * len(ids)), replace=False).tolist()
    index = Index(8)
    index.add(ids, gallery)
    assert_exact(index, queries, dict(zip(ids.tolist(), gallery, strict=True)), 50, allowed)


def test_thousands_at_the_same_distance_are_decided_by_id_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_blocks, "BLOCK_BYTES", 4096)
    index, one = Index(8), vectors(1)
    ids = np.random.default_rng(0).permutation(5000)
    index.add(ids, np.repeat(one, 5000, axis=0))
    distances, found = index.search(np.repeat(one, 2, axis=0), 3)
    assert found.tolist() == [[0, 1, 2]] * 2
    np.testing.assert_allclose(distances, 0, atol=1e-6)


def test_opposite_vectors_tie_at_two_and_slightly_long_ones_at_zero() -> None:
    index, one = Index(2), np.array([[1.0, 0.0]], np.float32)
    index.add(np.array([5, 4, 9, 8]), np.array([[1.004, 0], [1, 0], [-1.004, 0], [-1, 0]], np.float32))
    distances, ids = index.search(one, 4)
    assert ids.tolist() == [[4, 5, 8, 9]]
    assert distances.tolist() == [[0, 0, 2, 2]]


def test_more_queries_than_are_searched_at_once() -> None:
    gallery, queries = vectors(40, seed=1), vectors(600, seed=2)
    index = Index(8)
    index.add(np.arange(40), gallery)
    assert_exact(index, queries, dict(enumerate(gallery)), 3, None)
    assert index.search(np.empty((0, 8), np.float32), 3)[1].shape == (0, 3)


def test_an_empty_index_gives_empty_answers() -> None:
    index = Index(4)
    distances, ids = index.search(vectors(2, 4), 5)
    assert distances.shape == ids.shape == (2, 0)
    assert len(index) == 0
    assert index.remove(np.array([1])) == 0


@pytest.mark.usefixtures("blocks")
def test_vectors_come_back_in_the_order_asked_for() -> None:
    index, gallery = Index(8), vectors(30)
    index.add(np.arange(100, 130), gallery)
    index.remove(np.array([100, 117]))
    np.testing.assert_array_equal(index.vectors(np.array([129, 101, 129])), gallery[[29, 1, 29]])


@pytest.mark.usefixtures("blocks")
def test_removed_vectors_are_overwritten_in_memory() -> None:
    index, gallery = Index(8), vectors(5)
    index.add(np.arange(5), gallery)
    index.remove(np.array([1, 4]))
    memory = np.concatenate(index._vectors._blocks)
    for removed in (1, 4):
        assert not (memory == gallery[removed]).all(axis=1).any()


@pytest.mark.parametrize(
    ("ids", "embeddings", "message"),
    [
        ([1, 2, 1], vectors(3), "each new id once, got 1 more than once"),
        ([1, 7], vectors(2), "7 is in the index; remove it first"),
        ([1, 2], vectors(3), "an id for each of 3 embeddings, got 2 ids"),
        (["1", "2"], vectors(2), "ids as a list .* integers, got <U1"),
        ([1.0, 2.0], vectors(2), "integers, got float64"),
        ([True, False], vectors(2), "integers, got bool"),
        (np.array([2**63], np.uint64), vectors(1), "integers, got uint64"),
        ([1], vectors(1, 9), r"new embeddings of shape \(N, 8\) of real numbers, got \(1, 9\)"),
        ([1], vectors(1)[0], r"got \(8,\)"),
        ([1], vectors(1).astype(np.str_), "real numbers, got .* of <U"),
        ([1], vectors(1) * 2, "row 0 of the new embeddings has length 2, expected 1"),
        ([1], np.full((1, 8), np.nan), "row 0 of the new embeddings is not finite"),
        ([1], np.full((1, 8), np.inf), "row 0 of the new embeddings is not finite"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_added(ids: Any, embeddings: np.ndarray, message: str) -> None:
    index = Index(8)
    index.add(np.array([7]), vectors(1, seed=5))
    with pytest.raises(DataError, match=message):
        index.add(np.array(ids), embeddings)
    assert index.ids.tolist() == [7]


def test_wrong_searches_are_refused() -> None:
    index = Index(8)
    index.add(np.array([7]), vectors(1))
    with pytest.raises(DataError, match=r"query embeddings of shape \(N, 8\)"):
        index.search(vectors(1, 4), 3)
    with pytest.raises(DataError, match="row 0 of the query embeddings is not finite"):
        index.search(np.full((1, 8), np.nan), 3)
    with pytest.raises(DataError, match="at least 1 nearest, got 0"):
        index.search(vectors(1), 0)
    with pytest.raises(DataError, match="ids as a list"):
        index.search(vectors(1), 1, allowed=np.array(["7"]))
    with pytest.raises(DataError, match="has no vector 9"):
        index.vectors(np.array([7, 9]))
    with pytest.raises(DataError, match="at least 1 number, got 0"):
        Index(0)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("count", [0, 1, 50])
def test_saved_and_loaded_is_the_same(tmp_path: Path, count: int) -> None:
    index, queries = Index(8), vectors(4, seed=9)
    index.add(np.arange(count) * 3, vectors(count))
    index.remove(np.array([0, 9]))
    index.save(tmp_path / "gallery.index")
    loaded = Index.load(tmp_path / "gallery.index")
    assert loaded.ids.tolist() == index.ids.tolist()
    np.testing.assert_array_equal(loaded.vectors(loaded.ids), index.vectors(index.ids))
    for before, after in zip(index.search(queries, 7), loaded.search(queries, 7), strict=True):
        np.testing.assert_array_equal(before, after)
    loaded.add(np.array([10_000]), vectors(1, seed=8))
    assert 10_000 in loaded


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    index = Index(8)
    index.add(np.arange(20), vectors(20))
    index.save(tmp_path / "gallery.index")
    return tmp_path / "gallery.index"


def test_every_changed_byte_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    for place in (*range(0, 40), *range(40, len(whole), 37), len(whole) - 1):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"gallery\.index: .*(damaged|expected)"):
            Index.load(saved)


def test_a_file_of_any_other_length_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in (0, 3, 16, 31, 32, 100, len(whole) - 33, len(whole) - 1):
        saved.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"gallery\.index: .*(damaged|another kind)"):
            Index.load(saved)
    saved.write_bytes(whole + b"\0")
    with pytest.raises(DataError, match="damaged"):
        Index.load(saved)


def test_a_file_that_claims_more_than_it_holds_takes_no_memory(saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    whole[24:32] = (2**60).to_bytes(8, "little")
    saved.write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        Index.load(saved)


def test_files_that_are_no_index(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Index.load(tmp_path / "nothing")
    with pytest.raises(DataError, match="cannot be read"):
        Index.load(tmp_path)
    (tmp_path / "pickle").write_bytes(b"\x80\x04cos\nsystem\n" * 20)
    with pytest.raises(DataError, match="another kind of file"):
        Index.load(tmp_path / "pickle")


def test_a_newer_file_is_refused(saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    whole[16] = 2
    saved.write_bytes(whole)
    with pytest.raises(DataError, match="version 1, got 2; update Passerby"):
        Index.load(saved)


def test_a_folder_that_cannot_be_written_to_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("passerby.atomic.tempfile.mkdtemp", refuse)
    with pytest.raises(MachineError, match="may not write there"):
        Index(8).save(saved)
    assert saved.read_bytes() == before


@pytest.mark.usefixtures("blocks")
def test_readers_beside_a_writer_see_whole_changes_only() -> None:
    """A writer adds and removes pairs of ids that belong together; no reader may ever see one without the other."""
    pairs = vectors(200, seed=11)
    index = Index(8)
    index.add(np.arange(-100, 0), vectors(100, seed=12))
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            distances, ids = index.search(pairs[:2], 1000)
            seen = set(ids[0].tolist()) - set(range(-100, 0))
            if {i ^ 1 for i in seen} != seen or not (np.diff(distances) >= 0).all():
                wrong.append(seen)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for first in range(0, 200, 2):
        index.add(np.array([first, first + 1]), pairs[first : first + 2])
        if first >= 40:
            assert index.remove(np.array([first - 40, first - 39])) == 2
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert len(index) == 140
