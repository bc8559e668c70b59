"""Augmentation of whole batches of uint8 pictures, and their normalisation.

Everything is drawn from one generator on the CPU, so that a batch's random choices depend on its seed alone,
not on the device, the number of threads, or the batches before it.
"""

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

# ImageNet's mean colour in uint8: what padding and erasing leave behind is close to zero after normalisation.
_NEUTRAL = (124, 116, 104)


class Augmentation(BaseModel):
    """How training pictures are varied. The defaults are those of the bag of tricks (Luo et al., 2019)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: float = Field(0.5, ge=0, le=1, description="Probability of a mirror image.")
    pad: int = Field(10, ge=0, le=64, description="Pixels added on each side before a random crop of the old size.")
    erase: float = Field(0.5, ge=0, le=1, description="Probability that a random rectangle is erased.")
    erase_area: tuple[float, float] = Field((0.02, 0.4), description="The rectangle's smallest and largest share.")
    erase_aspect: float = Field(0.3, gt=0, le=1, description="The flattest height over width of the rectangle.")
    colour: float = Field(
        0.0, ge=0, le=1, description="Largest relative change of brightness, contrast and saturation."
    )

    @field_validator("erase_area")
    @classmethod
    def _is_share(cls, area: tuple[float, float]) -> tuple[float, float]:
        if not 0 < area[0] <= area[1] <= 1:
            raise ValueError(f"expected the smallest and the largest share, above 0 and up to 1, got {list(area)}")
        return area


def augment(batch: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Vary each picture of a batch by itself.

    Args:
        batch: B×3×H×W uint8; left as it is.
        augmentation: What to do.
        generator: On the CPU; the same state gives the same pictures.

    Returns:
        B×3×H×W uint8 on the device of `batch`.
    """
    batch = _flip_and_crop(batch, augmentation.flip, augmentation.pad, generator)
    if augmentation.colour:
        batch = _jitter_colour(batch, augmentation.colour, generator)
    if augmentation.erase:
        batch = _erase(batch, augmentation, generator)
    return batch


def normalise(batch: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Scale B×3×H×W uint8 to float32 with the given mean and standard deviation per channel, of 0 to 1."""
    scale = 1.0 / (255.0 * torch.tensor(std, device=batch.device).view(1, 3, 1, 1))
    shift = -torch.tensor(mean, device=batch.device).view(1, 3, 1, 1) * 255.0 * scale
    return torch.addcmul(shift, batch.float(), scale)


def _flip_and_crop(batch: Tensor, flip: float, pad: int, generator: torch.Generator) -> Tensor:
    """Mirror each picture or not, then move it by up to `pad` pixels: what a padded picture's random crop shows."""
    count, _, height, width = batch.shape
    mirrored = (torch.rand(count, generator=generator) < flip).tolist()
    offsets = torch.randint(-pad, pad + 1, (count, 2), generator=generator).tolist()
    moved = torch.empty_like(batch).copy_(_neutral(batch))
    for target, picture, mirror, (down, right) in zip(moved, batch, mirrored, offsets, strict=True):
        source = picture.flip(-1) if mirror else picture
        # Padding may be wider than the picture, which is then moved out of sight.
        rows, columns = max(0, height - abs(down)), max(0, width - abs(right))
        target[:, _span(down, rows), _span(right, columns)] = source[:, _span(-down, rows), _span(-right, columns)]
    return moved


def _span(start: int, length: int) -> slice:
    return slice(max(0, start), max(0, start) + length)


def _jitter_colour(batch: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Scale brightness, contrast about the picture's mean, and saturation about each pixel's luminance."""
    factors = 1 + strength * (2 * torch.rand(3, batch.shape[0], 1, 1, 1, generator=generator) - 1)
    brightness, contrast, saturation = factors.to(batch.device).unbind()
    pictures = batch.float() * brightness
    weights = torch.tensor([0.299, 0.587, 0.114], device=batch.device).view(1, 3, 1, 1)
    luminance = (pictures * weights).sum(1, keepdim=True)
    average = luminance.mean((2, 3), keepdim=True)
    pictures = luminance + (pictures - luminance) * saturation
    pictures = average + (pictures - average) * contrast
    return pictures.round().clamp(0, 255).to(torch.uint8)


def _erase(batch: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Random erasing (Zhong et al., 2020): one rectangle of random area, shape and place becomes neutral."""
    count, _, height, width = batch.shape
    chosen, area, aspect, y, x = torch.rand(5, count, generator=generator).unbind()
    smallest, largest = augmentation.erase_area
    pixels = (smallest + (largest - smallest) * area) * height * width
    # Uniform in the logarithm, so that upright and flat rectangles are as likely.
    ratio = augmentation.erase_aspect ** (1 - 2 * aspect)
    tall = (pixels * ratio).sqrt().round().clamp(1, height - 1)
    wide = (pixels / ratio).sqrt().round().clamp(1, width - 1)
    top = (y * (height - tall + 1)).floor()
    left = (x * (width - wide + 1)).floor()
    erased = batch.clone(memory_format=torch.preserve_format)
    neutral = _neutral(batch)[0]
    rectangles = torch.stack([top, top + tall, left, left + wide], 1).int().tolist()
    for picture, draw, (upper, lower, start, end) in zip(erased, chosen.tolist(), rectangles, strict=True):
        if draw < augmentation.erase:
            picture[:, upper:lower, start:end] = neutral
    return erased


def _neutral(batch: Tensor) -> Tensor:
    return torch.tensor(_NEUTRAL, dtype=torch.uint8, device=batch.device).view(1, 3, 1, 1)
