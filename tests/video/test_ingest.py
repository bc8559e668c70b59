"""From recordings into a gallery: nothing twice, nothing lost, whatever happens in between."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from passerby.errors import GalleryError, ImageError, MachineError, SourceError
from passerby.gallery import crops, open_gallery
from passerby.gallery.bookmarks import Bookmark
from passerby.gallery.consistency import verify
from passerby.gallery.gallery import Gallery
from passerby.video.frames import Frame, SourceCounts
from passerby.video.ingest import Job, ingest
from passerby.video.source import open_source
from passerby.video.tracklets import TrackletSettings

PROGRAM = Path(__file__).with_name("small_world.py")


@pytest.fixture(scope="session")
def world(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    return module_at(PROGRAM)


@pytest.fixture(scope="session")
def recording(world: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("av", reason="needs PyAV, which reads and writes videos")
    path: Path = world.record(tmp_path_factory.mktemp("recording") / "gate.mp4")
    return path


@pytest.fixture
def gallery(world: ModuleType, tmp_path: Path) -> Any:
    with open_gallery(tmp_path / "gallery", model=world.Colours()) as opened:
        yield opened


def contents(place: Path | str) -> dict[str, Any]:
    """Everything that came of an ingest, by id."""
    with open_gallery(place) as there:
        return {
            one.id: (one.time, one.box, one.track, one.quality, dict(one.attributes), there.get(one.id).crop)
            for one in there.sightings()
        }


def test_everybody_is_there_once_with_their_best_pictures(
    world: ModuleType, gallery: Gallery, recording: Path
) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    job = Job("gate", open_source(recording), world.Finder, "squares", start)
    (outcome,) = ingest(gallery, [job])
    assert (outcome.frames, outcome.finished, outcome.error) == (world.FRAMES, True, None)
    there = list(gallery.sightings())
    assert outcome.added == len(there) == world.PEOPLE
    assert len({one.track for one in there}) == world.PEOPLE
    for one in there:
        whole = gallery.get(one.id)
        assert isinstance(whole.crop, bytes)
        pictures = crops.decode_all(whole.crop, "crop")
        assert len(pictures) == one.attributes["pictures"] >= 2
        assert np.array_equal(pictures[0], crops.decode(whole.crop, "crop"))
        assert whole.embedding is not None
        mean = world.Colours().embed(pictures).mean(axis=0)  # Of which the embedding is one with weights.
        assert whole.embedding @ mean / np.linalg.norm(mean) > 0.95
        assert str(one.attributes["first_seen"]) <= one.time.isoformat(timespec="milliseconds")
        assert one.time.isoformat(timespec="milliseconds") <= str(one.attributes["last_seen"])
        assert 0 < (one.quality or 0) <= 1
        assert one.box is not None
        assert one.box[2:] == (20, 48)
    assert min(one.time for one in there) >= start
    assert verify(gallery) == []


def test_the_same_recording_adds_nothing_whatever_it_is_called(
    world: ModuleType, tmp_path: Path, recording: Path
) -> None:
    world.take_in(tmp_path / "gallery", recording)
    before = contents(tmp_path / "gallery")
    copy = tmp_path / "copy of gate.mp4"
    shutil.copy(recording, copy)
    for path in (recording, copy):
        (outcome,) = world.take_in(tmp_path / "gallery", path)
        assert (outcome.skipped, outcome.added, outcome.known) == (True, 0, len(before))
    with open_gallery(tmp_path / "gallery") as there:
        there.erase(camera="gate")
    (again,) = world.take_in(tmp_path / "gallery", recording)
    assert again.skipped  # Who has been erased does not come back.
    assert contents(tmp_path / "gallery") == {}


def test_a_recording_that_has_changed_is_told_and_taken_in_anew(world: ModuleType, tmp_path: Path) -> None:
    path = world.record(tmp_path / "gate.mp4", 60)
    (first,) = world.take_in(tmp_path / "gallery", path)
    world.record(path, 80)
    told: list[str] = []
    (second,) = world.take_in(tmp_path / "gallery", path, say=told.append)
    assert len(told) == 1
    assert "gate.mp4: the file of this name that was taken in before was another" in told[0]
    assert first.added > 0
    assert second.added > 0
    assert second.known == 0
    told.clear()
    world.take_in(tmp_path / "gallery", path, say=told.append)
    assert told == []


def test_kill_9_loses_and_doubles_nothing(recording: Path, world: ModuleType, tmp_path: Path) -> None:
    world.take_in(tmp_path / "whole", recording)
    random, kills, interrupted = np.random.default_rng(11), 0, tmp_path / "interrupted"
    while kills < 10:
        command = [sys.executable, "-W", "ignore", str(PROGRAM), str(interrupted), str(recording), "0.01"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(float(random.uniform(0.0, 0.4)))
            os.kill(process.pid, signal.SIGKILL)
            finished = "done" in process.stdout.read()
        kills += 1
        if finished:  # Quicker than the signal: from now on there is nothing left to interrupt.
            break
    world.take_in(interrupted, recording)
    found, expected = contents(interrupted), contents(tmp_path / "whole")
    assert found.keys() == expected.keys()
    for identifier, sighting in found.items():
        assert sighting[1:] == expected[identifier][1:]
    with open_gallery(interrupted) as there:
        assert verify(there) == []


def test_an_interrupted_recording_goes_on_where_it_was_and_with_the_same_detector_only(
    world: ModuleType, gallery: Gallery, recording: Path
) -> None:
    seen: list[int] = []

    class Counting(world.Finder):  # type: ignore[misc, name-defined]
        def __call__(self, frame: Frame) -> Any:
            seen.append(frame.number)
            if frame.number == 70:
                raise KeyboardInterrupt
            return super().__call__(frame)

    job = Job("gate", open_source(recording), Counting, "squares")
    with pytest.raises(KeyboardInterrupt):
        ingest(gallery, [job])
    (other,) = ingest(gallery, [Job("gate", open_source(recording), world.Finder, "others")])
    assert isinstance(other.error, GalleryError)
    assert "begun with squares" in str(other.error)
    seen.clear()
    with pytest.raises(KeyboardInterrupt):
        ingest(gallery, [Job("gate", open_source(recording), Counting, "squares")])
    assert seen == [70]
    (outcome,) = ingest(gallery, [Job("gate", open_source(recording), world.Finder, "squares")])
    assert outcome.finished
    assert gallery.count() == world.PEOPLE


class Lamp:
    """A live source that shows the small world once."""

    live, total = True, None
    name = "lamp"

    def __init__(self, world: ModuleType, error: Exception | None = None) -> None:
        self.counts, self.began = SourceCounts(), datetime(2026, 3, 1, tzinfo=UTC)
        self._world, self._error = world, error

    def frames(self, first: int = 1) -> Any:
        for number in range(1, 61):
            time.sleep(0.004)
            yield Frame(number, number / 10, self._world.draw(number))
        if self._error is not None:
            raise self._error


def test_where_one_source_fails_the_others_go_on(
    world: ModuleType, gallery: Gallery, recording: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(recording.read_bytes())
    source = open_source(broken)
    broken.write_bytes(b"no video any more")
    failed = SourceError("the stream has ended")
    jobs = [
        Job("hall", source, world.Finder, "squares"),
        Job("gate", open_source(recording), world.Finder, "squares"),
        Job("lamp", Lamp(world, failed), world.Finder, "squares"),
    ]
    outcomes = ingest(gallery, jobs)
    assert isinstance(outcomes[0].error, SourceError)
    assert [one.finished for one in outcomes] == [False, True, False]
    assert outcomes[2].error is failed
    cameras = {camera.name: camera.sightings for camera in gallery.cameras()}
    assert cameras["gate"] == world.PEOPLE
    assert cameras["lamp"] >= 3
    assert "hall" not in cameras


def test_every_recording_of_many_is_taken_in(world: ModuleType, gallery: Gallery, tmp_path: Path) -> None:
    paths = [world.record(tmp_path / f"{count}.mp4", count) for count in range(30, 42, 2)]
    reports: list[int] = []
    outcomes = ingest(
        gallery,
        [Job("gate", open_source(path), world.Finder, "squares") for path in paths],
        tracklets=TrackletSettings(least_frames=1),
        report=lambda all_of_them: reports.append(sum(one.frames for one in all_of_them)),
    )
    assert [one.frames for one in outcomes] == [30, 32, 34, 36, 38, 40]
    assert reports == sorted(reports)
    assert reports[-1] == 210


def test_at_a_lower_rate_fewer_frames_are_looked_at(world: ModuleType, gallery: Gallery, recording: Path) -> None:
    (outcome,) = ingest(gallery, [Job("gate", open_source(recording), world.Finder, "squares", rate=5)])
    assert outcome.frames == world.FRAMES // 2
    assert outcome.added == world.PEOPLE


def test_a_full_disk_stops_it_in_one_line_and_loses_nothing(
    world: ModuleType, gallery: Gallery, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Gallery.add

    def full(self: Gallery, sightings: Any, bookmark: Bookmark | None = None) -> Any:
        if bookmark is not None and json.loads(bookmark.place if "{" in bookmark.place else "{}").get("done"):
            raise MachineError("the disk is full; free some space")
        return add(self, sightings, bookmark)

    monkeypatch.setattr(Gallery, "add", full)
    job = Job("gate", open_source(recording), world.Finder, "squares")
    with pytest.raises(MachineError, match="disk is full"):
        ingest(gallery, [job], often=0.01)
    monkeypatch.undo()
    (outcome,) = ingest(gallery, [Job("gate", open_source(recording), world.Finder, "squares")])
    assert outcome.finished
    assert gallery.count() == world.PEOPLE


def test_bookmarks_are_there_if_and_only_if_the_sightings_are(world: ModuleType, gallery: Gallery) -> None:
    from passerby.types import Sighting

    good = Sighting("gate", datetime(2026, 3, 1, tzinfo=UTC), crop=world.draw(9)[:60, :60])
    assert gallery.bookmark("tape") is None
    with pytest.raises(GalleryError):
        gallery.add([good, Sighting("gate", good.time)], Bookmark("tape", "1"))
    assert gallery.bookmark("tape") is None
    gallery.add([good], Bookmark("tape", "2"))
    gallery.add([], Bookmark("other", "3"))
    assert (gallery.bookmark("tape"), gallery.bookmark("other"), gallery.count()) == ("2", "3", 1)


def test_crops_of_several_pictures_go_through_everything(world: ModuleType, gallery: Gallery) -> None:
    from passerby.gallery.crops import changed, decode, decode_all, encode_all
    from passerby.types import Sighting

    pictures = [world.draw(number)[:60, 20:80] for number in (5, 25, 60, 70, 80)]
    content = encode_all(pictures)
    there = decode_all(content, "crop")
    assert len(there) == 5
    assert all(np.abs(one.astype(int) - other).mean() < 8 for one, other in zip(there, pictures, strict=True))
    assert np.array_equal(decode(content, "crop"), there[0])
    turned = changed(content, "crop", lambda picture: 255 - picture)
    assert len(decode_all(turned, "crop")) == 5
    with pytest.raises(ImageError, match="damaged"):
        decode_all(content[: len(content) * 2 // 3], "crop")
    assert len(decode_all(encode_all(pictures[:1]), "crop")) == 1
    (added,) = gallery.add([Sighting("gate", datetime(2026, 3, 1, tzinfo=UTC), crop=content)])
    whole = gallery.get(added.id)
    assert whole.crop == content
    assert whole.embedding is not None
    mean = world.Colours().embed(there).mean(axis=0)
    assert whole.embedding == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
