"""Augmentation of whole batches of uint8 pictures, and their normalisation.

Everything is drawn from one generator on the CPU, so that a batch's random choices depend on its seed alone,
not on the device, the number of threads, or the batches before it.
"""

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor
from torch.nn import functional as F

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
    gamma: float = Field(0.0, ge=0, le=2, description="Tone curve: exponents from exp(-gamma) to exp(gamma).")
    cast: float = Field(0.0, ge=0, le=1, description="Colour cast: each channel times exp(-cast) to exp(cast).")
    grey: float = Field(0.0, ge=0, le=1, description="Probability that a picture loses its colours.")
    low_resolution: float = Field(
        0.0, ge=0, le=1, description="Probability that a picture is made smaller, by up to a half, and large again."
    )
    noise: float = Field(0.0, ge=0, le=0.5, description="Largest standard deviation of noise, of values from 0 to 1.")

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
    if augmentation.low_resolution:
        batch = _lower_resolution(batch, augmentation.low_resolution, generator)
    if augmentation.gamma or augmentation.cast:
        batch = _change_tones(batch, augmentation.gamma, augmentation.cast, generator)
    if augmentation.colour or augmentation.grey:
        batch = _jitter_colour(batch, augmentation.colour, augmentation.grey, generator)
    if augmentation.noise:
        batch = _add_noise(batch, augmentation.noise, generator)
    if augmentation.erase:
        batch = _erase(batch, augmentation, generator)
    return batch


def shrink(batch: Tensor, augmentation: Augmentation, scale: float) -> tuple[Tensor, Augmentation]:
    """Make B×3×H×W uint8 pictures smaller, and what augmentation says in pixels with them.

    Args:
        batch: The pictures.
        augmentation: What is to be done to them.
        scale: Factor on height and width, above 0 to 1.

    Returns:
        The pictures, of 16 pixels or more each way where they had as many, and the augmentation for them.
    """
    if scale == 1:
        return batch, augmentation
    size = [min(side, max(16, round(scale * side))) for side in batch.shape[2:]]
    smaller = _as_bytes(F.interpolate(batch.float(), size, mode="bilinear", antialias=True))
    changed = augmentation.model_copy(update={"pad": round(scale * augmentation.pad)})
    return smaller.contiguous(memory_format=torch.channels_last), changed


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


def _jitter_colour(batch: Tensor, strength: float, grey: float, generator: torch.Generator) -> Tensor:
    """Scale brightness, contrast about the picture's mean, and saturation about each pixel's luminance, or to 0."""
    factors = 1 + strength * (2 * torch.rand(3, batch.shape[0], 1, 1, 1, generator=generator) - 1)
    if grey:
        factors[2] *= torch.rand(batch.shape[0], 1, 1, 1, generator=generator) >= grey
    brightness, contrast, saturation = factors.to(batch.device).unbind()
    pictures = batch.float()
    red, green, blue = pictures[:, :1], pictures[:, 1:2], pictures[:, 2:]
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    average = luminance.mean((2, 3), keepdim=True)
    # saturation, then contrast about the average, then brightness, gathered into one linear function.
    greys = luminance * (brightness * contrast * (1 - saturation)) + average * (brightness * (1 - contrast))
    return _as_bytes(torch.addcmul(greys, pictures, brightness * contrast * saturation))


def _lower_resolution(batch: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Shrink some pictures, all by the same factor from a half to one, and enlarge them again."""
    chosen = torch.rand(batch.shape[0], generator=generator) < probability
    factor = 0.5 + 0.5 * float(torch.rand((), generator=generator))
    if not bool(chosen.any()):
        return batch
    height, width = batch.shape[2:]
    small = [max(1, round(factor * side)) for side in (height, width)]
    changed = batch.clone(memory_format=torch.preserve_format)
    chosen = chosen.to(batch.device)
    shrunk = F.interpolate(batch[chosen].float(), small, mode="bilinear", antialias=True)
    changed[chosen] = _as_bytes(F.interpolate(shrunk, (height, width), mode="bilinear"))
    return changed


def _change_tones(batch: Tensor, gamma: float, cast: float, generator: torch.Generator) -> Tensor:
    """Bend each picture's tone curve, `x^g`, and scale its channels, as cameras of other makes would have."""
    count = batch.shape[0]
    exponents = torch.exp(gamma * (2 * torch.rand(count, 1, 1, generator=generator) - 1))
    gains = torch.exp(cast * (2 * torch.rand(count, 3, 1, generator=generator) - 1))
    # A table of the 256 bytes for each picture and channel, in place of a power for each pixel.
    tables = _as_bytes(255 * gains * (torch.arange(256) / 255) ** exponents).to(batch.device)
    offsets = 256 * torch.arange(3 * count, device=batch.device, dtype=torch.int32).view(count, 3, 1, 1)
    places = (batch.int() + offsets).permute(0, 2, 3, 1)
    return tables.flatten().index_select(0, places.flatten()).view(places.shape).permute(0, 3, 1, 2)


def _add_noise(batch: Tensor, largest: float, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of a strength that each picture draws for itself."""
    count, channels, height, width = batch.shape
    strengths = (255 * largest * torch.rand(count, 1, 1, 1, generator=generator)).to(batch.device)
    # Every picture looks at another part of one field of noise, which is drawn much faster than a field for each.
    field = torch.randn(2 * height, 2 * width, channels, generator=generator)
    corners = torch.stack(
        [torch.randint(side + 1, (count,), generator=generator) for side in (height, width)], 1
    ).tolist()
    noise = torch.stack([field[top : top + height, left : left + width] for top, left in corners])
    return _as_bytes(torch.addcmul(batch.float(), noise.permute(0, 3, 1, 2).to(batch.device), strengths))


def _as_bytes(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255).to(torch.uint8)


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
