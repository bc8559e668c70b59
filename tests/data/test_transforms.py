import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from passerby.data import transforms
from passerby.data.transforms import Augmentation, augment, draw_variation, normalise, vary

NEUTRAL = (124, 116, 104)
NOTHING = Augmentation(flip=0, pad=0, erase=0)
CAMERAS = [
    NOTHING.model_copy(update=change)
    for change in (
        {"colour": 0.5}, {"gamma": 0.5}, {"cast": 0.3}, {"grey": 1.0}, {"low_resolution": 1.0}, {"noise": 0.1},
        {"colour": 0.3, "gamma": 0.4, "cast": 0.1, "grey": 0.5, "low_resolution": 0.5, "noise": 0.02},
    )
]  # fmt: skip
"""What other cameras would make of a picture."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch() -> Tensor:
    """Sixteen pictures, channels last in memory, without any neutral pixel."""
    pictures = np.random.default_rng(0).integers(130, 256, (16, 24, 12, 3), np.uint8)
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def test_augmentation_depends_on_the_generator_alone_and_leaves_its_input(batch: Tensor) -> None:
    before = batch.clone()
    augmentation = Augmentation(pad=4, colour=0.3)
    one, same, other = (augment(batch, augmentation, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(batch, before)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if threads > 1 else 2)
    try:
        assert torch.equal(augment(batch, augmentation, generator(1)), one)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "augmentation",
    [NOTHING, Augmentation(), Augmentation(flip=1, pad=0, erase=0), Augmentation(erase=1), *CAMERAS],
)
def test_type_shape_and_layout_are_kept(batch: Tensor, augmentation: Augmentation) -> None:
    changed = augment(batch, augmentation, generator())
    assert (changed.dtype, changed.shape) == (torch.uint8, batch.shape)
    assert changed.is_contiguous(memory_format=torch.channels_last)
    one = augment(batch[:1], augmentation, generator())
    assert one.shape == (1, 3, 24, 12)


def test_nothing_asked_for_changes_nothing(batch: Tensor) -> None:
    assert torch.equal(augment(batch, NOTHING, generator()), batch)


def test_flips_are_whole_mirror_images_at_the_asked_rate(batch: Tensor) -> None:
    assert torch.equal(augment(batch, Augmentation(flip=1, pad=0, erase=0), generator()), batch.flip(3))
    many = batch[:1].expand(2000, -1, -1, -1)
    flipped = augment(many, Augmentation(flip=0.3, pad=0, erase=0), generator())
    mirrored = (flipped == batch[:1].flip(3)).flatten(1).all(1)
    straight = (flipped == batch[:1]).flatten(1).all(1)
    assert bool((mirrored ^ straight).all())
    assert mirrored.float().mean().item() == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("pad", [1, 5, 11, 12, 30, 64])
def test_crops_are_those_of_a_padded_picture(batch: Tensor, pad: int) -> None:
    moved = augment(batch, Augmentation(flip=0, pad=pad, erase=0), generator(3)).permute(0, 2, 3, 1).numpy()
    height, width = batch.shape[2:]
    places = set()
    for picture, crop in zip(batch.permute(0, 2, 3, 1).numpy(), moved, strict=True):
        padded = np.empty((height + 2 * pad, width + 2 * pad, 3), np.uint8)
        padded[:] = NEUTRAL
        padded[pad : pad + height, pad : pad + width] = picture
        found = [
            (top, left)
            for top in range(2 * pad + 1)
            for left in range(2 * pad + 1)
            if np.array_equal(padded[top : top + height, left : left + width], crop)
        ]
        assert found
        places.add(found[0])
    assert len(places) > (4 if pad < 12 else 1)


def test_every_crop_is_drawn_as_often(batch: Tensor) -> None:
    many = batch[:1].expand(1800, -1, -1, -1)
    moved = augment(many, Augmentation(flip=0, pad=1, erase=0), generator())
    counts = {}
    for crop in moved.numpy():
        counts[crop.tobytes()] = counts.get(crop.tobytes(), 0) + 1
    assert len(counts) == 9
    assert min(counts.values()) > 140


def test_erased_rectangles_are_neutral_and_of_the_asked_size(batch: Tensor) -> None:
    big = torch.randint(130, 256, (300, 3, 64, 32), dtype=torch.uint8, generator=generator())
    erased = augment(big, Augmentation(flip=0, pad=0, erase=0.6, erase_area=(0.1, 0.3)), generator(1))
    changed = (erased != big).any(1)
    share = changed.flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(0.6, abs=0.09)
    shapes = []
    for mask, picture in zip(changed, erased, strict=True):
        rows, columns = torch.nonzero(mask.any(1)).flatten(), torch.nonzero(mask.any(0)).flatten()
        if not len(rows):
            continue
        box = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert bool((box == torch.tensor(NEUTRAL)[:, None, None]).all())
        assert int(mask.sum()) == len(rows) * len(columns)
        shapes.append((len(rows), len(columns)))
    areas = np.array([rows * columns / (64 * 32) for rows, columns in shapes])
    assert areas.max() < 0.33
    assert areas.max() > 0.25
    # The flattest rectangles keep the asked proportion, which only the picture's width may cut short.
    ratios = np.array([rows / columns for rows, columns in shapes if columns < 31])
    assert ratios.max() < 1 / 0.3 * 1.15
    assert ratios.min() > 0.3 / 1.15


def test_colour_changes_stay_within_their_strength_and_keep_grey_grey() -> None:
    grey = torch.full((64, 3, 8, 4), 100, dtype=torch.uint8)
    changed = augment(grey, Augmentation(flip=0, pad=0, erase=0, colour=0.2), generator()).float()
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert 79 <= changed.min() < 90
    assert 110 < changed.max() <= 121


def test_colour_equals_a_plain_loop(batch: Tensor) -> None:
    strength = 0.4
    changed = augment(batch, Augmentation(flip=0, pad=0, erase=0, colour=strength), generator(5))
    drawn = generator(5)
    torch.rand(16, generator=drawn)  # the flips
    torch.randint(0, 1, (16, 2), generator=drawn)  # the crops
    factors = 1 + strength * (2 * torch.rand(3, 16, generator=drawn).double().numpy() - 1)
    for number in range(16):
        bright, contrast, saturation = factors[:, number]
        picture = batch[number].double().numpy() * bright
        grey = 0.299 * picture[0] + 0.587 * picture[1] + 0.114 * picture[2]
        picture = grey + (picture - grey) * saturation
        picture = grey.mean() + (picture - grey.mean()) * contrast
        assert np.abs(picture.clip(0, 255) - changed[number].numpy()).max() <= 0.51


def test_normalise_equals_a_plain_loop(batch: Tensor) -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    result = normalise(batch, mean, std)
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)
    for channel in range(3):
        expected = (batch[:, channel].double() / 255 - mean[channel]) / std[channel]
        torch.testing.assert_close(result[:, channel].double(), expected, atol=2e-6, rtol=0)


def test_the_neutral_colour_is_nearly_zero_after_normalisation() -> None:
    neutral = torch.tensor(NEUTRAL, dtype=torch.uint8).view(1, 3, 1, 1)
    assert normalise(neutral, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)).abs().max() < 0.02


@pytest.mark.parametrize(
    "values",
    [{"erase_area": (0, 0.4)}, {"erase_area": (0.4, 0.1)}, {"erase_area": (0.5, 1.5)}, {"flip": 1.1}, {"pad": -1}],
)
def test_impossible_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Augmentation.model_validate(values)


@pytest.mark.parametrize("augmentation", CAMERAS)
def test_every_camera_change_changes_and_repeats(batch: Tensor, augmentation: Augmentation) -> None:
    one, same = (augment(batch, augmentation, generator(3)) for _ in range(2))
    assert torch.equal(one, same)
    assert not torch.equal(one, batch)


def test_colours_are_those_of_the_three_steps_one_after_the_other(batch: Tensor) -> None:
    strength = 0.4
    changed = augment(batch, NOTHING.model_copy(update={"colour": strength}), generator(5))
    source = generator(5)
    torch.rand(len(batch), generator=source)  # whether to mirror
    torch.randint(0, 1, (len(batch), 2), generator=source)  # where to move
    factors = 1 + strength * (2 * torch.rand(3, len(batch), 1, 1, 1, generator=source) - 1)
    brightness, contrast, saturation = factors.double()
    pictures = batch.double() * brightness
    luminance = (pictures * torch.tensor([0.299, 0.587, 0.114]).double().view(1, 3, 1, 1)).sum(1, keepdim=True)
    pictures = luminance + (pictures - luminance) * saturation
    average = luminance.mean((2, 3), keepdim=True)
    expected = (average + (pictures - average) * contrast).clamp(0, 255)
    assert float((changed.double() - expected).abs().max()) <= 0.501


def test_tone_curves_keep_black_and_the_order_of_values() -> None:
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(40, 3, -1, -1)
    changed = augment(ramp, NOTHING.model_copy(update={"gamma": 0.5}), generator()).flatten(2).int()
    assert bool((changed[..., 1:] >= changed[..., :-1]).all())
    assert bool((changed[..., 0] == 0).all())
    assert bool((changed[..., 255] == 255).all())
    middle = changed[:, 0, 128].float() / 255
    low, high = (128 / 255) ** math.exp(0.5), (128 / 255) ** math.exp(-0.5)
    assert low - 0.01 < float(middle.min()) < low + 0.1
    assert high - 0.1 < float(middle.max()) < high + 0.01


def test_casts_scale_channels_by_themselves() -> None:
    grey = torch.full((60, 3, 8, 8), 100, dtype=torch.uint8)
    changed = augment(grey, NOTHING.model_copy(update={"cast": 0.2}), generator()).float()
    assert bool((changed.amax((2, 3)) == changed.amin((2, 3))).all())
    means = changed.mean((2, 3))
    assert 100 * math.exp(-0.2) - 1 <= float(means.min()) < 90
    assert 110 < float(means.max()) <= 100 * math.exp(0.2) + 1
    assert float(torch.corrcoef(means.T)[0, 1].abs()) < 0.5


def test_grey_pictures_have_no_colours_at_the_asked_rate(batch: Tensor) -> None:
    many = batch[:1].expand(1000, -1, -1, -1)
    changed = augment(many, NOTHING.model_copy(update={"grey": 0.2}), generator())
    colourless = (changed.amax(1) == changed.amin(1)).flatten(1).all(1)
    assert 0.15 < float(colourless.float().mean()) < 0.25
    assert torch.equal(changed[~colourless], many[~colourless])


def test_low_resolution_smooths_and_keeps_the_mean(batch: Tensor) -> None:
    changed = augment(batch, NOTHING.model_copy(update={"low_resolution": 1.0}), generator(1)).float()
    assert bool((changed.var((2, 3)) < batch.float().var((2, 3))).all())
    torch.testing.assert_close(changed.mean((2, 3)), batch.float().mean((2, 3)), rtol=0.03, atol=0)


def test_noise_has_the_asked_strength_and_differs_by_picture() -> None:
    grey = torch.full((50, 3, 32, 16), 128, dtype=torch.uint8)
    changed = augment(grey, NOTHING.model_copy(update={"noise": 0.1}), generator()).float()
    deviations = changed.std((1, 2, 3))
    assert float(deviations.max()) == pytest.approx(25.5, rel=0.15)
    assert float(deviations.min()) < 5
    assert float(changed.mean()) == pytest.approx(128, abs=0.5)
    patterns = torch.corrcoef((changed[:8] - 128).flatten(1))
    assert float(patterns.fill_diagonal_(0).abs().max()) < 0.5


@pytest.mark.parametrize("augmentation", [Augmentation(pad=30), Augmentation(erase=1, flip=1), *CAMERAS])
def test_parts_of_a_batch_are_varied_as_the_whole_is(batch: Tensor, augmentation: Augmentation) -> None:
    whole = augment(batch, augmentation, generator(4))
    variation = draw_variation(augmentation, 16, 24, 12, generator(4))
    parts = [vary(batch[part], variation.part(part)) for part in (slice(0, 5), slice(5, 16))]
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("pad", [0, 3, 12, 30])
def test_what_a_gpu_does_is_what_a_cpu_does(batch: Tensor, pad: int, monkeypatch: pytest.MonkeyPatch) -> None:
    augmentation = CAMERAS[-1].model_copy(update={"flip": 0.5, "pad": pad, "erase": 0.7})
    expected = augment(batch, augmentation, generator(2))
    called = []
    for slices, batched in (("_move_slices", "_move_gathered"), ("_erase_slices", "_erase_masked")):
        function = getattr(transforms, batched)
        monkeypatch.setattr(transforms, slices, lambda *a, f=function: called.append(f.__name__) or f(*a))
    assert torch.equal(augment(batch, augmentation, generator(2)), expected)
    assert called == ["_move_gathered", "_erase_masked"]
