"""Any person detector as an ONNX file, with inputs and outputs as YOLOX, RT-DETR or RF-DETR have them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from passerby.boxes import Numbers, suppress, with_corners
from passerby.data.images import resize_image
from passerby.errors import DataError, MissingExtraError
from passerby.types import FloatArray, ImageArray
from passerby.video.detection import Detections
from passerby.video.frames import Frame

_STRIDES = (8, 16, 32)
_GREY = 114  # What YOLOX fills up with.
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
_LARGEST = 2 * 2**30  # Bytes of a file; more, ONNX cannot hold in one.
_FREE = 640  # Rows and columns where a model takes any.

Outputs: TypeAlias = dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family of detectors takes pictures and gives boxes.

    Attributes:
        name: Of the family.
        person: Which class people are.
        prepare: From a picture and the rows and columns wanted to (3, H, W) float32, and how many times as large it
            has become, down and across.
        read: From outputs, the rows and columns of the input, and the class to boxes of left, top, right and bottom,
            and scores; boxes in pixels of the input, or as shares of it.
        shares: Whether boxes are shares of the frame, 0 to 1.
        overlap: IoU above which boxes are around one person; None: the family leaves no such boxes.
    """

    name: str
    person: int
    prepare: Callable[[ImageArray, int, int], tuple[FloatArray, float, float]]
    read: Callable[[Outputs, tuple[int, int], int], tuple[Numbers, Numbers]]
    shares: bool
    overlap: float | None


class OnnxDetector:
    """Runs an ONNX file with onnxruntime.

    Args:
        path: The file.
        person: Which of its classes people are; None: the one that its family has for them.
        score: Below which boxes are left out, 0 to 1.
        threads: How many threads run it.

    Raises:
        DataError: There is no such file, it is no ONNX model, or its outputs are of no family that is known.
        MissingExtraError: onnxruntime is not installed.
    """

    def __init__(
        self, path: str | os.PathLike[str], person: int | None = None, score: float = 0.1, threads: int = 1
    ) -> None:
        self.path = Path(path)
        self._session = _session(self.path, threads)
        self._score = score
        self._inputs = {one.name: one for one in self._session.get_inputs()}
        self._outputs = [one.name for one in self._session.get_outputs()]
        self._picture = next((name for name, one in self._inputs.items() if len(one.shape) == 4), "")
        self.size = self._input_size()
        self.layout = self._recognised()
        self._person = self.layout.person if person is None else person

    def __call__(self, frame: Frame) -> Detections:
        """People in the frame.

        Raises:
            DataError: The outputs are not as the family's are.
        """
        rows, columns = frame.picture.shape[:2]
        pixels, down, across = self.layout.prepare(frame.picture, *self.size)
        given: dict[str, Any] = {self._picture: pixels[None]}
        if "orig_target_sizes" in self._inputs:
            given["orig_target_sizes"] = np.array([[columns, rows]], np.int64)
        outputs = dict(zip(self._outputs, self._session.run(None, given), strict=True))
        boxes, scores = self.layout.read(outputs, self.size, self._person)
        if self.layout.shares:
            boxes = boxes * [columns, rows, columns, rows]
        elif "orig_target_sizes" not in self._inputs:
            boxes = boxes / [across, down, across, down]
        kept = np.flatnonzero((scores >= self._score) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        boxes, scores = boxes[kept], scores[kept].clip(0, 1)
        if self.layout.overlap is not None:
            kept = suppress(boxes, scores, self.layout.overlap)
            boxes, scores = boxes[kept], scores[kept]
        return Detections(boxes, scores)

    def _input_size(self) -> tuple[int, int]:
        shape = self._inputs[self._picture].shape if self._picture else []
        if len(shape) != 4 or (shape[1] not in (3, None) and not isinstance(shape[1], str)):
            raise DataError(
                f"{self.path}: expected an input of pictures (1, 3, rows, columns), got "
                f"{ {name: one.shape for name, one in self._inputs.items()} }; export the model so"
            )
        rows, columns = (side if isinstance(side, int) else _FREE for side in shape[2:])
        return rows, columns

    def _recognised(self) -> Layout:
        """The family, by the names of the outputs and by their shapes."""
        names = set(self._outputs)
        shapes = {one.name: one.shape for one in self._session.get_outputs()}
        if {"labels", "boxes", "scores"} <= names:
            return RT_DETR
        if {"logits", "pred_boxes"} <= names:
            return RT_DETR_RAW
        if {"dets", "labels"} <= names:
            return RF_DETR
        if len(names) == 1:
            (shape,) = shapes.values()
            cells = sum(-(-self.size[0] // stride) * -(-self.size[1] // stride) for stride in _STRIDES)
            if len(shape) == 3 and shape[1] == cells:
                return YOLOX
            if len(shape) == 3 and isinstance(shape[1], int) and shape[1] <= 1000:
                return RT_DETR_JOINED
        raise DataError(
            f"{self.path}: expected the outputs of YOLOX (1, cells, 5 + classes), of RT-DETR (labels, boxes, scores; "
            f"or logits, pred_boxes) or of RF-DETR (dets, labels), got {shapes}"
        )


def _session(path: Path, threads: int) -> Any:  # noqa: ANN401
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("running detectors", "video") from error
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; name a detector as an ONNX file")
    if path.stat().st_size > _LARGEST:
        raise DataError(f"{path}: expected an ONNX file of at most 2 GiB, got a larger one")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime has classes of its own for each failure, below no common one.
        what = str(error).splitlines()[0][:120]
        raise DataError(
            f"{path}: expected an ONNX model that onnxruntime can run, got another file ({what})"
        ) from error


def _stretched(picture: ImageArray, rows: int, columns: int) -> tuple[FloatArray, float, float]:
    """The picture in the size wanted, whatever its proportion, 0 to 1."""
    pixels = resize_image(picture, rows, columns).astype(np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), rows / picture.shape[0], columns / picture.shape[1]


def _stretched_normalised(picture: ImageArray, rows: int, columns: int) -> tuple[FloatArray, float, float]:
    """The same, less ImageNet's mean and by its standard deviation."""
    pixels, down, across = _stretched(picture, rows, columns)
    return (pixels - _MEAN[:, None, None]) / _DEVIATION[:, None, None], down, across


def _letterboxed(picture: ImageArray, rows: int, columns: int) -> tuple[FloatArray, float, float]:
    """The picture in its proportion, filled up right and below with grey; blue first, 0 to 255."""
    factor = min(rows / picture.shape[0], columns / picture.shape[1])
    height, width = max(1, int(picture.shape[0] * factor)), max(1, int(picture.shape[1] * factor))
    pixels = np.full((rows, columns, 3), _GREY, np.float32)
    pixels[:height, :width] = resize_image(picture, height, width)
    return np.ascontiguousarray(pixels[:, :, ::-1].transpose(2, 0, 1)), factor, factor


def _read_yolox(outputs: Outputs, size: tuple[int, int], person: int) -> tuple[Numbers, Numbers]:
    """(1, cells, 5 + classes): centre and size, objectness, classes; in cells of a grid or in pixels already."""
    (output,) = outputs.values()
    rows = _numbers(output[0])
    _check_class(rows.shape[1] - 5, person)
    scores = rows[:, 4] * rows[:, 5 + person]
    centre, extent = rows[:, :2], rows[:, 2:4]
    if centre[:, 0].max() < size[1] / 2:  # Offsets from cells: in pixels, some box would be in the right half.
        grid, stride = _grid(size)
        centre, extent = (centre + grid) * stride, np.exp(extent.clip(max=20)) * stride
    return np.concatenate([centre - extent / 2, centre + extent / 2], axis=1), scores


def _grid(size: tuple[int, int]) -> tuple[Numbers, Numbers]:
    """Column and row of every cell (cells, 2), and how many pixels it stands for (cells, 1)."""
    grids, strides = [], []
    for stride in _STRIDES:
        down, across = np.meshgrid(np.arange(-(-size[0] // stride)), np.arange(-(-size[1] // stride)), indexing="ij")
        grids.append(np.stack([across.ravel(), down.ravel()], axis=1))
        strides.append(np.full((down.size, 1), float(stride)))
    return np.concatenate(grids).astype(np.float64), np.concatenate(strides)


def _read_rt_detr(outputs: Outputs, size: tuple[int, int], person: int) -> tuple[Numbers, Numbers]:
    """Labels (1, N), boxes (1, N, 4) of left, top, right, bottom in pixels of the frame, scores (1, N)."""
    people = outputs["labels"][0] == person
    return _numbers(outputs["boxes"][0][people]), _numbers(outputs["scores"][0][people])


def _read_raw(outputs: Outputs, size: tuple[int, int], person: int) -> tuple[Numbers, Numbers]:
    """Logits (1, N, classes) and boxes (1, N, 4) of centre and size, as shares."""
    return _shares_of(outputs["pred_boxes"][0], _sigmoid(outputs["logits"][0]), person)


def _read_rf_detr(outputs: Outputs, size: tuple[int, int], person: int) -> tuple[Numbers, Numbers]:
    """The same as `dets` and `labels`."""
    return _shares_of(outputs["dets"][0], _sigmoid(outputs["labels"][0]), person)


def _read_joined(outputs: Outputs, size: tuple[int, int], person: int) -> tuple[Numbers, Numbers]:
    """(1, N, 4 + classes): centre and size as shares, and scores."""
    (output,) = outputs.values()
    return _shares_of(output[0, :, :4], _numbers(output[0, :, 4:]), person)


def _shares_of(boxes: FloatArray, scores: Numbers, person: int) -> tuple[Numbers, Numbers]:
    _check_class(scores.shape[1], person)
    rows = _numbers(boxes)
    rows[:, :2] -= rows[:, 2:] / 2
    return with_corners(rows), scores[:, person]


def _check_class(classes: int, person: int) -> None:
    if not 0 <= person < classes:
        raise DataError(f"expected the class of people among the detector's {classes}, got {person}; name another")


def _sigmoid(logits: FloatArray) -> Numbers:
    values: Numbers = 1 / (1 + np.exp(-_numbers(logits).clip(-50, 50)))
    return values


def _numbers(values: npt.NDArray[Any]) -> Numbers:
    return np.array(values, np.float64)


YOLOX = Layout("YOLOX", 0, _letterboxed, _read_yolox, False, 0.65)
"""Ge et al., "YOLOX: Exceeding YOLO Series in 2021"."""

RT_DETR = Layout("RT-DETR", 0, _stretched, _read_rt_detr, False, None)
"""Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", CVPR 2024, as its authors export it."""

RT_DETR_RAW = Layout("RT-DETR without its last step", 0, _stretched, _read_raw, True, None)

RT_DETR_JOINED = Layout("RT-DETR in one output", 0, _stretched, _read_joined, True, None)

RF_DETR = Layout("RF-DETR", 1, _stretched_normalised, _read_rf_detr, True, None)
"""Robinson et al., "RF-DETR: Neural Architecture Search for Real-Time Detection Transformers", 2025."""

LAYOUTS: Sequence[Layout] = (YOLOX, RT_DETR, RT_DETR_RAW, RT_DETR_JOINED, RF_DETR)
