"""Data sets in another form say the same as before."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_args

import numpy as np
import pytest
from PIL import Image

from passerby.data import Dataset, ReadOptions, read_dataset
from passerby.data.images import read_image, resize_image
from passerby.data.provenance import is_synthetic
from passerby.data.writing import Target, convert
from passerby.data.writing.pictures import Packing
from passerby.data.writing.shards import write_shards
from passerby.errors import DataError, MissingExtraError, PasserbyError
from passerby.evaluation.truth_labels import truth_labels

TARGETS: tuple[Target, ...] = get_args(Target)


def said(dataset: Dataset, path: bool = True) -> dict[str, list[Any]]:
    """Everything that is known of each picture, in an order that does not depend on names."""
    return {
        split: sorted(
            repr(
                (
                    *(
                        getattr(sample, key)
                        for key in ("person_id", "camera_id", "sequence_id", "track_id", "clothes_id")
                    ),
                    dataset.sentences.get(sample.path),
                    read_image(sample.path).tobytes(),
                )
            )
            for sample in getattr(dataset, split)
        )
        for split in ("train", "query", "gallery")
    }


@pytest.mark.parametrize("to", ["shards", "parquet"])
@pytest.mark.parametrize("name", ["market1501", "mars", "cuhk_pedes", "ltcc", "cuhk03", "viper"])
def test_shards_and_parquet_hold_all_that_is_known(
    to: Target, name: str, published: ModuleType, tmp_path: Path
) -> None:
    before = read_dataset(getattr(published, name)(tmp_path / "set"))
    seen: list[tuple[int, int]] = []
    result = convert(before, tmp_path / "out", to, progress=lambda done, total: seen.append((done, total)))
    after = read_dataset(tmp_path / "out")
    assert (after.format, after.name, result.left_behind) == (to, before.name, ())
    assert said(after) == said(before)
    assert (after.person_names, after.attributes) == (before.person_names, before.attributes)
    assert seen == [(done, result.pictures) for done in range(1, result.pictures + 1)]
    assert len(set(after.query) & set(after.gallery)) == len(set(before.query) & set(before.gallery))


def test_market1501s_layout_holds_people_cameras_and_sequences(published: ModuleType, tmp_path: Path) -> None:
    before = read_dataset(published.cuhk03(tmp_path / "set"), options=ReadOptions(split=1))
    convert(before, tmp_path / "out", "market1501")
    after = read_dataset(tmp_path / "out")
    assert after.format == "market1501"
    assert said(after) == said(before)
    # Arrays become pictures without loss, and a query that answers too stands in both folders under one name.
    assert {path.suffix for path in (tmp_path / "out").rglob("*.*")} == {".png"}
    assert {s.path.name for s in after.query} == {s.path.name for s in after.gallery}


def test_pictures_in_market1501s_layout_keep_their_names_and_bytes(published: ModuleType, tmp_path: Path) -> None:
    before = read_dataset(published.market1501(tmp_path / "set"))
    result = convert(before, tmp_path / "out", "market1501")
    assert result.left_behind == ("attributes",)
    for sample in before.samples:
        copy = tmp_path / "out" / sample.path.relative_to(before.root)
        assert copy.read_bytes() == sample.path.read_bytes()


def test_what_market1501s_layout_cannot_say_is_named(published: ModuleType, tmp_path: Path) -> None:
    mars = read_dataset(published.mars(tmp_path / "mars"))
    assert convert(mars, tmp_path / "a", "market1501").left_behind == ("tracks",)
    assert len(read_dataset(tmp_path / "a").gallery) == len(mars.gallery)  # junk and distractors too
    ltcc = read_dataset(published.ltcc(tmp_path / "ltcc"))
    assert convert(ltcc, tmp_path / "b", "market1501").left_behind == ("people's names", "clothes")
    with pytest.raises(DataError, match=r"expected cameras, .* got 5 pictures by unknown ones"):
        convert(read_dataset(published.cuhk_pedes(tmp_path / "pedes")), tmp_path / "c", "market1501")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("to", TARGETS)
def test_pictures_can_be_stored_decoded_at_the_size_of_the_network(
    to: Target, published: ModuleType, tmp_path: Path
) -> None:
    before = read_dataset(published.ltcc(tmp_path / "set"))
    convert(before, tmp_path / "out", to, size=(16, 8))
    after = read_dataset(tmp_path / "out")
    expected = sorted(resize_image(read_image(sample.path), 16, 8).tobytes() for sample in before.samples)
    assert sorted(read_image(sample.path).tobytes() for sample in after.samples) == expected
    assert {sample.path.suffix for sample in after.samples} == {".ppm"}


def test_pictures_that_differ_in_their_ending_alone_stay_two(published: ModuleType, tmp_path: Path) -> None:
    for name in ("ann/1.png", "ann/1.jpg", "bob/1.png"):
        published.draw(tmp_path / "set" / name)
    convert(read_dataset(tmp_path / "set"), tmp_path / "out", "shards", size=(16, 8))
    assert len({sample.path for sample in read_dataset(tmp_path / "out").samples}) == 3


@pytest.mark.parametrize("to", TARGETS)
def test_the_truth_of_drawn_people_goes_with_them(to: Target, published: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "drawn"
    for person in (1, 2):
        published.draw(root / "query" / f"000{person}_c1s1_000001_00.jpg")
        published.draw(root / "bounding_box_test" / f"000{person}_c2s1_000001_00.jpg")
    lines = [
        {"file": path.relative_to(root).as_posix(), "camera_id": 1 + number % 2}
        for number, path in enumerate(sorted(root.rglob("*.jpg")))
    ]
    (root / "truth.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (root / "provenance.json").write_text('{"generator": "a generator"}')
    before = read_dataset(root)
    convert(before, tmp_path / "out", to, size=(16, 8))
    after = read_dataset(tmp_path / "out")
    assert is_synthetic(after.root)
    expected = truth_labels(root, before.query, ["camera"])
    assert truth_labels(after.root, after.query, ["camera"]) == expected


def test_shards_are_plain_tar_files_and_read_without_the_index_too(published: ModuleType, tmp_path: Path) -> None:
    """As in another process, which has not read the index."""
    convert(read_dataset(published.viper(tmp_path / "set")), tmp_path / "out", "shards")
    expected = {sample.path: read_image(sample.path) for sample in read_dataset(tmp_path / "out").samples}
    (tmp_path / "out").rename(tmp_path / "moved")
    for path, picture in expected.items():
        moved = tmp_path / "moved" / path.relative_to(tmp_path / "out")
        assert np.array_equal(read_image(moved), picture)


def test_shards_are_as_large_as_they_may_be_and_whole(published: ModuleType, tmp_path: Path) -> None:
    before = read_dataset(published.viper(tmp_path / "set"))
    write_shards(before, tmp_path / "out", Packing(), largest=3000)
    shards = sorted((tmp_path / "out").glob("*.tar"))
    assert len(shards) > 2
    assert said(read_dataset(tmp_path / "out")) == said(before)
    shards[1].write_bytes(shards[1].read_bytes()[:-1])
    with pytest.raises(DataError, match=r"shard-00001\.tar: expected a whole shard"):
        read_dataset(tmp_path / "out")
    shards[1].unlink()
    with pytest.raises(DataError, match="got no such file"):
        read_dataset(tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda index: index.clear(), "expected an index of shards"),
        (lambda index: index.update(version=2), "expected version 1, got 2"),
        (lambda index: index["columns"]["person_id"].__setitem__(0, "ann"), "whole numbers in person_id, got 'ann'"),
        (lambda index: index["columns"]["split"].__setitem__(0, "exam"), "expected split as train, .* got 'exam'"),
        (lambda index: index["columns"].pop("person_id"), "expected a column person_id"),
        (lambda index: index["columns"]["shard"].__setitem__(0, "../x"), "expected a place in a shard for each"),
        (lambda index: index["columns"]["start"].__setitem__(0, 10**9), "a place outside of the shard"),
        (lambda index: index.update(shards={"../x.tar": 1}), "expected shards beside the index"),
    ],
)
def test_a_damaged_index_is_refused(change: Any, reason: str, published: ModuleType, tmp_path: Path) -> None:
    convert(read_dataset(published.viper(tmp_path / "set")), tmp_path / "out", "shards")
    index = json.loads((tmp_path / "out" / "passerby-shards.json").read_text())
    change(index)
    (tmp_path / "out" / "passerby-shards.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=reason):
        read_dataset(tmp_path / "out")


def test_parquet_of_other_programs_needs_pictures_and_people_only(people_folder: Path, tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    pictures = sorted(people_folder.rglob("*.png"))
    names = sorted({path.parent.name for path in pictures})
    rows = [path.read_bytes() for path in pictures]
    ids = [names.index(path.parent.name) + 1 for path in pictures]
    pyarrow.parquet.write_table(pyarrow.table({"image": rows, "person_id": ids}), tmp_path / "plain.parquet")
    dataset = read_dataset(tmp_path / "plain.parquet", options=ReadOptions(test_share=0.5))
    assert len(dataset.train) == len(dataset.gallery) == len(pictures) / 2
    for sample in dataset.samples:
        assert np.array_equal(read_image(sample.path), read_image(pictures[int(sample.path.name)]))
    for table, reason in {
        "no-image": {"person_id": ids},
        "no-people": {"image": rows},
        "words": {"image": rows, "person_id": [str(number) for number in ids]},
        "names": {"image": rows, "person_id": ids, "file": ["same"] * len(rows)},
        "out": {"image": rows, "person_id": ids, "file": [f"../{number}" for number in range(len(rows))]},
    }.items():
        pyarrow.parquet.write_table(pyarrow.table(reason), tmp_path / f"{table}.parquet")
        with pytest.raises(DataError, match="expected"):
            read_dataset(tmp_path / f"{table}.parquet")
    content = (tmp_path / "plain.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="stops half-way"):
        read_dataset(tmp_path / "cut.parquet")


def test_nothing_is_written_over_or_left_half(published: ModuleType, tmp_path: Path) -> None:
    root = published.viper(tmp_path / "set")
    dataset = read_dataset(root)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(PasserbyError, match="something stands there already"):
        convert(dataset, tmp_path / "out", "shards")
    with pytest.raises(PasserbyError, match="another place than the data set's own"):
        convert(dataset, root / "VIPeR" / "shards", "shards", replace=True)
    convert(dataset, tmp_path / "out", "shards", replace=True)
    assert not (tmp_path / "out" / "mine.txt").exists()

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    for to in TARGETS:
        with pytest.raises(KeyboardInterrupt):
            convert(dataset, tmp_path / "stopped", to, progress=stop)
        dataset.train[0].path.with_suffix(".bmp").write_bytes(b"no picture")
        with pytest.raises(DataError, match="expected a picture"):
            convert(dataset, tmp_path / "stopped", to, size=(16, 8))
        Image.new("RGB", (4, 8)).save(dataset.train[0].path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "set"]


def test_a_missing_extra_is_named(published: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = read_dataset(published.viper(tmp_path / "set"))
    published.write_cuhk03(tmp_path / "cuhk-03.mat")
    for module in ("h5py", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(cast("dict[str, Any]", __import__("sys").modules), module, None)
    with pytest.raises(MissingExtraError, match=r"passerby\[data\]"):
        convert(dataset, tmp_path / "out.parquet", "parquet")
    with pytest.raises(MissingExtraError, match=r"passerby\[data\]"):
        read_dataset(tmp_path / "cuhk-03.mat")
