import itertools

import pytest
import torch
from pydantic import ValidationError

from passerby.models.backbones import Transformer, build_backbone
from passerby.models.backbones.vit import VisionTransformer, resized_positions
from passerby.models.network import Architecture, ReidNetwork

CAMERAS = Transformer(positions=(4, 2), camera_weight=3.0, cameras=(3, 7, 8))


def small(options: Transformer) -> VisionTransformer:
    torch.manual_seed(0)
    backbone = build_backbone("vit_small", 0.125, transformer=options)
    assert isinstance(backbone, VisionTransformer)
    return backbone.eval()


@pytest.mark.parametrize(("stride", "grid"), [(16, (16, 8)), (12, (21, 10)), (8, (31, 15))])
def test_patches_overlap_where_the_stride_is_short(stride: int, grid: tuple[int, int]) -> None:
    with torch.inference_mode():
        maps, token = small(Transformer(stride=stride)).encode(torch.zeros(2, 3, 256, 128))
    assert maps.shape == (2, 48, *grid)
    assert token is not None
    assert token.shape == (2, 48)


def test_positions_keep_their_places_on_another_grid() -> None:
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(14.0), indexing="ij")
    embeddings = torch.cat([torch.full((1, 1, 2), 99.0), torch.stack([rows, columns], 2).reshape(1, 196, 2)], 1)
    resized = resized_positions(embeddings, (14, 14), (21, 7))
    assert resized.shape == (1, 1 + 21 * 7, 2)
    assert torch.equal(resized[:, 0], embeddings[:, 0])
    grid = resized[0, 1:].reshape(21, 7, 2)
    # Centres of 21 rows and 7 columns in the scale of 14, bilinear between the old ones and constant beyond them.
    expected = [(row + 0.5) * 14 / 21 - 0.5 for row in range(21)]
    torch.testing.assert_close(grid[:, 0, 0], torch.tensor(expected).clamp(0, 13), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(grid[0, :, 1], torch.tensor([(c + 0.5) * 2 - 0.5 for c in range(7)]))
    assert resized_positions(embeddings, (14, 14), (14, 14)) is embeddings


def test_every_camera_has_its_own_embedding_and_unknown_ones_the_mean() -> None:
    backbone = small(CAMERAS)
    picture = torch.randn(1, 3, 64, 32)
    assert backbone.sie_embed is not None

    def token(camera: int | None) -> torch.Tensor:
        rows = None if camera is None else CAMERAS.camera_rows([camera])
        with torch.inference_mode():
            found = backbone.encode(picture, rows).class_token
        assert found is not None
        return found

    known = [token(camera) for camera in CAMERAS.cameras]
    assert not any(torch.allclose(a, b, atol=1e-4) for a, b in itertools.pairwise(known))
    torch.testing.assert_close(token(4), token(None))
    with torch.no_grad():
        backbone.sie_embed.copy_(backbone.sie_embed.mean(0, keepdim=True).expand_as(backbone.sie_embed))
    torch.testing.assert_close(token(8), token(None))


def test_cameras_make_no_difference_without_their_embedding() -> None:
    network = ReidNetwork(Architecture(backbone="vit_small", width=0.125, pooling="class_token")).eval()
    pictures = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        assert torch.equal(network(pictures, torch.tensor([0, -1])).neck, network(pictures).neck)
    convolutional = ReidNetwork(Architecture(backbone="resnet18", width=0.125)).eval()
    with torch.inference_mode():
        assert torch.equal(convolutional(pictures, torch.tensor([0, -1])).neck, convolutional(pictures).neck)


def test_only_training_leaves_residuals_out_and_keeps_their_mean() -> None:
    options = Transformer(positions=(4, 2), drop_path=0.5)
    backbone = small(options)
    block = backbone.blocks[-1]
    tokens, residual = torch.zeros(4000, 1, 48), torch.ones(4000, 1, 48)
    assert torch.equal(block._kept(residual), residual)
    block.train()
    kept = block._kept(residual) + tokens
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert kept.mean().item() == pytest.approx(1, abs=0.1)
    assert torch.equal(backbone.blocks[0].train()._kept(residual), residual)


def test_weights_move_to_another_grid_and_keep_known_cameras_only() -> None:
    source = small(CAMERAS)
    same = small(Transformer(positions=(8, 4), camera_weight=1.0, cameras=(3, 7, 8)))
    same.adopt(source)
    torch.testing.assert_close(same.pos_embed, resized_positions(source.pos_embed, (4, 2), (8, 4)))
    assert torch.equal(same.sie_embed, source.sie_embed)
    other = small(Transformer(positions=(4, 2), camera_weight=1.0, cameras=(3, 7, 9)))
    before = other.sie_embed.detach().clone()
    other.adopt(source)
    assert torch.equal(other.sie_embed, before)
    assert torch.equal(other.cls_token, source.cls_token)
    none = small(Transformer(positions=(4, 2)))
    none.adopt(source)
    assert none.sie_embed is None


def test_the_stages_are_patches_and_blocks() -> None:
    stages = small(CAMERAS).stages()
    assert stages[0] == ("patch_embed", "cls_token", "pos_embed", "sie_embed")
    assert [stage[0] for stage in stages[1:]] == [f"blocks.{number}" for number in range(12)]
    assert stages[-1] == ("blocks.11", "norm")


def test_only_transformers_have_a_class_token() -> None:
    network = ReidNetwork(Architecture(backbone="vit_small", width=0.125, pooling="class_token")).eval()
    pictures = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        assert torch.equal(network(pictures).raw, network.backbone.encode(pictures).class_token)
    with pytest.raises(ValidationError, match="expected one of the backbones vit_small, vit_base for pooling"):
        Architecture(backbone="resnet18", pooling="class_token")
