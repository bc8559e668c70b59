"""OpenVINO as an engine, on CPUs; it runs its own files and ONNX files."""

from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from torch import Tensor

from passerby.errors import BundleError, MissingExtraError
from passerby.models.engines.engine import Precision, feed_of
from passerby.types import FloatArray


class OpenVinoEngine:
    """Runs an `.xml` of OpenVINO, or an ONNX file.

    Attributes:
        name: "OpenVINO" and its version.
        precision: What it computes in here: bf16 networks in fp32 where the processor has no bf16.
        dimension: D.
    """

    def __init__(self, file: Path, precision: Precision, threads: int) -> None:
        """Load the file and compile it for this processor.

        Args:
            file: The network, as `passerby.models.exporting` writes it.
            precision: What it is meant to compute in.
            threads: How many processors it may use.

        Raises:
            MissingExtraError: OpenVINO is not installed.
            BundleError: The file is no such network.
        """
        openvino = require_openvino()
        core = openvino.Core()
        half = precision == "bf16" and computes_in_bf16(core)
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            # What it would choose by itself where there is AMX would not be what the file was checked in.
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        }
        try:
            self._network = core.compile_model(str(file), "CPU", settings)
            self._inputs = {name for found in self._network.inputs for name in found.get_names()}
            self.dimension = int(self._network.output("embeddings").partial_shape[1].get_length())
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise BundleError(f"{file}: OpenVINO cannot run it ({reason}); export the model again") from error
        self._request, self._turn = self._network.create_infer_request(), Lock()
        self.name = f"OpenVINO {openvino.__version__.partition('-')[0]}"
        self.precision: Precision = "fp32" if precision == "bf16" and not half else precision

    def __call__(self, pictures: Tensor, cameras: Tensor | None = None) -> FloatArray:
        """Embed B×H×W×3 uint8 pictures."""
        feed = feed_of(self._inputs, pictures, cameras)
        with self._turn:  # A request holds one batch at a time.
            vectors: FloatArray = self._request.infer(feed, share_inputs=True)["embeddings"]
        return vectors


def require_openvino() -> Any:  # noqa: ANN401
    """The module of OpenVINO.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return import_module("openvino")
    except ImportError as error:
        raise MissingExtraError("the backend openvino", "openvino") from error


def computes_in_bf16(core: Any) -> bool:  # noqa: ANN401
    """Whether this processor has products in bf16 (AVX-512 BF16 or AMX), as OpenVINO sees it."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
