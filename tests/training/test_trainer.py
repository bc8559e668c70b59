import csv
import errno
import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from passerby.data import Dataset, read_dataset
from passerby.data.dataset import people, people_among
from passerby.errors import BundleError, DataError, MachineError, PasserbyError
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.embedder import TorchEmbedder
from passerby.models.network import Features
from passerby.training.checkpoint import read_progress, restore, save_checkpoint
from passerby.training.learner import Learner
from passerby.training.objective import Objective
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.reporter import Reporter
from passerby.training.team import Team
from passerby.training.trainer import TrainingResult, train


class Listener(Reporter):
    """Keeps what it hears, and presses Ctrl-C after given steps."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.interrupt_after = interrupt_after
        self.notes: list[str] = []
        self.steps: list[tuple[int, int, float]] = []
        self.epochs: list[dict[str, Any]] = []
        self.decoded: list[tuple[int, int]] = []

    def decoding(self, done: int, total: int) -> None:
        self.decoded.append((done, total))

    def note(self, message: str) -> None:
        self.notes.append(message)

    def step(self, done: int, total: int, loss: float) -> None:
        self.steps.append((done, total, loss))
        if done == self.interrupt_after:
            os.kill(os.getpid(), signal.SIGINT)

    def epoch(self, row: dict[str, Any]) -> None:
        self.epochs.append(row)


def deterministic(folder: Path) -> dict[str, bytes]:
    """Everything that a training leaves, less the times that it took."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".csv",) and path.name != "checkpoint.safetensors"
    }
    with (folder / "log.csv").open(newline="") as file:
        rows = [{k: v for k, v in row.items() if "seconds" not in k} for row in csv.DictReader(file)]
    return files | {"log": json.dumps(rows).encode()}


@pytest.fixture(scope="module")
def uninterrupted(
    tiny_recipe: Recipe, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Listener]:
    output = tmp_path_factory.mktemp("uninterrupted") / "run"
    listener = Listener()
    train(tiny_recipe, dataset, output, device="cpu", reporter=listener)
    return output, listener


def test_training_learns(trained: TrainingResult, untrained: Bundle, dataset: Dataset) -> None:
    losses = [row["loss"] for row in trained.rows]
    assert len(losses) == 12
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.5
    before, after = (
        evaluate_on(from_model(TorchEmbedder(bundle, "cpu")), dataset).metrics for bundle in (untrained, trained.best)
    )
    assert after.mean_ap > before.mean_ap + 0.1
    assert after.rank(1) > before.rank(1)


def test_what_training_leaves(trained: TrainingResult, dataset: Dataset) -> None:
    output = trained.best.path.parent
    assert sorted(path.name for path in output.iterdir()) == [
        "best",
        "checkpoint.safetensors",
        "last",
        "log.csv",
        "recipe.yaml",
    ]
    recipe = load_recipe(output / "recipe.yaml")
    card = trained.best.card
    assert card.recipe == recipe.model_dump(mode="json")
    assert card.data_fingerprint == dataset.fingerprint()
    assert card.trained_on == "60 pictures of 10 people of market"
    known = people_among(dataset.train, card.training_keys())
    assert len(people(dataset.train)) - len(known) == 2
    assert trained.best.calibration is not None
    measured = [row for row in trained.rows if "mean_ap" in row]
    assert [row["epoch"] for row in measured] == [2, 4, 6, 8, 10, 12]
    assert trained.best.figures["validation"]["mean_ap"] == max(row["mean_ap"] for row in measured)
    assert trained.last.figures["validation"]["epoch"] == 12
    with (output / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert [bool(row["mean_ap"]) for row in rows] == [epoch % 2 == 0 for epoch in range(1, 13)]
    assert float(rows[-1]["seconds"]) > float(rows[0]["seconds"]) > 0
    for row in trained.rows:
        assert row["loss"] == pytest.approx(row["cross_entropy"] + row["triplet"], rel=1e-5)


def test_the_same_seed_gives_the_same_bytes(
    uninterrupted: tuple[Path, Listener], tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    torch.manual_seed(99)  # What others have drawn plays no part.
    train(tiny_recipe, dataset, tmp_path / "again", device="cpu")
    assert deterministic(tmp_path / "again") == deterministic(uninterrupted[0])
    other = train(tiny_recipe.model_copy(update={"seed": 1}), dataset, tmp_path / "other", device="cpu")
    assert other.last.identity != load_bundle(uninterrupted[0] / "last").identity


@pytest.mark.parametrize(
    "where", ["first step", "mid epoch", "end of an epoch", "end of a measured epoch", "last step"]
)
def test_interrupted_and_resumed_equals_uninterrupted_bit_by_bit(
    where: str,
    uninterrupted: tuple[Path, Listener],
    tiny_recipe: Recipe,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    reference, heard = uninterrupted
    total = heard.steps[-1][1]
    lengths = epoch_lengths(tiny_recipe, dataset)
    step = {
        "first step": 1,
        "mid epoch": lengths[0] + 2,
        "end of an epoch": lengths[0],
        "end of a measured epoch": lengths[0] + lengths[1],
        "last step": sum(lengths),
    }[where]
    first, second = Listener(reported(step, lengths)), Listener()
    with pytest.raises(KeyboardInterrupt):
        train(tiny_recipe, dataset, tmp_path / "run", device="cpu", reporter=first)
    assert total == heard.steps[0][1] or len(set(lengths)) > 1
    progress = read_progress(tmp_path / "run" / "checkpoint.safetensors")
    assert sum(lengths[: progress.epoch]) + progress.step == step
    train(tiny_recipe, dataset, tmp_path / "run", device="cpu", resume=True, reporter=second)
    assert second.notes == [f"going on after epoch {progress.epoch}, step {progress.step}"]
    assert len(first.steps) + len(second.steps) == sum(lengths)
    assert deterministic(tmp_path / "run") == deterministic(reference)


def epoch_lengths(recipe: Recipe, dataset: Dataset) -> list[int]:
    from passerby.training.task import prepare_task

    task = prepare_task(recipe, dataset)
    return [len(task.batches(recipe, epoch)) for epoch in range(recipe.epochs)]


def reported(step: int, lengths: list[int]) -> int:
    """The number under which the trainer reports that step: epochs count as long as the current one."""
    for epoch, length in enumerate(lengths):
        if step <= length:
            return epoch * length + step
        step -= length
    raise AssertionError


@pytest.mark.parametrize(
    "settings",
    [
        ["optimizer.kind=sgd", "optimizer.momentum=0"],
        ["optimizer.kind=sgd", "architecture.pooling=gem"],
        ["optimizer.kind=adam", "architecture.backbone=osnet_x0_25", "architecture.width=0.25", "epochs=1"],
        [
            "precision=bf16",
            "architecture.width=0.06",
            "losses.1.from_epoch=1",
            "schedule.kind=step",
            "schedule.milestones=[1]",
        ],
        ["validation.share=0", "augmentation.colour=0.2", "losses=[{kind: supervised_contrastive}]"],
        ["ema.decay=0.9", "optimizer.clip_norm=1", "optimizer.stage_decay=0.5", "freeze={stages: 2, epochs: 1}"],
        ["optimizer.accumulate=2", "optimizer.multipliers={backbone: 0.1, losses.0: 2}", "freeze.stages=all"],
    ],
)
def test_every_kind_of_training_resumes_exactly(
    settings: list[str], recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    recipe = load_recipe(recipe_file, ["epochs=2", *settings])
    train(recipe, dataset, tmp_path / "whole", device="cpu")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "parts", device="cpu", reporter=Listener(2))
    train(recipe, dataset, tmp_path / "parts", device="cpu", resume=True)
    assert deterministic(tmp_path / "parts") == deterministic(tmp_path / "whole")


def test_interrupted_again_and_again_comes_to_the_same_end(
    uninterrupted: tuple[Path, Listener], tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    class Impatient(Reporter):
        def step(self, done: int, total: int, loss: float) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    for _ in range(sum(epoch_lengths(tiny_recipe, dataset))):
        with pytest.raises(KeyboardInterrupt):
            train(tiny_recipe, dataset, tmp_path / "run", device="cpu", resume=True, reporter=Impatient())
    train(tiny_recipe, dataset, tmp_path / "run", device="cpu", resume=True, reporter=Impatient())
    assert deterministic(tmp_path / "run") == deterministic(uninterrupted[0])


def test_resuming_a_finished_training_gives_its_result(
    trained: TrainingResult, recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(trained.best.path.parent, tmp_path / "run"))
    listener = Listener()
    recipe = load_recipe(recipe_file, ["epochs=12"])
    again = train(recipe, dataset, output, device="cpu", resume=True, reporter=listener)
    assert (again.best.identity, again.last.identity) == (trained.best.identity, trained.last.identity)
    assert again.rows == trained.rows
    assert not listener.steps


def test_another_recipe_or_other_data_are_not_gone_on_with(
    uninterrupted: tuple[Path, Listener], recipe_file: Path, dataset: Dataset, people_folder: Path, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(uninterrupted[0], tmp_path / "run"))
    before = deterministic(output)
    for setting in ("epochs=4", "seed=1", "optimizer.learning_rate=0.0021"):
        with pytest.raises(PasserbyError, match="expected the recipe with which this training began, got another"):
            train(load_recipe(recipe_file, [setting]), dataset, output, device="cpu", resume=True)
    with pytest.raises(PasserbyError, match="expected the data with which this training began"):
        train(load_recipe(recipe_file), read_dataset(people_folder), output, device="cpu", resume=True)
    assert deterministic(output) == before


def test_an_existing_training_is_kept_unless_told_otherwise(
    uninterrupted: tuple[Path, Listener], tiny_recipe: Recipe, recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(uninterrupted[0], tmp_path / "run"))
    before = deterministic(output)
    with pytest.raises(PasserbyError, match="holds a training already; go on with --resume, begin anew with --force"):
        train(tiny_recipe, dataset, output, device="cpu")
    assert deterministic(output) == before
    anew = train(load_recipe(recipe_file, ["epochs=1"]), dataset, output, device="cpu", overwrite=True)
    assert len(anew.rows) == 1


def test_bundles_whose_checkpoint_is_gone_are_kept_too(
    uninterrupted: tuple[Path, Listener], tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(uninterrupted[0], tmp_path / "run"))
    (output / "checkpoint.safetensors").unlink()
    before = deterministic(output)
    for resume in (False, True):
        with pytest.raises(PasserbyError, match="a bundle stands there already; use --force"):
            train(tiny_recipe, dataset, output, device="cpu", resume=resume)
    assert deterministic(output) == before


@pytest.mark.parametrize("name", ["recipe.yaml", "log.csv"])
def test_somebody_s_own_files_are_not_written_over(
    name: str, tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("# mine")
    with pytest.raises(PasserbyError, match=f"{name}: another training's or somebody's own file stands there"):
        train(tiny_recipe, dataset, tmp_path, device="cpu")
    assert (tmp_path / name).read_text() == "# mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_output_cannot_be_a_file_or_hold_something_else_where_bundles_go(
    tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PasserbyError, match=r"cannot write .*recipe\.yaml"):
        train(tiny_recipe, dataset, tmp_path / "file", device="cpu")
    (tmp_path / "run" / "best").mkdir(parents=True)
    (tmp_path / "run" / "best" / "photo.jpg").touch()
    for overwrite in (False, True):
        with pytest.raises(BundleError, match=r"best: expected a new folder or a bundle, got .* photo\.jpg"):
            train(tiny_recipe, dataset, tmp_path / "run", device="cpu", overwrite=overwrite)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("failing", ["checkpoint.safetensors", "best", "last", "log.csv"])
def test_a_full_disk_leaves_the_last_checkpoint_whole(
    failing: str,
    uninterrupted: tuple[Path, Listener],
    tiny_recipe: Recipe,
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths = epoch_lengths(tiny_recipe, dataset)
    output = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_recipe, dataset, output, device="cpu", reporter=Listener(reported(lengths[0] + 1, lengths)))
    before = (output / "checkpoint.safetensors").read_bytes()
    os_replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        os_replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MachineError, match=f"cannot write .*{failing}: the disk is full"):
        train(tiny_recipe, dataset, output, device="cpu", resume=True)
    monkeypatch.undo()
    assert (output / "checkpoint.safetensors").read_bytes() == before
    assert not [path for path in output.iterdir() if path.name.startswith(".")]
    train(tiny_recipe, dataset, output, device="cpu", resume=True)
    assert deterministic(output) == deterministic(uninterrupted[0])


def test_a_training_that_failed_before_its_first_checkpoint_begins_once_more(
    uninterrupted: tuple[Path, Listener],
    tiny_recipe: Recipe,
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    os_replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == "checkpoint.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        os_replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MachineError, match="the disk is full; free some space and run the command again"):
        train(tiny_recipe, dataset, tmp_path / "run", device="cpu")
    monkeypatch.undo()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["log.csv", "recipe.yaml"]
    train(tiny_recipe, dataset, tmp_path / "run", device="cpu")
    assert deterministic(tmp_path / "run") == deterministic(uninterrupted[0])


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:8] + b"\xff" * 50 + b[58:]]
)
def test_a_damaged_checkpoint_is_named(
    damage: Callable[[bytes], bytes],
    uninterrupted: tuple[Path, Listener],
    tiny_recipe: Recipe,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    output = Path(shutil.copytree(uninterrupted[0], tmp_path / "run"))
    file = output / "checkpoint.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BundleError, match=r"checkpoint\.safetensors: the checkpoint is damaged; train anew"):
        train(tiny_recipe, dataset, output, device="cpu", resume=True)


def test_a_loss_that_diverges_is_an_error_and_leaves_no_bundle(
    recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    recipe = load_recipe(
        recipe_file, ["optimizer.kind=sgd", "optimizer.learning_rate=1e30", "schedule.warmup_factor=1"]
    )
    with pytest.raises(
        PasserbyError, match=r"loss became (nan|inf) in step \d of epoch 1; lower .* no model was saved yet"
    ):
        train(recipe, dataset, tmp_path / "run", device="cpu")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["recipe.yaml"]


def test_a_loss_that_diverges_later_leaves_the_last_good_model(
    tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Objective.forward

    def diverging(self: Objective, features: Features, labels: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        loss, parts = forward(self, features, labels, epoch)
        return (loss if epoch < 2 else loss * float("nan")), parts

    monkeypatch.setattr(Objective, "forward", diverging)
    output = tmp_path / "run"
    with pytest.raises(PasserbyError, match=rf"became nan in step 1 of epoch 3; .*; {output}/last keeps .* epoch 2"):
        train(tiny_recipe, dataset, output, device="cpu")
    assert load_bundle(output / "last").figures["validation"]["epoch"] == 2
    assert read_progress(output / "checkpoint.safetensors").epoch == 2
    monkeypatch.undo()
    assert len(train(tiny_recipe, dataset, output, device="cpu", resume=True).rows) == 3


def test_weights_that_are_no_numbers_are_not_saved(
    tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "is_finite", lambda self: False)
    with pytest.raises(PasserbyError, match="weights became nan or infinite in epoch 1; lower"):
        train(tiny_recipe, dataset, tmp_path / "run", device="cpu")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["recipe.yaml"]


def test_training_ends_when_patience_does_and_stays_ended(
    recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    # At this rate no weight changes, so that no measurement is better than the first.
    recipe = load_recipe(
        recipe_file,
        [
            "epochs=9",
            "validation={share: 0.2, every: 1, patience: 2}",
            "optimizer.learning_rate=1e-12",
            "optimizer.weight_decay=0",
            "ema.decay=1.0e-9",
            "freeze.stages=all",
        ],
    )
    listener = Listener()
    result = train(recipe, dataset, tmp_path / "run", device="cpu", reporter=listener)
    measured = [row["mean_ap"] for row in result.rows]
    assert len(measured) == measured.index(max(measured)) + 3 < 9
    assert "frozen stages keep the random weights" in listener.notes[0]
    assert listener.notes[1:] == [f"ended after epoch {len(measured)}: no better mAP in 2 measurements"]
    again = train(recipe, dataset, tmp_path / "run", device="cpu", resume=True)
    assert again.rows == result.rows
    assert result.best.figures["validation"]["mean_ap"] == max(measured)


def test_recipes_of_checkpoints_from_before_a_key_was_there_are_the_same(
    uninterrupted: tuple[Path, Listener], tiny_recipe: Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(uninterrupted[0], tmp_path / "run"))
    old = {key: value for key, value in tiny_recipe.model_dump(mode="json").items() if key not in ("ema", "freeze")}
    learner = Learner.build(tiny_recipe, np.full(10, 6), Team(0, 1, torch.device("cpu")))
    restore(output / "checkpoint.safetensors", learner)
    progress = read_progress(output / "checkpoint.safetensors")
    save_checkpoint(output / "checkpoint.safetensors", replace(progress, recipe=old), learner)
    assert len(train(tiny_recipe, dataset, output, device="cpu", resume=True).rows) == 3


def test_with_few_people_batches_hold_fewer(recipe_file: Path, dataset: Dataset, tmp_path: Path) -> None:
    listener = Listener()
    recipe = load_recipe(recipe_file, ["epochs=1", "batch.people=64", "schedule.warmup_epochs=0"])
    train(recipe, dataset, tmp_path / "run", device="cpu", reporter=listener)
    assert listener.notes == ["batches hold 10 people, not 64: there are no more"]
    assert listener.decoded[59] == (60, 60)


def test_without_validation_the_last_model_is_the_best(recipe_file: Path, dataset: Dataset, tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file, ["epochs=2", "validation.share=0"])
    result = train(recipe, dataset, tmp_path / "run", device="cpu")
    assert result.best.identity == result.last.identity
    assert result.best.calibration is None
    assert people_among(dataset.train, result.best.card.training_keys()) == people(dataset.train)


def test_people_with_one_picture_each_are_trained_on_and_not_measured(
    tiny_recipe: Recipe, draw_person: Callable[[int, int, int], np.ndarray], tmp_path: Path
) -> None:
    for person in range(12):
        (tmp_path / "data" / f"p{person}").mkdir(parents=True)
        Image.fromarray(draw_person(person, 1, 0)).save(tmp_path / "data" / f"p{person}" / "1.png")
    listener = Listener()
    result = train(tiny_recipe, read_dataset(tmp_path / "data"), tmp_path / "run", device="cpu", reporter=listener)
    assert "6 of 6 people have fewer than 3 pictures, down to 1" in listener.notes[0]
    assert "nobody held out has pictures to be found again by" in listener.notes[1]
    assert len(result.rows) == 3
    assert result.best.calibration is None


def test_broken_pictures_are_named_before_training(tiny_recipe: Recipe, market: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    broken = sorted((root / "bounding_box_train").iterdir())[5]
    broken.write_text("not a picture")
    listener = Listener()
    with pytest.raises(DataError, match=rf"got 1 broken: .*{broken.name}.*--drop-broken"):
        train(tiny_recipe, read_dataset(root), tmp_path / "run", device="cpu", reporter=listener)
    assert not listener.steps


def test_training_starts_from_a_given_model(
    trained: TrainingResult, recipe_file: Path, dataset: Dataset, tmp_path: Path
) -> None:
    recipe = load_recipe(recipe_file, ["epochs=1", "optimizer.learning_rate=1e-9"])
    result = train(recipe, dataset, tmp_path / "run", device="cpu", initial=trained.last.path)
    weights, start = result.last.load_network().state_dict(), trained.last.load_network().state_dict()
    torch.testing.assert_close(weights["backbone.conv1.weight"], start["backbone.conv1.weight"], atol=1e-6, rtol=0)
