"""INT8: ranges of all numbers from calibration pictures, then products of 8 bits (Nagel et al., arXiv 2106.08295).

Weights have a scale for each output channel, maps one for all; only the backbone is quantised, whose products take
nearly all of the time, and not the preprocessing before it or the few numbers behind it.
"""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from passerby.errors import MissingExtraError
from passerby.models.engines.openvino import require_openvino

_BACKBONE = "/network/backbone/"
_OPERATIONS = ("Conv", "Gemm", "MatMul")
_MEASURED = 8
"""Batches on which the disturbance of single operations is measured."""


def quantise_onnx(file: Path, quantised: Path, batches: Sequence[Tensor], kept: Sequence[str] = ()) -> None:
    """Quantise an ONNX file with ONNX Runtime: QuantizeLinear and DequantizeLinear (QDQ) about every product.

    Args:
        file: The fp32 network.
        quantised: Where to write the INT8 one.
        batches: Calibration pictures, each B×H×W×3 uint8.
        kept: Names of operations to leave in fp32.

    Raises:
        MissingExtraError: ONNX or ONNX Runtime is not installed.
    """
    quantization = _require("onnxruntime.quantization", "onnx")
    onnx = _require("onnx", "onnx")
    network = onnx.load(str(file))
    outside = [node.name for node in network.graph.node if not node.name.startswith(_BACKBONE)]
    with _quiet():
        quantization.quantize_static(
            str(file),
            str(quantised),
            _Reader(batches),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            # Processors multiply unsigned by signed 8 bits.
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=list(_OPERATIONS),
            nodes_to_exclude=[*outside, *kept],
        )


def most_disturbed(file: Path, quantised: Path, batches: Sequence[Tensor]) -> list[str]:
    """The names of a network's products, those first whose outputs INT8 changes most, by ratio of signal to noise.

    Args:
        file: The fp32 network.
        quantised: What `quantise_onnx` made of it.
        batches: Calibration pictures.
    """
    debug = _require("onnxruntime.quantization.qdq_loss_debug", "onnx")
    onnx = _require("onnx", "onnx")
    products = {
        node.output[0]: node.name
        for node in onnx.load(str(file)).graph.node
        if node.op_type in _OPERATIONS and node.name.startswith(_BACKBONE)
    }
    few = batches[:_MEASURED]
    with _quiet():
        activations = []
        for network in (quantised, file):
            told = network.with_name(f"told-{network.name}")
            debug.modify_model_output_intermediate_tensors(str(network), str(told), op_types_for_saving=_OPERATIONS)
            activations.append(debug.collect_activations(str(told), _Reader(few)))
            told.unlink()
    by_int8, by_fp32 = activations
    ratios = {
        name: debug.compute_signal_to_quantization_noice_ratio(by_fp32[output], by_int8[output])
        for output, name in products.items()
        if output in by_fp32 and output in by_int8
    }
    return sorted(ratios, key=lambda name: float(ratios[name]))


def quantise_openvino(file: Path, quantised: Path, batches: Sequence[Tensor], kept: Sequence[str] = ()) -> None:
    """Quantise an ONNX file with NNCF and write it in OpenVINO's format: FakeQuantize before every product.

    Args:
        file: The fp32 network.
        quantised: Where to write the INT8 one, an `.xml`.
        batches: Calibration pictures, each B×H×W×3 uint8.
        kept: Names of operations to leave in fp32.

    Raises:
        MissingExtraError: OpenVINO or NNCF is not installed.
    """
    openvino = require_openvino()
    nncf = _require("nncf", "openvino")
    network = openvino.convert_model(file)
    # Converted operations are named after those of ONNX, with a suffix where they became several.
    patterns = [rf"^(?!{_BACKBONE}).*", *(rf"^{name}(/.*)?$" for name in kept)]
    with _quiet():
        smaller = nncf.quantize(
            network,
            nncf.Dataset([batch.numpy() for batch in batches]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
            ignored_scope=nncf.IgnoredScope(patterns=patterns, validate=False),
        )
    openvino.save_model(smaller, quantised, compress_to_fp16=False)


class _Reader:
    """Calibration pictures as ONNX Runtime asks for them."""

    def __init__(self, batches: Sequence[Tensor]) -> None:
        self._batches = iter(batches)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return ({"pictures": batch.numpy()} for batch in self._batches)

    def get_next(self) -> dict[str, Any] | None:
        """The next batch as the network's input, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": batch.numpy()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantisers' notes and progress bars, which are about their own insides, from the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def _require(module: str, extra: str) -> Any:  # noqa: ANN401
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"quantisation by {module.partition('.')[0]}", extra) from error
