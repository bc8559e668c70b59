from pathlib import Path

import pytest

from passerby.data import Dataset, ReadOptions, read_dataset
from passerby.data.dataset import people
from passerby.errors import DataError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(dataset: Dataset, split: str) -> set[str]:
    return {dataset.person_names[sample.person_id] for sample in getattr(dataset, split)}


def test_people_are_numbered_from_1_and_named_by_their_folders(people_folder: Path) -> None:
    dataset = read_dataset(people_folder)
    assert dataset.format == "folder"
    assert list(dataset.person_names.items()) == list(
        enumerate(("ann", "bob", "cem", "dan", "eve", "fay", "gus", "hal"), start=1)
    )
    for sample in dataset.samples:
        assert dataset.person_names[sample.person_id] == sample.path.parent.name
        assert sample.camera_id == -1
    assert len(dataset.samples) == 48
    assert len(people(dataset.gallery)) == 2  # 0.3 of 8


@pytest.mark.parametrize(("share", "tested"), [(0, 0), (0.1, 2), (0.5, 4), (1, 8)])
def test_people_are_split_never_pictures(people_folder: Path, share: float, tested: int) -> None:
    dataset = read_dataset(people_folder, options=ReadOptions(test_share=share, camera_pattern="cam([0-9])"))
    assert not names(dataset, "train") & names(dataset, "gallery")
    assert names(dataset, "query") == names(dataset, "gallery")
    assert len(names(dataset, "gallery")) == tested
    assert len(dataset.train) + len(dataset.gallery) == 48
    # One query for each person and camera.
    assert len(dataset.query) == len({(s.person_id, s.camera_id) for s in dataset.gallery})
    assert set(dataset.query) <= set(dataset.gallery)


def test_the_seed_decides_the_split_and_nothing_else_does(people_folder: Path) -> None:
    splits = [read_dataset(people_folder, options=ReadOptions(seed=seed)) for seed in (0, 0, *range(1, 9))]
    assert splits[0] == splits[1]
    assert len({frozenset(names(dataset, "gallery")) for dataset in splits}) > 3


def test_the_camera_is_the_patterns_first_group(tmp_path: Path) -> None:
    touch(tmp_path, "p/left_1.jpg", "p/deep/right_1.jpg", "q/left_2.jpg", "q/right_2.jpg")
    dataset = read_dataset(tmp_path, options=ReadOptions(camera_pattern=r"(left|right)_"))
    assert {sample.path.name: sample.camera_id for sample in dataset.samples} == {
        "left_1.jpg": 1,
        "right_1.jpg": 2,
        "left_2.jpg": 1,
        "right_2.jpg": 2,
    }


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("cam[0-9", "is no regular expression"),
        ("cam[0-9]", "expected a group around the camera"),
        ("view([0-9])", "finds no camera in .*ann/cam1_0.png"),
        ("cam|(x)", "finds no camera in"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(people_folder: Path, pattern: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_dataset(people_folder, options=ReadOptions(camera_pattern=pattern))


def test_nothing_is_silently_skipped(tmp_path: Path) -> None:
    strange = {
        "list.csv": "not in the folder of a person",
        "stray.jpg": "not in the folder of a person",
        ".DS_Store": "hidden",
        "ann/notes.txt": "not a picture by its ending",
        "ann/._1.jpg": "hidden",
        "ann/.thumbs/1.jpg": "hidden",
    }
    touch(tmp_path, *strange, "ann/1.jpg", "bob/1.jpg")
    (tmp_path / "empty").mkdir()
    dataset = read_dataset(tmp_path)
    found = {path.relative_to(tmp_path).as_posix(): reason for path, reason in dataset.ignored}
    assert found == {**strange, "empty": "a folder without pictures"}
    assert sorted(dataset.person_names.values()) == ["ann", "bob"]


def test_one_person_is_too_few(tmp_path: Path) -> None:
    touch(tmp_path, "ann/1.jpg", "ann/2.jpg")
    with pytest.raises(DataError, match=r"at least two people.*got ann"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match="folders of at least two people, got 1; add people"):
        read_dataset(tmp_path, "folder")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_impossible_shares_are_refused(people_folder: Path, share: float) -> None:
    with pytest.raises(DataError, match="expected a test share of 0 to 1"):
        read_dataset(people_folder, options=ReadOptions(test_share=share))
