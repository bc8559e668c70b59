"""Whatever is wrong, one line says what was expected, what came and what to do."""

import errno
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from passerby.data.images import read_image
from passerby.models.bundle import Bundle, load_bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.training.trainer import TrainingResult

Command = Callable[..., Any]
START = "from passerby.cli.main import run; run()"


@pytest.fixture
def model(trained: TrainingResult, tmp_path: Path) -> Path:
    """A copy of the trained model, to change."""
    return Path(shutil.copytree(trained.best.path, tmp_path / "model"))


@pytest.fixture
def query(market: Path) -> Path:
    return sorted((market / "query").iterdir())[0]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda root: None, "got an empty folder"),
        (lambda root: root.rmdir(), "there is no such folder"),
        (lambda root: (root.rmdir(), root.touch()), "got another file"),
        (lambda root: (root / "ann").mkdir(), "at least two people"),
        (lambda root: (root / "bounding_box_train").mkdir(), "got no such picture"),
    ],
)
def test_folders_that_hold_no_data_set(
    make: Callable[[Path], object], reason: str, passerby: Command, recipe_file: Path, model: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    make(root)
    for command in (
        ("data", "inspect", root),
        ("train", recipe_file, "--data", root, "--output", tmp_path / "run"),
        ("evaluate", model, "--data", root),
        ("calibrate", model, "--data", root),
    ):
        outcome = passerby(*command)
        assert outcome.code == 2
        assert reason in outcome.error
    assert not (tmp_path / "run").exists()


def test_one_person_only(passerby: Command, recipe_file: Path, people_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(people_folder / "ann", tmp_path / "data" / "ann")
    outcome = passerby("train", recipe_file, "--data", tmp_path / "data", "--output", tmp_path / "run")
    assert outcome.code == 2
    assert "at least two people" in outcome.error
    (tmp_path / "market" / "bounding_box_train").mkdir(parents=True)
    for number in range(4):
        name = f"0001_c{number}s1_000001_00.jpg"
        Image.new("RGB", (32, 64)).save(tmp_path / "market" / "bounding_box_train" / name)
    outcome = passerby("train", recipe_file, "--data", tmp_path / "market", "--output", tmp_path / "run")
    assert outcome.code == 2
    assert "got 1 training people; add people" in outcome.error
    assert not (tmp_path / "run").exists()


def broken_pictures(folder: Path) -> dict[Path, str]:
    """Pictures that cannot be used, each with a part of the reason."""
    whole = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8))
    whole.save(folder / "truncated.jpg")
    content = (folder / "truncated.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(content[: len(content) // 2])
    Image.new("RGB", (1, 1)).save(folder / "tiny.png")
    Image.new("RGB", (20_000, 8)).save(folder / "wide.png")
    (folder / "text.jpg").write_text("This is a text.")
    (folder / "empty.jpg").touch()
    return {
        folder / "truncated.jpg": "damaged",
        folder / "tiny.png": "at least 4 pixels, got 1×1",
        folder / "wide.png": "got 8×20000",
        folder / "text.jpg": "got something else",
        folder / "empty.jpg": "got something else",
        folder / "missing.jpg": "there is no such file",
    }


def test_broken_pictures_wherever_one_is_given(
    passerby: Command, model: Path, query: Path, market: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    for path, reason in broken_pictures(tmp_path / "broken").items():
        for command in (
            ("embed", model, path, "--output", tmp_path / "out.npz"),
            ("search", path, "--gallery", market / "query", "--model", model),
            ("verify", query, path, "--model", model),
            ("verify", path, query, "--model", model, "--output", tmp_path / "out.png"),
        ):
            outcome = passerby(*command)
            assert outcome.code == 2
            assert path.name in outcome.error
            assert reason in outcome.error
    outcome = passerby("search", query, "--gallery", tmp_path / "broken", "--model", model)
    assert outcome.code == 2
    assert not (tmp_path / "out.npz").exists()
    assert not (tmp_path / "out.png").exists()


def test_broken_pictures_of_a_data_set_are_all_listed(passerby: Command, people_folder: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(people_folder, tmp_path / "data"))
    expected = {path: reason for path, reason in broken_pictures(root / "ann").items() if path.exists()}
    outcome = passerby("data", "inspect", root)
    assert outcome.code == 2
    assert "broken: 5" in outcome.out
    for path, reason in expected.items():
        (line,) = [line for line in outcome.out.splitlines() if line.startswith(str(path))]
        assert reason in line


def test_pictures_with_broken_marks_are_used_without_a_word(people_folder: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(people_folder, tmp_path / "data"))
    marks = b"Exif\0\0MM\0*\0\0\0\x08\0\xff\x01\x12"
    with Image.open(root / "ann" / "cam1_0.png") as image:
        image.save(root / "ann" / "marks.jpg", exif=marks)
    command = [sys.executable, "-c", START, "data", "inspect", str(root)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (finished.returncode, finished.stderr) == (0, "")
    with pytest.warns(UserWarning, match="EXIF"):
        read_image(root / "ann" / "marks.jpg")


def test_duplicate_names_in_a_file_of_embeddings(passerby: Command, market: Path, tmp_path: Path) -> None:
    names = [path.name for folder in ("query", "bounding_box_test") for path in sorted((market / folder).iterdir())]
    vectors = np.random.default_rng(0).normal(size=(len(names) + 1, 8))
    np.savez(tmp_path / "f.npz", embeddings=vectors, paths=[*names, names[3]])
    outcome = passerby("evaluate", tmp_path / "f.npz", "--data", market)
    assert outcome.code == 2
    assert f"one embedding for query/{names[3]}, got 2 rows" in outcome.error
    np.savez(tmp_path / "f.npz", embeddings=vectors[:-2], paths=names[:-1])
    outcome = passerby("evaluate", tmp_path / "f.npz", "--data", market)
    assert f"one embedding for bounding_box_test/{names[-1]}, got none" in outcome.error


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("epoch=3", "did you mean 'epochs'?"),
        ("optimizer.learning_rat=3", "did you mean 'optimizer.learning_rate'?"),
        ("epochs", "key=value"),
        ("epochs=[", "expected a YAML value"),
        ("epochs=-1", "greater than or equal to 1"),
    ],
)
def test_unknown_keys_of_a_recipe(setting: str, reason: str, passerby: Command, market: Path, tmp_path: Path) -> None:
    outcome = passerby("train", "small-resnet18", "--data", market, "--output", tmp_path / "run", "--set", setting)
    assert outcome.code == 2
    assert reason in outcome.error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "name", ["bundle.json", "weights.safetensors", "card.json", "figures.json", "calibration.json"]
)
def test_a_bundle_with_a_changed_byte(name: str, passerby: Command, model: Path, query: Path, market: Path) -> None:
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model / name).write_bytes(content)
    for command in (
        ("evaluate", model, "--data", market),
        ("embed", model, query, "--output", model.parent / "v.npz"),
        ("search", query, "--gallery", market, "--model", model),
        ("verify", query, query, "--model", model),
        ("calibrate", model, "--data", market),
        ("models", "show", model),
        ("train", "small-resnet18", "--data", market, "--output", model.parent / "run", "--init", model),
    ):
        outcome = passerby(*command)
        assert outcome.code == 2
        assert name in outcome.error


def test_weights_of_another_architecture(
    passerby: Command, model: Path, model_card: ModelCard, market: Path, recipe_file: Path, tmp_path: Path
) -> None:
    other = ReidNetwork(Architecture(backbone="resnet34", width=0.125))
    foreign = save_bundle(tmp_path / "other", other, Preprocessing(height=64, width=32), model_card)
    where = ("--data", market, "--output", tmp_path / "run", "--init")
    outcome = passerby("train", recipe_file, *where, foreign.path)
    assert outcome.code == 2
    assert "expected weights of resnet18 at width 0.125, got those of resnet34" in outcome.error
    torch.save({"features.0.weight": torch.ones(2)}, tmp_path / "vgg.pth")
    for command in (
        ("models", "import", tmp_path / "vgg.pth", "--output", tmp_path / "bundle"),
        ("train", recipe_file, *where, tmp_path / "vgg.pth"),
    ):
        outcome = passerby(*command)
        assert outcome.code == 2
        assert "expected the published weights of one of resnet18" in outcome.error
    shutil.copy(foreign.path / "weights.safetensors", model)
    assert "SHA-256" in passerby("evaluate", model, "--data", market).error
    assert not (tmp_path / "bundle").exists()


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", [0, 2, 4, "torch"])
def test_a_malicious_pickle(
    protocol: int | str, passerby: Command, market: Path, recipe_file: Path, tmp_path: Path
) -> None:
    file, marker = tmp_path / "model.pth", tmp_path / "marker"
    if isinstance(protocol, int):
        file.write_bytes(pickle.dumps({"state_dict": Malicious(marker)}, protocol))
    else:
        torch.save({"state_dict": Malicious(marker)}, file)
    for command in (
        ("models", "import", file, "--output", tmp_path / "bundle"),
        ("train", recipe_file, "--data", market, "--output", tmp_path / "run", "--init", file),
        ("evaluate", file, "--data", market),
        ("search", next((market / "query").iterdir()), "--gallery", file),
    ):
        outcome = passerby(*command)
        assert outcome.code == 2
        assert "model.pth: expected" in outcome.error
        assert len(outcome.err.strip().splitlines()) == 1
    assert not marker.exists()
    assert not (tmp_path / "bundle").exists()


def test_a_full_disk(
    passerby: Command, model: Path, query: Path, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, before = load_bundle(model).identity, (model / "calibration.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for command in (
        ("embed", model, query, "--output", tmp_path / "v.npz"),
        ("calibrate", model, "--data", market),
        ("evaluate", model, "--data", market, "--json", tmp_path / "f.json"),
        ("evaluate", model, "--data", market, "--report", tmp_path / "report"),
        ("search", query, "--gallery", market / "query", "--model", model, "--grid", tmp_path / "g.png"),
        ("verify", query, query, "--model", model, "--output", tmp_path / "p.png"),
    ):
        outcome = passerby(*command)
        assert outcome.code == 1
        assert "the disk is full; free some space and run the command again" in outcome.error
    monkeypatch.undo()
    assert (load_bundle(model).identity, (model / "calibration.json").read_bytes()) == (identity, before)
    for name in ("v.npz", "f.json", "report/report.html", "g.png", "p.png"):
        assert not (tmp_path / name).exists()


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a system that limits the size of files")
def test_a_write_that_the_system_cuts_short(market: Path, untrained: Bundle, tmp_path: Path) -> None:
    """The system itself stops a process that writes more than 2,000 bytes into one file."""
    target = tmp_path / "v.npz"
    target.write_text("good")
    command = [sys.executable, "-c", START, "embed", untrained.path, market / "query", "--output", target]
    finished = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    assert finished.returncode == 1
    assert len(finished.stderr.strip().splitlines()) == 1
    assert "file too large" in finished.stderr
    assert target.read_text() == "good"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_of_an_epoch(
    number: signal.Signals, passerby: Command, recipe_file: Path, market: Path, tmp_path: Path
) -> None:
    arguments = ["train", recipe_file, "--data", market, "--set", "epochs=300", "--set", "validation.every=300"]
    output = tmp_path / "run"
    command = [sys.executable, "-c", START, *map(str, arguments), "--output", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 60
        while not (output / "log.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "passerby: interrupted"
    assert f"saved to {output}; give the same command with --resume to go on" in err
    assert not (output / "best").exists()
    refused = passerby(*arguments, "--output", output)
    assert refused.code == 2
    assert "--resume" in refused.error
    other = passerby(*arguments, "--output", output, "--resume", "--set", "seed=9")
    assert other.code == 2
    assert "got another" in other.error


def test_an_interrupted_training_goes_on_from_the_command_line(
    passerby: Command, recipe_file: Path, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from passerby.cli.train import TrainingDisplay

    arguments = ("train", recipe_file, "--data", market)
    assert passerby(*arguments, "--output", tmp_path / "whole").code == 0

    def press(self: TrainingDisplay, done: int, total: int, loss: float) -> None:
        if done == 2:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as context:
        context.setattr(TrainingDisplay, "step", press)
        stopped = passerby(*arguments, "--output", tmp_path / "parts")
    assert stopped.code == 130
    assert stopped.error == "passerby: interrupted"
    resumed = passerby(*arguments, "--output", tmp_path / "parts", "--resume")
    assert resumed.code == 0
    for name in ("best", "last"):
        weights = [(tmp_path / run / name / "weights.safetensors").read_bytes() for run in ("whole", "parts")]
        assert weights[0] == weights[1]


def test_outputs_that_point_at_something_else(
    passerby: Command, recipe_file: Path, model: Path, query: Path, market: Path, tmp_path: Path
) -> None:
    file, foreign, empty = tmp_path / "file", tmp_path / "foreign", tmp_path / "empty"
    file.write_text("mine")
    for name in ("best", "report", "."):
        (foreign / name).mkdir(parents=True, exist_ok=True)
        (foreign / name / "letter.txt").write_text("mine")
    empty.mkdir()
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, neck="none"))
    checkpoint = tmp_path / "model.pth"
    torch.save({name.removeprefix("backbone."): value for name, value in network.state_dict().items()}, checkpoint)
    for command in (
        ("train", recipe_file, "--data", market, "--output", file),
        ("train", recipe_file, "--data", market, "--output", file / "below"),
        ("train", recipe_file, "--data", market, "--output", foreign),
        ("train", recipe_file, "--data", market, "--output", foreign, "--force"),
        ("models", "import", checkpoint, "--output", file, "--force"),
        ("models", "import", checkpoint, "--output", foreign, "--force"),
        ("models", "import", checkpoint, "--output", file / "below"),
        ("embed", model, query, "--output", empty),
        ("embed", model, query, "--output", file / "v.npz"),
        ("evaluate", model, "--data", market, "--json", empty),
        ("evaluate", model, "--data", market, "--report", file),
        ("verify", query, query, "--model", model, "--output", tmp_path / "picture"),
        ("verify", query, query, "--model", model, "--output", empty),
        ("search", query, "--gallery", market / "query", "--model", model, "--grid", tmp_path / "grid.txt"),
    ):
        outcome = passerby(*command)
        assert outcome.code == 2, command
        assert outcome.error
    assert file.read_text() == "mine"
    found = sorted(path.relative_to(foreign).as_posix() for path in foreign.rglob("*") if path.is_file())
    assert found == ["best/letter.txt", "letter.txt", "report/letter.txt"]
    assert not list(empty.iterdir())


def test_models_that_are_not_there(passerby: Command, query: Path, market: Path, tmp_path: Path) -> None:
    for model, reason in (("nothing", "which is neither"), (market, "expected a model bundle"), (query, "an .npz")):
        outcome = passerby("evaluate", model, "--data", market)
        assert outcome.code == 2
        assert reason in outcome.error
    outcome = passerby("search", query, "--gallery", market / "query")
    assert outcome.code == 2
    assert "name one with --model" in outcome.error
    outcome = passerby("search", query, "--gallery", tmp_path / "none", "--model", "nothing")
    assert outcome.code == 2


def test_devices_that_are_not_there(passerby: Command, model: Path, query: Path, tmp_path: Path) -> None:
    outcome = passerby("embed", model, query, "--output", tmp_path / "v.npz", "--device", "tpu")
    assert outcome.code == 2
    assert "expected a device that torch has here, such as cpu, got 'tpu'" in outcome.error
