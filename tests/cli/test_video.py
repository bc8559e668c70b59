"""`passerby ingest` and `passerby track`, as a user meets them, good input and bad."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from passerby.data.mot import TrackedBoxes, read_mot, write_mot
from passerby.errors import MachineError
from passerby.gallery.gallery import Gallery
from passerby.training.trainer import TrainingResult

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def world(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    return module_at(Path(__file__).parents[1] / "video" / "small_world.py")


@pytest.fixture(scope="module")
def place(world: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording, and where everybody in it is."""
    pytest.importorskip("av", reason="needs PyAV, which reads and writes videos")
    folder = tmp_path_factory.mktemp("world")
    world.record(folder / "gate.mp4")
    rows = [(number, person, *box) for number in range(1, 121) for person, box in world.boxes_of(number)]
    table = np.array(rows, float)
    write_mot(
        folder / "gt.txt",
        TrackedBoxes(table[:, 0].astype(int), table[:, 1].astype(int) + 1, table[:, 2:], np.ones(len(rows))),
    )
    return folder


@pytest.fixture
def model(trained: TrainingResult) -> Path:
    return trained.best.path


def info(passerby: Command, gallery: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(passerby("gallery", "info", gallery, "--json").out)
    return content


def test_ingesting_twice_adds_once(passerby: Command, place: Path, model: Path, tmp_path: Path) -> None:
    video, gallery = place / "gate.mp4", tmp_path / "site"
    given = ("--camera", "gate", "--gallery", gallery, "--model", model, "--detector", place / "gt.txt")
    first = passerby("ingest", video, *given, "--start", "2026-03-01T12:00:00+01:00")
    assert first.code == 0, first.err
    assert first.out == f"gate: {video}: 120 frames, 6 sightings\n"
    found = info(passerby, gallery)
    assert found["cameras"] == {"gate": 6}
    assert "2026-03-01T11:00:00" <= found["first"] <= found["last"] <= "2026-03-01T11:00:13"
    second = passerby("ingest", video, *given)
    assert second.out == f"gate: {video}: in the gallery already, 6 sightings\n"
    assert info(passerby, gallery)["sightings"] == 6
    search = passerby("search", picture_of(place, tmp_path), "--gallery", gallery, "--json", "--top", 3)
    assert search.code == 0, search.err
    assert [hit["rank"] for hit in json.loads(search.out)] == [1, 2, 3]


def picture_of(place: Path, folder: Path) -> Path:
    """Somebody of the recording."""
    import av

    with av.open(str(place / "gate.mp4")) as container:
        picture = next(container.decode(video=0)).to_image()
    path = folder / "somebody.png"
    picture.crop((180, 0, 240, 60)).save(path)
    return path


def test_a_site_has_all_its_cameras(
    passerby: Command, place: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDINGS", str(place))
    site = place / "site.yaml"
    site.write_text(
        f"gallery: {tmp_path / 'site'}\nmodel: {model}\ndetector: {place / 'gt.txt'}\ncameras:\n"
        "  gate: {source: gate.mp4, zone: Europe/Vienna, start: 2026-03-01T12:00:00}\n"
        "  hall: {source: '${RECORDINGS}/gate.mp4', rate: 5, clock_offset: 2}\n"
    )
    outcome = passerby("ingest", site)
    assert outcome.code == 0, outcome.err
    assert info(passerby, tmp_path / "site")["cameras"] == {"gate": 6, "hall": 6}
    assert info(passerby, tmp_path / "site")["first"].startswith("2026-03-01T11:00")
    site.write_text("cameras: {gate: {source: gate.mp4, speed: 9}}\n")
    assert "site.yaml: cameras.gate.speed: unknown key" in passerby("ingest", site).error
    site.write_text("cameras: {gate: {source: gate.mp4, zone: Nowhere}}\n")
    assert "expected a time zone" in passerby("ingest", site).error
    site.write_text("cameras: {gate: {source: '${NOBODY_SETS_THIS}'}}\n")
    unset = passerby("ingest", site, "--gallery", tmp_path / "site")
    assert "expected the environment to say NOBODY_SETS_THIS" in unset.error
    site.write_text("- gate\n")
    assert "expected the YAML of a site with `cameras`" in passerby("ingest", site).error
    site.write_text("cameras: {gate: {source: gate.mp4}}\n")
    assert "expected --gallery, or a site that names one" in passerby("ingest", site).error
    assert "alone, without --camera" in passerby("ingest", site, "--camera", "gate", "--gallery", tmp_path).error


def test_bad_sources_are_told_one_by_one_and_the_others_go_on(
    passerby: Command, place: Path, model: Path, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.mp4", tmp_path / "empty"
    text.write_text("no video")
    empty.mkdir()
    given = ("--camera", "gate", "--gallery", tmp_path / "site", "--model", model, "--detector", place / "gt.txt")
    outcome = passerby(
        "ingest", text, place / "gate.mp4", empty, tmp_path / "gone.mp4", "rtsp://127.0.0.1:9/live", *given,
        "--give-up", "0",
    )  # fmt: skip
    assert outcome.code == 2
    assert "4 of 5 sources failed" in outcome.error
    for line in ("text.mp4: expected a video", "empty: expected a folder of frames", "gone.mp4: there is no such",
                 "rtsp://127.0.0.1:9/live: nothing answers"):  # fmt: skip
        assert sum(line in printed for printed in outcome.err.splitlines()) == 1, outcome.err
    assert info(passerby, tmp_path / "site")["cameras"] == {"gate": 6}
    alone = passerby("ingest", text, *given)
    assert (alone.code, alone.error.count("text.mp4: expected a video that FFmpeg can read")) == (2, 1)


def test_options_that_do_not_fit_are_told(passerby: Command, place: Path, tmp_path: Path) -> None:
    video = place / "gate.mp4"
    assert "expected --camera" in passerby("ingest", video, "--gallery", tmp_path / "g").error
    assert "expected --gallery" in passerby("ingest", video, "--camera", "gate").error
    for arguments, message in (
        (("--detector", "yolo"), "expected a detector (motion, hog"),
        (("--start", "yesterday"), "expected a time such as"),
    ):
        outcome = passerby("ingest", video, "--camera", "gate", "--gallery", tmp_path / "g", *arguments)
        assert message in outcome.error
    two = passerby("ingest", video, video, "--camera", "c", "--gallery", tmp_path / "g", "--start", "2026-01-01")
    assert "expected one source with --start, got 2" in two.error


def test_a_full_disk_is_told_and_exits_with_1(
    passerby: Command, place: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MachineError("cannot write site: the disk is full; free some space and run the command again")

    monkeypatch.setattr(Gallery, "add", full)
    outcome = passerby(
        "ingest", place / "gate.mp4", "--camera", "gate", "--gallery", tmp_path / "site", "--model", model
    )
    assert outcome.code == 1
    assert "the disk is full" in outcome.error


def test_tracks_as_text_and_as_a_video_to_look_at(
    passerby: Command, place: Path, model: Path, tmp_path: Path
) -> None:
    text, drawn, truth = tmp_path / "tracks.txt", tmp_path / "tracks.mp4", place / "gt.txt"
    outcome = passerby(
        "track", place / "gate.mp4", "--output", text, "--detector", truth, "--model", model, "--truth", truth
    )
    assert outcome.code == 0, outcome.err
    assert "6 tracks" in outcome.out
    assert "HOTA" in outcome.out
    assert len(read_mot(text)) == len(read_mot(truth))
    outcome = passerby("track", place / "gate.mp4", "--output", drawn, "--detector", truth, "--model", "none")
    assert outcome.code == 0, outcome.err
    import av

    with av.open(str(drawn)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    assert len(frames) == 120
    assert isinstance(frames[0], Image.Image)
    assert frames[0].size == (240, 160)
    for arguments, message in (
        (("--output", tmp_path / "tracks.avi"), "expected --output as .txt or .mp4"),
        (("--output", text, "--truth", tmp_path / "none.txt"), "there is no such file"),
        (("--output", text, "--detector", tmp_path / "none.onnx"), "there is no such file"),
    ):
        assert message in passerby("track", place / "gate.mp4", "--model", "none", *arguments).error
    assert "`passerby ingest` watches cameras" in passerby("track", "rtsp://127.0.0.1:9/x", "--output", text).error
