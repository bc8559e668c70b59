"""Exporting a model: its network in an engine's format, checked against the source, with all that is known of it."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from passerby import __version__
from passerby.atomic import atomic_path
from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle, check_replaceable, complete_export, load_bundle
from passerby.models.engines.engine import Engine, Precision
from passerby.models.engines.opening import open_file
from passerby.models.engines.torch_engine import TorchEngine
from passerby.models.export_record import NETWORK_FILES, ExportFormat, ExportRecord, file_hash
from passerby.models.exporting.agreement import LEAST_COSINE, blocks_of_colour, compare
from passerby.models.exporting.tracing import write_onnx, write_program
from passerby.models.inference import InferenceGraph

ENGINES: dict[ExportFormat, str] = {"onnx": "onnxruntime", "openvino": "openvino", "torch-export": "torch"}
"""The backend that each format is checked with."""

PRECISIONS: dict[ExportFormat, tuple[Precision, ...]] = {
    "onnx": ("fp32",),
    "openvino": ("fp32",),
    "torch-export": ("fp32",),
}
"""The precisions of each format."""

_PACKAGES = ("torch", "onnxruntime", "openvino", "nncf")


def export_bundle(
    bundle: Bundle,
    output: Path | str,
    format: ExportFormat,
    precision: Precision = "fp32",
    *,
    replace: bool = False,
) -> Bundle:
    """Write a model's network in an engine's format, with its preprocessing, and a bundle around it.

    Args:
        bundle: The model, with weights.
        output: Folder of the exported bundle.
        format: "onnx", "openvino" or "torch-export".
        precision: What it computes in.
        replace: Whether a bundle that stands there already may be replaced.

    Returns:
        The exported bundle. In fp32 it has the identity of its source.

    Raises:
        MissingExtraError: The engine is not installed.
        PasserbyError: The network has an operation that the format has not, or comes out wrong; or the format has not
            this precision.
        BundleError: Something stands there that may not be replaced, or the model is an export itself.
    """
    output = Path(output)
    if precision not in PRECISIONS[format]:
        raise PasserbyError(
            f"expected one of the precisions {', '.join(PRECISIONS[format])} for {format}, got {precision}"
        )
    check_replaceable(output, replace)
    graph = InferenceGraph(bundle.load_network(), bundle.preprocessing)
    with atomic_path(output) as folder:
        folder.mkdir()
        _WRITERS[format](graph, folder)
        export = open_file(ENGINES[format], folder / NETWORK_FILES[format][0], precision)
        complete_export(folder, bundle, _record(bundle, graph, export, folder, format, precision))
    return load_bundle(output)


def _record(
    bundle: Bundle, graph: InferenceGraph, export: Engine, folder: Path, format: ExportFormat, precision: Precision
) -> ExportRecord:
    """Compare an export with its source and say what it is.

    Raises:
        PasserbyError: They do not agree.
    """
    pictures = blocks_of_colour(bundle.preprocessing)
    cameras = len(bundle.architecture.transformer.cameras) if graph.takes_cameras else 0
    agreement = compare(TorchEngine(graph, torch.device("cpu")), export, pictures, cameras)
    if precision == "fp32" and agreement.lowest_cosine < LEAST_COSINE:
        raise PasserbyError(
            f"{bundle.architecture.backbone} comes out wrong in {format}: expected embeddings of cosine "
            f"{LEAST_COSINE} and more to the source's, got {agreement.lowest_cosine:.4f}; choose another --format"
        )
    return ExportRecord(
        format=format,
        precision=precision,
        source=bundle.identity,
        files={name: file_hash(folder / name) for name in NETWORK_FILES[format]},
        made_with={"passerby": __version__, **_versions()},
        agreement=agreement,
    )


def _write_openvino(graph: InferenceGraph, folder: Path) -> None:
    from passerby.models.engines.openvino import require_openvino

    openvino = require_openvino()
    traced = folder / "traced.onnx"
    write_onnx(graph, traced)
    network = openvino.convert_model(traced)
    openvino.save_model(network, folder / NETWORK_FILES["openvino"][0], compress_to_fp16=False)
    traced.unlink()


_WRITERS: dict[ExportFormat, Callable[[InferenceGraph, Path], None]] = {
    "onnx": lambda graph, folder: write_onnx(graph, folder / NETWORK_FILES["onnx"][0]),
    "openvino": _write_openvino,
    "torch-export": lambda graph, folder: write_program(graph, folder / NETWORK_FILES["torch-export"][0]),
}


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
