"""`passerby synth`: what its commands make and say, and how they end when interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from passerby.cli.main import run
from passerby.data import read_dataset
from passerby.synthetic.production import produce_people
from passerby.synthetic.videos import produce_videos

SMALL = ("--cameras", "2", "--pictures", "2", "--height", "64", "--width", "32")


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["synth", "images", *map(str, arguments)])
    return int(ended.value.code)


def test_draws_a_data_set_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "people"
    assert command(folder, "--identities", 5, "--train-share", 0.4, "--processes", 1, *SMALL) == 0
    assert capsys.readouterr().out == f"20 pictures of 5 people by 2 cameras in {folder}\n"
    dataset = read_dataset(folder)
    assert dataset.format == "market1501"
    assert [len(split) for split in (dataset.train, dataset.query, dataset.gallery)] == [8, 6, 6]
    assert {"truth.jsonl", "people.json", "provenance.json"} <= {path.name for path in folder.iterdir()}
    # The same again finds everything done; other settings are refused.
    assert command(folder, "--identities", 5, "--train-share", 0.4, *SMALL) == 0
    assert command(folder, "--identities", 6, *SMALL) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("passerby: ")
    assert "other settings" in error


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--identities", "0"), ("--identities", "1"), ("--cameras", "0"), ("--pictures", "0"), ("--seed", "-1"),
        ("--height", "4"), ("--width", "100000"), ("--train-share", "1.5"), ("--processes", "0"),
        ("--mode", "sonar"), ("--weather", "hail"), ("--cameras-per-person", "0"), ("--sitting", "1.1"),
    ],
)  # fmt: skip
def test_impossible_numbers_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert command(tmp_path / "people", option, value) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("passerby: ")
    assert option in lines[0]
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert command(tmp_path / "file" / "people", *SMALL) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("passerby: cannot write")


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
def test_ctrl_c_exits_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    folder, unfinished = tmp_path / "people", tmp_path / "people.unfinished"
    arguments = ["synth", "images", str(folder), "--identities", "40", "--processes", "2", *SMALL]
    code = f"from passerby.cli.main import run\nif __name__ == '__main__':\n    run({arguments!r})"
    started = subprocess.Popen(
        [sys.executable, "-c", code],
        start_new_session=True,
        # Whoever starts the tests in the background leaves them deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 100
    while not list(unfinished.glob("finished/*.jsonl")):
        assert started.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGINT)
    _, errors = started.communicate(timeout=100)
    assert started.returncode == 130
    assert errors.splitlines() == ["the same command goes on from here", "passerby: interrupted"]
    assert not folder.exists()
    finished = len(list(unfinished.glob("finished/*.jsonl")))
    assert 1 <= finished < 40
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert len(list(folder.glob("*/*.jpg"))) == 160
    assert not unfinished.exists()


def videos(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["synth", "videos", *map(str, arguments)])
    return int(ended.value.code)


def test_records_videos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "world"
    size = "--height", 96, "--width", 160, "--fps", 2, "--processes", 1
    assert videos(folder, "--identities", 3, "--cameras", 1, "--duration", 3, *size) == 0
    assert capsys.readouterr().out == f"1 video of 3 s with 3 people in {folder}\n"
    names = {path.name for path in folder.iterdir()}
    assert names == {"c01", "cameras.json", "people.json", "provenance.json", "script.json", "trajectories.jsonl"}
    assert videos(folder, "--identities", 3, "--cameras", 1, "--seconds", 4, *size) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("passerby: ")
    assert "other settings" in error


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--identities", "0"), ("--cameras", "0"), ("--cameras", "100"), ("--seed", "-1"), ("--seconds", "0"),
        ("--fps", "0"), ("--height", "10"), ("--width", "100000"), ("--change-clothes", "2"), ("--processes", "0"),
        ("--sitting", "1.1"),
    ],
)  # fmt: skip
def test_impossible_videos_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert videos(tmp_path / "world", option, value) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("passerby: ")
    assert option in lines[0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [("--height", 97), ("--cameras", 10, "--tracklets")])
def test_videos_that_cannot_be_written_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...]
) -> None:
    assert videos(tmp_path / "world", *arguments) == 2
    (tmp_path / "file").write_text("")
    assert videos(tmp_path / "file" / "world") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2
    assert "even" in lines[0] or "one digit" in lines[0]
    assert lines[1].startswith("passerby: cannot write")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system in which nobody can make a folder")
@pytest.mark.parametrize("make", [command, videos])
def test_a_folder_that_nobody_can_make_is_one_line(
    make: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert make("/proc/passerby/here", "--identities", 2, "--cameras", 1) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("passerby: cannot write /proc/passerby/here")
    assert "no folder can be made there" in line


def _interrupt(done: int, total: int) -> None:
    if done:
        raise KeyboardInterrupt


def test_an_interrupted_data_set_is_not_continued_with_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, size = tmp_path / "people", {"cameras": 2, "pictures": 2, "height": 64, "width": 32}
    with pytest.raises(KeyboardInterrupt):
        produce_people(folder, people=4, train_people=2, **size, processes=1, progress=_interrupt)
    arguments = ("--identities", 4, "--train-share", 0.5, "--processes", 1, *SMALL)
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "people.unfinished").glob("finished/*")}
    for other in (("--seed", 3), ("--sitting", 0.5), ("--weather", "rain")):
        assert command(folder, *arguments, *other) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("passerby: cannot go on in ")
        assert f"{other[0].removeprefix('--')} " in line
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert command(folder, *arguments) == 0
    assert len(list(folder.glob("*/*.jpg"))) == 16


def test_interrupted_videos_are_not_continued_with_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "world"
    with pytest.raises(KeyboardInterrupt):
        produce_videos(
            folder, people=2, cameras=1, seconds=2, fps=2, height=96, width=160, processes=1, progress=_interrupt
        )
    size = "--cameras", 1, "--seconds", 2, "--fps", 2, "--height", 96, "--width", 160, "--processes", 1
    for other in (("--seed", 3), ("--sitting", 0.5)):
        assert videos(folder, "--identities", 2, *size, *other) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("passerby: cannot go on in ")
        assert f"{other[0].removeprefix('--')} " in line
    assert videos(folder, "--identities", 2, *size) == 0
    assert (folder / "c01" / "video.mp4").stat().st_size > 0
