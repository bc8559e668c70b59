"""Every reader on a tiny data set as its authors publish it: from the folder, and from an archive of it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from passerby.data import FORMATS, Dataset, ReadOptions, read_dataset
from passerby.data.dataset import cameras, people
from passerby.data.images import read_image
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, Sample

Build = Callable[[ModuleType, Path], Path]


def labels(samples: tuple[Sample, ...]) -> list[tuple[int, int]]:
    return sorted((sample.person_id, sample.camera_id) for sample in samples)


EXPECTED: dict[str, tuple[int, int, int]] = {
    "cuhk01": (12, 6, 6),
    "cuhk02": (32, 4, 4),
    "cuhk03": (12, 6, 6),
    "viper": (4, 3, 3),
    "grid": (4, 2, 5),
    "prid": (4, 2, 5),
    "msmt17": (6, 2, 4),
    "mars": (6, 2, 8),
    "sysu-mm01": (18, 4, 4),
    "cuhk-pedes": (3, 2, 2),
    "prcc": (6, 2, 2),
    "ltcc": (4, 4, 4),
    "market1501": (2, 1, 2),
}
"""Pictures to train on, to ask with and to answer with in each tiny set."""


@pytest.mark.parametrize(
    ("name", "packed"), [(name, packed) for name in EXPECTED for packed in (None, "zip")] + [("cuhk03", "gztar")]
)
def test_each_is_recognised_and_read_from_folder_and_archive(
    name: str, packed: str | None, published: ModuleType, tmp_path: Path
) -> None:
    root = getattr(published, name.replace("-", "_"))(tmp_path / "set")
    if packed:
        archive = Path(shutil.make_archive(str(tmp_path / "archive"), packed, root))
        shutil.rmtree(root)
        root = archive
    dataset = read_dataset(root)
    assert dataset.format == name
    assert (len(dataset.train), len(dataset.query), len(dataset.gallery)) == EXPECTED[name]
    assert not people(dataset.train) & people(dataset.gallery)
    assert people(dataset.query) <= people(dataset.gallery)
    for sample in dataset.samples:
        assert sample.path.is_relative_to(dataset.root)
        assert read_image(sample.path).shape[2] == 3
    assert all("MACOSX" not in str(path) for path, _ in dataset.ignored)


def test_every_format_is_tried_here() -> None:
    assert set(EXPECTED) | {"folder", "shards", "parquet"} == set(FORMATS)


def read(published: ModuleType, name: str, root: Path, **options: Any) -> Dataset:
    if not root.exists():
        getattr(published, name)(root)
    return read_dataset(root, options=ReadOptions(**options))


def test_cuhk01_draws_half_or_a_hundred_people(published: ModuleType, tmp_path: Path) -> None:
    published.cuhk01(tmp_path / "set", people=103)
    splits = [read_dataset(tmp_path / "set", options=ReadOptions(split=split)) for split in (1, 1, 2)]
    assert splits[0] == splits[1]
    assert people(splits[0].query) != people(splits[2].query)
    assert [len(people(part)) for part in (splits[0].train, splits[0].query)] == [51, 52]
    hundred = read_dataset(tmp_path / "set", options=ReadOptions(variant="100"))
    assert [len(people(part)) for part in (hundred.train, hundred.query, hundred.gallery)] == [3, 100, 100]
    # Two pictures of each person by each view: all answer, a protocol draws one where it wants a single shot.
    assert cameras(hundred.query) == {1}
    assert cameras(hundred.gallery) == {2}
    assert len(hundred.gallery) == 200
    with pytest.raises(DataError, match="more than 100 people for the variant 100, got 6"):
        read(published, "cuhk01", tmp_path / "small", variant="100")


def test_cuhk02_counts_people_and_cameras_of_each_pair_by_themselves(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "cuhk02", tmp_path / "set")
    assert len(people(dataset.train)) == 8
    assert cameras(dataset.train) == set(range(1, 9))
    assert cameras(dataset.query) == {9}
    assert cameras(dataset.gallery) == {10}
    assert {dataset.person_names[person] for person in people(dataset.query)} == {"P5/001", "P5/002"}


def test_cuhk03_pictures_lie_upright_in_the_order_of_their_channels(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "cuhk03", tmp_path / "set", split=1)
    for sample in dataset.samples:
        pair, person, view, column = (int(part) for part in sample.path.stem.split("_"))
        picture = read_image(sample.path)
        assert picture.shape == (8 + person, 4 + pair, 3)
        assert (picture[0] == (pair, person, column)).all()
        assert not picture[1:].any()
        assert (sample.camera_id, sample.sequence_id) == (view, pair)


@pytest.mark.parametrize(("split", "tested"), [(1, {"1_001", "2_002"}), (2, {"1_002", "3_001"})])
@pytest.mark.parametrize("variant", ["detected", "labelled", "labeled"])
def test_cuhk03_has_classic_splits(
    split: int, tested: set[str], variant: str, published: ModuleType, tmp_path: Path
) -> None:
    dataset = read(published, "cuhk03", tmp_path / "set", split=split, variant=variant)
    assert dataset.query == dataset.gallery
    assert {sample.path.stem[:5] for sample in dataset.query} == tested
    assert len(people(dataset.train)) == 4
    assert len(dataset.samples) == 24 + (variant != "detected")


def test_cuhk03s_new_protocol_is_its_published_list(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "cuhk03", tmp_path / "set", variant="labelled")
    assert len(dataset.train) == 13
    assert people(dataset.train) == {1, 2, 3}
    assert people(dataset.query) == people(dataset.gallery) == {4, 5, 6}
    assert {sample.path.stem[-2:] for sample in dataset.query} == {"01", "06"}
    assert not set(dataset.query) & set(dataset.gallery)


def test_cuhk03_is_read_from_its_archive_and_from_the_mat_itself(published: ModuleType, tmp_path: Path) -> None:
    root = published.cuhk03(tmp_path / "set", archive=True)
    packed = read_dataset(root / "cuhk03_release.zip")
    assert len(packed.train) == 12
    assert read_image(packed.query[0].path).shape[2] == 3
    published.write_cuhk03(tmp_path / "mine.mat")
    own = read_dataset(tmp_path / "mine.mat", options=ReadOptions(split=2))
    assert len(own.samples) == 24
    with pytest.raises(DataError, match=r"config_detected\.mat of the new protocol"):
        read_dataset(tmp_path / "mine.mat")


def test_cuhk03s_new_protocol_in_folders(published: ModuleType, tmp_path: Path) -> None:
    for kind, person in (("detected", 1), ("labeled", 2)):
        published.draw(tmp_path / "np" / kind / "bounding_box_train" / f"000{person}_c1s1_000001_00.png")
    for variant, person in ((None, 1), ("labelled", 2)):
        dataset = read_dataset(tmp_path / "np", options=ReadOptions(variant=variant))
        assert (dataset.format, people(dataset.train)) == ("cuhk03", {person})
    with pytest.raises(DataError, match=r"expected cuhk-03\.mat for classic splits"):
        read_dataset(tmp_path / "np", options=ReadOptions(split=1))


def test_viper_numbers_person_000_from_1(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "viper", tmp_path / "set")
    assert people(dataset.samples) == {1, 2, 3, 6, 873}
    assert dataset.person_names[1] == "000"
    assert labels(dataset.query) == [(person, 1) for person in sorted(people(dataset.gallery))]
    assert cameras(dataset.gallery) == {2}


def test_grid_takes_its_ten_published_splits(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "grid", tmp_path / "set")
    assert labels(dataset.train) == [(1, 1), (1, 2), (3, 1), (3, 2)]
    assert [sample.person_id for sample in dataset.gallery].count(DISTRACTOR) == 3
    assert people(read(published, "grid", tmp_path / "set", split=2).train) == {2, 4}
    with pytest.raises(DataError, match="expected a split of 1 to 10, got split=11"):
        read(published, "grid", tmp_path / "set", split=11)


def test_prid_knows_that_numbers_beyond_200_are_not_shared(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "prid", tmp_path / "set")
    assert people(dataset.samples) == {1, 2, 3, 4}
    strangers = [sample for sample in dataset.gallery if sample.person_id == DISTRACTOR]
    assert sorted(sample.path.stem for sample in strangers) == ["person_0201", "person_0202", "person_0203"]
    assert {sample.camera_id for sample in strangers} == {2}
    tracks = read(published, "prid", tmp_path / "set", variant="multi")
    # Person 3 has 21 pictures, and so is left out; nobody else answers.
    assert people(tracks.samples) == {1, 2, 4}
    assert {sample.track_id for sample in tracks.samples} == {1}
    assert len(people(tracks.train)) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_msmt17_counts_people_from_0_and_anew_in_the_test(
    version: int, published: ModuleType, tmp_path: Path
) -> None:
    published.msmt17(tmp_path / "set", version)
    dataset = read_dataset(tmp_path / "set")
    assert labels(dataset.train) == [(1, 1), (1, 7), (1, 14), (2, 1), (2, 7), (2, 14)]
    assert labels(dataset.query) == [(10001, 1), (10002, 1)]
    assert dataset.person_names == {1: "train 0000", 2: "train 0001", 10001: "test 0000", 10002: "test 0001"}
    without_val = read_dataset(tmp_path / "set", options=ReadOptions(variant="train"))
    assert cameras(without_val.train) == {1, 14}


def test_mars_has_tracklets_junk_and_distractors(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "mars", tmp_path / "set")
    assert {(s.person_id, s.camera_id, s.track_id) for s in dataset.query} == {(2, 1, 1)}
    in_gallery = {(s.person_id, s.camera_id, s.track_id) for s in dataset.gallery}
    assert in_gallery == {(JUNK, 1, 1), (DISTRACTOR, 2, 1), (2, 3, 1), (2, 3, 2)}
    assert {s.person_id for s in dataset.train} == {1, 3}


def test_sysu_mm01_asks_in_infrared_and_answers_in_colour(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "sysu_mm01", tmp_path / "set")
    assert people(dataset.train) == {1, 2, 3}  # train and val
    assert labels(dataset.query) == [(4, 3), (4, 3), (4, 6), (4, 6)]
    assert cameras(dataset.gallery) == {1, 2}


def test_cuhk_pedes_has_sentences_and_no_cameras(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "cuhk_pedes", tmp_path / "set")
    assert people(dataset.query) == {12004}
    assert dataset.query == dataset.gallery
    assert {sample.camera_id for sample in dataset.samples} == {-1}
    assert dataset.sentences[dataset.train[0].path] == ("Person 1 wears a shirt.", "The person walks.")
    assert people(read(published, "cuhk_pedes", tmp_path / "set", variant="val").query) == {11004}


def test_prcc_and_ltcc_have_clothes(published: ModuleType, tmp_path: Path) -> None:
    changed = read(published, "prcc", tmp_path / "prcc")
    same = read(published, "prcc", tmp_path / "prcc", variant="same")
    assert {(s.camera_id, s.clothes_id) for s in changed.train} == {(1, 1), (2, 1), (3, 2)}
    assert {(s.camera_id, s.clothes_id) for s in changed.query} == {(3, 2)}
    assert {(s.camera_id, s.clothes_id) for s in same.query} == {(2, 1)}
    assert {(s.camera_id, s.clothes_id) for s in same.gallery} == {(1, 1)}
    assert [reason for _, reason in changed.ignored] == ["not used: people of rgb/train"]
    dataset = read(published, "ltcc", tmp_path / "ltcc")
    assert people(dataset.train) == {1, 89}
    assert {dataset.person_names[person] for person in people(dataset.train)} == {"000", "088"}
    assert {(s.person_id, s.clothes_id, s.camera_id) for s in dataset.query} == {
        (4, 1, 9),
        (4, 2, 12),
        (6, 1, 9),
        (6, 1, 10),
    }
    assert people(read(published, "ltcc", tmp_path / "ltcc", variant="changed").gallery) == {4}


def test_market1501s_attributes_are_read_in_words(published: ModuleType, tmp_path: Path) -> None:
    dataset = read(published, "market1501", tmp_path / "set")
    assert dataset.attributes[2] == {
        "age": "adult",
        "backpack": "no",
        "upper_colour": "red",
        "gender": "female",
        "sleeves": "long sleeves",
    }
    assert dataset.attributes[7]["lower_colour"] == "blue"
    assert "upper_colour" not in dataset.attributes[1]


def test_pictures_of_an_archive_are_those_of_the_folder(published: ModuleType, tmp_path: Path) -> None:
    root = published.viper(tmp_path / "set")
    archive = shutil.make_archive(str(tmp_path / "archive"), "zip", root)
    for ours, theirs in zip(read_dataset(root).samples, read_dataset(archive).samples, strict=True):
        assert (ours.person_id, ours.camera_id) == (theirs.person_id, theirs.camera_id)
        assert np.array_equal(read_image(ours.path), read_image(theirs.path))
