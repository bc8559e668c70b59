"""`embed`, `search` and `verify` tell a model with a camera embedding which camera took a picture."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from passerby.errors import DataError
from passerby.models.backbones import Transformer
from passerby.models.bundle import save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import TorchEmbedder, load_embedder
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.retrieval.embedding_file import load_embeddings
from passerby.retrieval.pictures import decide

Command = Callable[..., Any]
PATTERN = "_c([0-9]+)"


@pytest.fixture
def embedder(model_card: ModelCard, tmp_path: Path) -> TorchEmbedder:
    """A transformer of random weights that was trained with the cameras 1 and 3."""
    torch.manual_seed(0)
    transformer = Transformer(positions=(4, 2), camera_weight=3.0, cameras=(1, 3))
    network = ReidNetwork(Architecture(backbone="vit_small", width=0.125, transformer=transformer))
    with torch.no_grad():
        network.backbone.get_parameter("sie_embed").normal_()
    save_bundle(tmp_path / "model", network, Preprocessing(height=64, width=32), model_card)
    return load_embedder(tmp_path / "model", "cpu")


def test_cameras_are_found_in_names(embedder: TorchEmbedder, market: Path, tmp_path: Path, passerby: Command) -> None:
    model, folder = embedder.bundle.path, market / "query"
    paths = sorted(folder.iterdir())
    cameras = [int(path.name.split("_c")[1][0]) for path in paths]
    assert len(set(cameras)) > 1
    told, untold = embedder.embed(paths, cameras=cameras), embedder.embed(paths)
    assert np.abs(told - untold).max() > 0.01
    for options, expected in (([], untold), (["--camera-pattern", PATTERN], told)):
        file = tmp_path / "out.npz"
        assert passerby("embed", model, folder, "--output", file, *options).code == 0
        np.testing.assert_allclose(load_embeddings(file).embeddings, expected, atol=1e-6)
        ranked = passerby(
            "search", paths[0], "--gallery", folder, "--model", model, "--top", len(paths), "--json", *options
        )
        distances = {match["path"]: match["distance"] for match in json.loads(ranked.out)}
        away = 1 - expected @ expected[0]
        np.testing.assert_allclose([distances[str(path)] for path in paths], away, atol=1e-5)
        answer = passerby("verify", paths[0], paths[-1], "--model", model, "--threshold", 1, "--json", *options)
        assert json.loads(answer.out)["distance"] == pytest.approx(away[-1], abs=1e-5)


def test_patterns_that_tell_no_camera_are_refused(
    embedder: TorchEmbedder, market: Path, tmp_path: Path, passerby: Command
) -> None:
    one, two = sorted((market / "query").iterdir())[:2]
    for pattern, problem in (
        ("_c([0-9]", "is no regular expression"),
        ("_c[0-9]", "expected a group around the camera"),
        ("cam([0-9])", "finds no camera in"),
        ("_(c[0-9])", "expected a number in"),
    ):
        refused = passerby(
            "verify", one, two, "--model", embedder.bundle.path, "--threshold", 1, "--camera-pattern", pattern
        )
        assert refused.code == 2
        assert problem in refused.error
    with pytest.raises(DataError, match="expected a path, got a picture without one"):
        decide(embedder, np.zeros((64, 32, 3), np.uint8), two, 1.0, camera_pattern=PATTERN)
