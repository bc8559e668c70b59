"""Drawing in several processes, being interrupted, and going on."""

import json
from pathlib import Path

import psutil
import pytest

from passerby.errors import DataError, MachineError, MissingExtraError, PasserbyError
from passerby.synthetic import production
from passerby.synthetic.plan import Plan
from passerby.synthetic.production import produce_people
from passerby.synthetic.unfinished import UnfinishedDataset

SMALL = {"people": 5, "cameras": 2, "pictures": 2, "height": 64, "width": 32}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ages(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}


class Stop:
    """Raises once some pictures are done, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.after, self.calls = after, []

    def __call__(self, done: int, total: int) -> None:
        self.calls.append((done, total))
        if done >= self.after:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """The place of a data set of which some people are finished, and some not."""
    with pytest.raises(KeyboardInterrupt):
        produce_people(tmp_path / "out", **SMALL, processes=1, progress=Stop(4))
    return tmp_path / "out"


def test_same_bytes_as_one_process_and_no_trace_of_the_work(dataset: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    produced = produce_people(
        tmp_path / "out", **SMALL, processes=2, progress=lambda done, total: calls.append((done, total))
    )
    assert contents(produced) == contents(dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert calls == [(done, 20) for done in (0, 4, 8, 12, 16, 20)]


def test_interrupted_and_continued_gives_the_same_and_draws_nobody_twice(interrupted: Path, dataset: Path) -> None:
    unfinished = interrupted.with_name("out.unfinished")
    assert not interrupted.exists()
    assert not list(unfinished.rglob("provenance.json"))
    records = sorted(path.stem for path in (unfinished / "finished").glob("*.jsonl"))
    assert 1 <= len(records) < 5
    before = {name: age for name, age in ages(unfinished / "data").items() if Path(name).name[:4] in records}
    assert len(before) == 4 * len(records)
    calls: list[int] = []
    produce_people(interrupted, **SMALL, processes=2, progress=lambda done, _: calls.append(done))
    assert calls[0] == 4 * len(records)
    after = ages(interrupted)
    assert {name: after[name] for name in before} == before
    assert contents(interrupted) == contents(dataset)
    assert not unfinished.exists()


@pytest.mark.parametrize(("argument", "value"), [("seed", 1), ("people", 6), ("height", 128), ("train_people", 2)])
def test_continuing_with_other_settings_is_refused_in_one_line(interrupted: Path, argument: str, value: int) -> None:
    unfinished = interrupted.with_name("out.unfinished")
    before = contents(unfinished)
    with pytest.raises(DataError) as caught:
        produce_people(interrupted, **(SMALL | {argument: value}))
    assert f"{argument} " in str(caught.value)
    assert f"not {value}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(unfinished) == before
    assert not interrupted.exists()


def test_continuing_with_another_generator_is_refused(interrupted: Path) -> None:
    settings = interrupted.with_name("out.unfinished") / "settings.json"
    content = json.loads(settings.read_text())
    content["versions"]["numpy"] = "1.0"
    settings.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"numpy 1\.0, not"):
        produce_people(interrupted, **SMALL)


def test_a_lost_or_empty_picture_is_drawn_again(interrupted: Path, dataset: Path) -> None:
    pictures = sorted((interrupted.with_name("out.unfinished") / "data").rglob("0001_*.jpg"))
    pictures[0].unlink()
    pictures[1].write_bytes(b"")
    produce_people(interrupted, **SMALL, processes=1)
    assert contents(interrupted) == contents(dataset)


def test_a_complete_data_set_is_left_alone(tmp_path: Path) -> None:
    small = {"people": 2, "cameras": 1, "pictures": 1, "height": 32, "width": 16}
    produce_people(tmp_path / "out", **small, processes=1)
    before = ages(tmp_path / "out")
    calls: list[tuple[int, int]] = []
    produce_people(tmp_path / "out", **small, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(2, 2)]
    assert ages(tmp_path / "out") == before
    with pytest.raises(DataError, match="other settings"):
        produce_people(tmp_path / "out", **(small | {"seed": 3}))
    assert ages(tmp_path / "out") == before


def test_never_replaces_other_files(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="other files"):
        produce_people(tmp_path / "out", **SMALL)
    other = tmp_path / "new.unfinished"
    other.mkdir()
    (other / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="something else"):
        produce_people(tmp_path / "new", **SMALL)
    assert [path.name for path in other.iterdir()] == ["holiday.jpg"]


def test_two_processes_never_work_on_one_data_set(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    plan = Plan(**SMALL, seed=0, train_people=3)
    first = UnfinishedDataset(tmp_path / "out", plan)
    with first.opened(), pytest.raises(DataError, match="another process"):
        produce_people(tmp_path / "out", **SMALL)


def test_a_killed_process_is_told_in_one_line_and_can_be_continued(tmp_path: Path) -> None:
    small = SMALL | {"people": 30}

    def kill(done: int, _: int) -> None:
        if done:
            for child in psutil.Process().children():
                if any("spawn_main" in word for word in child.cmdline()):
                    child.kill()

    with pytest.raises(MachineError, match="same command again"):
        produce_people(tmp_path / "out", **small, processes=2, progress=kill)
    assert (tmp_path / "out.unfinished" / "settings.json").exists()
    calls: list[int] = []
    produce_people(tmp_path / "out", **small, processes=2, progress=lambda done, _: calls.append(done))
    assert 0 < calls[0] < calls[-1] == 120


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("people", 1),
        ("cameras", 0),
        ("cameras_per_person", 3),
        ("pictures", 0),
        ("seed", -1),
        ("height", 15),
        ("width", 1025),
        ("processes", 0),
    ],
)
def test_refuses_bad_arguments_in_one_line(tmp_path: Path, argument: str, value: int) -> None:
    with pytest.raises(DataError) as caught:
        produce_people(tmp_path / "out", **(SMALL | {argument: value}))
    assert "\n" not in str(caught.value)
    assert str(value) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_place_without_a_name_or_below_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PasserbyError, match="name"):
        produce_people(Path("."), **SMALL)
    (tmp_path / "file").write_text("")
    with pytest.raises(PasserbyError, match="not a directory"):
        produce_people(tmp_path / "file" / "out", **SMALL)


def test_missing_panda3d_names_the_extra_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise MissingExtraError("drawing synthetic people", "synthetic")

    monkeypatch.setattr(production, "panda3d_version", missing)
    with pytest.raises(MissingExtraError):
        produce_people(tmp_path / "out", **SMALL)
    assert not list(tmp_path.iterdir())
