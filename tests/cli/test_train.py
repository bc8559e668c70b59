"""`passerby train` and what it says of input that does not fit."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from passerby.models.bundle import load_bundle

Command = Callable[..., Any]


def test_a_loss_that_becomes_nan_stops_and_keeps_the_last_good_bundle(
    passerby: Command, recipe_file: Path, market: Path, tmp_path: Path
) -> None:
    settings = ("epochs=2", "validation.every=1", "losses.1.from_epoch=1", "losses.1.weight=1e38")
    outcome = passerby(
        *("train", recipe_file, "--data", market, "--output", tmp_path / "run", "--device", "cpu"),
        *(part for setting in settings for part in ("--set", setting)),
    )
    assert outcome.code == 2
    assert re.search(
        r"the loss became (nan|inf) in step \d of epoch 2; lower optimizer\.learning_rate", outcome.error
    )
    assert f"{tmp_path / 'run' / 'last'} keeps the model of epoch 1" in outcome.error
    assert load_bundle(tmp_path / "run" / "last").figures["validation"]["epoch"] == 1


def test_a_gpu_where_there_is_none(passerby: Command, recipe_file: Path, market: Path, tmp_path: Path) -> None:
    device = f"cuda:{torch.cuda.device_count()}"
    outcome = passerby("train", recipe_file, "--data", market, "--output", tmp_path / "run", "--device", device)
    assert outcome.code == 2
    assert f"expected a device that torch has here, such as cpu, got '{device}'" in outcome.error
    assert not (tmp_path / "run").exists()


def test_more_pictures_of_a_person_than_there_are(
    passerby: Command, recipe_file: Path, people_folder: Path, tmp_path: Path
) -> None:
    settings = ("--set", "batch.pictures=7", "--set", "epochs=1", "--set", "schedule.warmup_epochs=0")
    outcome = passerby("train", recipe_file, "--data", people_folder, "--output", tmp_path / "run", *settings)
    assert outcome.code == 0
    notes = [line for line in outcome.err.splitlines() if "fewer than 7 pictures" in line]
    assert len(notes) == 1
    assert "down to 6" in notes[0]
