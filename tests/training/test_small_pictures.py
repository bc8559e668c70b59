import pytest
import torch

from passerby.data.transforms import Augmentation, shrink
from passerby.errors import RecipeError
from passerby.training.recipe import SmallPictures, load_recipe


def test_pictures_and_what_is_said_in_pixels_become_smaller() -> None:
    pictures = torch.full((2, 3, 128, 64), 77, dtype=torch.uint8)
    smaller, augmentation = shrink(pictures, Augmentation(pad=10, erase=0.2), 0.5)
    assert (smaller.shape, smaller.dtype) == ((2, 3, 64, 32), torch.uint8)
    assert smaller.is_contiguous(memory_format=torch.channels_last)
    assert bool((smaller == 77).all())
    assert augmentation == Augmentation(pad=5, erase=0.2)
    same, unchanged = shrink(pictures, augmentation, 1.0)
    assert same is pictures
    assert unchanged is augmentation


def test_no_side_becomes_smaller_than_sixteen_pixels() -> None:
    assert shrink(torch.zeros(1, 3, 48, 20, dtype=torch.uint8), Augmentation(), 0.25)[0].shape == (1, 3, 16, 16)
    assert shrink(torch.zeros(1, 3, 48, 12, dtype=torch.uint8), Augmentation(), 0.25)[0].shape == (1, 3, 16, 12)


def test_only_the_first_epochs_see_small_pictures() -> None:
    assert [SmallPictures(epochs=2, scale=0.5).scale_in(epoch) for epoch in range(4)] == [0.5, 0.5, 1.0, 1.0]
    assert SmallPictures().scale_in(0) == 1.0


def test_a_training_that_never_sees_whole_pictures_is_cautioned() -> None:
    recipe = load_recipe("small-resnet18", ["epochs=3", "small_pictures.epochs=3", "schedule.warmup_epochs=0"])
    assert any("0.5 of the size" in sentence for sentence in recipe.cautions())


def test_rows_that_validation_would_tear_apart_are_cautioned() -> None:
    torn = load_recipe("small-resnet18", ["batch.in_a_row=2"])
    whole = load_recipe("small-resnet18", ["batch.in_a_row=2", "validation.share=0"])
    assert any("validation.share=0" in sentence for sentence in torn.cautions())
    assert not whole.cautions()


def test_rows_longer_than_a_batch_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"batch.*in_a_row up to people \(16\), got 17"):
        load_recipe("small-resnet18", ["batch.in_a_row=17"])
