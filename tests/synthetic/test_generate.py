import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from passerby.errors import DataError, MissingExtraError
from passerby.synthetic import render_people
from passerby.synthetic.plan import Plan
from passerby.synthetic.studio import Studio

FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
NAME = re.compile(r"(\d{4})_c(\d+)s1_(\d{6})_00\.jpg")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def people_in(folder: Path) -> set[int]:
    return {int(NAME.fullmatch(path.name)[1]) for path in folder.iterdir()}


def test_layout_names_and_counts(dataset: Path) -> None:
    # 5 people × 2 cameras × 2 pictures; 3 people to train on.
    assert {path.name for path in dataset.iterdir()} == {
        *FOLDERS,
        "truth.jsonl",
        "people.json",
        "cameras.json",
        "provenance.json",
    }
    assert [len(list((dataset / name).iterdir())) for name in FOLDERS] == [12, 4, 4]
    for path in dataset.glob("*/*"):
        assert NAME.fullmatch(path.name)
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (32, 64))


def test_train_and_test_people_are_disjoint(dataset: Path) -> None:
    train, query, gallery = (people_in(dataset / name) for name in FOLDERS)
    assert train == {1, 2, 3}
    assert query == gallery == {4, 5}


def test_every_test_person_and_camera_has_one_query(dataset: Path) -> None:
    queries = sorted(NAME.fullmatch(path.name).groups()[:2] for path in (dataset / "query").iterdir())
    assert queries == [("0004", "1"), ("0004", "2"), ("0005", "1"), ("0005", "2")]


def test_a_few_of_many_cameras_see_each_person(tmp_path: Path) -> None:
    few = {"people": 4, "cameras": 300, "cameras_per_person": 3, "pictures": 1, "height": 32, "width": 16}
    output = render_people(tmp_path / "out", **few, train_people=2)
    seen = [NAME.fullmatch(path.name).groups()[:2] for path in sorted(output.glob("*/*.jpg"))]
    assert Counter(person for person, _ in seen) == {f"{person:04d}": 3 for person in range(1, 5)}
    assert len({camera for _, camera in seen}) > 8
    assert all(1 <= int(camera) <= 300 for _, camera in seen)
    counts = json.loads((output / "provenance.json").read_text())["counts"]
    assert counts == {"bounding_box_train": 6, "query": 6, "bounding_box_test": 0}
    # Which they are does not depend on how many people there are.
    fewer = Plan(2, 300, 1, 0, 32, 16, 2, 3)
    assert [fewer.cameras_of(person) for person in range(2)] == [
        sorted(int(camera) - 1 for person, camera in seen if int(person) == number) for number in (1, 2)
    ]


def test_provenance_tells_how_it_was_made(dataset: Path) -> None:
    provenance = json.loads((dataset / "provenance.json").read_text())
    assert provenance["generator"] == "passerby.synthetic"
    assert provenance["note"] == "synthetic: no real person is shown"
    assert provenance["arguments"] == {
        "people": 5, "cameras": 2, "pictures": 2, "seed": 0, "height": 64, "width": 32, "train_people": 3,
        "cameras_per_person": None, "look_alikes": 0, "clothes_sets": 1, "mode": "colour", "weather": "clear",
        "masks": False, "parquet": False,
    }  # fmt: skip
    assert provenance["counts"] == {"bounding_box_train": 12, "query": 4, "bounding_box_test": 4}
    assert provenance["panda3d_version"]


def test_same_seed_gives_same_bytes_in_another_process(dataset: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from passerby.synthetic import render_people;"
        f"render_people(Path({str(tmp_path / 'again')!r}), people=5, cameras=2, pictures=2, height=64, width=32)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert contents(tmp_path / "again") == contents(dataset)


def test_picture_is_independent_of_how_many_are_made(dataset: Path, tmp_path: Path) -> None:
    fewer = render_people(tmp_path / "few", people=2, cameras=1, pictures=1, height=64, width=32, train_people=2)
    few, many = contents(fewer), contents(dataset)
    pictures = {name: content for name, content in few.items() if name.endswith(".jpg")}
    assert len(pictures) == 2
    assert pictures.items() <= many.items()
    assert set(few["truth.jsonl"].splitlines()) <= set(many["truth.jsonl"].splitlines())


def test_another_seed_gives_other_pictures(dataset: Path, tmp_path: Path) -> None:
    other = render_people(tmp_path / "other", people=2, cameras=1, pictures=1, seed=1, height=64, width=32)
    first = {path.name[:8]: path.read_bytes() for path in dataset.glob("*/*.jpg") if "_c1" in path.name}
    assert all(path.read_bytes() != first[path.name[:8]] for path in other.glob("*/*.jpg"))


def test_reports_progress(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    render_people(
        tmp_path / "out", people=2, cameras=1, pictures=1, height=32, width=16,
        progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("people", 1), ("people", 10_000), ("cameras", 0), ("pictures", 0), ("seed", -1), ("height", 15),
        ("height", 1025), ("width", 0), ("train_people", 6), ("train_people", -1), ("cameras", 10_000),
        ("cameras_per_person", 0), ("cameras_per_person", 5),
    ],
)  # fmt: skip
def test_refuses_bad_arguments_in_one_line(tmp_path: Path, argument: str, value: int) -> None:
    with pytest.raises(DataError) as caught:
        render_people(tmp_path / "out", **{"people": 5, argument: value})
    message = str(caught.value)
    assert argument in message
    assert str(value) in message
    assert "\n" not in message
    assert not list(tmp_path.iterdir())


def test_failure_midway_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        render_people(tmp_path / "out", people=2, cameras=1, pictures=2, height=32, width=16, progress=stop)
    assert not list(tmp_path.iterdir())


def test_never_replaces_other_peoples_files(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="other files"):
        render_people(tmp_path, people=2)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"mine"


def test_replaces_its_own_earlier_data_set(tmp_path: Path) -> None:
    for people in (3, 2):
        render_people(tmp_path / "out", people=people, cameras=1, pictures=1, height=32, width=16)
    assert len(list((tmp_path / "out").glob("*/*.jpg"))) == 2


def test_missing_panda3d_names_the_extra_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "panda3d", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'passerby\[synthetic\]'"):
        render_people(tmp_path / "out", people=2)
    assert not list(tmp_path.iterdir())


def test_importing_loads_neither_panda3d_nor_torch() -> None:
    code = "import sys, passerby.synthetic; print([m for m in ('panda3d', 'torch', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_two_studios_side_by_side_do_not_disturb_one_another() -> None:
    with Studio(0, 64, 32) as small, Studio(0, 128, 64) as large:
        before = small.take(0, 0, 0).pixels
        assert large.take(0, 0, 0).pixels.shape == (128, 64, 3)
        assert (small.take(0, 0, 0).pixels == before).all()


def test_clothes_sets_and_look_alikes_are_told_in_truth_and_people(tmp_path: Path) -> None:
    render_people(
        tmp_path / "alike", people=4, cameras=2, pictures=2, height=64, width=32, look_alikes=2, clothes_sets=2
    )
    people = json.loads((tmp_path / "alike" / "people.json").read_text())
    assert [person["dressed_like"] for person in people] == [None, 1, None, 3]
    assert all(len(person["other_clothes"]) == 1 for person in people)
    assert all(person["other_clothes"][0]["attributes"] != person["attributes"] for person in people)
    for line in (tmp_path / "alike" / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        assert truth["clothes_set"] == (truth["camera_id"] - 1 + truth["picture"]) % 2
        described = people[truth["person_id"] - 1]
        worn = described if truth["clothes_set"] == 0 else described["other_clothes"][0]
        assert truth["attributes"] == worn["attributes"]
        assert truth["sentence"] == worn["sentence"]
