"""Torch as an engine: on CPUs and GPUs, in fp32 or bf16, compiled where that is asked for."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from passerby.errors import PasserbyError
from passerby.models.engines.engine import Precision
from passerby.models.inference import InferenceGraph
from passerby.types import FloatArray


class TorchEngine:
    """Runs an inference graph with torch.

    Attributes:
        name: "torch" and its version.
        precision: "fp32" or "bf16".
        dimension: D.
        device: Where it runs.
    """

    def __init__(
        self,
        graph: InferenceGraph,
        device: torch.device,
        precision: Literal["fp32", "bf16"] = "fp32",
        *,
        compile: bool = False,
    ) -> None:
        """Move the graph to its device, with convolutions laid out channels last.

        Args:
            graph: What to run.
            device: Where.
            precision: bf16 computes products with 8 bits of mantissa, quickly where the processor can.
            compile: Whether torch compiles it first, which takes a minute and a C++ compiler on CPUs.
        """
        graph.network.place(device)
        self.device = device
        self.precision: Precision = precision
        self.dimension = graph.dimension
        self.name = f"torch {torch.__version__.partition('+')[0]} on {device.type}{', compiled' if compile else ''}"
        self._run: Callable[[Tensor, Tensor | None], Tensor] = (
            torch.compile(graph, dynamic=True) if compile else graph
        )

    def __call__(self, pictures: Tensor, cameras: Tensor | None = None) -> FloatArray:
        """Embed B×H×W×3 uint8 pictures."""
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")
        # Without TF32, which would give a GPU's "fp32" convolutions 10 bits of mantissa and so vectors of their own.
        with torch.inference_mode(), half, torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            rows = None if cameras is None else cameras.to(self.device)
            vectors: FloatArray = self._run(pictures.to(self.device), rows).cpu().numpy()
        return vectors


def choose_device(device: str) -> torch.device:
    """The torch device of a name; "auto" is a GPU where torch sees one, else the CPU.

    Raises:
        PasserbyError: There is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise PasserbyError(f"expected a device that torch has here, such as cpu, got {device!r}") from error
    return chosen
