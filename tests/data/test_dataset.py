import shutil
from pathlib import Path

import pytest

from passerby.data import Dataset, read_dataset
from passerby.data.dataset import cameras, people, statistics
from passerby.errors import DataError
from passerby.types import Sample


def test_folders_that_are_no_data_set_are_refused(tmp_path: Path, market: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        read_dataset(tmp_path / "none")
    with pytest.raises(
        DataError, match=r"expected one folder of pictures for each .*market1501.*; got an empty folder"
    ):
        read_dataset(tmp_path)
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"got a\.txt, b\.txt, c\.txt and 1 more"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match=r"an archive .*, got another file"):
        read_dataset(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"one of the formats .*folder, got 'Market'"):
        read_dataset(market, "Market")


def test_a_named_format_overrides_what_the_folder_looks_like(market: Path) -> None:
    dataset = read_dataset(market, "folder")
    assert dataset.format == "folder"
    assert sorted(dataset.person_names.values()) == ["bounding_box_test", "bounding_box_train", "query"]


def test_every_picture_stands_once_among_the_samples(people_folder: Path) -> None:
    dataset = read_dataset(people_folder)
    assert len(dataset.samples) == len(set(dataset.samples)) == len(dataset.train) + len(dataset.gallery)


def test_pictures_can_be_left_out_of_every_list(people_folder: Path) -> None:
    dataset = read_dataset(people_folder)
    gone = {dataset.train[0].path, dataset.query[0].path}
    less = dataset.without(gone)
    assert not gone & {sample.path for sample in less.samples}
    assert len(less.samples) == len(dataset.samples) - 2
    assert less.person_names == dataset.person_names


def test_the_fingerprint_is_of_names_and_labels_wherever_the_folder_lies(market: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(market, tmp_path / "elsewhere" / "market"))
    dataset, copy = read_dataset(market), read_dataset(moved)
    assert dataset.fingerprint() == copy.fingerprint()
    assert dataset.fingerprint() != dataset.fingerprint(dataset.query)
    assert dataset.fingerprint() == dataset.fingerprint(dataset.train[::-1])
    first = dataset.train[0]
    for other in (
        Sample(first.path, 99, first.camera_id),
        Sample(first.path, first.person_id, 99),
        Sample(market / "x.jpg", first.person_id, first.camera_id),
    ):
        assert dataset.fingerprint((other, *dataset.train[1:])) != dataset.fingerprint()


def test_statistics_count_what_is_there() -> None:
    labels = [(1, 1), (1, 2), (1, 2), (2, 1), (3, -1), (0, 5), (-1, 6)]
    samples = [Sample(Path(f"{number}.jpg"), *label) for number, label in enumerate(labels)]
    found = statistics(samples)
    assert (found.pictures, found.people, found.cameras) == (7, 3, 4)
    assert (found.distractors, found.junk, found.fewest, found.most) == (1, 1, 1, 3)
    assert found.single_camera_people == 2
    assert (people(samples), cameras(samples)) == ({1, 2, 3}, {1, 2, 5, 6})
    assert statistics([]).people == 0


def test_a_data_set_cannot_be_made_with_people_on_both_sides(tmp_path: Path) -> None:
    one = (Sample(tmp_path / "1.jpg", 1),)
    with pytest.raises(DataError, match="nobody in both the training and the query pictures"):
        Dataset("x", tmp_path, "folder", train=one, query=one, gallery=one)
