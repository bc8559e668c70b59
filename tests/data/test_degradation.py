"""Blur, JPEG, and what another camera would have shown."""

import io

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from passerby.data.camera_transfer import CameraTransfer
from passerby.data.degradation import blur, compress
from passerby.data.transforms import Augmentation, augment


def pictures(count: int = 4) -> torch.Tensor:
    values = np.random.default_rng(0).integers(0, 256, (count, 24, 16, 3), dtype=np.uint8)
    return torch.from_numpy(ndimage.uniform_filter(values, (0, 5, 5, 0))).permute(0, 3, 1, 2)


def test_blur_is_scipy_s() -> None:
    batch = pictures()
    blurred = blur(batch, torch.tensor([True, False, True, False]), 1.3)
    for picture in range(4):
        if picture % 2:
            assert torch.equal(blurred[picture], batch[picture])
            continue
        for channel in range(3):
            plane = batch[picture, channel].numpy().astype(np.float64)
            expected = ndimage.gaussian_filter(plane, 1.3, mode="mirror", radius=4)
            np.testing.assert_allclose(blurred[picture, channel].numpy(), expected, atol=0.51)


def test_blur_of_pictures_smaller_than_its_reach() -> None:
    tiny = torch.randint(0, 256, (1, 3, 2, 3), dtype=torch.uint8)
    assert blur(tiny, torch.tensor([True]), 2.0).shape == tiny.shape


def test_compression_is_pillow_s() -> None:
    batch = pictures()
    changed = compress(batch, torch.tensor([0, 10, 50, 95]))
    assert torch.equal(changed[0], batch[0])
    errors = []
    for picture, quality in ((1, 10), (2, 50), (3, 95)):
        file = io.BytesIO()
        Image.fromarray(batch[picture].permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
        expected = np.array(Image.open(file))
        np.testing.assert_array_equal(changed[picture].permute(1, 2, 0).numpy(), expected)
        errors.append(float((changed[picture].float() - batch[picture].float()).abs().mean()))
    assert errors[0] > errors[1] > errors[2]


def test_augmentation_blurs_and_compresses_by_its_own_draw() -> None:
    batch = pictures(64)
    plain = {"flip": 0, "pad": 0, "erase": 0}
    for settings in ({"blur": 0.5}, {"jpeg": 0.5}):
        varied = [
            augment(batch, Augmentation.model_validate(plain | settings), torch.Generator().manual_seed(seed))
            for seed in (1, 1, 2)
        ]
        assert torch.equal(varied[0], varied[1])
        assert not torch.equal(varied[0], varied[2])
        changed = (varied[0] != batch).flatten(1).any(1)
        assert 16 < int(changed.sum()) < 48


def test_transfer_is_learnt_on_people_whom_both_cameras_saw() -> None:
    random = np.random.default_rng(0)
    scenes = random.integers(40, 120, (6, 3, 20, 10))
    # Camera 1 shows twice the brightness of camera 0; a stranger whom only camera 1 saw is black.
    first = torch.tensor(scenes, dtype=torch.uint8)
    second = torch.tensor(2 * scenes, dtype=torch.uint8)
    black = torch.zeros(1, 3, 20, 10, dtype=torch.uint8)
    people = np.array([*range(6), *range(6), 9])
    cameras = np.array([0] * 6 + [1] * 7)
    transfer = CameraTransfer.learn([first, second, black], people, cameras)
    assert transfer.tables.shape == (2, 2, 3, 256)
    shown = transfer.apply(first, torch.zeros(6, dtype=torch.int64), torch.ones(6, dtype=torch.int64))
    assert float((shown.float() - second.float()).abs().max()) <= 2
    back = transfer.apply(shown, torch.ones(6, dtype=torch.int64), torch.zeros(6, dtype=torch.int64))
    assert float((back.float() - first.float()).abs().max()) <= 1
    assert torch.equal(transfer.apply(first, torch.zeros(6).long(), torch.zeros(6).long()), first)
    for table in transfer.tables.flatten(0, 2).int():
        assert bool((table.diff() >= 0).all())


def test_who_is_shown_by_which_camera_is_drawn_evenly() -> None:
    transfer = CameraTransfer(torch.zeros(4, 4, 3, 256, dtype=torch.uint8))
    cameras = torch.tensor([0, 1, 2, 3, -1] * 400)
    wanted = transfer.draw(cameras, 0.6, torch.Generator().manual_seed(0))
    assert torch.equal(wanted, transfer.draw(cameras, 0.6, torch.Generator().manual_seed(0)))
    assert bool((wanted[cameras == -1] == -1).all())
    moved = (wanted != cameras)[cameras >= 0].float().mean()
    assert 0.55 < float(moved) < 0.65
    for camera in range(4):
        others = torch.bincount(wanted[(cameras == camera) & (wanted != cameras)], minlength=4)
        assert others[camera] == 0
        assert int(others[others > 0].min()) > 40
        assert int((others > 0).sum()) == 3
