"""Exported models give the embeddings of their source: every backbone, pooling and neck, in every format."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

import passerby
from passerby.errors import BundleError, MissingExtraError, PasserbyError
from passerby.models import backends
from passerby.models.backbones import BACKBONES, build_backbone
from passerby.models.bundle import Bundle, load_bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import TorchEmbedder, load_embedder
from passerby.models.engines.engine import Engine
from passerby.models.engines.opening import open_file
from passerby.models.engines.torch_engine import TorchEngine
from passerby.models.export_record import Agreement, ExportFormat
from passerby.models.exporting import exporting, kept
from passerby.models.exporting.agreement import LEAST_COSINE, blocks_of_colour, compare
from passerby.models.exporting.tracing import write_onnx, write_program
from passerby.models.inference import InferenceGraph
from passerby.models.neck import NECKS
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.pooling import POOLINGS, Pooling
from passerby.models.preprocessing import Preprocessing
from passerby.types import Calibration

SMALL = Preprocessing(height=64, width=32)
FORMATS: tuple[ExportFormat, ...] = ("onnx", "openvino", "torch-export")


def graph_of(architecture: Architecture, preprocessing: Preprocessing = SMALL) -> InferenceGraph:
    """A network whose every number matters: what starts as zero, one or the identity is drawn or measured."""
    torch.manual_seed(3)
    network = ReidNetwork(architecture)
    graph = InferenceGraph(network, preprocessing)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1:
                drawn = torch.rand_like(parameter)
                parameter.copy_(drawn + 0.5 if name.endswith(("weight", ".p")) else drawn - 0.5)
        graph.network.train()
        graph(blocks_of_colour(preprocessing))
    graph.eval()
    return graph


def agreement_of(graph: InferenceGraph, engine: Engine) -> Agreement:
    cameras = len(graph.network.architecture.transformer.cameras) if graph.takes_cameras else 0
    source = TorchEngine(graph, torch.device("cpu"))
    return compare(source, engine, blocks_of_colour(graph.preprocessing, 13), cameras)


FAMILIES = (
    "resnet18",
    "resnet50",
    "resnet18_ibn_a",
    "resnet50_ibn_b",
    "osnet_x0_25",
    "osnet_ibn_x1_0",
    "osnet_ain_x0_25",
    "mobilenetv2",
    "mobilenetv3_small",
    "vit_small",
    "fastreid_resnet18",
    "fastreid_resnet50_nl",
)
"""One of each kind; the others are more or wider of the same blocks."""


def test_the_families_have_every_kind_of_block() -> None:
    def kinds(names: Iterable[str]) -> set[type]:
        return {type(module) for name in names for module in build_backbone(name, 0.1).modules()}

    assert kinds(FAMILIES) == kinds(BACKBONES)


@pytest.mark.parametrize("backbone", FAMILIES)
def test_every_backbone_agrees_in_onnx_runtime_and_openvino(backbone: str, tmp_path: Path) -> None:
    width = 0.25 if "x0_25" not in backbone else 1.0
    graph = graph_of(Architecture(backbone=backbone, width=width))
    write_onnx(graph, tmp_path / "network.onnx")
    for backend in ("onnxruntime", "openvino"):
        engine = open_file(backend, tmp_path / "network.onnx", "fp32")
        assert engine.dimension == graph.dimension
        assert agreement_of(graph, engine).lowest_cosine >= LEAST_COSINE


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("neck", NECKS)
@pytest.mark.parametrize("pooling", [name for name in POOLINGS if not POOLINGS[name].takes_class_token])
def test_every_pooling_and_neck_agrees(pooling: str, neck: str, mirror: bool, tmp_path: Path) -> None:
    architecture = Architecture(backbone="resnet18", width=0.125, pooling=pooling, neck=neck, dimension=24)
    graph = graph_of(architecture, SMALL.model_copy(update={"mirror": mirror, "height": 80}))
    write_onnx(graph, tmp_path / "network.onnx")
    for backend in ("onnxruntime", "openvino"):
        engine = open_file(backend, tmp_path / "network.onnx", "fp32")
        assert agreement_of(graph, engine).lowest_cosine >= LEAST_COSINE


def with_cameras(**transformer: object) -> Architecture:
    options = {"camera_weight": 3.0, "cameras": (4, 7, 9), "stride": 12, **transformer}
    return Architecture.model_validate(
        {"backbone": "vit_small", "width": 0.1, "pooling": "class_token", "neck": "bnneck", "transformer": options}
    )


def test_a_camera_embedding_is_exported_too(tmp_path: Path) -> None:
    graph = graph_of(with_cameras())
    write_onnx(graph, tmp_path / "network.onnx")
    pictures = blocks_of_colour(SMALL, 3)
    for backend in ("onnxruntime", "openvino"):
        engine = open_file(backend, tmp_path / "network.onnx", "fp32")
        assert agreement_of(graph, engine).lowest_cosine >= LEAST_COSINE
        unknown = engine(pictures, torch.tensor([-1, -1, -1]))
        assert np.array_equal(engine(pictures), unknown)
        assert np.abs(engine(pictures, torch.tensor([0, 1, 2])) - unknown).max() > 1e-3


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(backbone="resnet18_ibn_b", width=0.125, pooling="regions"),
        with_cameras(),
    ],
    ids=lambda architecture: architecture.backbone,
)
def test_programs_of_torch_agree(architecture: Architecture, tmp_path: Path) -> None:
    graph = graph_of(architecture, SMALL.model_copy(update={"mirror": True}))
    write_program(graph, tmp_path / "network.pt2")
    engine = open_file("torch", tmp_path / "network.pt2", "fp32")
    assert engine.dimension == graph.dimension
    assert agreement_of(graph, engine).lowest_cosine >= LEAST_COSINE


@pytest.fixture
def source(model_card: ModelCard, calibration: Calibration, tmp_path: Path) -> Bundle:
    """A model with everything that one can have."""
    graph = graph_of(Architecture(backbone="resnet18", width=0.125), SMALL.model_copy(update={"mirror": True}))
    figures = {"a test": {"mAP": 0.5}}
    return save_bundle(
        tmp_path / "source", graph.network, graph.preprocessing, model_card, figures, calibration, groups={"a": 1}
    )


@pytest.mark.parametrize("format", FORMATS)
def test_an_fp32_export_is_the_same_model(format: ExportFormat, source: Bundle, tmp_path: Path) -> None:
    exported = exporting.export_bundle(source, tmp_path / "exported", format)
    same = ("identity", "architecture", "preprocessing", "precision", "card", "figures", "calibration", "groups")
    for name in same:
        assert getattr(exported, name) == getattr(source, name), name
    assert exported.export is not None
    assert (exported.export.format, exported.export.source) == (format, source.identity)
    assert exported.export.agreement.lowest_cosine >= LEAST_COSINE
    embedder = passerby.load_embedder(exported.path)
    random = np.random.default_rng(1)
    pictures = [random.integers(0, 256, (90, 40, 3), np.uint8) for _ in range(7)]
    expected = TorchEmbedder(source, "cpu").embed(pictures)
    np.testing.assert_allclose(embedder.embed(pictures), expected, atol=1e-4)
    np.testing.assert_allclose(embedder.embed(pictures[0]), expected[:1], atol=1e-4)
    assert (embedder.identity, embedder.dimension) == (source.identity, expected.shape[1])


def test_an_export_that_comes_out_wrong_is_refused(
    source: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mirrored(graph: InferenceGraph, folder: Path) -> None:
        preprocessing = graph.preprocessing.model_copy(update={"mean": (0.1, 0.9, 0.2), "mirror": False})
        write_onnx(InferenceGraph(graph.network, preprocessing), folder / "network.onnx")

    monkeypatch.setitem(exporting._WRITERS, "onnx", mirrored)
    with pytest.raises(PasserbyError, match=r"comes out wrong in onnx: expected embeddings of cosine 0\.9999"):
        exporting.export_bundle(source, tmp_path / "exported", "onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_an_export_has_no_weights_to_export_again(source: Bundle, tmp_path: Path) -> None:
    exported = exporting.export_bundle(source, tmp_path / "exported", "onnx")
    with pytest.raises(BundleError, match="expected a model with weights, got one exported to onnx"):
        exporting.export_bundle(exported, tmp_path / "again", "onnx")


def test_damaged_exports_are_refused(source: Bundle, tmp_path: Path) -> None:
    exported = exporting.export_bundle(source, tmp_path / "exported", "onnx")
    network = exported.path / "network.onnx"
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    with pytest.raises(BundleError, match=r"network\.onnx: expected SHA-256 .*damaged or was changed; export"):
        load_bundle(exported.path)
    network.unlink()
    with pytest.raises(BundleError, match=r"expected network\.onnx, got none; export the model again"):
        load_bundle(exported.path)
    (exported.path / "export.json").unlink()
    with pytest.raises(BundleError, match=r"expected weights\.safetensors, got none"):
        load_bundle(exported.path)


@pytest.mark.parametrize(("backend", "suffix"), [("onnxruntime", "onnx"), ("openvino", "onnx"), ("torch", "pt2")])
def test_files_that_are_no_network_are_refused(backend: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"network.{suffix}"
    file.write_bytes(b"no network at all")
    with pytest.raises(BundleError, match="export the model again"):
        open_file(backend, file, "fp32")


def test_auto_exports_a_model_once_and_takes_what_is_installed(
    source: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = load_embedder(source.path)
    assert embedder.backend.startswith("ONNX Runtime ")
    assert (embedder.identity, embedder.remarks, embedder.bundle.path) == (source.identity, (), source.path)
    monkeypatch.setattr(kept, "export_bundle", lambda *_, **__: pytest.fail("it was exported again"))
    assert load_embedder(source.path).backend == embedder.backend
    assert load_embedder(source.path, backend="openvino").backend.startswith("OpenVINO ")
    assert load_embedder(source.path, backend="torch").backend.startswith("torch ")
    monkeypatch.setattr(backends, "is_installed", lambda name: name == "openvino")
    assert load_embedder(source.path).backend.startswith("OpenVINO ")
    monkeypatch.setattr(backends, "is_installed", lambda name: False)
    assert load_embedder(source.path).backend.startswith("torch ")


def test_auto_falls_back_to_torch_and_says_why(
    source: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def fail(*_: object, **__: object) -> Bundle:
        raise PasserbyError("the network is a riddle")

    monkeypatch.setattr(kept, "export_bundle", fail)
    embedder = load_embedder(source.path)
    assert embedder.backend.startswith("torch ")
    assert embedder.remarks == ("torch runs the model: the network is a riddle",)
    with pytest.raises(PasserbyError, match="riddle"):
        load_embedder(source.path, backend="onnxruntime")


def test_a_damaged_export_in_the_cache_is_made_again(source: Bundle) -> None:
    load_embedder(source.path)
    (folder,) = (path for path in kept.exports_folder().iterdir() if path.name.startswith(source.identity[:32]))
    (folder / "network.onnx").write_bytes(b"")
    assert load_embedder(source.path).backend.startswith("ONNX Runtime ")
    assert load_bundle(folder).identity == source.identity


def test_only_the_exports_used_last_are_kept(
    source: Bundle, model_card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "_MOST", 2)
    network = source.load_network()
    bundles = [
        save_bundle(tmp_path / str(height), network, Preprocessing(height=height, width=32), model_card)
        for height in (32, 48, 64)
    ]
    for bundle in (*bundles[:2], bundles[0], bundles[2]):
        load_embedder(bundle.path)
    found = {path.name[:32] for path in kept.exports_folder().iterdir()}
    assert found == {bundles[0].identity[:32], bundles[2].identity[:32]}


def test_missing_backends_name_the_extra(source: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    exporting.export_bundle(source, source.path.parent / "openvino", "openvino")
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"backend openvino needs .*passerby\[openvino\]"):
        load_embedder(source.path.parent / "openvino")


def test_backends_that_do_not_fit_are_refused(source: Bundle, tmp_path: Path) -> None:
    with pytest.raises(PasserbyError, match="one of the backends auto, torch, onnxruntime, openvino, got 'x'"):
        load_embedder(source.path, backend="x")
    exporting.export_bundle(source, tmp_path / "exported", "onnx")
    with pytest.raises(PasserbyError, match="one of the backends onnxruntime, openvino for a model exported"):
        load_embedder(tmp_path / "exported", backend="torch")


def test_an_operation_that_cannot_be_exported_is_named(source: Bundle, tmp_path: Path) -> None:
    class Bessel(Pooling):
        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(maps.mean((2, 3)))

    graph = InferenceGraph(source.load_network(), SMALL)
    graph.network.pooling = Bessel()
    with pytest.raises(PasserbyError, match="cannot be exported to ONNX: its operation aten::special_bessel_j0"):
        write_onnx(graph, tmp_path / "network.onnx")
