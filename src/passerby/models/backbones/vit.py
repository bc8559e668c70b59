"""Vision transformers (Dosovitskiy et al., ICLR 2021) under timm's and DeiT's parameter names, without classifier.

With overlapping patches and a camera embedding they are the transformer of TransReID (He et al., ICCV 2021), whose
name for that embedding is kept.
"""

from collections.abc import Iterable

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.attention.spec import Level
from passerby.models.backbones.backbone import Attend, Backbone, Encoding, as_they_are

_PATCH = 16
_BLOCKS = 12
_LEVELS: dict[int, Level] = {3: "layer1", 6: "layer2", 9: "layer3"}
"""After how many blocks a level is reached; the fourth lies behind the last norm."""
_HEAD = 64


class Transformer(BaseModel):
    """What only vision transformers have; other backbones ignore it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stride: int = Field(
        16,
        ge=4,
        le=16,
        description="Pixels between patches of 16×16; less than 16 and they overlap, 12 in TransReID.",
    )
    positions: tuple[int, int] = Field(
        (14, 14),
        description="Rows and columns of position embeddings; resized to the input's grid where it is another.",
    )
    drop_path: float = Field(
        0.0, ge=0, lt=1, description="Share of the last block's residuals that a training step leaves out."
    )
    camera_weight: float = Field(
        0.0, ge=0, description="Factor on the camera embedding (SIE), 3 in TransReID; 0: none."
    )
    cameras: tuple[int, ...] = Field(
        (), description="Camera ids with an embedding of their own; by default, those of the training pictures."
    )

    def camera_rows(self, camera_ids: Iterable[int]) -> Tensor:
        """The row of each camera's embedding, and -1 for cameras that have none: (B,) int64."""
        rows = {camera: row for row, camera in enumerate(self.cameras)}
        return torch.tensor([rows.get(camera, -1) for camera in camera_ids], dtype=torch.int64)


class VisionTransformer(Backbone):
    """Twelve blocks of self-attention on the patches of a picture and one class token.

    Args:
        heads: Attention heads of 64 channels: 6 (small) or 12 (base).
        width: Factor on the channels of each head.
        last_stride: Of no effect: there is one stride, that of the patches.
        options: Patches, position embeddings, stochastic depth and cameras.
    """

    def __init__(
        self, heads: int, width: float = 1.0, last_stride: int = 1, options: Transformer | None = None
    ) -> None:
        super().__init__()
        options = options or Transformer()
        self.channels = channels = heads * max(2, round(_HEAD * width))
        self._grid = options.positions
        self._camera_weight = options.camera_weight
        self.cls_token = nn.Parameter(torch.zeros(1, 1, channels))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + options.positions[0] * options.positions[1], channels))
        self._cameras = options.cameras if options.camera_weight > 0 else ()
        self.sie_embed = nn.Parameter(torch.zeros(len(self._cameras), 1, channels)) if self._cameras else None
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, channels, _PATCH, options.stride)})
        # Deeper residuals are left out more often (Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016).
        drops = (options.drop_path * depth / (_BLOCKS - 1) for depth in range(_BLOCKS))
        self.blocks = nn.ModuleList(_Block(channels, heads, drop) for drop in drops)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.level_channels = {"layer1": channels, "layer2": channels, "layer3": channels, "layer4": channels}
        self.initialise()

    def initialise(self) -> None:
        """Draw all weights from a normal distribution of deviation 0.02, as DeiT does; biases are 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        for embedding in (self.cls_token, self.pos_embed, self.sie_embed):
            if embedding is not None:
                nn.init.trunc_normal_(embedding, std=0.02)

    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute B×C×h×w maps of the patches, without cameras; C is 384 (small) or 768 (base) at width 1."""
        return self.encode(pictures, attend=attend).maps

    def encode(self, pictures: Tensor, cameras: Tensor | None = None, attend: Attend = as_they_are) -> Encoding:
        """Compute the patches' maps and the class token.

        Args:
            pictures: B×3×H×W.
            cameras: (B,) int64, rows of the camera embedding; -1, or no tensor, stands for the mean of all cameras.
            attend: What is done to the patches' maps behind each quarter of the blocks, the last one's normed.
        """
        patches = self.patch_embed["proj"](pictures)
        tokens = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches.flatten(2).transpose(1, 2)], 1)
        grid = int(patches.shape[2]), int(patches.shape[3])
        tokens = tokens + resized_positions(self.pos_embed, self._grid, grid)
        if self.sie_embed is not None:
            known = torch.cat([self.sie_embed, self.sie_embed.mean(0, keepdim=True)])
            # The mean stands last, where -1 finds it.
            tokens = tokens + self._camera_weight * (known[-1:] if cameras is None else known[cameras])
        for number, block in enumerate(self.blocks, start=1):
            tokens = block(tokens)
            if number in _LEVELS and attend is not as_they_are:
                maps = attend(_LEVELS[number], tokens[:, 1:].transpose(1, 2).reshape(patches.shape))
                tokens = torch.cat([tokens[:, :1], maps.flatten(2).transpose(1, 2)], 1)
        tokens = self.norm(tokens)
        maps = attend("layer4", tokens[:, 1:].transpose(1, 2).reshape(patches.shape))
        return Encoding(maps, tokens[:, 0])

    def adopt(self, other: Backbone) -> None:
        """Take all weights; position embeddings are resized, other cameras' embeddings are left out."""
        assert isinstance(other, VisionTransformer)
        weights = other.state_dict()
        weights["pos_embed"] = resized_positions(weights["pos_embed"], other._grid, self._grid)
        if other._cameras != self._cameras:
            weights.pop("sie_embed", None)
            if self.sie_embed is not None:
                weights["sie_embed"] = self.sie_embed.detach()
        self.load_state_dict(weights)


def resized_positions(embeddings: Tensor, grid: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Position embeddings for another grid, bilinearly; the class token's stays.

    Args:
        embeddings: 1×(1+h·w)×C, the class token's first.
        grid: h and w.
        wanted: The rows and columns to have.
    """
    if grid == wanted:
        return embeddings
    patches = embeddings[:, 1:].transpose(1, 2).reshape(1, -1, *grid)
    patches = F.interpolate(patches, wanted, mode="bilinear", align_corners=False)
    return torch.cat([embeddings[:, :1], patches.flatten(2).transpose(1, 2)], 1)


class _Block(nn.Module):
    def __init__(self, channels: int, heads: int, drop: float) -> None:
        super().__init__()
        self._drop = drop
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(channels, 4 * channels))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(4 * channels, channels))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self._kept(self.attn(self.norm1(tokens)))
        return tokens + self._kept(self.mlp(self.norm2(tokens)))

    def _kept(self, residual: Tensor) -> Tensor:
        """The residual, in training left out of some pictures and made larger in the others by as much."""
        if not self.training or self._drop == 0:
            return residual
        kept = torch.rand(len(residual), 1, 1, device=residual.device) >= self._drop
        return residual * kept / (1 - self._drop)


class Attention(nn.Module):
    """Multi-head self-attention of B×N×C tokens."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Compute tokens of the same shape."""
        # B×N×3C to three of B×heads×N×(C/heads).
        queries, keys, values = self.qkv(tokens).reshape(*tokens.shape[:2], 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        projected = self.proj(mixed.transpose(1, 2).flatten(2))
        assert isinstance(projected, Tensor)
        return projected
