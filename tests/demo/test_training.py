import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from passerby.data import read_dataset
from passerby.demo.training import TrainingDemoResult, run_training_demo
from passerby.models.bundle import load_bundle
from passerby.retrieval.pictures import search_pictures
from passerby.training.reporter import Reporter


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


class Interrupting(Reporter):
    """Presses Ctrl-C after an epoch."""

    def epoch(self, row: dict[str, Any]) -> None:
        raise KeyboardInterrupt


class Noting(Reporter):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def reporter() -> Noting:
    return Noting()


@pytest.fixture(scope="module")
def demo(said: list[str], reporter: Noting, tmp_path_factory: pytest.TempPathFactory) -> TrainingDemoResult:
    """The demo on as few people as the command line allows, for a few of its epochs, in one thread, interrupted once.

    On busy processors several threads wait for each other ten times as long as they work.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    output = tmp_path_factory.mktemp("demo") / "out"
    try:
        with pytest.raises(KeyboardInterrupt):
            run_training_demo(output, people=20, epochs=3, say=lambda _: None, reporter=Interrupting())
        return run_training_demo(output, people=20, epochs=3, say=said.append, reporter=reporter)
    finally:
        torch.set_num_threads(threads)


def test_the_demo_ends_with_everything_that_it_promises(demo: TrainingDemoResult, said: list[str]) -> None:
    names = {path.name for path in demo.folder.iterdir()}
    assert {"synthetic-people", "untrained", "training", "search.png", "report"} <= names
    assert demo.report == demo.folder / "report" / "report.html"
    assert [line[0] for line in said if line[0] != " "] == ["1", "2", "3", "4", "5", "6"]
    assert str(demo.report) in said[-1]


def test_an_interrupted_demo_goes_on(demo: TrainingDemoResult, reporter: Noting) -> None:
    assert "going on after epoch 1, step 0" in reporter.notes


def test_training_shows(demo: TrainingDemoResult, said: list[str]) -> None:
    before, after = demo.untrained.metrics, demo.trained.metrics
    losses = [
        float(row["loss"]) for row in csv.DictReader((demo.folder / "training" / "log.csv").open(encoding="utf-8"))
    ]
    assert losses[-1] < 0.9 * losses[0], losses  # so few epochs on so few people need not help with others yet
    assert after.mean_ap != before.mean_ap
    assert after.queries == before.queries == 28  # 7 people by 4 cameras
    page = demo.report.read_text(encoding="utf-8")
    for metrics in (before, after):
        assert f"{metrics.mean_ap * 100:.1f}" in page
    assert "Untrained" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_nobody_tested_on_was_trained_on(demo: TrainingDemoResult) -> None:
    dataset = read_dataset(demo.folder / "synthetic-people")
    assert not {s.person_id for s in dataset.train} & {s.person_id for s in dataset.query + dataset.gallery}
    provenance = json.loads((demo.folder / "synthetic-people" / "provenance.json").read_text())
    assert provenance["note"] == "synthetic: no real person is shown"


def test_the_demos_models_can_be_used(demo: TrainingDemoResult) -> None:
    trained, untrained = load_bundle(demo.folder / "training" / "best"), load_bundle(demo.folder / "untrained")
    assert trained.identity != untrained.identity
    assert (trained.architecture, trained.preprocessing) == (untrained.architecture, untrained.preprocessing)
    dataset = read_dataset(demo.folder / "synthetic-people")
    gallery = demo.folder / "synthetic-people" / "bounding_box_test"
    assert len(search_pictures(dataset.query[0].path, gallery, str(trained.path), top=12)) == 12
    with Image.open(demo.folder / "search.png") as image:
        assert image.width > 7 * 128


def test_the_command_says_what_the_demo_found(
    demo: TrainingDemoResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from passerby.cli.main import run

    asked: dict[str, Any] = {}

    def finished(folder: Path, *, say: Callable[[str], None], **options: Any) -> TrainingDemoResult:
        asked.update(options, folder=folder)
        say("1. rendering")
        return demo

    monkeypatch.setattr("passerby.demo.training.run_training_demo", finished)
    with pytest.raises(SystemExit) as ended:
        run(["demo", "--train", "--output", str(tmp_path / "here"), "--people", "21", "--seed", "4"])
    assert ended.value.code == 0
    assert (asked["folder"], asked["people"], asked["seed"]) == (tmp_path / "here", 21, 4)
    printed = capsys.readouterr()
    assert f"{demo.untrained.metrics.mean_ap:.1%} → {demo.trained.metrics.mean_ap:.1%}" in printed.out
    assert f"open {demo.report} in a browser" in printed.out
    assert "1. rendering" in printed.err


def test_too_few_people_to_train_on_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from passerby.cli.main import run

    with pytest.raises(SystemExit) as ended:
        run(["demo", "--train", "--people", "19", "--output", str(tmp_path / "here")])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("passerby: expected 20 people or more with --train, got 19")
    assert not list(tmp_path.iterdir())
