"""The demo with the shipped model, on a short scene, and its parts on made-up sightings."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import passerby.demo.search
from passerby.cli.main import run
from passerby.data import read_dataset
from passerby.demo.search import DemoResult, run_demo
from passerby.demo.sightings import Sighting
from passerby.demo.tracks import choose_query, search_tracks
from passerby.errors import DataError
from passerby.models.embedder import load_embedder
from passerby.probability import same_person_probability


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def demo(said: list[str], tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """The demo with fewer, smaller frames; in one thread, as several wait for each other on busy processors."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passerby.demo.search, "_SIZE", (180, 320))
        patch.setattr(passerby.demo.search, "FPS", 1.0)
        try:
            return run_demo(tmp_path_factory.mktemp("demo") / "out", people=8, say=said.append)
        finally:
            torch.set_num_threads(threads)


def test_ends_with_everything_that_it_promises(demo: DemoResult, said: list[str]) -> None:
    assert {path.name for path in demo.folder.iterdir()} == {"scene-8-1", "people", "report"}
    assert demo.report == demo.folder / "report" / "report.html"
    assert [line[0] for line in said if line[0] != " "] == ["1", "2", "3", "4"]
    assert str(demo.report) in said[-1]


def test_crops_are_a_data_set_of_what_the_cameras_saw(demo: DemoResult) -> None:
    dataset = read_dataset(demo.folder / "people")
    assert not dataset.train
    assert dataset.query
    assert dataset.gallery
    provenance = json.loads((demo.folder / "people/provenance.json").read_text())
    assert provenance["note"] == "synthetic: no real person is shown"
    for sample in dataset.query + dataset.gallery:
        frame = int(sample.path.stem.split("_")[2])
        lines = (demo.folder / f"scene-8-1/c{sample.camera_id:02d}/truth.jsonl").read_text().splitlines()
        (truth,) = [
            line for line in map(json.loads, lines) if (line["frame"], line["person_id"]) == (frame, sample.person_id)
        ]
        box = truth["box"]
        with Image.open(sample.path) as crop:
            assert crop.height == pytest.approx(1.06 * (box["bottom"] - box["top"]), abs=2.5) or box["bottom"] > 175


def test_the_report_shows_frames_timeline_and_map_and_loads_nothing(demo: DemoResult) -> None:
    page = demo.report.read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "One person, searched across cameras" in page
    assert page.count('<figure class="card"><img src="data:image/jpeg;base64,') == 1 + min(5, len(demo.answers))
    assert "Timeline of person" in page
    assert "Map of cameras" in page
    best = demo.answers[0]
    assert f"distance {best.distance:.3f}" in page
    assert best.probability is not None
    assert f"probability {best.probability:.1%}" in page


def test_answers_are_true_and_of_other_cameras(demo: DemoResult) -> None:
    assert [answer.rank for answer in demo.answers] == list(range(1, len(demo.answers) + 1))
    assert [answer.distance for answer in demo.answers] == sorted(answer.distance for answer in demo.answers)
    assert any(answer.right for answer in demo.answers)
    for answer in demo.answers:
        assert len({(one.visit, one.camera_id, one.person_id) for one in answer.sightings}) == 1
        assert answer.right == (answer.sightings[0].person_id == demo.person)
        assert answer.probability is not None
        assert 0 < answer.probability < 1


def sighting(person: int, camera: int, visit: int, is_query: bool = False, time: float = 0.0) -> Sighting:
    return Sighting(Path(f"{visit}-{time}.jpg"), person, camera, visit, 1, time, (0.0, 0.0, 1.0, 1.0), is_query)


def test_tracks_are_ranked_by_their_median_distance() -> None:
    seen = [
        sighting(1, 1, 1, is_query=True),
        *(sighting(1, 2, 2, time=t) for t in range(3)),
        *(sighting(2, 2, 3, time=t) for t in range(3)),
        sighting(2, 1, 4),
    ]
    angles = np.radians([0, 10, 20, 90, 30, 30, 30, 1])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    calibration = load_embedder("passerby-s").bundle.calibration
    assert calibration is not None
    answers = search_tracks(seen[0], seen, embeddings, calibration)
    assert [answer.right for answer in answers] == [True, False]
    assert [answer.distance for answer in answers] == pytest.approx(
        [1 - np.cos(a) for a in np.radians([20, 30])], abs=1e-6
    )
    expected = float(same_person_probability(calibration, answers[0].distance, prior=0.5))
    assert answers[0].probability == pytest.approx(expected)
    assert answers[0].accepted == (answers[0].distance <= calibration.threshold)
    (first, _) = search_tracks(seen[0], seen, embeddings, None)
    assert (first.accepted, first.probability) == (None, None)


def test_the_query_is_of_somebody_whom_two_cameras_saw() -> None:
    seen = [sighting(1, 1, 1, is_query=True), sighting(2, 1, 2, is_query=True), sighting(2, 2, 3)]
    assert choose_query(seen).person_id == 2
    with pytest.raises(DataError, match="two cameras"):
        choose_query(seen[:1])


def test_the_command_says_what_the_demo_found(
    demo: DemoResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: dict[str, Any] = {}

    def finished(folder: Path, *, say: Callable[[str], None], **options: Any) -> DemoResult:
        asked.update(options, folder=folder)
        say("1. recording")
        return demo

    monkeypatch.setattr("passerby.demo.search.run_demo", finished)
    with pytest.raises(SystemExit) as ended:
        run(["demo", "--output", str(tmp_path / "here"), "--people", "9"])
    assert ended.value.code == 0
    assert (asked["folder"], asked["people"], asked["seed"]) == (tmp_path / "here", 9, 1)
    assert asked["model"] == "passerby-s"
    printed = capsys.readouterr()
    assert re.search(rf"person {demo.person}: .* is answer \d+ of {len(demo.answers)}", printed.out)
    assert f"open {demo.report} in a browser" in printed.out
    assert "1. recording" in printed.err


@pytest.mark.parametrize("arguments", [("--people", "1"), ("--people", "0"), ("--seed", "-1"), ("--model", "nobody")])
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["demo", "--output", str(tmp_path / "here"), *arguments])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("passerby: ")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        run(["demo", "--output", str(tmp_path / "file")])
    assert ended.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line for line in lines if line.startswith("passerby: ")] == lines[-1:]
    assert "cannot write" in lines[-1]
    assert "Traceback" not in "".join(lines)
