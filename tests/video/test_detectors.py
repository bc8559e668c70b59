"""Boxes and scores, whoever finds them: layouts of ONNX models against values worked out by hand, and the floors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.errors import DataError
from passerby.video.adapters import from_supervision, to_supervision
from passerby.video.detection import Detections, checked, memory_of, nobody
from passerby.video.detectors.mot import MotDetector
from passerby.video.detectors.onnx import OnnxDetector, _letterboxed, _stretched_normalised
from passerby.video.detectors.opencv import HogDetector, MotionDetector
from passerby.video.detectors.opening import open_detector
from passerby.video.frames import Frame
from passerby.video.tracking import Followed

Model = Callable[..., Path]


def frame(height: int = 120, width: int = 200, number: int = 1) -> Frame:
    return Frame(number, number / 10, np.zeros((height, width, 3), np.uint8))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A function that writes an ONNX model which gives the same outputs whatever it sees."""
    onnx = pytest.importorskip("onnx", reason="needs onnx, which writes models")
    from onnx import TensorProto, helper, numpy_helper

    def write(size: tuple[int, int], outputs: dict[str, np.ndarray], inputs: dict[str, Any] | None = None) -> Path:
        nodes = [
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
            for name, value in outputs.items()
        ]
        given = inputs or {"images": (TensorProto.FLOAT, [1, 3, *size])}
        graph = helper.make_graph(
            nodes,
            "fixed",
            [helper.make_tensor_value_info(name, *kind) for name, kind in given.items()],
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                for name, value in outputs.items()
            ],
        )
        path = tmp_path / "model.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
        return path

    return write


def test_yolox_in_cells_and_in_pixels(model: Model) -> None:
    """A 64×96 input has 12·8 + 6·4 + 3·2 cells; frames of 120×200 are scaled by 0.48."""
    cells = np.full((1, 96 + 24 + 6, 7), -9.0, np.float32)
    cells[..., 4:] = 0
    place = 2 * 12 + 3  # Row 2, column 3 of cells of 8 pixels.
    cells[0, place] = [0.5, 0.25, np.log(2), np.log(3), 0.9, 0.8, 0.1]
    cells[0, place + 1] = [-0.5, 0.25, np.log(2), np.log(3), 0.9, 0.7, 0.1]  # The same place again.
    cells[0, 96 + 24 + 5] = [0.0, 0.0, 0.0, 0.0, 0.9, 0.0, 0.9]  # No person.
    found = OnnxDetector(model((64, 96), {"output": cells}))(frame())
    centre, size = np.array([3.5, 2.25]) * 8, np.array([16.0, 24.0])
    expected = np.concatenate([centre - size / 2, centre + size / 2]) / 0.48
    assert found.boxes == pytest.approx(expected[None])
    assert found.scores == pytest.approx([0.72])
    pixels = np.zeros((1, 126, 7), np.float32)
    pixels[0, :, 0] = np.linspace(0, 95, 126)
    pixels[0, place] = [*centre, *size, 0.9, 0.8, 0.1]
    again = OnnxDetector(model((64, 96), {"output": pixels}))(frame())
    assert again.boxes == pytest.approx(expected[None])


def test_rt_detr_as_its_authors_export_it(model: Model) -> None:
    from onnx import TensorProto

    outputs = {
        "labels": np.array([[0, 2, 0]], np.int64),
        "boxes": np.array([[[10, 20, 40, 90], [0, 0, 9, 9], [50, 50, 60, 70]]], np.float32),
        "scores": np.array([[0.9, 0.9, 0.05]], np.float32),
    }
    inputs = {
        "images": (TensorProto.FLOAT, ["N", 3, 64, 64]),
        "orig_target_sizes": (TensorProto.INT64, ["N", 2]),
    }
    found = OnnxDetector(model((64, 64), outputs, inputs))(frame())
    assert found.boxes.tolist() == [[10, 20, 40, 90]]
    assert found.scores == pytest.approx([0.9])


def test_layouts_of_shares(model: Model) -> None:
    """A box in the middle of a frame of 120×200, a quarter as wide and half as high, of each class in turn."""
    boxes = np.array([[[0.5, 0.5, 0.25, 0.5], [0.2, 0.2, 0.1, 0.1]]], np.float32)
    logits = np.array([[[2.0, -5, -5], [-5, 2.0, -5]]], np.float32)
    scores = 1 / (1 + np.exp(-logits))
    middle, corner = [75, 30, 125, 90], [30, 18, 50, 30]
    for outputs, expected in (
        ({"logits": logits, "pred_boxes": boxes}, middle),
        ({"output0": np.concatenate([boxes, scores], axis=2)}, middle),
        ({"dets": boxes, "labels": logits}, corner),  # In RF-DETR, people are class 1.
    ):
        found = OnnxDetector(model((64, 64), outputs))(frame())
        assert found.boxes == pytest.approx(np.array([expected], float), abs=1e-4)
        assert found.scores == pytest.approx([scores.max()])
    other = OnnxDetector(model((64, 64), {"dets": boxes, "labels": logits}), person=0)(frame())
    assert other.boxes == pytest.approx(np.array([middle], float), abs=1e-4)


def test_pictures_are_prepared_as_each_family_wants() -> None:
    picture = np.zeros((50, 100, 3), np.uint8)
    picture[...] = (10, 20, 30)
    pixels, down, across = _letterboxed(picture, 64, 64)
    assert (down, across) == (0.64, 0.64)
    assert pixels[:, 0, 0].tolist() == [30, 20, 10]  # Blue first.
    assert pixels[:, 40, 0].tolist() == [114, 114, 114]
    pixels, down, across = _stretched_normalised(picture, 64, 64)
    assert (down, across) == (1.28, 0.64)
    assert pixels[0, 0, 0] == pytest.approx((10 / 255 - 0.485) / 0.229, abs=1e-5)


def test_models_that_are_none_are_told(model: Model, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(DataError, match="expected an ONNX model"):
        OnnxDetector(tmp_path / "text.onnx")
    with pytest.raises(DataError, match="no such file"):
        open_detector(str(tmp_path / "gone.onnx"))
    with pytest.raises(DataError, match=r"expected the outputs of YOLOX .* got \{'a': \[1, 2\]"):
        OnnxDetector(model((64, 64), {"a": np.zeros((1, 2), np.float32), "b": np.zeros((1, 2), np.float32)}))
    from onnx import TensorProto

    flat = model((64, 64), {"a": np.zeros((1, 2), np.float32)}, {"x": (TensorProto.FLOAT, [1, 9])})
    with pytest.raises(DataError, match="expected an input of pictures"):
        OnnxDetector(flat)
    outputs = {"dets": np.zeros((1, 2, 4), np.float32), "labels": np.zeros((1, 2, 3), np.float32)}
    detector = OnnxDetector(model((64, 64), outputs), person=5)
    with pytest.raises(DataError, match="among the detector's 3, got 5"):
        detector(frame())
    with pytest.raises(DataError, match="expected a detector \\(motion, hog"):
        open_detector("yolo")


def test_boxes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "det.txt"
    path.write_text("2,-1,10,20,30,60,1.7,-1,-1,-1\n2,-1,0,0,5,5,0.4,-1,-1,-1\n")
    detector = MotDetector(path, factor=2)
    assert len(detector(frame(number=1))) == 0
    found = detector(frame(number=2))
    assert found.boxes.tolist() == [[20, 40, 80, 160], [0, 0, 10, 10]]
    assert found.scores.tolist() == [1, 0.4]
    assert memory_of(detector) == 0
    assert len(open_detector(str(path))(frame(number=2))) == 2


def test_motion_finds_what_walks(picture: Any) -> None:
    detector = MotionDetector()
    assert memory_of(detector) == 200
    for number in range(1, 35):
        empty = np.full((96, 128, 3), 90, np.uint8)
        found = detector(Frame(number, number / 10, empty if number <= 10 else picture(number - 10)))
    assert len(found) == 2
    walkers = sorted(found.boxes.tolist())
    assert walkers == [pytest.approx([50, 50, 73, 80], abs=7), pytest.approx([53, 10, 73, 40], abs=7)]
    assert (found.scores > 0.6).all()


def test_hog_finds_nobody_where_nobody_is() -> None:
    assert len(HogDetector()(frame(64, 40))) == 0
    assert len(HogDetector(2)(frame(200, 200))) == 0


def test_what_detectors_give_is_checked() -> None:
    found = checked(Detections(np.array([[-5, -5, 20, 30], [199.5, 0, 250, 50.0]]), np.array([0.5, 0.6])), frame())
    assert found.boxes.tolist() == [[0, 0, 20, 30]]
    assert len(checked(nobody(), frame())) == 0
    for boxes, scores in (
        (np.zeros((1, 3)), np.zeros(1)),
        (np.zeros((1, 4)), np.zeros(2)),
        (np.full((1, 4), np.nan), np.zeros(1)),
        (np.zeros((1, 4)), np.ones(1) * 7),
    ):
        with pytest.raises(DataError, match="of a detector"):
            checked(Detections(boxes, scores), frame())


def test_supervision_both_ways() -> None:
    supervision = pytest.importorskip("supervision", reason="needs supervision")
    theirs = supervision.Detections(
        xyxy=np.array([[1, 2, 3, 4], [5, 6, 9, 9]], np.float32),
        confidence=np.array([0.5, 0.9], np.float32),
        class_id=np.array([0, 2]),
    )
    ours = from_supervision(theirs, person=0)
    assert ours.boxes.tolist() == [[1, 2, 3, 4]]
    assert len(from_supervision(theirs)) == 2
    assert len(from_supervision(supervision.Detections.empty())) == 0
    back = to_supervision(from_supervision(theirs))
    assert np.array_equal(back.xyxy, theirs.xyxy)
    assert back.tracker_id is None
    followed = to_supervision([Followed(7, 0, (1.0, 2.0, 3.0, 4.0), 0.5, True)])
    assert followed.tracker_id.tolist() == [7]
    assert len(to_supervision([])) == 0
    with pytest.raises(DataError, match=r"expected supervision\.Detections"):
        from_supervision([1, 2])
