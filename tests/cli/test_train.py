"""`passerby train` and what it says of input that does not fit."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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


def test_figures_for_tensorboard(passerby: Command, recipe_file: Path, market: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = ("--set", "epochs=2", "--set", "validation.every=2", "--tensorboard")
    outcome = passerby("train", recipe_file, "--data", market, "--output", tmp_path / "run", *settings)
    assert outcome.code == 0
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    tags = ("loss", "cross_entropy", "triplet", "learning_rate")
    for tag in tags:
        assert [event.step for event in events.Scalars(f"training/{tag}")] == [1, 2]
    assert [event.step for event in events.Scalars("validation/mean_ap")] == [2]
    assert len(events.Scalars("step/mean_loss_of_epoch")) > 2
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        logged = [float(row["loss"]) for row in csv.DictReader(file)]
    assert [event.value for event in events.Scalars("training/loss")] == pytest.approx(logged, rel=1e-4)


def test_a_sweep_goes_on_and_says_how_seeds_are_spread(
    passerby: Command, recipe_file: Path, market: Path, tmp_path: Path
) -> None:
    command = ["sweep", recipe_file, "--data", market, "--output", tmp_path / "sweep", "--set", "epochs=1", "--test"]
    command += ["--set", "schedule.warmup_epochs=0"]
    assert passerby(*command, "--seeds", "4").code == 0
    first = (tmp_path / "sweep" / "seed-4" / "checkpoint.safetensors").stat().st_mtime_ns
    outcome = passerby(*command, "--seeds", "4,1")
    assert outcome.code == 0
    assert (tmp_path / "sweep" / "seed-4" / "checkpoint.safetensors").stat().st_mtime_ns == first
    content = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert [one["seed"] for one in content["seeds"]] == [4, 1]
    for name, spread in content["spread"].items():
        values = [one["figures"][name] for one in content["seeds"]]
        assert spread["mean"] == pytest.approx(np.mean(values))
        assert spread["deviation"] == pytest.approx(np.std(values, ddof=1))
        assert f"{spread['mean']:.4f}" in outcome.out
    assert set(content["spread"]) == {
        "validation_rank_1", "validation_mean_ap", "test_rank_1", "test_mean_ap", "loss",
    }  # fmt: skip
    for seeds, reason in (
        ("1,1", "expected different seeds"),
        ("a", "expected --seeds as numbers"),
        ("", "expected"),
    ):
        refused = passerby(*command, "--seeds", seeds)
        assert refused.code == 2
        assert reason in refused.error
