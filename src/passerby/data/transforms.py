"""Augmentation of whole batches of uint8 pictures, and their normalisation.

Everything is drawn from one generator on the CPU, so that a batch's random choices depend on its seed alone,
not on the device, the number of threads, or the batches before it. What was drawn for a whole batch can be done to a
part of it, on any device: so several processes share a batch, and a GPU varies its own pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor
from torch.nn import functional as F

from passerby.data.degradation import blur, compress

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
    blur: float = Field(0.0, ge=0, le=1, description="Probability that a picture is blurred, by up to two pixels.")
    jpeg: float = Field(0.0, ge=0, le=1, description="Probability of JPEG compression, to a quality of 10 to 60.")
    camera_transfer: float = Field(
        0.0, ge=0, le=1, description="Probability that a picture is shown in the colours of another training camera."
    )
    noise: float = Field(0.0, ge=0, le=0.5, description="Largest standard deviation of noise, of values from 0 to 1.")

    @field_validator("erase_area")
    @classmethod
    def _is_share(cls, area: tuple[float, float]) -> tuple[float, float]:
        if not 0 < area[0] <= area[1] <= 1:
            raise ValueError(f"expected the smallest and the largest share, above 0 and up to 1, got {list(area)}")
        return area


@dataclass(frozen=True)
class Variation:
    """What augmentation drew for each of B pictures; nothing (None) where it leaves something alone.

    Attributes:
        mirrored: (B,) bool.
        offsets: (B, 2) int64, pixels down and to the right.
        lowered: (B,) bool, who loses resolution.
        lowered_to: Factor on height and width, for all of them.
        blurred: (B,) bool, who is blurred.
        blurred_by: Standard deviation of the Gaussian in pixels, for all of them.
        qualities: (B,) int64, to which JPEG quality each is compressed; 0: not at all.
        tones: (B, 3, 256) uint8, a table for each channel.
        colour: (B, 3) float32, factors on brightness, contrast and saturation.
        noise_strength: (B,) float32, standard deviations in uint8.
        noise_corner: (B, 2) int64, which part of the field of noise is added.
        noise: (2·H, 2·W, 3) float32, the field.
        rectangles: (B, 4) int64, first row, row behind, first column, column behind; all 0 where nothing is erased.
    """

    mirrored: Tensor
    offsets: Tensor
    lowered: Tensor | None = None
    lowered_to: float = 1.0
    blurred: Tensor | None = None
    blurred_by: float = 0.0
    qualities: Tensor | None = None
    tones: Tensor | None = None
    colour: Tensor | None = None
    noise_strength: Tensor | None = None
    noise_corner: Tensor | None = None
    noise: Tensor | None = None
    rectangles: Tensor | None = None

    def part(self, which: slice) -> "Variation":
        """What was drawn for some of the pictures."""

        def of(drawn: Tensor | None) -> Tensor | None:
            return None if drawn is None else drawn[which]

        return replace(
            self,
            mirrored=self.mirrored[which],
            offsets=self.offsets[which],
            lowered=of(self.lowered),
            blurred=of(self.blurred),
            qualities=of(self.qualities),
            tones=of(self.tones),
            colour=of(self.colour),
            noise_strength=of(self.noise_strength),
            noise_corner=of(self.noise_corner),
            rectangles=of(self.rectangles),
        )


def augment(batch: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Vary each picture of a batch by itself.

    Args:
        batch: B×3×H×W uint8; left as it is.
        augmentation: What to do.
        generator: On the CPU; the same state gives the same pictures.

    Returns:
        B×3×H×W uint8 on the device of `batch`.
    """
    count, _, height, width = batch.shape
    return vary(batch, draw_variation(augmentation, count, height, width, generator))


def draw_variation(
    augmentation: Augmentation, count: int, height: int, width: int, generator: torch.Generator
) -> Variation:
    """Draw what is to be done to each of `count` pictures of height×width.

    Args:
        augmentation: What may be done.
        count: B.
        height: Pixels.
        width: Pixels.
        generator: On the CPU; the same state gives the same draw.
    """
    mirrored = torch.rand(count, generator=generator) < augmentation.flip
    pad = augmentation.pad
    variation = Variation(mirrored, torch.randint(-pad, pad + 1, (count, 2), generator=generator))
    if augmentation.low_resolution:
        lowered = torch.rand(count, generator=generator) < augmentation.low_resolution
        factor = 0.5 + 0.5 * float(torch.rand((), generator=generator))
        variation = replace(variation, lowered=lowered, lowered_to=factor)
    if augmentation.blur:
        blurred = torch.rand(count, generator=generator) < augmentation.blur
        deviation = 0.3 + 1.7 * float(torch.rand((), generator=generator))
        variation = replace(variation, blurred=blurred, blurred_by=deviation)
    if augmentation.jpeg:
        compressed = torch.rand(count, generator=generator) < augmentation.jpeg
        variation = replace(variation, qualities=compressed * torch.randint(10, 61, (count,), generator=generator))
    if augmentation.gamma or augmentation.cast:
        # Each picture's tone curve is bent, `x^g`, and its channels scaled, as cameras of other makes would have.
        exponents = torch.exp(augmentation.gamma * (2 * torch.rand(count, 1, 1, generator=generator) - 1))
        gains = torch.exp(augmentation.cast * (2 * torch.rand(count, 3, 1, generator=generator) - 1))
        # A table of the 256 bytes for each picture and channel, in place of a power for each pixel.
        variation = replace(variation, tones=_as_bytes(255 * gains * (torch.arange(256) / 255) ** exponents))
    if augmentation.colour or augmentation.grey:
        factors = 1 + augmentation.colour * (2 * torch.rand(3, count, generator=generator) - 1)
        if augmentation.grey:
            factors[2] *= torch.rand(count, generator=generator) >= augmentation.grey
        variation = replace(variation, colour=factors.T)
    if augmentation.noise:
        strengths = 255 * augmentation.noise * torch.rand(count, generator=generator)
        # Every picture looks at another part of one field of noise, which is drawn much faster than a field for each.
        field = torch.randn(2 * height, 2 * width, 3, generator=generator)
        corners = [torch.randint(side + 1, (count,), generator=generator) for side in (height, width)]
        variation = replace(variation, noise_strength=strengths, noise_corner=torch.stack(corners, 1), noise=field)
    if augmentation.erase:
        variation = replace(variation, rectangles=_draw_rectangles(augmentation, count, height, width, generator))
    return variation


def _draw_rectangles(
    augmentation: Augmentation, count: int, height: int, width: int, generator: torch.Generator
) -> Tensor:
    """Random erasing (Zhong et al., 2020): one rectangle of random area, shape and place."""
    chosen, area, aspect, y, x = torch.rand(5, count, generator=generator).unbind()
    smallest, largest = augmentation.erase_area
    pixels = (smallest + (largest - smallest) * area) * height * width
    # Uniform in the logarithm, so that upright and flat rectangles are as likely.
    ratio = augmentation.erase_aspect ** (1 - 2 * aspect)
    tall = (pixels * ratio).sqrt().round().clamp(1, height - 1)
    wide = (pixels / ratio).sqrt().round().clamp(1, width - 1)
    top = (y * (height - tall + 1)).floor()
    left = (x * (width - wide + 1)).floor()
    rectangles = torch.stack([top, top + tall, left, left + wide], 1).long()
    return rectangles * (chosen < augmentation.erase)[:, None]


def vary(batch: Tensor, variation: Variation) -> Tensor:
    """Do to B×3×H×W uint8 pictures what was drawn for them, on their device; `batch` is left as it is."""
    moved = _move_slices if batch.device.type == "cpu" else _move_gathered
    batch = moved(batch, variation.mirrored, variation.offsets)
    if variation.lowered is not None:
        batch = _lower_resolution(batch, variation.lowered, variation.lowered_to)
    if variation.blurred is not None:
        batch = blur(batch, variation.blurred, variation.blurred_by)
    if variation.tones is not None:
        batch = _change_tones(batch, variation.tones)
    if variation.colour is not None:
        batch = _jitter_colour(batch, variation.colour)
    if variation.noise is not None and variation.noise_strength is not None and variation.noise_corner is not None:
        batch = _add_noise(batch, variation.noise, variation.noise_strength, variation.noise_corner)
    if variation.qualities is not None:
        batch = compress(batch, variation.qualities)
    if variation.rectangles is not None:
        erased = _erase_slices if batch.device.type == "cpu" else _erase_masked
        batch = erased(batch, variation.rectangles)
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
    pictures = batch.float()
    # In place, since a second batch of floats costs more than the sum; and by whole pictures of factors, since three
    # at a time leave most of a processor's lanes idle.
    return torch.addcmul(_filled(shift, batch), pictures, _filled(scale, batch), out=pictures)


def _move_slices(batch: Tensor, mirrored: Tensor, offsets: Tensor) -> Tensor:
    """Mirror pictures or not, then move each: what a padded picture's random crop shows. Fastest on a CPU."""
    height, width = batch.shape[2:]
    moved = torch.empty_like(batch).copy_(_filled(_neutral(batch), batch))
    for target, picture, mirror, (down, right) in zip(moved, batch, mirrored.tolist(), offsets.tolist(), strict=True):
        source = picture.flip(-1) if mirror else picture
        # Padding may be wider than the picture, which is then moved out of sight.
        rows, columns = max(0, height - abs(down)), max(0, width - abs(right))
        target[:, _span(down, rows), _span(right, columns)] = source[:, _span(-down, rows), _span(-right, columns)]
    return moved


def _move_gathered(batch: Tensor, mirrored: Tensor, offsets: Tensor) -> Tensor:
    """The same in a few operations for the whole batch, which is how a GPU wants it."""
    count, _, height, width = batch.shape
    down, right = offsets.to(batch.device).unbind(1)
    rows = torch.arange(height, device=batch.device) - down[:, None]
    columns = torch.arange(width, device=batch.device) - right[:, None]
    seen = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    columns = torch.where(mirrored.to(batch.device)[:, None], width - 1 - columns, columns)
    pictures = torch.arange(count, device=batch.device)[:, None, None]
    places = rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]
    moved = batch.permute(0, 2, 3, 1)[pictures, *places].permute(0, 3, 1, 2)
    return torch.where(seen[:, None], moved, _neutral(batch))


def _span(start: int, length: int) -> slice:
    return slice(max(0, start), max(0, start) + length)


def _lower_resolution(batch: Tensor, chosen: Tensor, factor: float) -> Tensor:
    """Shrink some pictures, all by the same factor, and enlarge them again."""
    if not bool(chosen.any()):
        return batch
    height, width = batch.shape[2:]
    small = [max(1, round(factor * side)) for side in (height, width)]
    changed = batch.clone(memory_format=torch.preserve_format)
    chosen = chosen.to(batch.device)
    shrunk = F.interpolate(batch[chosen].float(), small, mode="bilinear", antialias=True)
    changed[chosen] = _as_bytes(F.interpolate(shrunk, (height, width), mode="bilinear"))
    return changed


def _change_tones(batch: Tensor, tables: Tensor) -> Tensor:
    """Look every byte up in its picture's and channel's table."""
    count = batch.shape[0]
    offsets = 256 * torch.arange(3 * count, device=batch.device, dtype=torch.int32).view(count, 3, 1, 1)
    places = (batch.int() + offsets).permute(0, 2, 3, 1)
    looked_up = tables.to(batch.device).flatten().index_select(0, places.flatten())
    return looked_up.view(places.shape).permute(0, 3, 1, 2)


def _jitter_colour(batch: Tensor, factors: Tensor) -> Tensor:
    """Scale brightness, contrast about the picture's mean, and saturation about each pixel's luminance, or to 0."""
    brightness, contrast, saturation = factors.T[:, :, None, None, None].to(batch.device).unbind()
    pictures = batch.float()
    red, green, blue = pictures[:, :1], pictures[:, 1:2], pictures[:, 2:]
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    average = luminance.mean((2, 3), keepdim=True)
    # saturation, then contrast about the average, then brightness, gathered into one linear function.
    greys = luminance * (brightness * contrast * (1 - saturation)) + average * (brightness * (1 - contrast))
    return _as_bytes(torch.addcmul(greys, pictures, brightness * contrast * saturation))


def _add_noise(batch: Tensor, field: Tensor, strengths: Tensor, corners: Tensor) -> Tensor:
    """Add to each picture its part of a field of Gaussian noise, at its own strength."""
    height, width = batch.shape[2:]
    field = field.to(batch.device)
    parts = [field[top : top + height, left : left + width] for top, left in corners.tolist()]
    noise = torch.stack(parts).permute(0, 3, 1, 2)
    return _as_bytes(torch.addcmul(batch.float(), noise, strengths.to(batch.device)[:, None, None, None]))


def _erase_slices(batch: Tensor, rectangles: Tensor) -> Tensor:
    """Fill each picture's rectangle with the neutral colour, in place. Fastest on a CPU."""
    neutral = _neutral(batch)[0]
    for picture, (upper, lower, start, end) in zip(batch, rectangles.tolist(), strict=True):
        picture[:, upper:lower, start:end] = neutral
    return batch


def _erase_masked(batch: Tensor, rectangles: Tensor) -> Tensor:
    """The same in a few operations for the whole batch, which is how a GPU wants it."""
    upper, lower, start, end = rectangles.to(batch.device)[:, :, None].unbind(1)
    rows = torch.arange(batch.shape[2], device=batch.device)
    columns = torch.arange(batch.shape[3], device=batch.device)
    inside = ((rows >= upper) & (rows < lower))[:, None, :, None] & ((columns >= start) & (columns < end))[
        :, None, None
    ]
    return torch.where(inside, _neutral(batch), batch)


def _as_bytes(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255).to(torch.uint8)


def _filled(colour: Tensor, batch: Tensor) -> Tensor:
    """A picture of one colour, 1×3×1×1, of the batch's size."""
    return colour.expand(1, -1, *batch.shape[2:]).contiguous(memory_format=torch.channels_last)


def _neutral(batch: Tensor) -> Tensor:
    return torch.tensor(_NEUTRAL, dtype=torch.uint8, device=batch.device).view(1, 3, 1, 1)
