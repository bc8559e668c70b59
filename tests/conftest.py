"""What several tests share: pictures of people made of three colours, and a tiny network trained on them."""

import os

# Before torch is loaded, here and in the processes that tests start: the networks are too small for several threads,
# and where other programs keep a processor busy, threads that wait for each other take many times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from passerby.data import Dataset, read_dataset
from passerby.models.bundle import Bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.network import ReidNetwork
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.trainer import TrainingResult, train
from passerby.types import Calibration, DistanceEvidence, Reliability

HEIGHT, WIDTH = 64, 32
TRAIN_PEOPLE, TEST_PEOPLE, CAMERAS, PICTURES = 12, 6, 2, 3


@pytest.fixture(autouse=True)
def _own_models_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that the person who runs the tests has, and what was made of them, play no part."""
    monkeypatch.setenv("PASSERBY_MODELS", str(tmp_path_factory.getbasetemp() / "no-models"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real pictures and published weights, which the repository does not hold."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PASSERBY_DATA", beside))
    if not folder.is_dir():
        pytest.skip("needs the folder that $PASSERBY_DATA names, else ../shared/data beside the repository")
    return folder


@pytest.fixture(scope="session")
def published_osnet(data_folder: Path) -> Path:
    """OSNet x0.25, trained on Market-1501, as its author published it."""
    file = data_folder / "weights" / "osnet_x0_25_market1501.pth"
    if not file.is_file():
        pytest.skip(f"needs {file.name} in the folder of real data")
    return file


@pytest.fixture(scope="session")
def draw_person() -> Callable[[int, int, int], np.ndarray]:
    """A function from person, camera and number to a picture: the person's colours, the camera's cast, noise."""

    def draw(person: int, camera: int, number: int) -> np.ndarray:
        colours = np.random.default_rng([7, person]).integers(30, 226, (3, 3))
        random = np.random.default_rng([8, person, camera, number])
        picture = np.full((HEIGHT, WIDTH, 3), 90.0)
        shift = int(random.integers(-2, 3))
        for part, (top, bottom) in enumerate(((4, 16), (16, 40), (40, 62))):
            picture[top:bottom, 8 + shift : 24 + shift] = colours[part]
        cast = (1.0, 1.0, 1.0) if camera == 1 else (0.55, 0.9, 1.25)
        picture = picture * cast + random.normal(0, 8, picture.shape)
        return picture.clip(0, 255).astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def market(draw_person: Callable[[int, int, int], np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set in Market-1501's layout; of each test person and camera the first picture is a query."""
    root = tmp_path_factory.mktemp("data") / "market"
    for name in ("bounding_box_train", "query", "bounding_box_test"):
        (root / name).mkdir(parents=True)
    for person in range(1, TRAIN_PEOPLE + TEST_PEOPLE + 1):
        for camera in range(1, CAMERAS + 1):
            for number in range(PICTURES):
                test = "query" if number == 0 else "bounding_box_test"
                folder = root / ("bounding_box_train" if person <= TRAIN_PEOPLE else test)
                picture = Image.fromarray(draw_person(person, camera, number))
                picture.save(folder / f"{person:04d}_c{camera}s1_{number:06d}_00.jpg", quality=95)
    return root


@pytest.fixture(scope="session")
def dataset(market: Path) -> Dataset:
    return read_dataset(market)


@pytest.fixture(scope="session")
def people_folder(
    draw_person: Callable[[int, int, int], np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Eight people with a folder each, three pictures from each of two cameras."""
    root = tmp_path_factory.mktemp("data") / "friends"
    for person, name in enumerate(("ann", "bob", "cem", "dan", "eve", "fay", "gus", "hal"), start=31):
        (root / name).mkdir(parents=True)
        for camera in (1, 2):
            for number in range(3):
                picture = Image.fromarray(draw_person(person, camera, number))
                picture.save(root / name / f"cam{camera}_{number}.png")
    return root


TINY_RECIPE = f"""
name: tiny
summary: Trains in a second or two on the pictures of the tests.
epochs: 3
precision: fp32
architecture: {{backbone: resnet18, width: 0.125, last_stride: 1, pooling: average, neck: bnneck}}
preprocessing: {{height: {HEIGHT}, width: {WIDTH}}}
augmentation: {{flip: 0.5, pad: 3, erase: 0.3}}
batch: {{people: 4, pictures: 3}}
losses:
  - {{kind: cross_entropy, space: neck, label_smoothing: 0.1}}
  - {{kind: triplet, space: raw, margin: 0.3}}
optimizer: {{kind: adamw, learning_rate: 0.002, weight_decay: 0.05}}
schedule: {{kind: cosine, warmup_epochs: 1}}
validation: {{share: 0.2, every: 2}}
"""


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe for the pictures above."""
    file = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    file.write_text(TINY_RECIPE)
    return file


@pytest.fixture(scope="session")
def tiny_recipe(recipe_file: Path) -> Recipe:
    return load_recipe(recipe_file)


@pytest.fixture(scope="session")
def trained(dataset: Dataset, recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """A tiny network that has learnt to tell colours; nothing may write into its folder."""
    recipe = load_recipe(recipe_file, ["epochs=12"])
    return train(recipe, dataset, tmp_path_factory.mktemp("trained") / "run", device="cpu")


@pytest.fixture(scope="session")
def evidence() -> DistanceEvidence:
    """What distances say, in a table of few rows."""
    return DistanceEvidence(
        distances=(0.0, 0.2, 0.4, 0.6, 1.0, 2.0),
        log_likelihood_ratios=(6.0, 5.0, 2.0, 0.0, -4.0, -5.0),
        false_accept_rates=(0.0001, 0.0001, 0.001, 0.01, 0.5, 1.0),
        false_reject_rates=(1.0, 0.8, 0.4, 0.2, 0.01, 0.0),
        platt=(-10.0, 6.0),
        method="isotonic",
        reliability=Reliability((0.1, 0.9), (0.2, 0.9), (0.5, 0.5), True),
    )


@pytest.fixture(scope="session")
def calibration(evidence: DistanceEvidence) -> Calibration:
    """A calibration that says so."""
    return Calibration(
        0.5, 0.01, 0.2, 0.9, 0.9, 0.5, 0.1, 100, 10_000, 20, True, "a test", "a test", evidence=evidence
    )


@pytest.fixture(scope="session")
def model_card() -> ModelCard:
    return ModelCard(
        name="tiny", summary="Random weights.", trained_on="nothing", licence="none", passerby_version="0"
    )


@pytest.fixture
def untrained(tiny_recipe: Recipe, model_card: ModelCard, tmp_path: Path) -> Bundle:
    """A bundle of random weights without figures and calibration."""
    network = ReidNetwork(tiny_recipe.architecture)
    return save_bundle(tmp_path / "untrained", network, tiny_recipe.preprocessing, model_card)


@pytest.fixture(scope="session")
def module_at() -> Callable[[Path], ModuleType]:
    """Loads a program that belongs to no package: a tool, a benchmark, a helper of tests."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def published(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """Functions that write tiny data sets as their authors publish them."""
    return module_at(Path(__file__).with_name("published.py"))
