"""Attention as a recipe describes it: which kind, and where it stands."""

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from passerby.models.attention.channel import ChannelMask
from passerby.models.attention.channel_self import ChannelSelfAttention
from passerby.models.attention.drop_block import BatchDropBlock
from passerby.models.attention.encoder_decoder import EncoderDecoderMask
from passerby.models.attention.harmonious import HarmoniousMask
from passerby.models.attention.module import Attention
from passerby.models.attention.non_local import NonLocalBlock
from passerby.models.attention.position import PositionAttention
from passerby.models.attention.second_order import SecondOrderAttention

Level: TypeAlias = Literal["layer1", "layer2", "layer3", "layer4"]
"""A place in any backbone, behind what ResNets call layer1 to layer4: where strides are 4, 8, 16, and the last."""

Kind: TypeAlias = Literal[
    "channel",
    "channel_self",
    "position",
    "encoder_decoder",
    "non_local",
    "harmonious",
    "second_order",
    "drop_block",
]


class AttentionSpec(BaseModel):
    """One attention module, or a batch drop block, after a stage of the backbone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(description=f"One of {', '.join(get_args(Kind))}.")
    after: Level = Field(
        "layer4", description="layer1 to layer4: where maps of any backbone have strides of 4, 8, 16, and the last."
    )
    reduction: int | None = Field(
        None,
        ge=1,
        description="Divides the channels inside; null: 16; 8 of position, 2 of non_local and second_order.",
    )
    beside: bool = Field(
        False, description="Whether what it makes is pooled by itself and put beside the rest, as in ABD-Net."
    )
    block: tuple[float, float] = Field(
        (0.3, 1.0), description="Of a drop_block: its share of the rows and of the columns."
    )

    @field_validator("block")
    @classmethod
    def _is_share(cls, block: tuple[float, float]) -> tuple[float, float]:
        if not all(0 < share <= 1 for share in block):
            raise ValueError(f"expected two shares, above 0 and up to 1, got {list(block)}")
        return block

    def build(self, channels: int) -> Attention:
        """Make the module for maps of so many channels."""
        if self.kind == "drop_block":
            return BatchDropBlock(self.block)
        if self.kind == "channel_self":
            return ChannelSelfAttention(channels)
        build, reduction = _REDUCING[self.kind]
        return build(channels, self.reduction or reduction)


def _non_local(channels: int, reduction: int) -> Attention:
    return NonLocalBlock(channels, max(1, channels // reduction))


_REDUCING: dict[str, tuple[Callable[[int, int], Attention], int]] = {
    "channel": (ChannelMask, 16),
    "position": (PositionAttention, 8),
    "encoder_decoder": (EncoderDecoderMask, 16),
    "non_local": (_non_local, 2),
    "harmonious": (HarmoniousMask, 16),
    "second_order": (SecondOrderAttention, 2),
}
"""Modules with fewer channels inside, and by how much fewer where a recipe does not say."""
