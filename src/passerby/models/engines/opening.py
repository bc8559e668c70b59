"""Engines by name, and which of them runs which format."""

from pathlib import Path

import torch

from passerby.models.engines.engine import Engine, Precision
from passerby.models.engines.onnx_runtime import OnnxRuntimeEngine
from passerby.models.engines.openvino import OpenVinoEngine
from passerby.models.engines.torch_program import TorchProgramEngine

BACKENDS: dict[str, type[OnnxRuntimeEngine] | type[OpenVinoEngine] | type[TorchProgramEngine]] = {
    "torch": TorchProgramEngine,
    "onnxruntime": OnnxRuntimeEngine,
    "openvino": OpenVinoEngine,
}
"""What opens a file, by the name of the backend."""


def open_file(backend: str, file: Path, precision: Precision) -> Engine:
    """Open a network's file with as many threads as torch uses.

    Raises:
        MissingExtraError: The backend is not installed.
        BundleError: The file is no network that it can run.
    """
    return BACKENDS[backend](file, precision, torch.get_num_threads())
