import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.retrieval.embedding_file import EmbeddingFile, load_embeddings, save_embeddings
from passerby.types import Sample


def content(*paths: str) -> EmbeddingFile:
    return EmbeddingFile(np.eye(len(paths), 8, dtype=np.float32), paths)


def samples(root: Path, *names: str) -> list[Sample]:
    return [Sample(root / name, 1) for name in names]


def test_everything_comes_back(tmp_path: Path) -> None:
    embeddings = np.random.default_rng(0).normal(size=(3, 5))
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    before = EmbeddingFile(embeddings, ("/a/ü.jpg", "b c.jpg", "c.jpg"), "abc", "/models/x")
    save_embeddings(tmp_path / "deep" / "vectors", before)
    after = load_embeddings(tmp_path / "deep" / "vectors")
    np.testing.assert_allclose(after.embeddings, before.embeddings, atol=1e-7)
    assert (after.paths, after.identity, after.model) == (before.paths, "abc", "/models/x")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["vectors"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint16])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_other_programs_files_are_read_at_any_scale_and_type(dtype: Any, save: Any, tmp_path: Path) -> None:
    save(tmp_path / "x.npz", embeddings=np.array([[3, 4], [0, 2]], dtype), paths=np.array(["a.jpg", "b.jpg"]), more=1)
    loaded = load_embeddings(tmp_path / "x.npz")
    assert loaded.embeddings.dtype == np.float32
    np.testing.assert_allclose(loaded.embeddings, [[0.6, 0.8], [0, 1]], atol=1e-3)
    assert (loaded.paths, loaded.identity, loaded.model) == (("a.jpg", "b.jpg"), "", "")


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"features": np.eye(2)}, "expected arrays named embeddings and paths, got features"),
        ({"embeddings": np.eye(2)}, "expected arrays named embeddings and paths, got embeddings"),
        ({"embeddings": np.eye(3), "paths": np.array(["a", "b"])}, r"got float64 \(3, 3\) and <U1 \(2,\)"),
        ({"embeddings": np.ones(2), "paths": np.array(["a", "b"])}, r"got float64 \(2,\)"),
        ({"embeddings": np.eye(2), "paths": np.array([b"a", b"b"])}, r"paths \(N,\) of strings, got .* and \|S1"),
        ({"embeddings": np.eye(2), "paths": np.array([1, 2])}, "of strings, got .* and int64"),
        ({"embeddings": np.array([["1"], ["2"]]), "paths": np.array(["a", "b"])}, "expected real embeddings"),
        ({"embeddings": np.eye(2, dtype=complex), "paths": np.array(["a", "b"])}, "expected real embeddings"),
        ({"embeddings": np.zeros((2, 2)), "paths": np.array(["a", "b"])}, "row 0 of the embeddings is all zeros"),
        ({"embeddings": np.full((1, 2), np.nan), "paths": np.array(["a"])}, "row 0 of the embeddings is not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict[str, Any], reason: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=reason):
        load_embeddings(tmp_path / "x.npz")


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.marker,)


@pytest.mark.parametrize("name", ["embeddings", "paths", "identity"])
def test_nothing_is_unpickled(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    arrays = {"embeddings": np.eye(1), "paths": np.array(["a"]), "identity": np.array("")}
    np.savez(tmp_path / "x.npz", **(arrays | {name: np.array([Malicious(marker)], dtype=object)}))
    with pytest.raises(DataError, match="expected plain arrays, got Python objects, which are never unpickled"):
        load_embeddings(tmp_path / "x.npz")
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Malicious(marker)))
    with pytest.raises(DataError, match="got another or a damaged file"):
        load_embeddings(tmp_path / "bare.npz")
    assert not marker.exists()


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.eye(2))
    (tmp_path / "text.npz").write_text("nothing")
    (tmp_path / "empty.npz").touch()
    for name, reason in {
        "one.npy": "got a single array",
        "text.npz": "got another or a damaged file",
        "empty.npz": "got another or a damaged file",
        "none.npz": "there is no such file; make it with `passerby embed`",
        ".": "got another or a damaged file",
    }.items():
        with pytest.raises(DataError, match=reason):
            load_embeddings(tmp_path / name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_anywhere_is_our_own_error_or_none(save: Any, tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    save(file, embeddings=np.eye(3), paths=np.array(["a", "b", "c"]))
    whole = file.read_bytes()
    chance = random.Random(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        file.write_bytes(damaged)
        try:
            load_embeddings(file)
        except DataError:
            refused += 1
    assert refused > 250


@pytest.mark.parametrize(
    "paths",
    [
        ("query/1.jpg", "gallery/1.jpg", "gallery/2.jpg"),
        ("/elsewhere/set/query/1.jpg", "/elsewhere/set/gallery/1.jpg", "/elsewhere/set/gallery/2.jpg"),
        (r"C:\set\query\1.jpg", r"C:\set\gallery\1.jpg", r"C:\set\gallery\2.jpg"),
        ("./query/1.jpg", "gallery/1.jpg", "2.jpg"),
        ("set/query/1.jpg", "set/gallery/1.jpg", "flat/2.jpg"),
    ],
)
def test_rows_are_found_by_the_ends_of_their_paths(paths: tuple[str, ...], tmp_path: Path) -> None:
    root = tmp_path / "set"
    wanted = samples(root, "gallery/2.jpg", "query/1.jpg", "gallery/1.jpg", "gallery/2.jpg")
    assert content(*paths).rows_of(wanted, root).tolist() == [2, 0, 1, 2]
    whole = content(*(str(root / path) for path in ("query/1.jpg", "gallery/1.jpg", "gallery/2.jpg")))
    assert whole.rows_of(wanted, root).tolist() == [2, 0, 1, 2]


def test_the_whole_path_decides_between_two_copies_of_a_data_set(tmp_path: Path) -> None:
    here = [str(tmp_path / copy / "query" / "1.jpg") for copy in ("first", "second")]
    for number, copy in enumerate(("first", "second")):
        root = tmp_path / copy
        assert content(*here).rows_of(samples(root, "query/1.jpg"), root).tolist() == [number]
    with pytest.raises(DataError, match=r"one embedding for query/1\.jpg, got 2 rows of that name"):
        content(*here).rows_of(samples(tmp_path / "third", "query/1.jpg"), tmp_path / "third")


def test_relative_data_folders_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path("set")
    stored = content(str(tmp_path / "set" / "1.jpg"), "/other/1.jpg")
    assert stored.rows_of(samples(root, "1.jpg"), root).tolist() == [0]
    assert content("query/1.jpg", "x/1.jpg").rows_of(samples(root, "query/1.jpg"), root).tolist() == [0]


def test_duplicate_and_missing_names_are_errors_that_name_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one embedding for b/1\.jpg, got 2 rows of that name; give paths"):
        content("1.jpg", "x/1.jpg").rows_of(samples(tmp_path, "b/1.jpg"), tmp_path)
    with pytest.raises(DataError, match=r"one embedding for b/2\.jpg, got none"):
        content("1.jpg", "3.jpg").rows_of(samples(tmp_path, "b/1.jpg", "b/2.jpg"), tmp_path)
    with pytest.raises(DataError, match="got 2 rows of that name"):
        content("a/1.jpg", "a/1.jpg").rows_of(samples(tmp_path, "a/1.jpg"), tmp_path)


def test_one_row_never_stands_for_two_pictures(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"each of ann/1\.jpg and bob/1\.jpg, got x/1\.jpg for both"):
        content("x/1.jpg").rows_of(samples(tmp_path, "ann/1.jpg", "bob/1.jpg"), tmp_path)


def test_a_picture_never_takes_the_row_of_another_one_of_the_data_set(tmp_path: Path) -> None:
    """As `passerby embed` writes them, with whole paths: bob's was left out, and ann's has the same bare name."""
    stored = content(str(tmp_path / "ann" / "1.jpg"))
    with pytest.raises(DataError, match=r"one embedding for bob/1\.jpg, got none"):
        stored.rows_of(samples(tmp_path, "bob/1.jpg"), tmp_path)
