"""Which engine runs a model: the one that is named, or the fastest that is installed."""

from importlib.util import find_spec
from pathlib import Path

from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle
from passerby.models.engines.engine import Engine
from passerby.models.engines.opening import open_file
from passerby.models.engines.torch_engine import TorchEngine, choose_device
from passerby.models.export_record import ExportFormat
from passerby.models.exporting.kept import kept_export
from passerby.models.inference import InferenceGraph

BACKENDS = ("torch", "onnxruntime", "openvino")

RUN_BY: dict[ExportFormat, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "openvino"),
    "openvino": ("openvino",),
    "torch-export": ("torch",),
}
"""The backends that can run each format, the fastest first."""


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
        return _open_export(bundle, backend), ()
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
    can = RUN_BY[bundle.export.format]
    if backend == "auto":
        backend = next((name for name in can if is_installed(name)), can[0])
    if backend not in can:
        raise PasserbyError(
            f"{bundle.path}: expected one of the backends {', '.join(can)} for a model exported to "
            f"{bundle.export.format}, got {backend}"
        )
    return open_file(backend, bundle.export.network_file(Path(bundle.path)), bundle.export.precision)
