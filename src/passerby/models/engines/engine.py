"""What all engines have in common: pictures of one size in, unit vectors out."""

from collections.abc import Collection
from typing import Any, Literal, Protocol, TypeAlias

import numpy.typing as npt
import torch
from torch import Tensor

from passerby.types import FloatArray

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
"""What the products of a network are computed in."""


class Engine(Protocol):
    """Runs one network.

    Attributes:
        name: The engine and its version, such as "ONNX Runtime 1.20".
        precision: What it computes in here.
        dimension: D.
    """

    name: str
    precision: Precision
    dimension: int

    def __call__(self, pictures: Tensor, cameras: Tensor | None = None) -> FloatArray:
        """Embed B pictures: (B, D) float32, each row of length 1.

        Args:
            pictures: B×H×W×3 RGB uint8 of the model's height and width, in the machine's memory.
            cameras: (B,) int64, rows of the camera embedding, -1 for unknown ones.
        """
        ...


def feed_of(inputs: Collection[str], pictures: Tensor, cameras: Tensor | None) -> dict[str, npt.NDArray[Any]]:
    """What an exported network is given: pictures and, where it has an input for them, cameras."""
    feed = {"pictures": pictures.contiguous().numpy()}
    if "cameras" in inputs:
        feed["cameras"] = (torch.full((len(pictures),), -1) if cameras is None else cameras).numpy()
    return feed
