"""The pictures of each step as the network takes them: decoded, varied, normalised, on its device."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from passerby.data.loader import PictureStore
from passerby.data.transforms import augment, normalise, shrink
from passerby.training.recipe import Recipe
from passerby.training.task import TrainingTask, step_generator
from passerby.types import IntArray, Progress


class PictureFeed:
    """A training's pictures and their labels, batch by batch."""

    def __init__(
        self, recipe: Recipe, task: TrainingTask, device: torch.device, progress: Progress | None = None
    ) -> None:
        """Decode all pictures, where memory allows.

        Args:
            recipe: Says how they are varied.
            task: Whose pictures.
            device: Where the batches are to be.
            progress: Told about the decoding.

        Raises:
            DataError: Pictures are broken.
        """
        size = recipe.preprocessing
        self._recipe = recipe
        self._device = device
        self._labels = task.labels.to(device)
        self._store = PictureStore([s.path for s in task.samples], size.height, size.width, progress=progress)

    def batches(self, epoch: int, order: Sequence[IntArray], start: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """The batches of an epoch from a step on: its number, B×3×H×W float32 pictures, and (B,) int64 labels.

        Torch's own random numbers are set by each step too, so that what the network draws depends on it alone.
        """
        recipe = self._recipe
        scale = recipe.small_pictures.scale_in(epoch)
        for step, decoded in enumerate(self._store.batches(order[start:]), start=start):
            generator = step_generator(recipe, epoch, step)
            torch.manual_seed(generator.initial_seed())
            pictures, augmentation = shrink(decoded, recipe.augmentation, scale)
            pictures = augment(pictures, augmentation, generator).to(self._device)
            pictures = normalise(pictures, recipe.preprocessing.mean, recipe.preprocessing.std)
            yield step, pictures, self._labels[torch.as_tensor(order[step], device=self._device)]
