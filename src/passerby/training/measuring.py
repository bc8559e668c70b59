"""What a training does now and then: measure the network, and keep it, and the best one beside it."""

from dataclasses import dataclass
from typing import Any

from passerby.data.dataset import Dataset, people
from passerby.models.bundle import save_bundle
from passerby.models.card import ModelCard
from passerby.training.learner import Learner
from passerby.training.outputs import Outputs
from passerby.training.recipe import Recipe
from passerby.training.reporter import Reporter
from passerby.training.task import TrainingTask
from passerby.training.team import Team
from passerby.training.validation import Validator


@dataclass(frozen=True)
class Measuring:
    """How a training's networks are measured and kept.

    Attributes:
        validator: Who measures; None where nobody can be found again.
        recipe: Says when, and what the network expects.
        card: What the bundles say of themselves.
        outputs: Where they go.
        team: Of which the first process measures and writes, and tells the others.
    """

    validator: Validator | None
    recipe: Recipe
    card: ModelCard
    outputs: Outputs
    team: Team

    def is_due(self, epoch: int) -> bool:
        """Whether to measure after an epoch, from 0."""
        return epoch + 1 == self.recipe.epochs or (epoch + 1) % self.recipe.validation.every == 0

    def measure(self, learner: Learner, row: dict[str, Any], best: float | None) -> float | None:
        """Measure and save: the network as `last`, and as `best` if no other was better.

        Args:
            learner: Whose network.
            row: The epoch's row of the log, to which the figures are added.
            best: The best mAP so far, or None.

        Returns:
            The best mAP from now on.
        """
        figures, calibration = {}, None
        if self.validator is not None:
            told = [0.0, 0.0]
            if self.team.leads:
                evaluation, calibration = self.validator.measure(learner.measured)
                told = [evaluation.metrics.rank(1), evaluation.metrics.mean_ap]
            row |= dict(zip(("rank_1", "mean_ap"), self.team.from_leader(told), strict=True))
            figures = {"validation": {key: row[key] for key in ("epoch", "rank_1", "mean_ap")}}
        is_best = self.validator is None or best is None or row["mean_ap"] > best
        if self.team.leads:
            size = self.recipe.preprocessing
            for path in (self.outputs.best, self.outputs.last) if is_best else (self.outputs.last,):
                save_bundle(path, learner.measured, size, self.card, figures, calibration, replace=True)
        return row.get("mean_ap") if is_best else best


def held_out_validator(recipe: Recipe, dataset: Dataset, task: TrainingTask, reporter: Reporter) -> Validator | None:
    """The people who were held out, ready to be found again; None, with a note, where none of them can be."""
    if not task.held_out:
        return None
    source = f"{len(people(task.held_out))} people of {dataset.name} who were held out of training"
    validator = Validator(task.held_out, recipe.preprocessing, recipe.seed, source, reporter.decoding)
    if not validator.can_measure:
        reporter.note("nobody held out has pictures to be found again by, so nothing is measured while training")
        return None
    return validator
