"""The training loop: read it from top to bottom."""

import csv
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from passerby import __version__
from passerby.atomic import write_text
from passerby.data.dataset import Dataset, people, picture_keys
from passerby.data.loader import PictureStore
from passerby.data.provenance import read_provenance
from passerby.data.transforms import augment, normalise, shrink
from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle, check_replaceable, load_bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import choose_device
from passerby.training.checkpoint import Progress, read_progress, restore, save_checkpoint
from passerby.training.initial import initial_network
from passerby.training.interrupt import deferred_interrupt
from passerby.training.objective import Objective
from passerby.training.precision import choose_precision
from passerby.training.recipe import Recipe, to_yaml
from passerby.training.reporter import Reporter
from passerby.training.schedule import learning_rate_factor
from passerby.training.step import training_step
from passerby.training.task import TrainingTask, prepare_task, step_generator
from passerby.training.validation import Validator


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves.

    Attributes:
        best: The bundle of the epoch with the highest validation mAP; without validation, of the last epoch.
        last: The bundle of the last epoch.
        rows: The log, a row per epoch.
    """

    best: Bundle
    last: Bundle
    rows: tuple[dict[str, Any], ...]


def train(
    recipe: Recipe,
    dataset: Dataset,
    output: Path,
    *,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    initial: Path | None = None,
    reporter: Reporter | None = None,
) -> TrainingResult:
    """Train a recipe on a data set's training people.

    `output` gets the bundles `best` and `last`, `recipe.yaml`, `log.csv`, and `checkpoint.safetensors`. Ctrl-C
    finishes the step, saves, and raises KeyboardInterrupt; with `resume`, training goes on to the very result that
    it would have had (bit by bit on a CPU; a GPU's own sums may differ in the last bits).

    Args:
        recipe: What to do.
        dataset: Whose training pictures to use.
        output: A folder for the results.
        device: "auto", "cpu", "cuda", …
        resume: Go on from the checkpoint in `output`; where there is none, begin.
        overwrite: Begin anew even though `output` holds a training.
        initial: A bundle or a published checkpoint, whose backbone to start from.
        reporter: Told how it goes.

    Raises:
        DataError: The data set is too small, or a picture is broken.
        PasserbyError: `output` holds a training already, or another one than is to go on; or the loss diverged.
        MachineError: The disk is full; the last checkpoint is whole.
    """
    reporter = reporter or Reporter()
    target = choose_device(device)
    precision = choose_precision(recipe.precision, target)
    task = prepare_task(recipe, dataset)
    torch.manual_seed(recipe.seed)
    network = initial_network(recipe.architecture, initial).place(target)
    objective = Objective(recipe.losses, network, task.classes).to(target)
    optimizer = recipe.optimizer.build([network, objective])

    checkpoint = output / "checkpoint.safetensors"
    progress = Progress(recipe.model_dump(mode="json"), dataset.fingerprint())
    going_on = checkpoint.exists() and resume
    if going_on:
        progress = _matching(read_progress(checkpoint), progress, output)
        restore(checkpoint, network, objective, optimizer)
        reporter.note(f"going on after epoch {progress.epoch}, step {progress.step}")
    elif checkpoint.exists() and not overwrite:
        raise PasserbyError(
            f"{output} holds a training already; go on with --resume, begin anew with --force, or choose another "
            "--output"
        )
    _check_output(output, recipe, replace=going_on or overwrite)
    for caution in recipe.cautions():
        reporter.note(caution)
    if task.people_per_batch < recipe.batch.people:
        reporter.note(f"batches hold {task.people_per_batch} people, not {recipe.batch.people}: there are no more")

    size = recipe.preprocessing
    store = PictureStore([s.path for s in task.samples], size.height, size.width, progress=reporter.decoding)
    validator = _validator(recipe, dataset, task, reporter)
    labels = task.labels.to(target)
    card = _card(recipe, progress, dataset, task)
    write_text(output / "recipe.yaml", to_yaml(recipe))
    clock = _Clock(progress)

    with deferred_interrupt() as interrupted:
        for epoch in range(progress.epoch, recipe.epochs):
            network.train()
            batches = task.batches(recipe, epoch)
            for step, pictures in enumerate(store.batches(batches[progress.step :]), start=progress.step):
                generator = step_generator(recipe, epoch, step)
                torch.manual_seed(generator.initial_seed())
                _set_learning_rate(optimizer, _learning_rate(recipe, epoch, step / len(batches)))

                scale = recipe.small_pictures.scale_in(epoch)
                pictures, augmentation = shrink(pictures, recipe.augmentation, scale)
                pictures = augment(pictures, augmentation, generator).to(target)
                pictures = normalise(pictures, size.mean, size.std)
                shown = labels[torch.as_tensor(batches[step], device=target)]
                losses = training_step(network, objective, optimizer, pictures, shown, epoch, precision)

                progress = progress.after_step(losses)
                _check_finite(progress, epoch)
                done = epoch * len(batches) + step + 1
                reporter.step(done, recipe.epochs * len(batches), progress.mean_losses()[0])
                if interrupted():
                    save_checkpoint(checkpoint, clock.stamp(progress), network, objective, optimizer)
                    reporter.note(f"saved to {output}; give the same command with --resume to go on")
                    raise KeyboardInterrupt

            row = _row(epoch, progress, objective, _learning_rate(recipe, epoch, (len(batches) - 1) / len(batches)))
            is_final = epoch + 1 == recipe.epochs
            if is_final or (epoch + 1) % recipe.validation.every == 0:
                figures, calibration = {}, None
                if validator is not None:
                    evaluation, calibration = validator.measure(network)
                    row |= {"rank_1": evaluation.metrics.rank(1), "mean_ap": evaluation.metrics.mean_ap}
                    figures = {"validation": {key: row[key] for key in ("epoch", "rank_1", "mean_ap")}}
                is_best = validator is None or progress.best is None or row["mean_ap"] > progress.best
                for name in ("best", "last") if is_best else ("last",):
                    save_bundle(output / name, network, size, card, figures, calibration, replace=True)
                if is_best:
                    progress = replace(progress, best=row.get("mean_ap"))
            progress = clock.stamp(progress).after_epoch(row)
            write_text(output / "log.csv", _as_csv(progress.rows))
            save_checkpoint(checkpoint, progress, network, objective, optimizer)
            reporter.epoch(progress.rows[-1])
    return TrainingResult(load_bundle(output / "best"), load_bundle(output / "last"), progress.rows)


class _Clock:
    """Wall and processor time, on top of what earlier runs of the same training took."""

    def __init__(self, progress: Progress) -> None:
        self._wall = time.perf_counter() - progress.seconds
        self._processor = time.process_time() - progress.cpu_seconds

    def stamp(self, progress: Progress) -> Progress:
        return replace(
            progress,
            seconds=time.perf_counter() - self._wall,
            cpu_seconds=time.process_time() - self._processor,
        )


def _matching(found: Progress, wanted: Progress, output: Path) -> Progress:
    """The progress of a checkpoint, if it is of the same recipe and data."""
    for what, differs in (("recipe", found.recipe != wanted.recipe), ("data", found.data != wanted.data)):
        if differs:
            raise PasserbyError(
                f"{output}: expected the {what} with which this training began, got another; give the first "
                "command again with --resume, or begin anew with --force"
            )
    return found


def _check_output(output: Path, recipe: Recipe, replace: bool) -> None:
    """Refuse to write over bundles and files that are not this training's, before any work is done."""
    for name in ("best", "last"):
        check_replaceable(output / name, replace)
    written = output / "recipe.yaml"
    # The same training, which failed before its first checkpoint, may begin once more.
    replace = replace or (written.is_file() and written.read_bytes() == to_yaml(recipe).encode())
    for file in (written, output / "log.csv"):
        if not replace and file.is_file():
            raise PasserbyError(
                f"{file}: another training's or somebody's own file stands there; choose another --output, or "
                "replace it with --force"
            )


def _validator(recipe: Recipe, dataset: Dataset, task: TrainingTask, reporter: Reporter) -> Validator | None:
    if not task.held_out:
        return None
    source = f"{len(people(task.held_out))} people of {dataset.name} who were held out of training"
    validator = Validator(task.held_out, recipe.preprocessing, recipe.seed, source, reporter.decoding)
    if not validator.can_measure:
        reporter.note("nobody held out has pictures to be found again by, so nothing is measured while training")
        return None
    return validator


def _learning_rate(recipe: Recipe, epoch: int, share: float) -> float:
    """The learning rate after so many epochs and that share of the next."""
    return recipe.optimizer.learning_rate * learning_rate_factor(recipe.schedule, epoch + share, recipe.epochs)


def _set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _check_finite(progress: Progress, epoch: int) -> None:
    loss = progress.sums[0]
    if not abs(loss) < float("inf"):
        raise PasserbyError(f"the loss became {loss} in epoch {epoch + 1}; lower optimizer.learning_rate")


def _row(epoch: int, progress: Progress, objective: Objective, learning_rate: float) -> dict[str, Any]:
    total, *parts = progress.mean_losses()
    row = {"epoch": epoch + 1, "loss": total} | dict(zip(objective.names, parts, strict=True))
    return row | {"learning_rate": learning_rate}


def _card(recipe: Recipe, progress: Progress, dataset: Dataset, task: TrainingTask) -> ModelCard:
    provenance = read_provenance(dataset.root)
    people = "synthetic people" if provenance else "people"
    return ModelCard(
        name=recipe.name,
        summary=recipe.summary,
        trained_on=f"{len(task.samples)} pictures of {task.classes} {people} of {dataset.name}",
        licence="the terms of the pictures that it was trained on",
        provenance=provenance,
        data_fingerprint=progress.data,
        training_pictures="".join(sorted(picture_keys(task.samples))),
        recipe=progress.recipe,
        passerby_version=__version__,
    )


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = dict.fromkeys(column for row in rows for column in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()} for row in rows)
    return text.getvalue()
