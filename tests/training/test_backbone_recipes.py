"""The recipes of the newer backbones train, at small widths, and leave models that embed."""

from pathlib import Path

import numpy as np
import pytest

from passerby.data import Dataset
from passerby.evaluation.model import from_model
from passerby.models.embedder import TorchEmbedder
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train

SMALL = [
    "architecture.width=0.0625",
    "epochs=1",
    "batch.people=6",
    "batch.pictures=2",
    "preprocessing.height=64",
    "preprocessing.width=32",
    "validation.share=0.2",
    "schedule.warmup_epochs=0",
    "precision=fp32",
]
RECIPES = [
    "osnet-ibn-x1-0",
    "osnet-ain-x1-0",
    "mobilenetv2",
    "mobilenetv3",
    "resnet50-ibn",
    "vit-small",
    "transreid-sie",
]


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_trains_and_its_model_embeds(name: str, dataset: Dataset, tmp_path: Path) -> None:
    result = train(load_recipe(name, SMALL), dataset, tmp_path)
    row = result.rows[-1]
    assert np.isfinite(row["loss"])
    assert 0 <= row["mean_ap"] <= 1
    embedder = TorchEmbedder(result.last, "cpu")
    paths = [sample.path for sample in dataset.query[:2]]
    vectors = embedder.embed(paths)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cameras = result.last.architecture.transformer.cameras
    differ = [
        not np.allclose(embedder.embed(paths, cameras=[camera] * 2), vectors, atol=1e-6) for camera in (1, 2, 99)
    ]
    if name == "transreid-sie":
        assert cameras == (1, 2)
        # The cameras of the training pictures have embeddings; another one gets the mean, as an unknown one does.
        assert differ == [True, True, False]
        known = embedder.embed(paths, cameras=[sample.camera_id for sample in dataset.query[:2]])
        np.testing.assert_allclose(from_model(embedder)(dataset.query[:2], dataset, None), known, atol=1e-6)
    else:
        assert cameras == ()
        assert differ == [False, False, False]
