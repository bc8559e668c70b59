"""The `mobilenet-transfer` recipe on one's own folders: the base stays, what stands on it learns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from passerby.data import read_dataset
from passerby.models.bundle import save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import TorchEmbedder, load_embedder
from passerby.models.network import ReidNetwork
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train

SETTINGS = [
    "epochs=12",
    "optimizer.learning_rate=0.01",
    "precision=fp32",
    "architecture.width=0.1",
    "preprocessing={height: 64, width: 32}",
    "batch={people: 3, pictures: 3}",
    "schedule.warmup_epochs=0",
]


def test_the_base_stays_and_the_layers_on_top_learn(
    people_folder: Path, model_card: ModelCard, tmp_path: Path
) -> None:
    recipe = load_recipe("mobilenet-transfer", SETTINGS)
    # In place of ImageNet's weights: a bundle with another head, of which only the base fits.
    torch.manual_seed(5)
    other = recipe.architecture.model_copy(update={"neck": "none"})
    base = ReidNetwork(other)
    save_bundle(tmp_path / "base", base, recipe.preprocessing, model_card)
    data = read_dataset(people_folder)
    result = train(recipe, data, tmp_path / "run", device="cpu", initial=tmp_path / "base")
    learnt = result.best.load_network()
    for name, tensor in base.backbone.state_dict().items():
        assert torch.equal(learnt.backbone.state_dict()[name], tensor), name
    torch.manual_seed(recipe.seed)
    start = ReidNetwork(recipe.architecture).neck.state_dict()
    assert all(not torch.equal(learnt.neck.state_dict()[name], start[name]) for name in start if "weight" in name)
    losses = [row["loss"] for row in result.rows]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    picture = data.train[0].path
    saved = load_embedder(result.best.path, "cpu").embed(picture)
    np.testing.assert_allclose(saved, TorchEmbedder(result.best, "cpu").embed(picture), atol=1e-5)
    assert saved.shape == (1, 256)


def test_more_of_it_can_be_refined_later() -> None:
    recipe = load_recipe("mobilenet-transfer", ["freeze={stages: 17, epochs: 5}", "optimizer.stage_decay=0.8"])
    assert recipe.freeze.count(ReidNetwork(recipe.architecture).backbone) == 17
    assert recipe.freeze.epochs == pytest.approx(5)
