"""What a recipe says of every loss."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

Space: TypeAlias = Literal["raw", "neck", "unit"]
"""Which embeddings a loss sees: as pooling leaves them, behind the neck, or those scaled to length 1."""

Place: TypeAlias = Space | Literal["maps", "masks", "weights"]
"""What a loss sees in their stead: feature maps, masks of attention modules, or the network's own weights."""

Target: TypeAlias = Literal["people", "cameras", "attributes"]
"""What a loss is told of each picture: whom it shows, which camera took it, or what the person looks like."""

Extra: TypeAlias = Literal["person_weights", "pairs", "cameras", "share"]
"""What some losses are told besides: how much pictures count, the batch's pairs, cameras, how far training is."""


@dataclass(frozen=True)
class Supervision:
    """How much there is to tell apart in the training pictures.

    Attributes:
        people: How many people.
        cameras: How many known cameras.
        attributes: Of each attribute, the share of people who have it.
    """

    people: int
    cameras: int = 0
    attributes: tuple[float, ...] = ()


class LossSpec(BaseModel, ABC):
    """A loss as a recipe describes it. Its module takes `(embeddings, labels)` and returns one scalar.

    Attributes:
        target: What stands in `labels`.
        extras: What its module is given behind the labels, in this order.
        needs_positives: Whether it compares pictures of one person, and so is nothing where each has just one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: ClassVar[Target] = "people"
    extras: ClassVar[tuple[Extra, ...]] = ()
    needs_positives: ClassVar[bool] = False

    kind: str = Field(description="Which loss.")
    space: Place = Field(description="Which embeddings it sees.")
    weight: float = Field(1.0, ge=0, description="Factor in the sum of all losses.")
    from_epoch: int = Field(0, ge=0, description="First epoch in which it counts; 0 is the first of all.")

    @abstractmethod
    def build(self, dimension: int, supervision: Supervision) -> nn.Module:
        """Make the loss for embeddings of that dimension and that many people, cameras and attributes.

        The module takes (B, dimension) float32 embeddings, or a tuple of maps, masks or weights where that is its
        `space`; then (B,) int64 labels from 0 on, or (B, attributes) float32 of 0 and 1; then its `extras`.
        """


def loss_names(specs: Sequence[LossSpec]) -> list[str]:
    """A name for each loss, in order: its kind; told apart by number where a kind comes twice."""
    kinds = [spec.kind for spec in specs]
    return [kind if kinds.count(kind) == 1 else f"{kind}_{index}" for index, kind in enumerate(kinds)]
