"""ONNX Runtime as an engine, on CPUs."""

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from passerby.errors import BundleError, MissingExtraError
from passerby.models.engines.engine import Precision, feed_of
from passerby.types import FloatArray


class OnnxRuntimeEngine:
    """Runs an ONNX file.

    Attributes:
        name: "ONNX Runtime" and its version.
        precision: What the file computes in.
        dimension: D.
    """

    def __init__(self, file: Path, precision: Precision, threads: int) -> None:
        """Load the file and prepare it for this processor.

        Args:
            file: The network, as `passerby.models.exporting` writes it.
            precision: What it computes in.
            threads: How many processors it may use.

        Raises:
            MissingExtraError: ONNX Runtime is not installed.
            BundleError: The file is no such network.
        """
        runtime = require_onnx_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that wait must not take processors from those that decode pictures.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no common class
            reason = " ".join(str(error).split())
            raise BundleError(f"{file}: ONNX Runtime cannot run it ({reason}); export the model again") from error
        self._inputs = {found.name for found in self._session.get_inputs()}
        outputs = self._session.get_outputs()
        if "pictures" not in self._inputs or [output.name for output in outputs] != ["embeddings"]:
            raise BundleError(f"{file}: expected a network from pictures to embeddings; export the model again")
        self.name = f"ONNX Runtime {runtime.__version__}"
        self.precision: Precision = precision
        self.dimension = int(outputs[0].shape[1])

    def __call__(self, pictures: Tensor, cameras: Tensor | None = None) -> FloatArray:
        """Embed B×H×W×3 uint8 pictures."""
        vectors: FloatArray = self._session.run(None, feed_of(self._inputs, pictures, cameras))[0]
        return vectors


def require_onnx_runtime() -> Any:  # noqa: ANN401
    """The module of ONNX Runtime.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtraError("the backend onnxruntime", "onnx") from error
