"""The data side of a training: whom to train on, whom to hold out, and the batches of each epoch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from passerby.data.dataset import Dataset, people
from passerby.data.sampling import balanced_batches, pk_batches
from passerby.data.splits import hold_out_people
from passerby.errors import DataError
from passerby.training.recipe import Recipe
from passerby.types import UNKNOWN_CAMERA, IntArray, Sample


@dataclass(frozen=True)
class TrainingTask:
    """A recipe's view of a data set.

    Attributes:
        samples: Pictures to train on.
        held_out: Pictures of the people who are held out for validation.
        labels: (N,) int64, the training people numbered from 0, in the order of `samples`.
        classes: How many training people there are.
        people_per_batch: The recipe's, or fewer where the data has no more.
    """

    samples: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    labels: Tensor
    classes: int
    people_per_batch: int

    def batches(self, recipe: Recipe, epoch: int) -> list[IntArray]:
        """The batches of one epoch: indices into `samples`, decided by the recipe's seed and the epoch alone."""
        rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, epoch]))
        batch = recipe.batch
        power = recipe.long_tail.power_in(epoch)
        if power < 1:
            return balanced_batches(self.labels.numpy(), self.people_per_batch, batch.pictures, rng, power)
        in_a_row = min(batch.in_a_row, self.people_per_batch)
        return pk_batches(self.labels.numpy(), self.people_per_batch, batch.pictures, rng, in_a_row)

    def pictures(self) -> IntArray:
        """(classes,) how many pictures each training person has."""
        return np.bincount(self.labels.numpy(), minlength=self.classes)

    def pictures_per_batch(self, recipe: Recipe) -> int:
        """How many pictures each of the batches holds."""
        in_a_row = min(recipe.batch.in_a_row, self.people_per_batch)
        return self.people_per_batch // in_a_row * in_a_row * recipe.batch.pictures

    def cautions(self, recipe: Recipe) -> list[str]:
        """Where the data has less than the recipe asks for, a sentence each."""
        found = []
        if self.people_per_batch < recipe.batch.people:
            found.append(f"batches hold {self.people_per_batch} people, not {recipe.batch.people}: there are no more")
        pictures = self.pictures()
        short = int((pictures < recipe.batch.pictures).sum())
        if short:
            found.append(
                f"{short} of {self.classes} people have fewer than {recipe.batch.pictures} pictures, down to "
                f"{pictures.min()}: theirs come more than once in a batch; see batch.pictures"
            )
        return found


def prepare_task(recipe: Recipe, dataset: Dataset) -> TrainingTask:
    """Split the training people into those to train and those to validate on.

    Raises:
        DataError: Fewer than two people would be left to train on.
    """
    dataset.require("train")
    everybody = people(dataset.train)
    share = recipe.validation.share
    held_out_people = max(2, round(share * len(everybody))) if share else 0
    classes = len(everybody) - held_out_people
    if classes < 2:
        raise DataError(
            f"{dataset.root}: expected at least two people to train on beside {held_out_people} held out, got "
            f"{len(everybody)} training people; add people, or hold nobody out with --set validation.share=0"
        )
    samples, held_out = hold_out_people(dataset.train, held_out_people, recipe.seed)
    numbers = {person: number for number, person in enumerate(sorted(people(samples)))}
    return TrainingTask(
        samples=samples,
        held_out=held_out,
        labels=torch.tensor([numbers[sample.person_id] for sample in samples]),
        classes=classes,
        people_per_batch=min(recipe.batch.people, classes),
    )


def with_cameras(recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recipe; a camera embedding that names no cameras gets those of the training pictures."""
    transformer = recipe.architecture.transformer
    if transformer.camera_weight == 0 or transformer.cameras:
        return recipe
    cameras = tuple(sorted({sample.camera_id for sample in dataset.train} - {UNKNOWN_CAMERA}))
    transformer = transformer.model_copy(update={"cameras": cameras})
    return recipe.model_copy(
        update={"architecture": recipe.architecture.model_copy(update={"transformer": transformer})}
    )


def step_generator(recipe: Recipe, epoch: int, step: int) -> torch.Generator:
    """The source of one step's random choices: the same for the same seed, epoch and step, whatever came before."""
    seed = np.random.SeedSequence([recipe.seed, epoch, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed))
