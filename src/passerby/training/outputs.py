"""What a training leaves in its folder, and what it must find there to begin or to go on."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from passerby import __version__
from passerby.atomic import write_text
from passerby.data.dataset import Dataset, picture_keys
from passerby.data.provenance import joint_provenance
from passerby.errors import PasserbyError
from passerby.models.bundle import check_replaceable
from passerby.models.card import ModelCard
from passerby.training.checkpoint import Progress, read_progress
from passerby.training.recipe import Recipe, to_yaml
from passerby.training.task import TrainingTask


@dataclass(frozen=True)
class Outputs:
    """The paths in a training's folder."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """What the next step depends on."""
        return self.folder / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The bundle of the best epoch."""
        return self.folder / "best"

    @property
    def last(self) -> Path:
        """The bundle of the last measured epoch."""
        return self.folder / "last"

    @property
    def log(self) -> Path:
        """A row per epoch."""
        return self.folder / "log.csv"

    @property
    def recipe(self) -> Path:
        """The complete recipe."""
        return self.folder / "recipe.yaml"

    def begin(self, recipe: Recipe, data: str, *, resume: bool, overwrite: bool) -> Progress:
        """Where training starts, before anything is written.

        Args:
            recipe: What is to be trained.
            data: Fingerprint of the data set.
            resume: Whether to go on where an unfinished training stopped.
            overwrite: Whether to begin anew though there is one.

        Raises:
            PasserbyError: The folder holds a training already, or another one than is to go on, or other files.
        """
        going_on = self.checkpoint.exists() and resume
        if self.checkpoint.exists() and not (resume or overwrite):
            raise PasserbyError(
                f"{self.folder} holds a training already; go on with --resume, begin anew with --force, or choose "
                "another --output"
            )
        progress = Progress(recipe.model_dump(mode="json"), data)
        if going_on:
            progress = self._matching(read_progress(self.checkpoint), recipe, data)
        self._check_replaceable(recipe, replace=going_on or overwrite)
        return progress

    def is_interrupted(self, recipe: Recipe, data: str) -> bool:
        """Whether a training of this recipe and data lies here that has not come to its end."""
        if not self.checkpoint.exists():
            return False
        found = read_progress(self.checkpoint)
        return found.epoch < recipe.epochs and not _differing(found, recipe, data)

    def _matching(self, found: Progress, recipe: Recipe, data: str) -> Progress:
        """The progress of a checkpoint, if it is of the same recipe and data."""
        for what in _differing(found, recipe, data):
            raise PasserbyError(
                f"{self.folder}: expected the {what} with which this training began, got another; give the first "
                "command again with --resume, or begin anew with --force"
            )
        return found

    def _check_replaceable(self, recipe: Recipe, replace: bool) -> None:
        """Refuse to write over bundles and files that are not this training's, before any work is done."""
        for bundle in (self.best, self.last):
            check_replaceable(bundle, replace)
        # The same training, which failed before its first checkpoint, may begin once more.
        replace = replace or (self.recipe.is_file() and self.recipe.read_bytes() == to_yaml(recipe).encode())
        for file in (self.recipe, self.log):
            if not replace and file.is_file():
                raise PasserbyError(
                    f"{file}: another training's or somebody's own file stands there; choose another --output, or "
                    "replace it with --force"
                )

    def write_log(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the log as CSV, with a column for everything that any row holds."""
        columns = dict.fromkeys(column for row in rows for column in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()} for row in rows)
        write_text(self.log, text.getvalue())


def model_card(recipe: Recipe, dataset: Dataset, task: TrainingTask) -> ModelCard:
    """What the bundles say of where they come from."""
    provenance = joint_provenance(dataset.roots)
    people = "synthetic people" if provenance else "people"
    return ModelCard(
        name=recipe.name,
        summary=recipe.summary,
        trained_on=f"{len(task.samples)} pictures of {task.classes} {people} of {dataset.name}",
        licence="the terms of the pictures that it was trained on",
        provenance=provenance,
        data_fingerprint=dataset.fingerprint(),
        training_pictures="".join(sorted(picture_keys(task.samples))),
        recipe=recipe.model_dump(mode="json"),
        passerby_version=__version__,
    )


def _differing(found: Progress, recipe: Recipe, data: str) -> list[str]:
    """What a checkpoint has otherwise: the recipe, the data."""
    try:
        # What an older version did not know yet has its default.
        is_same = Recipe.model_validate(found.recipe) == recipe
    except ValidationError:
        is_same = False
    return [what for what, same in (("recipe", is_same), ("data", found.data == data)) if not same]
