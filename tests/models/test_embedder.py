from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import passerby
from passerby.data.images import read_image, resize_image
from passerby.data.transforms import normalise
from passerby.errors import BundleError, ImageError, PasserbyError
from passerby.models.bundle import Bundle, save_bundle
from passerby.models.embedder import TorchEmbedder, load_embedder
from passerby.models.engines.torch_engine import choose_device
from passerby.models.store import find_bundle, named_bundles


@pytest.fixture
def embedder(untrained: Bundle) -> TorchEmbedder:
    return TorchEmbedder(untrained, "cpu")


@pytest.fixture
def arrays() -> list[np.ndarray]:
    """Nine pictures of as many sizes."""
    random = np.random.default_rng(2)
    return [random.integers(0, 256, (40 + 7 * n, 20 + 3 * n, 3), np.uint8) for n in range(9)]


def test_embeddings_are_unit_vectors_in_order(embedder: TorchEmbedder, arrays: list[np.ndarray]) -> None:
    embeddings = embedder.embed(arrays)
    assert (embeddings.dtype, embeddings.shape) == (np.float32, (9, embedder.dimension))
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(embedder.embed(arrays[::-1])[::-1], embeddings, atol=1e-5)
    assert np.abs(embeddings[0] - embeddings[1]).max() > 1e-3


def test_embedding_equals_its_steps_by_hand(
    embedder: TorchEmbedder, untrained: Bundle, arrays: list[np.ndarray]
) -> None:
    network = untrained.load_network().eval()
    preprocessing = untrained.preprocessing
    for array, embedding in zip(arrays[:3], embedder.embed(arrays[:3]), strict=True):
        resized = torch.tensor(resize_image(array, preprocessing.height, preprocessing.width))
        pictures = normalise(resized.permute(2, 0, 1)[None], preprocessing.mean, preprocessing.std)
        with torch.inference_mode():
            expected = F.normalize(network(pictures).neck)[0]
        np.testing.assert_allclose(embedding, expected.numpy(), atol=1e-5)


def test_a_mirroring_model_embeds_a_picture_and_its_mirror_image_alike(
    embedder: TorchEmbedder, untrained: Bundle, arrays: list[np.ndarray], tmp_path: Path
) -> None:
    mirroring = untrained.preprocessing.model_copy(update={"mirror": True})
    bundle = save_bundle(tmp_path / "mirroring", untrained.load_network(), mirroring, untrained.card)
    # Pictures of the network's own size: scaling does not round mirror images quite alike.
    size = mirroring.width, mirroring.height
    images = [np.asarray(Image.fromarray(array).resize(size)) for array in arrays]
    flipped = [np.ascontiguousarray(image[:, ::-1]) for image in images]
    embeddings = TorchEmbedder(bundle, "cpu").embed(images)
    np.testing.assert_allclose(TorchEmbedder(bundle, "cpu").embed(flipped), embeddings, atol=1e-6)
    mean = embedder.embed(images) + embedder.embed(flipped)
    np.testing.assert_allclose(mean / np.linalg.norm(mean, axis=1, keepdims=True), embeddings, atol=1e-6)
    assert np.abs(embedder.embed(images) - embeddings).max() > 1e-3


@pytest.mark.parametrize("batch_size", [1, 2, 5, 9, 100])
def test_the_batch_size_makes_no_difference(untrained: Bundle, arrays: list[np.ndarray], batch_size: int) -> None:
    told: list[tuple[int, int]] = []
    embeddings = TorchEmbedder(untrained, "cpu", batch_size).embed(arrays, lambda *progress: told.append(progress))
    np.testing.assert_allclose(embeddings, TorchEmbedder(untrained, "cpu", 64).embed(arrays), atol=1e-5)
    assert told == [(min(9, done), 9) for done in range(batch_size, 9 + batch_size, batch_size)]


def test_every_kind_of_picture_gives_the_same_vector(
    embedder: TorchEmbedder, arrays: list[np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(arrays[3]).save(path)
    with path.open("rb") as file:
        embeddings = embedder.embed([path, str(path), file, arrays[3], Image.fromarray(arrays[3])])
    np.testing.assert_allclose(embeddings, embeddings[[0] * 5], atol=1e-6)


def test_one_picture_counts_as_a_list_of_one(
    embedder: TorchEmbedder, arrays: list[np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(arrays[0]).save(path)
    expected = embedder.embed([arrays[0]])
    for source in (path, str(path), arrays[0], Image.fromarray(arrays[0])):
        assert np.array_equal(embedder.embed(source), expected)
    with path.open("rb") as file:
        assert np.array_equal(embedder.embed(file), expected)
    assert np.array_equal(embedder.embed(iter([arrays[0]])), expected)
    assert np.array_equal(embedder.embed(arrays[0][None]), expected)


def test_no_pictures_give_no_rows(embedder: TorchEmbedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_the_broken_picture_is_named(embedder: TorchEmbedder, arrays: list[np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ImageError, match=r"text\.jpg: expected a picture"):
        embedder.embed([arrays[0], tmp_path / "text.jpg"])


def test_embedding_leaves_the_pictures_as_they_are(embedder: TorchEmbedder, arrays: list[np.ndarray]) -> None:
    before = [array.copy() for array in arrays]
    embedder.embed(arrays)
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)
    assert np.array_equal(read_image(arrays[0]), before[0])


def test_models_are_found_by_path_and_by_name(untrained: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert passerby.load_embedder(untrained.path, device="cpu").identity == untrained.identity
    monkeypatch.setenv("PASSERBY_MODELS", str(untrained.path.parent))
    monkeypatch.chdir("/")
    assert ("untrained", untrained.path) in list(named_bundles())
    assert find_bundle(Path("untrained")) == untrained.path
    assert load_embedder("untrained", "cpu").identity == untrained.identity
    with pytest.raises(BundleError, match=r"one of the models .*untrained.*, got 'untraine'"):
        load_embedder("untraine")


def test_devices_that_are_not_there_are_refused() -> None:
    assert choose_device("cpu").type == "cpu"
    for name in ("tpu", "cuda:99", "cpu0"):
        with pytest.raises(PasserbyError, match=f"a device that torch has here, such as cpu, got '{name}'"):
            choose_device(name)


def test_only_load_embedder_is_loaded_lazily() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_embeder'"):
        _ = passerby.load_embeder
