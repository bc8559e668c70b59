"""Programs of `torch.export` as an engine: a network without its Python code, on CPUs."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from passerby.errors import BundleError
from passerby.models.engines.engine import Precision
from passerby.models.engines.program_check import require_plain
from passerby.types import FloatArray


class TorchProgramEngine:
    """Runs a `.pt2` file.

    Attributes:
        name: "torch.export" and torch's version.
        precision: What it computes in.
        dimension: D.
    """

    def __init__(self, file: Path, precision: Precision, threads: int) -> None:
        """Load the program.

        Args:
            file: The network, as `passerby.models.exporting` writes it.
            precision: What it computes in.
            threads: How many processors torch may use; torch has one number for all it does, so this one is set.

        Raises:
            BundleError: The file is no such network, or holds what would have to be unpickled.
        """
        require_plain(file)
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)
        try:
            program: Any = torch.export.load(file)
            self._run = program.module(check_guards=False)
            output = program.graph_signature.user_outputs[0]
            found = next(node for node in program.graph.nodes if node.name == output)
            self.dimension = int(found.meta["val"].shape[1])
            self._takes_cameras = len(program.graph_signature.user_inputs) > 1
        except Exception as error:  # it raises whatever it meets
            reason = " ".join(str(error).split())[:300]
            raise BundleError(
                f"{file}: torch {torch.__version__} cannot run it ({reason}); export the model again"
            ) from error
        self.name = f"torch.export {torch.__version__.partition('+')[0]}"
        self.precision: Precision = precision

    def __call__(self, pictures: Tensor, cameras: Tensor | None = None) -> FloatArray:
        """Embed B×H×W×3 uint8 pictures."""
        inputs = [pictures]
        if self._takes_cameras:
            inputs.append(torch.full((len(pictures),), -1) if cameras is None else cameras)
        with torch.inference_mode():
            vectors: FloatArray = self._run(*inputs).numpy()
        return vectors
