"""Exporting a model: its network in an engine's format, checked against the source, with all that is known of it."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch

from passerby import __version__
from passerby.atomic import atomic_path
from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle, check_replaceable, complete_export, load_bundle
from passerby.models.embedder import Embedder, EngineEmbedder
from passerby.models.engines.engine import Engine, Precision
from passerby.models.engines.opening import open_file
from passerby.models.engines.torch_engine import TorchEngine
from passerby.models.export_record import NETWORK_FILES, ExportFormat, ExportRecord, MeasuredLoss, file_hash
from passerby.models.exporting.agreement import LEAST_COSINE, blocks_of_colour, compare
from passerby.models.exporting.calibration_pictures import CalibrationPictures
from passerby.models.exporting.quantising import most_disturbed, quantise_onnx, quantise_openvino
from passerby.models.exporting.tracing import write_onnx, write_program
from passerby.models.inference import InferenceGraph

PRECISIONS: dict[ExportFormat, tuple[Precision, ...]] = {
    "onnx": ("fp32", "int8"),
    "openvino": ("fp32", "bf16", "int8"),
    "torch-export": ("fp32",),
}
"""The precisions of each format; ONNX Runtime has no products in bf16 on CPUs."""

MOST_LOST = 0.5
"""Points of mAP that INT8 may lose before operations are left in fp32."""

_PACKAGES = ("torch", "onnxruntime", "openvino", "nncf")


def export_bundle(
    bundle: Bundle,
    output: Path | str,
    format: ExportFormat,
    precision: Precision = "fp32",
    calibration: CalibrationPictures | None = None,
    *,
    replace: bool = False,
) -> Bundle:
    """Write a model's network in an engine's format, with its preprocessing, and a bundle around it.

    Args:
        bundle: The model, with weights.
        output: Folder of the exported bundle.
        format: "onnx", "openvino" or "torch-export".
        precision: What it computes in. INT8 leaves those operations in fp32 that cost more than half a point of mAP
            together, where `calibration` can measure that.
        calibration: Pictures for INT8's ranges, and for the loss of INT8 and bf16.
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
    if precision == "int8" and calibration is None:
        raise PasserbyError("expected pictures to calibrate INT8 on, got none; name some with --data")
    check_replaceable(output, replace)
    graph = InferenceGraph(bundle.load_network(), bundle.preprocessing)
    with atomic_path(output) as folder:
        folder.mkdir()
        kept: tuple[str, ...] = ()
        loss: MeasuredLoss | None = None
        source = EngineEmbedder(bundle, TorchEngine(graph, torch.device("cpu")))
        target = folder / NETWORK_FILES[format][0]
        if precision == "int8":
            assert calibration is not None
            kept, loss = _quantise(graph, source, target, format, calibration)
        else:
            _WRITERS[format](graph, folder)
            if calibration is not None:
                export = EngineEmbedder(bundle, open_file(_checker(format), target, precision))
                loss = calibration.loss(source, export)
        record = _record(bundle, graph, open_file(_checker(format), target, precision), folder, format, precision)
        more = {
            "loss": loss,
            "kept_in_fp32": kept,
            "calibrated_on": calibration.source if calibration and precision == "int8" else None,
        }
        complete_export(folder, bundle, record.model_copy(update=more))
    return load_bundle(output)


def _checker(format: ExportFormat) -> str:
    """The backend that an export is checked with; ONNX files by OpenVINO where ONNX Runtime is missing."""
    if format == "onnx" and not find_spec("onnxruntime") and find_spec("openvino"):
        return "openvino"
    return {"onnx": "onnxruntime", "openvino": "openvino", "torch-export": "torch"}[format]


def _quantise(
    graph: InferenceGraph, source: Embedder, target: Path, format: ExportFormat, calibration: CalibrationPictures
) -> tuple[tuple[str, ...], MeasuredLoss | None]:
    """Write the INT8 network; give what was left in fp32, and the loss where labelled pictures tell it.

    Where more than half a point of mAP is lost, the operations that ONNX Runtime's INT8 disturbs most stay in fp32:
    one, then twice as many each time.

    Raises:
        PasserbyError: Even with most of them in fp32 too much is lost.
    """
    batches = calibration.batches(graph.preprocessing)
    traced = target.parent / "traced.onnx"
    write_onnx(graph, traced)
    quantise = {"onnx": quantise_onnx, "openvino": quantise_openvino}[format]
    ranked: list[str] = []
    kept: tuple[str, ...] = ()
    while True:
        quantise(traced, target, batches, kept)
        loss = calibration.loss(source, EngineEmbedder(source.bundle, open_file(_checker(format), target, "int8")))
        if loss is None or loss.points <= MOST_LOST:
            break
        if not ranked:
            probe = target.parent / "probe.onnx"
            quantise_onnx(traced, probe, batches)
            ranked = most_disturbed(traced, probe, batches)
            probe.unlink()
        if len(kept) > len(ranked) // 2:
            raise PasserbyError(
                f"{graph.network.architecture.backbone} loses {loss.points:.1f} points of mAP in INT8, even with "
                f"{len(kept)} of {len(ranked)} operations in fp32; use fp32, or calibrate on pictures of your cameras"
            )
        kept = tuple(ranked[: max(1, 2 * len(kept))])
    traced.unlink()
    return kept, loss


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
