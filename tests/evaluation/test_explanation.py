"""Where a model looks, and what makes two pictures alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from passerby.data.images import read_image
from passerby.data.transforms import normalise
from passerby.evaluation.explanation import _traced, contributions, explain
from passerby.evaluation.explanation_sheet import overlaid, tiles, write_explanation
from passerby.models.bundle import Bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import TorchEmbedder
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.training.trainer import TrainingResult

ATTENTION = [{"kind": "channel", "after": "layer2"}, {"kind": "position", "after": "layer3"}]


@pytest.fixture
def pictures(tmp_path: Path, draw_person: Callable[[int, int, int], np.ndarray]) -> list[Path]:
    paths = []
    for person in (1, 2, 3):
        paths.append(tmp_path / f"{person}.png")
        Image.fromarray(draw_person(person, 1, 0)).save(paths[-1])
    return paths


def bundle_of(folder: Path, card: ModelCard, **parts: object) -> Bundle:
    torch.manual_seed(0)
    described = {"backbone": "resnet18", "width": 0.125, "neck": "none"} | parts
    network = ReidNetwork(Architecture.model_validate(described))
    return save_bundle(folder, network, Preprocessing(height=64, width=32), card)


def test_each_module_and_the_whole_are_shown_at_the_picture_s_size(
    tmp_path: Path, model_card: ModelCard, pictures: list[Path]
) -> None:
    bundle = bundle_of(tmp_path / "model", model_card, attention=ATTENTION)
    explanation = explain(bundle, pictures, "cpu")
    assert explanation.pair is None
    for one, path in zip(explanation.pictures, pictures, strict=True):
        assert one.path == path
        assert list(one.attention) == ["1. channel, layer2", "2. position, layer3"]
        np.testing.assert_array_equal(one.picture, read_image(path))
        for heat in (*one.attention.values(), one.activation, one.grad_cam):
            assert heat.shape == (64, 32)
            assert 0 <= heat.min() <= heat.max() <= 1
            assert heat.max() > 0.5


def test_regions_add_up_to_the_inner_product_where_pooling_is_average(
    tmp_path: Path, model_card: ModelCard, pictures: list[Path]
) -> None:
    network = bundle_of(tmp_path / "model", model_card).load_network().eval()
    batch = torch.stack([torch.from_numpy(read_image(path).copy()).permute(2, 0, 1) for path in pictures])
    maps, embedding = _traced(network, normalise(batch, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    other = torch.randn(embedding.shape)
    score = (embedding * other).sum(1)
    torch.testing.assert_close(contributions(score.sum(), maps).sum((1, 2)), score.detach())


def test_the_similarity_is_that_of_the_embeddings(trained: TrainingResult, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    one, other = (random.integers(0, 256, (64, 32, 3), dtype=np.uint8) for _ in range(2))
    paths = []
    for name, picture in (("one", one), ("other", other)):
        paths.append(tmp_path / f"{name}.png")
        Image.fromarray(picture).save(paths[-1])
    explanation = explain(trained.last, paths, "cpu")
    assert explanation.pair is not None
    first, second = TorchEmbedder(trained.last, "cpu").embed(paths)
    assert explanation.pair.similarity == pytest.approx(float(first @ second), abs=1e-5)
    same = explain(trained.last, [paths[0], paths[0]], "cpu").pair
    assert same is not None
    assert same.similarity == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(same.alike[0], same.alike[1])


@pytest.mark.parametrize(
    "parts",
    [
        {"backbone": "osnet_x0_25", "neck": "linear", "dimension": 16},
        {"backbone": "mobilenetv3_small", "pooling": "gem"},
        {"backbone": "vit_small", "width": 0.0625, "pooling": "class_token", "transformer": {"positions": [4, 2]}},
        {"pooling": "regions", "neck": "bnneck"},
        {"attention": [{"kind": "channel_self", "beside": True}]},
    ],
)
def test_any_network_can_be_explained(
    parts: dict[str, object], tmp_path: Path, model_card: ModelCard, pictures: list[Path]
) -> None:
    explanation = explain(bundle_of(tmp_path / "model", model_card, **parts), pictures[:2], "cpu")
    assert explanation.pair is not None
    for heat in (explanation.pictures[0].grad_cam, explanation.pictures[0].activation, explanation.pair.alike[0]):
        assert np.isfinite(heat).all()
    assert explanation.pictures[0].grad_cam.max() > 0


def test_the_grid_and_the_page_hold_every_tile(tmp_path: Path, model_card: ModelCard, pictures: list[Path]) -> None:
    bundle = bundle_of(tmp_path / "model", model_card, attention=ATTENTION)
    explanation = explain(bundle, pictures[:2], "cpu")
    rows = tiles(explanation)
    columns = ["input", "1. channel, layer2", "2. position, layer3", "full method", "Grad-CAM", "alike", "unlike"]
    assert [list(row) for row in rows] == [columns] * 2
    picture, page = write_explanation(tmp_path / "out", explanation, "A <title>")
    with Image.open(picture) as sheet:
        assert sheet.width > 7 * 128
        assert sheet.height > 2 * 256
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == 14
    assert "A &lt;title&gt;" in html
    assert "http" not in html
    assert f"{explanation.pair.similarity:.3f}" in html if explanation.pair else False


def test_colours_run_from_blue_to_red() -> None:
    grey = np.full((1, 3, 3), 100, np.uint8)
    low, middle, high = overlaid(grey, np.array([[0, 0.5, 1]], np.float32))[0].astype(int)
    assert low[2] > low[0]
    assert middle[1] > max(middle[0], middle[2])
    assert high[0] > high[2]
