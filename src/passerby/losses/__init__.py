"""What training minimises: one loss a file, distances and miners beside them, all by name in a recipe."""

from typing import Annotated, TypeAlias

from pydantic import Field

from passerby.losses.cross_entropy import CrossEntropySpec
from passerby.losses.spec import LossSpec
from passerby.losses.supervised_contrastive import SupervisedContrastiveSpec
from passerby.losses.triplet import TripletSpec

__all__ = ["AnyLoss", "LossSpec"]

AnyLoss: TypeAlias = Annotated[
    CrossEntropySpec | TripletSpec | SupervisedContrastiveSpec,
    Field(discriminator="kind"),
]
"""The description of any loss, told apart by its `kind`."""
