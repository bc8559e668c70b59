from pathlib import Path

import pytest

from passerby.data import read_dataset
from passerby.data.dataset import statistics
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_people_cameras_and_sequences_come_from_the_names(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "bounding_box_train/0002_c1s1_000451_03.jpg",
        "bounding_box_train/1501_c6s4_000001_00.PNG",
        "query/0001_c3s2_000001_00.jpg",
        "bounding_box_test/0001_c12s1_000001_00.jpg",
        "bounding_box_test/0003_c2_f0046182.jpg",
        "bounding_box_test/0004_c2.jpg",
    )
    dataset = read_dataset(tmp_path)
    assert (dataset.format, dataset.name, dataset.ignored) == ("market1501", tmp_path.name, ())
    assert [(s.person_id, s.camera_id, s.sequence_id) for s in dataset.train] == [(2, 1, 1), (1501, 6, 4)]
    assert [(s.person_id, s.camera_id, s.sequence_id) for s in dataset.query] == [(1, 3, 2)]
    in_gallery = [(s.person_id, s.camera_id, s.sequence_id) for s in dataset.gallery]
    assert in_gallery == [(1, 12, 1), (3, 2, None), (4, 2, None)]


def test_junk_and_distractors_stay_in_the_gallery_and_leave_training(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *(f"bounding_box_train/{name}_c1s1_000001_00.jpg" for name in ("-1", "0000", "0007")),
        *(f"bounding_box_test/{name}_c1s1_000001_00.jpg" for name in ("-1", "0000", "0001")),
        "query/0001_c2s1_000001_00.jpg",
    )
    dataset = read_dataset(tmp_path)
    assert [sample.person_id for sample in dataset.train] == [7]
    assert [sample.person_id for sample in dataset.gallery] == [JUNK, DISTRACTOR, 1]
    assert [reason for _, reason in dataset.ignored] == ["junk and distractors are not trained on"] * 2
    found = statistics(dataset.gallery)
    assert (found.pictures, found.people, found.junk, found.distractors) == (3, 1, 1, 1)


def test_nothing_is_silently_skipped(tmp_path: Path) -> None:
    strange = {
        "query/Thumbs.db": "not a picture by its ending",
        "query/portrait.jpg": "not named as",
        "query/0001c1s1_000001_00.jpg": "not named as",
        "query/0001_c1s1x_000001_00.jpg": "not named as",
        "query/-2_c1s1_000001_00.jpg": "not named as",
        "bounding_box_test/._0001_c1s1_000001_00.jpg": "not named as",
        "bounding_box_train/0002_cXs1_000001_00.jpg": "not named as",
    }
    touch(tmp_path, *strange, "query/0001_c1s1_000001_00.jpg", "bounding_box_test/0001_c2s1_000001_00.jpg")
    dataset = read_dataset(tmp_path)
    assert len(dataset.samples) == 2
    found = {path.relative_to(tmp_path).as_posix(): reason for path, reason in dataset.ignored}
    assert found.keys() == strange.keys()
    for name, reason in strange.items():
        assert found[name].startswith(reason)


@pytest.mark.parametrize("person", ["0000", "-1"])
def test_nobody_can_ask_for_junk_or_distractors(person: str, tmp_path: Path) -> None:
    touch(tmp_path, f"query/{person}_c1s1_000001_00.jpg", "bounding_box_test/0001_c2s1_000001_00.jpg")
    with pytest.raises(DataError, match="cannot be asked for; number people from 1"):
        read_dataset(tmp_path)


def test_people_both_trained_and_tested_on_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{folder}/0005_c1s1_000001_00.jpg" for folder in ("bounding_box_train", "query")))
    with pytest.raises(DataError, match=r"nobody in both .* got 1 people in both, such as 5"):
        read_dataset(tmp_path)


def test_missing_folders_give_empty_lists_that_are_asked_for_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "bounding_box_train/0005_c1s1_000001_00.jpg")
    dataset = read_dataset(tmp_path)
    assert (len(dataset.train), dataset.query, dataset.gallery) == (1, (), ())
    dataset.require("train")
    with pytest.raises(DataError, match="expected gallery pictures, got none"):
        dataset.require("train", "gallery")


def test_without_any_picture_the_layout_is_explained(tmp_path: Path) -> None:
    (tmp_path / "bounding_box_train").mkdir()
    touch(tmp_path, "bounding_box_train/readme.txt")
    with pytest.raises(DataError, match=r"expected folders bounding_box_train.*0002_c1s1_000451_03\.jpg"):
        read_dataset(tmp_path)


def test_the_only_folder_of_an_unpacked_archive_is_tried(tmp_path: Path) -> None:
    touch(tmp_path, "Market-1501/bounding_box_train/0005_c1s1_000001_00.jpg", ".DS_Store")
    dataset = read_dataset(tmp_path)
    assert (dataset.name, dataset.root) == ("Market-1501", tmp_path / "Market-1501")
