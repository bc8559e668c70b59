"""Which engine runs a model: the one that is named, or the fastest that is installed."""

from importlib.util import find_spec
from pathlib import Path

import torch

from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle
from passerby.models.engines.engine import Engine
from passerby.models.engines.opening import open_file
from passerby.models.engines.torch_engine import TorchEngine, choose_device
from passerby.models.export_record import ExportFormat, ExportRecord
from passerby.models.exporting.kept import kept_export
from passerby.models.inference import InferenceGraph

BACKENDS = ("torch", "onnxruntime", "openvino")

RUN_BY: dict[ExportFormat, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "openvino"),
    "openvino": ("openvino",),
    "torch-export": ("torch",),
}
"""The backends that can run each format, the fastest in fp32 first."""

MOST_LOST_IN_BF16 = 0.1
"""Points of mAP that bf16 may lose where "auto" chooses."""


def open_engine(bundle: Bundle, backend: str = "auto", device: str = "auto") -> tuple[Engine, tuple[str, ...]]:
    """Make a model ready to run.

    Args:
        bundle: The model.
        backend: One of `BACKENDS`, or "auto".
        device: "auto", "cpu", "cuda", …

    Returns:
        The engine, and what could not be done, in sentences.

    Raises:
        MissingExtraError: What the model or the backend needs is not installed.
        PasserbyError: There is no such backend or device, or the backend cannot run this model there.
    """
    if backend not in ("auto", *BACKENDS):
        raise PasserbyError(f"expected one of the backends auto, {', '.join(BACKENDS)}, got {backend!r}")
    chosen = choose_device(device)
    if bundle.export is not None:
        if chosen.type != "cpu" and device != "auto":
            raise PasserbyError(f"{bundle.path}: expected device cpu for an exported model, got {device!r}")
        engine = _open_export(bundle, backend)
        return engine, _remarks(bundle.export, engine)
    if chosen.type != "cpu" and backend in ("auto", "torch"):
        return _torch(bundle, device), ()
    if chosen.type != "cpu" and device != "auto":
        raise PasserbyError(f"expected device cpu for backend {backend}, got {device!r}")
    if backend == "torch":
        return _torch(bundle, device), ()
    if backend != "auto":
        return _open_export(kept_export(bundle), backend), ()
    try:
        installed = [name for name in RUN_BY["onnx"] if is_installed(name)]
        if installed:
            return _open_export(kept_export(bundle), installed[0]), ()
    except PasserbyError as error:
        return _torch(bundle, device), (f"torch runs the model: {error}",)
    return _torch(bundle, device), ()


def is_installed(backend: str) -> bool:
    """Whether the module of that name is there, without loading it."""
    return find_spec(backend) is not None


def _torch(bundle: Bundle, device: str) -> Engine:
    return TorchEngine(InferenceGraph(bundle.load_network(), bundle.preprocessing), choose_device(device))


def _open_export(bundle: Bundle, backend: str) -> Engine:
    assert bundle.export is not None
    asked = backend
    can = RUN_BY[bundle.export.format]
    if bundle.export.precision == "int8":
        can = tuple(reversed(can))  # OpenVINO keeps maps in 8 bits between products, which makes it the faster one.
    if backend == "auto":
        backend = next((name for name in can if is_installed(name)), can[0])
    if backend not in can:
        raise PasserbyError(
            f"{bundle.path}: expected one of the backends {', '.join(can)} for a model exported to "
            f"{bundle.export.format}, got {backend}"
        )
    precision = bundle.export.precision
    if precision == "bf16" and asked == "auto" and _costs_too_much(bundle.export):
        precision = "fp32"
    return open_file(backend, bundle.export.network_file(Path(bundle.path)), precision)


def _costs_too_much(export: ExportRecord) -> bool:
    """Whether bf16 loses more than a tenth of a point of mAP, or nobody knows."""
    return export.loss is None or export.loss.points > MOST_LOST_IN_BF16


def _multiplies_8_bits() -> bool:
    """Whether the processor has products of 8 bits, or torch cannot tell."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    kinds = ("avx512_vnni", "avx_vnni", "amx_int8")
    return not any(kind in capabilities for kind in kinds) or any(capabilities.get(kind) for kind in kinds)


def _remarks(export: ExportRecord, engine: Engine) -> tuple[str, ...]:
    """Why the export does not run as fast as it might."""
    if export.precision == "bf16" and engine.precision == "fp32":
        if _costs_too_much(export):
            return ("it computes in fp32: what bf16 costs was not measured, or is more than 0.1 points of mAP",)
        return ("it computes in fp32: this processor has no bf16 (AVX-512 BF16 or AMX)",)
    if export.precision == "int8" and not _multiplies_8_bits():
        return ("this processor has no products of 8 bits (AVX-512 VNNI or AMX): INT8 runs, but hardly faster",)
    return ()
