"""Uniformity: attention looks at one person in the same way in both pictures."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from passerby.losses.distance import mean_or_zero
from passerby.losses.spec import Extra, LossSpec, Supervision


class UniformityLoss(nn.Module):
    """`mean |A⁽¹⁾ - A⁽²⁾|` between the attention masks of pairs of one person, averaged over the masks.

    Jeong et al., "Uniformity Attentive Learning-Based Siamese Network", Sensors 2020, 20(12):3603.
    """

    def forward(self, masks: Sequence[Tensor], labels: Tensor, pairs: Tensor) -> Tensor:
        """Mean over masks, (B, …) float each, for (M, 2) int64 pairs of rows; 0 where no pair shows one person."""
        same = pairs[torch.eq(*labels[pairs].unbind(1))]
        masks = [mask.to(torch.promote_types(mask.dtype, torch.float32)) for mask in masks]
        differences = [mean_or_zero((mask[same[:, 0]] - mask[same[:, 1]]).abs()) for mask in masks]
        return torch.stack(differences).mean()


class UniformitySpec(LossSpec):
    """Uniformity between attention masks."""

    extras: ClassVar[tuple[Extra, ...]] = ("pairs",)
    needs_positives: ClassVar[bool] = True

    kind: Literal["uniformity"] = Field(description="Attention masks of a person's two pictures are to be alike.")
    space: Literal["masks"] = Field("masks", description="The masks of the network's attention modules.")

    def build(self, dimension: int, supervision: Supervision) -> UniformityLoss:
        """Make the loss; it has no parameters."""
        return UniformityLoss()
