"""The methods' recipes: each is what its name says, trains, and leaves a model that is saved and loaded alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from passerby.data import Dataset, read_dataset
from passerby.data.dataset import people
from passerby.losses import Supervision, loss_names
from passerby.models.backbones import BACKBONES
from passerby.models.bundle import load_bundle
from passerby.models.embedder import TorchEmbedder
from passerby.models.network import ReidNetwork
from passerby.synthetic import render_people
from passerby.training.objective import Objective
from passerby.training.recipe import Recipe, load_recipe, recipe_names
from passerby.training.trainer import train

WITHOUT = {
    "cam-pam-resnet50": "architecture.attention=[]",
    "abd-resnet50": "architecture.attention=[]",
    "svdnet-resnet50": "decorrelation.rounds=0",
    "agw-resnet50": "architecture.attention=[]",
    "siamese-attention-resnet50": "batch.sampler=people",
    "lifted-resnet50": "losses=[{kind: triplet, space: neck}]",
    "class-hard-resnet50": "losses=[{kind: triplet, space: neck}]",
    "trihard-resnet50": "losses.0.mining=random",
    "contrastive-resnet50": "losses=[{kind: cross_entropy}]",
    "quadruplet-resnet50": "losses=[{kind: cross_entropy}, {kind: triplet}]",
    "msml-resnet50": "losses=[{kind: cross_entropy}, {kind: triplet}]",
    "id-verification-resnet50": "losses=[{kind: cross_entropy}]",
    "attributes-resnet50": "losses=[{kind: cross_entropy}]",
    "oim-resnet50": "losses=[{kind: cross_entropy}]",
    "circle-resnet50": "losses=[{kind: cross_entropy}]",
    "mobilenet-transfer-dcl": "losses=[{kind: cross_entropy, scale: 16}]",
}
"""What takes out of each recipe the part that gives it its name."""

SMALL = [
    "architecture.width=0.0625",
    "epochs=1",
    "batch.people=4",
    "preprocessing.height=64",
    "preprocessing.width=32",
    "validation.share=0",
    "schedule.warmup_epochs=0",
    "precision=fp32",
]
SETTINGS = {
    "svdnet-resnet50": ["architecture.dimension=16", "decorrelation.from_epoch=0"],
    "oim-resnet50": ["architecture.dimension=16"],
    "mobilenet-transfer-dcl": ["architecture.dimension=16"],
    # Three unpadded convolutions want maps of 7×7.
    "siamese-attention-resnet50": ["preprocessing.height=112", "preprocessing.width=112", "epochs=2"],
}


def made_of(recipe: Recipe) -> dict[str, Any]:
    """What tells two methods apart: the network's graph, its losses, its sampler, and how it is trained."""
    with torch.device("meta"):
        graph = {name: tuple(tensor.shape) for name, tensor in ReidNetwork(recipe.architecture).state_dict().items()}
    return {
        "graph": graph,
        "beside": [spec for spec in recipe.architecture.attention if spec.beside],
        "losses": [loss.model_dump(exclude={"weight"}) for loss in recipe.losses],
        "sampler": recipe.batch.sampler,
        "turns": recipe.decorrelation.rounds,
    }


@pytest.fixture(scope="module")
def eight_people(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Drawn people with four pictures each, all to train on: two batches of four people."""
    folder = tmp_path_factory.mktemp("drawn") / "people"
    return read_dataset(
        render_people(folder, people=8, cameras=2, pictures=2, height=64, width=32, train_people=8, seed=3)
    )


def test_every_recipe_that_follows_a_paper_is_asked_for_the_part_that_names_it() -> None:
    assert {name for name in recipe_names() if load_recipe(name).paper} == set(WITHOUT)


@pytest.mark.parametrize("name", WITHOUT)
def test_without_the_part_that_names_it_it_is_another_method(name: str) -> None:
    small = ["architecture.width=0.0625"]
    whole, rest = (made_of(load_recipe(name, settings)) for settings in (small, [*small, WITHOUT[name]]))
    assert whole != rest


def test_no_two_recipes_are_one_method() -> None:
    names = [*WITHOUT, "baseline-resnet50", "mobilenet-transfer"]
    found = [made_of(load_recipe(name, ["architecture.width=0.0625"])) for name in names]
    for place, one in enumerate(found):
        alike = [names[other] for other in range(place) if found[other] == one]
        assert not alike, f"{names[place]} is {alike}"


@pytest.mark.parametrize("name", WITHOUT)
def test_two_steps_on_eight_drawn_people(name: str, eight_people: Dataset, tmp_path: Path) -> None:
    assert len(people(eight_people.train)) == 8
    recipe = load_recipe(name, SMALL + SETTINGS.get(name, []))
    result = train(recipe, eight_people, tmp_path / "run", device="cpu")
    row = result.rows[-1]
    assert np.isfinite(row["loss"])
    assert all(np.isfinite(row[loss]) for loss in loss_names(recipe.losses))
    pictures = [sample.path for sample in eight_people.train[:3]]
    embedded = TorchEmbedder(result.last, "cpu").embed(pictures)
    again = TorchEmbedder(load_bundle(tmp_path / "run" / "last"), "cpu").embed(pictures)
    np.testing.assert_array_equal(embedded, again)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)
    # Classifiers, heads and tables are of no use any more, and are not in the model.
    weights = load_bundle(tmp_path / "run" / "last").load_network().state_dict()
    assert set(weights) == set(ReidNetwork(recipe.architecture).state_dict())


@pytest.mark.parametrize("backbone", ["osnet_x0_25", "mobilenetv3_small", "vit_small", "resnet18_ibn_b"])
@pytest.mark.parametrize("name", WITHOUT)
def test_every_method_takes_every_backbone(name: str, backbone: str) -> None:
    assert backbone in BACKBONES
    settings = [f"architecture.backbone={backbone}", "architecture.width=0.06"]
    recipe = load_recipe(name, settings)
    network = ReidNetwork(recipe.architecture).eval()
    with torch.inference_mode():
        features = network(torch.zeros(1, 3, 128, 128))
    assert features.neck.shape == (1, network.dimension)
    assert Objective(recipe.losses, network, Supervision(5, 2, (0.5,))).names
