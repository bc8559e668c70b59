"""An inference graph as a file that other engines read."""

import re
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from passerby.errors import MissingExtraError, PasserbyError
from passerby.models.inference import InferenceGraph

_OPSET = 18
_OPERATION = re.compile(r"\b(?:aten|prim|onnx|quantized)::\w+|\baten\.\w+")
_LARGEST_BATCH = 4096


def write_onnx(graph: InferenceGraph, file: Path) -> None:
    """Write an ONNX file of opset 18: `pictures` (B×H×W×3 uint8), perhaps `cameras` (B int64) → `embeddings` (B×D).

    Torch's exporter by tracing is taken: it writes the same network as that by `torch.export` in a tenth of the time.

    Raises:
        MissingExtraError: ONNX is not installed.
        PasserbyError: The network has an operation that ONNX has not.
    """
    if find_spec("onnx") is None:
        raise MissingExtraError("exporting a model", "onnx")
    inputs = _examples(graph, 2)
    names = ["pictures", "cameras"][: len(inputs)]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that it is the older exporter, and that sizes of pictures are constants
        try:
            torch.onnx.export(
                graph,
                inputs,
                str(file),
                dynamo=False,
                opset_version=_OPSET,
                input_names=names,
                output_names=["embeddings"],
                dynamic_axes={name: {0: "batch"} for name in (*names, "embeddings")},
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            raise _cannot_be_exported(graph, "ONNX", error) from error


def write_program(graph: InferenceGraph, file: Path) -> None:
    """Write a `.pt2` of `torch.export`, with nothing in it that needs unpickling.

    Raises:
        PasserbyError: The network has an operation that `torch.export` cannot capture.
    """
    batch = torch.export.Dim("batch", min=1, max=_LARGEST_BATCH)
    inputs = _examples(graph, 2)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            program: Any = torch.export.export(graph, inputs, dynamic_shapes=tuple({0: batch} for _ in inputs))
        except Exception as error:  # whatever the network's own code raises while it is looked through
            raise _cannot_be_exported(graph, "torch.export", error) from error
        program._example_inputs = None  # would be pickled
        program._guards_code = []  # Python code, which whoever reads the file would run
        torch.export.save(program, file)


def _examples(graph: InferenceGraph, batch: int) -> tuple[Tensor, ...]:
    pictures = torch.zeros(batch, graph.preprocessing.height, graph.preprocessing.width, 3, dtype=torch.uint8)
    return (pictures, torch.full((batch,), -1)) if graph.takes_cameras else (pictures,)


def _cannot_be_exported(graph: InferenceGraph, to: str, error: Exception) -> PasserbyError:
    """The error that names the operation, or gives the exporter's first line where it names none."""
    found = _OPERATION.search(str(error))
    what = f"its operation {found[0]}" if found else " ".join(str(error).split("\n")[0].split())
    backbone = graph.network.architecture.backbone
    return PasserbyError(
        f"{backbone} cannot be exported to {to}: {what}; choose another --format, or use it in torch"
    )
