"""What lenses and recorders do to pictures: blur, and the marks of JPEG."""

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F


def blur(batch: Tensor, chosen: Tensor, deviation: float) -> Tensor:
    """Blur some pictures by a Gaussian.

    Args:
        batch: B×3×H×W uint8; left as it is.
        chosen: (B,) bool.
        deviation: The Gaussian's, in pixels, above 0; it is cut off at three of them.

    Returns:
        B×3×H×W uint8.
    """
    if not bool(chosen.any()):
        return batch
    # No farther than the picture reaches, which is mirrored at its borders.
    reach = min(math.ceil(3 * deviation), min(batch.shape[2:]) - 1)
    places = torch.arange(-reach, reach + 1, device=batch.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (places / deviation) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    chosen = chosen.to(batch.device)
    pictures = F.pad(batch[chosen].float(), (reach, reach, reach, reach), mode="reflect")
    pictures = F.conv2d(F.conv2d(pictures, kernel, groups=3), kernel.transpose(2, 3), groups=3)
    changed = batch.clone(memory_format=torch.preserve_format)
    changed[chosen] = pictures.round().clamp(0, 255).to(torch.uint8)
    return changed


def compress(batch: Tensor, qualities: Tensor) -> Tensor:
    """Write pictures as JPEG and read them again.

    Args:
        batch: B×3×H×W uint8; left as it is.
        qualities: (B,) int64, 1 to 95; 0 leaves a picture alone.

    Returns:
        B×3×H×W uint8, on the device of `batch`.
    """
    changed = batch.clone(memory_format=torch.preserve_format)
    for picture, quality in enumerate(qualities.tolist()):
        if quality:
            file = io.BytesIO()
            Image.fromarray(batch[picture].permute(1, 2, 0).cpu().numpy()).save(file, "JPEG", quality=quality)
            with Image.open(file) as read:
                decoded = torch.from_numpy(np.array(read))
            changed[picture] = decoded.permute(2, 0, 1).to(batch.device)
    return changed
