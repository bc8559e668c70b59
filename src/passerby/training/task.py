"""The data side of a training: whom to train on, whom to hold out, and the batches of each epoch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from passerby.data.camera_sampling import camera_balanced_batches
from passerby.data.dataset import Dataset, people
from passerby.data.hard_sampling import hard_identity_batches
from passerby.data.pair_sampling import pair_batches, pairs_of
from passerby.data.sampling import balanced_batches, pk_batches
from passerby.data.splits import hold_out_people
from passerby.errors import DataError
from passerby.losses.spec import Supervision
from passerby.training.attributes import AttributeTable, attribute_table
from passerby.training.recipe import Recipe
from passerby.types import UNKNOWN_CAMERA, FloatArray, IntArray, Sample


@dataclass(frozen=True)
class TrainingTask:
    """A recipe's view of a data set.

    Attributes:
        samples: Pictures to train on.
        held_out: Pictures of the people who are held out for validation.
        labels: (N,) int64, the training people numbered from 0, in the order of `samples`.
        classes: How many training people there are.
        people_per_batch: The recipe's, or fewer where the data has no more.
        cameras: (N,) int64, the training cameras numbered from 0 in ascending order, -1 unknown.
        attributes: What each picture's person looks like; None where no loss asks.
    """

    samples: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    labels: Tensor
    classes: int
    people_per_batch: int
    cameras: Tensor
    attributes: AttributeTable | None = None

    def batches(self, recipe: Recipe, epoch: int, embeddings: FloatArray | None = None) -> list[IntArray]:
        """The batches of one epoch: indices into `samples`.

        They are decided by the recipe's seed and the epoch alone, and by (classes, D) running embeddings of the
        people where the sampler looks at these.
        """
        rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, epoch]))
        batch = recipe.batch
        power = recipe.long_tail.power_in(epoch)
        if power < 1:
            return balanced_batches(self.labels.numpy(), self.people_per_batch, batch.pictures, rng, power)
        labels = self.labels.numpy()
        if batch.sampler == "cameras":
            cameras = self.cameras.numpy()
            return camera_balanced_batches(labels, cameras, self.people_per_batch, batch.pictures, rng)
        if batch.sampler == "pairs":
            return pair_batches(labels, self.people_per_batch, batch.positives, batch.negatives, rng)
        if batch.sampler == "hard_people" and embeddings is not None and embeddings.any():
            together = min(batch.together, self.people_per_batch)
            return hard_identity_batches(labels, self.people_per_batch, batch.pictures, rng, embeddings, together)
        in_a_row = min(batch.in_a_row, self.people_per_batch)
        return pk_batches(self.labels.numpy(), self.people_per_batch, batch.pictures, rng, in_a_row)

    def pairs(self, recipe: Recipe) -> Tensor | None:
        """(M, 2) int64, the rows of each batch that the sampler drew as pairs; None where it draws none."""
        batch = recipe.batch
        if batch.sampler != "pairs":
            return None
        return torch.from_numpy(pairs_of(self.people_per_batch, batch.positives, batch.negatives))

    def supervision(self) -> Supervision:
        """How many people, cameras and attributes there are to tell apart."""
        rates = () if self.attributes is None else self.attributes.rates()
        return Supervision(self.classes, int(self.cameras.max()) + 1, rates)

    def pictures(self) -> IntArray:
        """(classes,) how many pictures each training person has."""
        return np.bincount(self.labels.numpy(), minlength=self.classes)

    def pictures_per_batch(self, recipe: Recipe) -> int:
        """How many pictures each of the batches holds."""
        in_a_row = min(recipe.batch.in_a_row, self.people_per_batch)
        return self.people_per_batch // in_a_row * in_a_row * recipe.batch.pictures_per_person

    def cautions(self, recipe: Recipe) -> list[str]:
        """Where the data has less than the recipe asks for, a sentence each."""
        found = []
        if self.people_per_batch < recipe.batch.people:
            found.append(f"batches hold {self.people_per_batch} people, not {recipe.batch.people}: there are no more")
        pictures = self.pictures()
        batch = recipe.batch
        wanted = 1 + batch.positives if batch.sampler == "pairs" else batch.pictures
        short = int((pictures < wanted).sum())
        if short:
            found.append(
                f"{short} of {self.classes} people have fewer than {wanted} pictures, down to "
                f"{pictures.min()}: theirs come more than once in a batch; see batch.pictures"
            )
        return found


def prepare_task(recipe: Recipe, dataset: Dataset) -> TrainingTask:
    """Split the training people into those to train and those to validate on.

    Raises:
        DataError: Fewer than two people would be left to train on, or a loss asks for cameras or attributes that the
            data set does not tell.
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
    rows = {camera: row for row, camera in enumerate(sorted({s.camera_id for s in samples} - {UNKNOWN_CAMERA}))}
    asking: list[str] = [loss.kind for loss in recipe.losses if loss.target == "cameras" or "cameras" in loss.extras]
    asking += ["augmentation.camera_transfer"] if recipe.augmentation.camera_transfer else []
    if len(rows) < 2 and asking:
        raise DataError(
            f"{dataset.root}: expected training pictures of at least two known cameras for {asking[0]}, got "
            f"{len(rows)}; see --camera-pattern, or leave it out"
        )
    told = any(loss.target == "attributes" for loss in recipe.losses)
    return TrainingTask(
        samples=samples,
        held_out=held_out,
        labels=torch.tensor([numbers[sample.person_id] for sample in samples]),
        classes=classes,
        people_per_batch=min(recipe.batch.people, classes),
        cameras=torch.tensor([rows.get(sample.camera_id, -1) for sample in samples]),
        attributes=attribute_table(dataset, samples) if told else None,
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
