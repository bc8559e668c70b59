"""Sets of videos: what they hold, the same bytes however many processes draw, being interrupted, and going on."""

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from passerby.errors import DataError, MissingExtraError, PasserbyError
from passerby.synthetic import encoder, videos
from passerby.synthetic.script import Script
from passerby.synthetic.videos import produce_videos

SMALL: dict[str, Any] = {"people": 6, "cameras": 3, "seconds": 6, "fps": 2, "height": 96, "width": 160, "seed": 5}

WHOLE: dict[str, Any] = {
    "people": 6, "cameras": 2, "seconds": 60, "fps": 1, "height": 240, "width": 426, "seed": 7,
    "change_clothes": 1.0, "sitting": 0.0, "key_points": True, "tracklets": True,
}  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def decoded(path: Path) -> tuple[list[np.ndarray], float]:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        rate = float(stream.average_rate)
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)], rate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return produce_videos(tmp_path_factory.mktemp("videos") / "out", **WHOLE, processes=2)


def test_every_camera_has_a_video_of_the_right_length_rate_and_size(made: Path) -> None:
    for camera in ("c01", "c02"):
        frames, rate = decoded(made / camera / "video.mp4")
        assert len(frames) == 60
        assert rate == 1
        assert {frame.shape for frame in frames} == {(240, 426, 3)}
        sequence = configparser.ConfigParser()
        sequence.optionxform = str
        sequence.read(made / camera / "seqinfo.ini")
        expected = {
            "name": camera, "imDir": "img1", "frameRate": "1", "seqLength": "60", "imWidth": "426", "imHeight": "240",
            "imExt": ".jpg",
        }  # fmt: skip
        assert dict(sequence["Sequence"]) == expected


def test_ground_truth_is_motchallenges_and_agrees_with_the_truth(made: Path) -> None:
    people = set()
    for camera in ("c01", "c02"):
        rows = [line.split(",") for line in (made / camera / "gt/gt.txt").read_text().splitlines()]
        truth = lines(made / camera / "truth.jsonl")
        assert rows
        assert len(rows) == len(truth)
        assert len({(row[0], row[1]) for row in rows}) == len(rows)
        for row, told in zip(rows, truth, strict=True):
            assert len(row) == 9
            assert (int(row[0]), int(row[1])) == (told["frame"], told["person_id"])
            left, top, width, height = map(float, row[2:6])
            box = told["box"]
            assert (left - 1, top - 1) == pytest.approx((box["left"], box["top"]), abs=0.006)
            assert (left - 1 + width, top - 1 + height) == pytest.approx((box["right"], box["bottom"]), abs=0.02)
            assert row[6:8] == ["1", "1"]
            assert float(row[8]) == pytest.approx(told["visible_fraction"], abs=1e-4)
            assert 1 <= told["frame"] <= 60
            assert len(told["key_points"]) == 14
        people |= {told["person_id"] for told in truth}
    assert people <= set(range(1, 7))
    assert len(people) > 2


def test_calibration_takes_the_world_to_the_pictures(made: Path) -> None:
    checked = 0
    for camera in json.loads((made / "cameras.json").read_text()):
        intrinsics, rotation, translation, ground = (np.array(camera[key]) for key in ("K", "R", "t", "H"))
        assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-6)
        assert np.linalg.det(rotation) == pytest.approx(1.0)
        assert -rotation.T @ translation == pytest.approx(np.array(camera["position"]))
        for told in lines(made / camera["folder"] / "truth.jsonl"):
            pixel = intrinsics @ (rotation @ np.array([*told["world"], 0.0]) + translation)
            assert pixel[2] > 0
            x, y = pixel[:2] / pixel[2]
            on_ground = ground @ np.array([*told["world"], 1.0])
            assert on_ground[:2] / on_ground[2] == pytest.approx([x, y], abs=0.01)
            centred = (np.array([x, y]) - intrinsics[:2, 2]) / intrinsics[0, 0]
            bend = 1 + camera["distortion"][0] * min(1.2, float(centred @ centred))
            x, y = centred * bend * intrinsics[0, 0] + intrinsics[:2, 2]
            box = told["box"]
            assert box["left"] - 4 <= x <= box["right"] + 4
            assert y == pytest.approx(box["bottom"], abs=0.12 * (box["bottom"] - box["top"]) + 2)
            checked += 1
    assert checked > 20


def test_trajectories_are_the_script_and_the_cameras_truth(made: Path) -> None:
    script = Script.from_dict(json.loads((made / "script.json").read_text()))
    ways = lines(made / "trajectories.jsonl")
    places: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for way in ways:
        x, y = way["world"]
        assert len(x) == len(y) == way["frames"] > 0
        for step in range(way["frames"]):
            places.setdefault((way["person_id"], way["first_frame"] + step), []).append((x[step], y[step]))
        if way["camera_id"] is not None:
            assert script.visits[way["visit"] - 1].camera == way["camera_id"] - 1
    for camera in ("c01", "c02"):
        for told in lines(made / camera / "truth.jsonl"):
            near = [
                np.hypot(*np.subtract(told["world"], place)) for place in places[told["person_id"], told["frame"]]
            ]
            assert min(near) < 0.01


def test_everybody_is_described_in_what_they_wear(made: Path) -> None:
    script = Script.from_dict(json.loads((made / "script.json").read_text()))
    described = json.loads((made / "people.json").read_text())
    worn = {(visit.person, visit.clothes) for visit in script.visits}
    assert {(one["person_id"] - 1, one["clothes"]) for one in described} == worn
    assert any(one["clothes"] for one in described)
    assert all(one["sentence"] and one["attributes"] for one in described)
    provenance = json.loads((made / "provenance.json").read_text())
    assert provenance["note"] == "synthetic: no real person is shown"
    assert provenance["arguments"] == WHOLE
    assert provenance["counts"] == {"visits": len(script.visits), "frames": 120}


def test_tracklets_are_named_as_in_mars(made: Path) -> None:
    paths = sorted((made / "tracklets").rglob("*.jpg"))
    assert paths
    runs: dict[str, list[int]] = {}
    for path in paths:
        person, camera, tracklet, frame = re.fullmatch(r"(\d{4})C([12])T(\d{4})F(\d{3})\.jpg", path.name).groups()
        assert path.parent.name == person
        assert path.parent.parent.name == ("bbox_train" if int(person) <= 4 else "bbox_test")
        runs.setdefault(f"{person}{camera}{tracklet}", []).append(int(frame))
        with Image.open(path) as picture:
            assert picture.size == (128, 256)
    assert all(frames == list(range(1, len(frames) + 1)) for frames in runs.values())


def test_same_bytes_for_any_number_of_processes_and_no_trace_of_the_work(small: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    again = produce_videos(
        tmp_path / "out", **SMALL, processes=3, progress=lambda done, total: calls.append((done, total))
    )
    assert contents(again) == contents(small)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert calls[0] == (0, 36)
    assert calls[-1] == (36, 36)
    assert not (again / "tracklets").exists()
    assert not any("key_points" in line for line in lines(again / "c01/truth.jsonl"))


ENCODE = """
import sys
import numpy as np
from pathlib import Path
from passerby.synthetic.encoder import Encoder
noise = np.random.default_rng(0).integers(0, 40, (12, 96, 160, 3), np.uint8)
frames = noise + np.arange(160, dtype=np.uint8)[:, None]
with Encoder(Path(sys.argv[1]), 96, 160, 5.0) as encoder:
    for number in range(12):
        encoder.add(np.roll(frames[0], 2 * number, axis=1) + frames[number] // 8)
"""


def test_the_encoder_never_looks_at_memory_that_nobody_wrote_to(tmp_path: Path) -> None:
    for fill in ("0", "85", "170", "255"):  # what glibc fills new memory with
        command = [sys.executable, "-c", ENCODE, str(tmp_path / f"{fill}.mp4")]
        subprocess.run(command, check=True, env=os.environ | {"MALLOC_PERTURB_": fill})
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return produce_videos(tmp_path_factory.mktemp("videos") / "small", **SMALL, processes=1)


class Stop:
    """Raises once a camera is finished, as Ctrl-C does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, done: int, total: int) -> None:
        if list(self.folder.glob("finished/c??")):
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A set of videos of which one camera is finished, and two are not."""
    with pytest.raises(KeyboardInterrupt):
        produce_videos(tmp_path / "out", **SMALL, processes=1, progress=Stop(tmp_path / "out.unfinished"))
    return tmp_path / "out"


def test_interrupted_and_continued_gives_the_same_and_records_no_camera_twice(interrupted: Path, small: Path) -> None:
    unfinished = interrupted.with_name("out.unfinished")
    finished = [path.name for path in (unfinished / "finished").iterdir()]
    assert 1 <= len(finished) < 3
    assert not interrupted.exists()
    assert not list(unfinished.rglob("provenance.json"))
    video = unfinished / "data" / finished[0] / "video.mp4"
    age = video.stat().st_mtime_ns
    calls: list[int] = []
    produce_videos(interrupted, **SMALL, processes=2, progress=lambda done, _: calls.append(done))
    assert calls[0] == 12 * len(finished)
    assert (interrupted / finished[0] / "video.mp4").stat().st_mtime_ns == age
    assert not unfinished.exists()
    assert contents(interrupted) == contents(small)


def test_continuing_with_other_settings_is_refused_in_one_line(interrupted: Path) -> None:
    before = contents(interrupted.with_name("out.unfinished"))
    for argument, value in (("seed", 1), ("people", 7), ("fps", 4), ("tracklets", True)):
        with pytest.raises(DataError) as caught:
            produce_videos(interrupted, **(SMALL | {argument: value}))
        assert f"{argument} " in str(caught.value)
        assert "\n" not in str(caught.value)
    assert contents(interrupted.with_name("out.unfinished")) == before


def test_a_complete_set_is_left_alone_and_never_mixed(small: Path) -> None:
    before = contents(small)
    calls: list[tuple[int, int]] = []
    produce_videos(small, **SMALL, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(36, 36)]
    with pytest.raises(DataError, match="other settings"):
        produce_videos(small, **(SMALL | {"fps": 3}))
    assert contents(small) == before


def test_never_replaces_other_files(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found other files"):
        produce_videos(dataset, **SMALL)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="found other files"):
        produce_videos(tmp_path / "out", **SMALL)
    with pytest.raises(PasserbyError, match="name"):
        produce_videos(Path("."), **SMALL)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("people", 0), ("cameras", 0), ("cameras", 100), ("seed", -1), ("seconds", 0.5), ("seconds", float("nan")),
        ("fps", 0), ("height", 63), ("height", 121), ("width", 4000), ("change_clothes", 1.5), ("processes", 0),
    ],
)  # fmt: skip
def test_refuses_bad_arguments_in_one_line(tmp_path: Path, argument: str, value: float) -> None:
    with pytest.raises(DataError) as caught:
        produce_videos(tmp_path / "out", **(SMALL | {argument: value}))
    assert "\n" not in str(caught.value)
    assert str(value) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_tracklets_of_ten_cameras_have_no_name_in_mars(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one digit for the camera"):
        produce_videos(tmp_path / "out", **(SMALL | {"cameras": 10}), tracklets=True)


def test_missing_pyav_names_the_extra_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise MissingExtraError("writing videos of synthetic people", "synthetic")

    monkeypatch.setattr(encoder, "_pyav", missing)
    with pytest.raises(MissingExtraError, match=re.escape("passerby[synthetic]")):
        videos.produce_videos(tmp_path / "out", **SMALL)
    assert not list(tmp_path.iterdir())
