"""The pictures of each step as the network takes them: decoded, varied, normalised, on its device."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from passerby.data.camera_transfer import CameraTransfer
from passerby.data.loader import PictureStore
from passerby.data.transforms import draw_variation, normalise, shrink, vary
from passerby.training.recipe import Recipe
from passerby.training.targets import Targets
from passerby.training.task import TrainingTask, step_generator
from passerby.training.team import Team
from passerby.types import IntArray, Progress

_AT_ONCE = 256
"""Pictures whose histograms are counted together."""


class PictureFeed:
    """A training's pictures and their labels, batch by batch."""

    def __init__(self, recipe: Recipe, task: TrainingTask, team: Team, progress: Progress | None = None) -> None:
        """Decode all pictures, where memory allows.

        Args:
            recipe: Says how they are varied.
            task: Whose pictures.
            team: The processes that share the batches, and where this one's part is to be.
            progress: Told about the decoding.

        Raises:
            DataError: Pictures are broken.
            RecipeError: The processes cannot share the batches evenly.
        """
        size = recipe.preprocessing
        self._recipe = recipe
        self._team = team
        self._part = team.part(task.pictures_per_batch(recipe))
        self._labels = task.labels.to(team.device)
        self._camera_labels = task.cameras.to(team.device)
        table = task.attributes
        self._attributes = None if table is None else torch.from_numpy(table.values).to(team.device)
        pairs = task.pairs(recipe)
        self._pairs = None if pairs is None else pairs.to(team.device)
        cameras = recipe.architecture.transformer.camera_rows(sample.camera_id for sample in task.samples)
        self._cameras = cameras.to(team.device)
        self._store = PictureStore(
            [sample.path for sample in task.samples],
            size.height,
            size.width,
            progress=progress,
            resize=recipe.loading.resize,
            processes=team.size,
        )
        self._transfer = self._learnt_transfer(task) if recipe.augmentation.camera_transfer else None

    def batches(
        self, epoch: int, order: Sequence[IntArray], start: int
    ) -> Iterator[tuple[int, Tensor, Targets, Tensor]]:
        """The batches of an epoch from a step on.

        Torch's own random numbers are set by each step too, so that what the network draws depends on it alone.

        Yields:
            The step's number, float32 pictures of this process's part of the batch, what is known of all of it, and
            the int64 rows of the camera embedding for the part.
        """
        recipe, device = self._recipe, self._team.device
        scale = recipe.small_pictures.scale_in(epoch)
        parts = [batch[self._part] for batch in order[start:]]
        for step, decoded in enumerate(self._store.batches(parts), start=start):
            generator = step_generator(recipe, epoch, step)
            torch.manual_seed(generator.initial_seed() ^ self._team.rank)
            pictures, augmentation = shrink(decoded.to(device), recipe.augmentation, scale)
            if self._transfer is not None:
                taken = self._camera_labels[torch.as_tensor(order[step], device=device)].cpu()
                wanted = self._transfer.draw(taken, recipe.augmentation.camera_transfer, generator)
                pictures = self._transfer.apply(pictures, taken[self._part], wanted[self._part])
            # Drawn for all, so that each process does to its part what one process would do to it.
            height, width = pictures.shape[2:]
            variation = draw_variation(augmentation, len(order[step]), height, width, generator)
            pictures = vary(pictures, variation.part(self._part))
            pictures = normalise(pictures, recipe.preprocessing.mean, recipe.preprocessing.std)
            everything = torch.as_tensor(order[step], device=device)
            targets = Targets(
                people=self._labels[everything],
                cameras=self._camera_labels[everything],
                attributes=None if self._attributes is None else self._attributes[everything],
                sampled_pairs=self._pairs,
            )
            yield step, pictures, targets, self._cameras[torch.as_tensor(parts[step - start], device=device)]

    def _learnt_transfer(self, task: TrainingTask) -> CameraTransfer:
        """Brightness transfer between the training cameras, learnt from all pictures whose camera is known."""
        known = np.flatnonzero(task.cameras.numpy() >= 0)
        batches = self._store.batches(np.array_split(known, -(-len(known) // _AT_ONCE)))
        return CameraTransfer.learn(batches, task.labels.numpy()[known], task.cameras.numpy()[known])
