"""Whether an exported network gives the embeddings of its source."""

import numpy as np
import torch
from torch import Tensor

from passerby.models.engines.engine import Engine
from passerby.models.export_record import Agreement
from passerby.models.preprocessing import Preprocessing
from passerby.types import FloatArray

LEAST_COSINE = 0.9999
"""What fp32 engines agree to; a wrong operation anywhere leaves far less of it."""

_BATCHES = (1, 2, 5)
_PATCH = 8


def compare(source: Engine, export: Engine, pictures: Tensor, cameras: int = 0) -> Agreement:
    """Embed pictures with both, in batches of several sizes, and compare the directions.

    Args:
        source: What was exported.
        export: What came of it.
        pictures: N×H×W×3 uint8 of their size.
        cameras: How many cameras have an embedding of their own; they take turns, the unknown one among them.
    """
    rows = torch.arange(len(pictures)) % (cameras + 1) - 1 if cameras else None
    cosines = (_embed(source, pictures, rows) * _embed(export, pictures, rows)).sum(1, dtype=np.float64)
    # Not a number is no agreement.
    cosines = np.nan_to_num(cosines, nan=-1.0)
    return Agreement(
        pictures=len(pictures),
        lowest_cosine=min(1.0, float(cosines.min())),
        mean_cosine=min(1.0, float(cosines.mean())),
    )


def blocks_of_colour(preprocessing: Preprocessing, count: int = sum(_BATCHES)) -> Tensor:
    """Pictures of soft blocks of colour and some noise, always the same: N×H×W×3 uint8."""
    random = np.random.default_rng(0)
    height, width = preprocessing.height, preprocessing.width
    coarse = random.integers(0, 256, (count, 3, height // _PATCH + 2, width // _PATCH + 2)).astype(np.float32)
    smooth = torch.nn.functional.interpolate(torch.from_numpy(coarse), (height, width), mode="bilinear")
    noise = torch.from_numpy(random.normal(0, 8, smooth.shape).astype(np.float32))
    return (smooth + noise).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _embed(engine: Engine, pictures: Tensor, rows: Tensor | None) -> FloatArray:
    """Batches of 1, 2 and 5, and 5 again until there are no more."""
    vectors: list[FloatArray] = []
    done = 0
    while done < len(pictures):
        count = _BATCHES[min(len(vectors), len(_BATCHES) - 1)]
        part = slice(done, done + count)
        vectors.append(engine(pictures[part], None if rows is None else rows[part]))
        done += count
    return np.concatenate(vectors)
