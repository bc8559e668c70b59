from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from passerby.data.images import read_image, resize_image
from passerby.data.loader import PictureStore, find_broken, resize_images
from passerby.errors import DataError, ImageError


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Twenty-three pictures of mixed sizes."""
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{number:02d}.png" for number in range(23)]
    for path in paths:
        size = (*random.integers(10, 60, 2), 3)
        Image.fromarray(random.integers(0, 256, size, np.uint8)).save(path)
    return paths


def test_kept_or_not_the_pictures_are_the_same_bytes(pictures: list[Path]) -> None:
    order = [np.array(indices) for indices in ([22, 0, 7], [7, 7], [1], list(range(23)), [3])]
    kept, decoded = (PictureStore(pictures, 24, 12, keep_decoded=keep) for keep in (True, False))
    assert (kept.keeps_decoded, decoded.keeps_decoded, len(kept), len(decoded)) == (True, False, 23, 23)
    batches = zip(order, kept.batches(order), decoded.batches(order), strict=True)
    for indices, one, other in batches:
        assert torch.equal(one, other)
        assert (one.dtype, one.shape) == (torch.uint8, (len(indices), 3, 24, 12))
        for batch in (one, other):
            assert batch.is_contiguous(memory_format=torch.channels_last)
        for index, picture in zip(indices, one, strict=True):
            assert np.array_equal(picture.permute(1, 2, 0), resize_image(read_image(pictures[index]), 24, 12))


def test_kept_pictures_are_not_changed_through_a_batch(pictures: list[Path]) -> None:
    store = PictureStore(pictures, 8, 8, keep_decoded=True)
    (batch,) = store.batches([np.arange(23)])
    before = batch.clone()
    batch.zero_()
    assert torch.equal(next(store.batches([np.arange(23)])), before)


def test_pictures_are_kept_where_they_fit_into_memory(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 23 * 3 * 8 * 8 / 0.4

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert PictureStore(pictures, 8, 8).keeps_decoded
    assert not PictureStore(pictures, 8, 9).keeps_decoded


def test_progress_is_told(pictures: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    PictureStore(pictures, 8, 8, keep_decoded=True, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 23) for done in range(1, 24)]


def test_broken_pictures_are_named_first(pictures: list[Path]) -> None:
    for number in (3, 9, 11, 20):
        pictures[number].write_text("broken")
    with pytest.raises(DataError, match=r"23 whole pictures, got 4 broken: .*03\.png.*09\.png.*11\.png.*and 1 more"):
        PictureStore(pictures, 8, 8, keep_decoded=True)
    store = PictureStore(pictures, 8, 8, keep_decoded=False)
    with pytest.raises(ImageError, match=r"03\.png"):
        list(store.batches([np.arange(10)]))


def test_find_broken_names_every_broken_picture_with_its_reason(pictures: list[Path]) -> None:
    pictures[2].write_text("not a picture")
    Image.new("RGB", (1, 1)).save(pictures[5])
    pictures[8].write_bytes(pictures[8].read_bytes()[:-40])
    pictures[9].unlink()
    told: list[int] = []
    broken = find_broken(pictures, lambda done, total: told.append(done))
    assert [path for path, _ in broken] == [pictures[number] for number in (2, 5, 8, 9)]
    for (path, reason), expected in zip(broken, ("something else", "1×1", "damaged", "no such file"), strict=True):
        assert expected in reason
        assert str(path) in reason
    assert told == list(range(1, 24))
    assert find_broken([]) == []


def test_an_empty_store_has_no_batches() -> None:
    for keep in (True, False):
        assert list(PictureStore([], 8, 8, keep_decoded=keep).batches([])) == []


@pytest.mark.parametrize("keep", [True, False])
def test_scaled_by_batches_pictures_are_at_most_one_level_off(pictures: list[Path], keep: bool) -> None:
    order = [np.array([22, 0, 7, 7, 1]), np.arange(23)]
    exact, fast = (PictureStore(pictures, 24, 12, keep_decoded=keep, resize=how) for how in ("pillow", "torch"))
    for one, other in zip(exact.batches(order), fast.batches(order), strict=True):
        assert (other.dtype, other.shape) == (one.dtype, one.shape)
        assert other.is_contiguous(memory_format=torch.channels_last)
        assert int((one.int() - other.int()).abs().max()) <= 1


def test_pictures_of_the_wanted_size_are_stacked_unchanged() -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 8, 4, 3), np.uint8))
    assert np.array_equal(resize_images(pictures, 8, 4).permute(0, 2, 3, 1).numpy(), np.stack(pictures))
