"""`passerby export` and `--backend`, with bad input too."""

import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from passerby.errors import BundleError
from passerby.models.bundle import load_bundle
from passerby.models.engines.opening import open_file
from passerby.models.exporting import exporting
from passerby.models.exporting.tracing import write_program
from passerby.models.inference import InferenceGraph
from passerby.models.pooling import POOLINGS, AveragePooling
from passerby.training.trainer import TrainingResult


@pytest.fixture
def exported(passerby: Callable[..., Any], trained: TrainingResult, tmp_path: Path) -> Path:
    outcome = passerby("export", trained.best.path, "--format", "onnx", "--output", tmp_path / "onnx")
    assert outcome.code == 0, outcome.err
    assert f"{trained.best.identity}, its source's" in outcome.out
    return tmp_path / "onnx"


def test_an_export_finds_the_same_people(
    passerby: Callable[..., Any], exported: Path, trained: TrainingResult, market: Path
) -> None:
    found = [passerby("evaluate", model, "--data", market) for model in (trained.best.path, exported)]
    assert found[0].code == found[1].code == 0
    assert found[0].out == found[1].out
    assert f"{exported} is run by ONNX Runtime " in found[1].err
    shown = passerby("models", "show", exported).out
    assert "format" in shown
    assert "onnx, fp32" in shown


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_int8_is_calibrated_and_measured(
    passerby: Callable[..., Any], trained: TrainingResult, market: Path, tmp_path: Path, format: str
) -> None:
    arguments = ("--format", format, "--precision", "int8", "--data", market, "--output", tmp_path / "int8")
    outcome = passerby("export", trained.best.path, *arguments)
    assert outcome.code == 0, outcome.err
    assert "72 pictures of training people of market" in outcome.out
    bundle = load_bundle(tmp_path / "int8")
    assert bundle.export is not None
    assert (bundle.precision, bundle.export.precision) == ("int8", "int8")
    assert bundle.identity != trained.best.identity == bundle.export.source
    assert bundle.export.loss is not None
    assert bundle.export.loss.points <= exporting.MOST_LOST
    assert 0.9 < bundle.export.agreement.mean_cosine < 1
    assert passerby("evaluate", tmp_path / "int8", "--data", market).code == 0


def test_operations_stay_in_fp32_until_too_little_is_lost(
    passerby: Callable[..., Any],
    trained: TrainingResult,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = iter([0.5, 0.497, 0.49, 0.5, 0.5])
    monkeypatch.setattr("passerby.evaluation.calibration_data._mean_ap", lambda *_: next(losses))
    monkeypatch.setattr(exporting, "MOST_LOST", 0.2)
    arguments = ("--format", "onnx", "--precision", "int8", "--data", market, "--output", tmp_path / "int8")
    assert passerby("export", trained.best.path, *arguments).code == 0
    record = load_bundle(tmp_path / "int8").export
    assert record is not None
    assert len(record.kept_in_fp32) == 2
    assert all(name.startswith("/network/backbone/") for name in record.kept_in_fp32)


def test_unlabelled_pictures_calibrate_too(
    passerby: Callable[..., Any], trained: TrainingResult, market: Path, tmp_path: Path
) -> None:
    shutil.copytree(market / "query", tmp_path / "pictures")
    for number, picture in enumerate(sorted((tmp_path / "pictures").iterdir())):
        picture.rename(picture.with_name(f"{number}.jpg"))
    arguments = ("--format", "onnx", "--precision", "int8", "--output", tmp_path / "int8")
    outcome = passerby("export", trained.best.path, *arguments, "--data", tmp_path / "pictures")
    assert outcome.code == 0, outcome.err
    assert "not labelled, so nobody knows what the precision costs" in outcome.err
    assert "12 pictures of pictures" in outcome.out


def test_calibration_without_pictures(passerby: Callable[..., Any], trained: TrainingResult, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ("--format", "onnx", "--precision", "int8", "--output", tmp_path / "int8")
    outcome = passerby("export", trained.best.path, *arguments, "--data", tmp_path / "empty")
    assert outcome.code == 2
    assert "expected pictures to calibrate on, got none" in outcome.error
    assert not (tmp_path / "int8").exists()


@pytest.mark.parametrize(("format", "precision"), [("onnx", "bf16"), ("torch-export", "int8")])
def test_a_precision_that_the_format_has_not(
    passerby: Callable[..., Any], trained: TrainingResult, market: Path, tmp_path: Path, format: str, precision: str
) -> None:
    arguments = ("--format", format, "--precision", precision, "--data", market, "--output", tmp_path / "out")
    outcome = passerby("export", trained.best.path, *arguments)
    assert outcome.code == 2
    assert "expected one of the precisions fp32" in outcome.error
    assert outcome.error.endswith(f"got {precision}")


@pytest.mark.parametrize(
    ("format", "modules", "extra"),
    [
        ("openvino", ["openvino"], "openvino"),
        ("onnx", ["onnxruntime", "openvino"], "onnx"),
        ("onnx", ["onnx"], "onnx"),
    ],
)
def test_a_missing_extra_is_named(
    passerby: Callable[..., Any],
    trained: TrainingResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    format: str,
    modules: list[str],
    extra: str,
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    outcome = passerby("export", trained.best.path, "--format", format, "--output", tmp_path / "out")
    assert outcome.code == 2
    assert f"pip install 'passerby[{extra}]'" in outcome.error
    assert not (tmp_path / "out").exists()


def test_openvino_alone_runs_models_by_default(
    passerby: Callable[..., Any],
    trained: TrainingResult,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    outcome = passerby("embed", trained.best.path, market / "query", "--output", tmp_path / "a.npz")
    assert outcome.code == 0
    assert "is run by OpenVINO " in outcome.err


def test_a_model_that_cannot_be_exported_names_the_operation(
    passerby: Callable[..., Any], trained: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bessel(AveragePooling):
        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(super().forward(maps))

    monkeypatch.setitem(POOLINGS, "average", Bessel)
    outcome = passerby("export", trained.best.path, "--format", "onnx", "--output", tmp_path / "out")
    assert outcome.code == 2
    assert "resnet18 cannot be exported to ONNX: its operation aten::special_bessel_j0" in outcome.error


def test_damaged_exports(passerby: Callable[..., Any], exported: Path, market: Path, tmp_path: Path) -> None:
    network = exported / "network.onnx"
    network.write_bytes(network.read_bytes()[:-100])
    outcome = passerby("embed", exported, market / "query", "--output", tmp_path / "a.npz")
    assert outcome.code == 2
    assert "network.onnx: expected SHA-256" in outcome.error
    network.unlink()
    outcome = passerby("embed", exported, market / "query", "--output", tmp_path / "a.npz")
    assert outcome.code == 2
    assert "expected network.onnx, got none; export the model again" in outcome.error


def test_what_stands_there_is_not_replaced(
    passerby: Callable[..., Any], exported: Path, trained: TrainingResult
) -> None:
    arguments = ("export", trained.best.path, "--format", "onnx", "--output", exported)
    outcome = passerby(*arguments)
    assert outcome.code == 2
    assert "use --force" in outcome.error
    assert passerby(*arguments, "--force").code == 0


def test_bf16_runs_in_fp32_where_the_processor_has_none_and_says_so(
    passerby: Callable[..., Any],
    trained: TrainingResult,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("passerby.models.engines.openvino.computes_in_bf16", lambda core: False)
    arguments = ("--format", "openvino", "--precision", "bf16", "--data", market, "--output", tmp_path / "half")
    assert passerby("export", trained.best.path, *arguments).code == 0
    outcome = passerby("embed", tmp_path / "half", market / "query", "--output", tmp_path / "a.npz")
    assert outcome.code == 0
    assert "it computes in fp32: this processor has no bf16 (AVX-512 BF16 or AMX)" in outcome.err
    assert load_bundle(tmp_path / "half").identity == trained.best.identity_in("bf16") != trained.best.identity


def test_int8_says_so_where_the_processor_does_not_multiply_8_bits(
    passerby: Callable[..., Any],
    trained: TrainingResult,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ("--format", "onnx", "--precision", "int8", "--data", market, "--output", tmp_path / "int8")
    assert passerby("export", trained.best.path, *arguments).code == 0
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": False, "avx2": True}, raising=False)
    outcome = passerby("embed", tmp_path / "int8", market / "query", "--output", tmp_path / "a.npz")
    assert outcome.code == 0
    assert "this processor has no products of 8 bits (AVX-512 VNNI or AMX)" in outcome.err


@pytest.mark.parametrize("trick", ["pickle", "guard", "expression", "function", "text"])
def test_programs_that_could_run_code_are_not_read(trained: TrainingResult, tmp_path: Path, trick: str) -> None:
    """A file that somebody has made, hash and all."""
    good, bad = tmp_path / "good.pt2", tmp_path / "bad.pt2"
    write_program(InferenceGraph(trained.best.load_network(), trained.best.preprocessing), good)
    open_file("torch", good, "fp32")
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("models/model.json"):
                if trick == "guard":
                    content = content.replace(b'"guards_code": []', b'"guards_code": ["print(1)"]')
                if trick == "function":
                    content = content.replace(b"torch.ops.aten.conv2d.default", b"torch.load", 1)
                if trick == "expression":
                    content = content.replace(b'"expr_str": "', b'"expr_str": "print(1) or ', 1)
            if entry.filename.endswith("sample_inputs/model.pt") and trick == "pickle":
                content = b"\x80\x02."
            new.writestr(entry.filename, content)
    if trick == "text":
        bad.write_text("a program")
    else:
        assert bad.read_bytes() != good.read_bytes()
    with pytest.raises(BundleError, match="could run code when read" if trick != "text" else "no program of"):
        open_file("torch", bad, "fp32")
