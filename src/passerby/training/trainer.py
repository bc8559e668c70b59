"""The training loop: read it from top to bottom."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from passerby.atomic import write_text
from passerby.data.dataset import Dataset
from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle, load_bundle
from passerby.training.checkpoint import Progress, restore, save_checkpoint
from passerby.training.feed import PictureFeed
from passerby.training.interrupt import deferred_interrupt
from passerby.training.learner import Learner
from passerby.training.measuring import Measuring, held_out_validator
from passerby.training.optimizer import set_learning_rate
from passerby.training.outputs import Outputs, model_card
from passerby.training.recipe import Recipe, to_yaml
from passerby.training.reporter import Reporter
from passerby.training.schedule import learning_rate_factor
from passerby.training.task import prepare_task, with_cameras
from passerby.training.team import join_team


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
        RecipeError: The recipe names stages or parameters that the network does not have.
        PasserbyError: `output` holds a training already, or another one than is to go on; or the loss diverged,
            where the checkpoint and the bundles of the last good epoch stay.
        MachineError: The disk is full; the last checkpoint is whole.
    """
    team = join_team(device)
    reporter = reporter if reporter is not None and team.leads else Reporter()
    outputs = Outputs(output)
    recipe = with_cameras(recipe, dataset)
    task = prepare_task(recipe, dataset)
    learner = Learner.build(recipe, task.pictures(), team, initial, task.supervision())

    progress = outputs.begin(recipe, dataset.fingerprint(), resume=resume, overwrite=overwrite)
    if progress.epoch or progress.step:
        restore(outputs.checkpoint, learner)
        reporter.note(f"going on after epoch {progress.epoch}, step {progress.step}")
    for caution in (*recipe.cautions(), *task.cautions(recipe)):
        reporter.note(caution)
    if recipe.freeze.stages != 0 and initial is None:
        reporter.note("frozen stages keep the random weights that they begin with; start from others with --init")

    feed = PictureFeed(recipe, task, team, reporter.decoding)
    validator = held_out_validator(recipe, dataset, task, reporter)
    measuring = Measuring(validator, recipe, model_card(recipe, dataset, task), outputs, team)
    team.wait()  # All have looked at the folder before one writes to it.
    if team.leads:
        write_text(outputs.recipe, to_yaml(recipe))
    clock = _Clock(progress)

    with deferred_interrupt() as interrupted:
        while not _is_over(progress, recipe):
            epoch = progress.epoch
            learner.begin_epoch(epoch, progress.step)
            order = task.batches(recipe, epoch, learner.drawn_by())
            steps = len(order)
            for step, pictures, targets, cameras in feed.batches(epoch, order, progress.step):
                set_learning_rate(learner.optimizer, _learning_rate(recipe, epoch, step / steps))
                progress = progress.after_step(learner.step(pictures, targets, epoch, step, steps, cameras))
                _check_loss(recipe, progress, outputs)
                reporter.step(epoch * steps + step + 1, recipe.epochs * steps, progress.mean_losses()[0])
                if learner.updates_after(step, steps) and team.any(interrupted()):
                    if team.leads:
                        save_checkpoint(outputs.checkpoint, clock.stamp(progress), learner)
                    team.wait()
                    reporter.saved(outputs.folder)
                    raise KeyboardInterrupt

            total, *parts = progress.mean_losses()
            row = {"epoch": epoch + 1, "loss": total, **dict(zip(learner.objective.names, parts, strict=True))}
            row["learning_rate"] = _learning_rate(recipe, epoch, (steps - 1) / steps)
            if not learner.is_finite():
                raise _diverged(f"weights became nan or infinite in epoch {epoch + 1}", recipe, progress, outputs)
            learner.objective.end_epoch(parts)
            if measuring.is_due(epoch):
                progress = replace(progress, best=measuring.measure(learner, row, progress.best))
            progress = clock.stamp(progress).after_epoch(row)
            if team.leads:
                outputs.write_log(progress.rows)
                save_checkpoint(outputs.checkpoint, progress, learner)
            reporter.epoch(progress.rows[-1])
    team.wait()
    if progress.epoch < recipe.epochs:
        reporter.note(
            f"ended after epoch {progress.epoch}: no better mAP in {recipe.validation.patience} measurements"
        )
    return TrainingResult(load_bundle(outputs.best), load_bundle(outputs.last), progress.rows)


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


def _is_over(progress: Progress, recipe: Recipe) -> bool:
    """Whether all epochs are done, or the figures have not become better for as long as the recipe waits."""
    patience = recipe.validation.patience
    gave_up = patience is not None and progress.measurements_since_best() >= patience
    return progress.epoch >= recipe.epochs or gave_up


def _learning_rate(recipe: Recipe, epoch: int, share: float) -> float:
    """The learning rate after so many epochs and that share of the next."""
    return recipe.optimizer.learning_rate * learning_rate_factor(recipe.schedule, epoch + share, recipe.epochs)


def _check_loss(recipe: Recipe, progress: Progress, outputs: Outputs) -> None:
    loss = progress.sums[0]
    if not abs(loss) < float("inf"):
        what = f"the loss became {loss} in step {progress.step} of epoch {progress.epoch + 1}"
        raise _diverged(what, recipe, progress, outputs)


def _diverged(what: str, recipe: Recipe, progress: Progress, outputs: Outputs) -> PasserbyError:
    saved = progress.epoch // recipe.validation.every * recipe.validation.every
    kept = f"{outputs.last} keeps the model of epoch {saved}" if saved else "no model was saved yet"
    return PasserbyError(f"{what}; lower optimizer.learning_rate or set optimizer.clip_norm; {kept}")
