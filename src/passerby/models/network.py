"""A re-ID network from its description: backbone, pooling, neck."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from torch import Tensor, nn

from passerby.errors import BundleError
from passerby.models.backbones import BACKBONES, Backbone
from passerby.models.neck import NECKS
from passerby.models.pooling import POOLINGS

_PARTS: dict[str, Mapping[str, object]] = {"backbone": BACKBONES, "pooling": POOLINGS, "neck": NECKS}


class Architecture(BaseModel):
    """The parts of a network, by name; the same description always builds the same parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str = Field(description=f"One of {', '.join(BACKBONES)}.")
    width: float = Field(1.0, gt=0, le=4, description="Factor on the backbone's channels.")
    last_stride: int = Field(1, ge=1, le=2, description="Stride of the last stage; 1 keeps larger feature maps.")
    pooling: str = Field("average", description=f"One of {', '.join(POOLINGS)}.")
    neck: str = Field("bnneck", description=f"One of {', '.join(NECKS)}.")
    dimension: int = Field(512, ge=2, le=8192, description="Embedding dimension of the linear neck.")

    @field_validator("backbone", "pooling", "neck")
    @classmethod
    def _known(cls, name: str, field: ValidationInfo) -> str:
        known = _PARTS[field.field_name or ""]
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}, got {name!r}")
        return name


class Features(NamedTuple):
    """What a network makes of B pictures.

    Attributes:
        raw: (B, C) float32, as pooling leaves it: what metric losses on raw embeddings see.
        neck: (B, D) float32, behind the neck: what the identity loss sees and retrieval normalises.
    """

    raw: Tensor
    neck: Tensor


class ReidNetwork(nn.Module):
    """A network from normalised pictures to embeddings.

    Attributes:
        architecture: Its description.
        raw_dimension: C of `Features.raw`.
        dimension: D of `Features.neck`, and so of the embedding.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone: Backbone = BACKBONES[architecture.backbone](architecture.width, architecture.last_stride)
        self.pooling = POOLINGS[architecture.pooling]()
        self.raw_dimension = self.backbone.channels * self.pooling.factor
        self.dimension = architecture.dimension if architecture.neck == "linear" else self.raw_dimension
        self.neck = NECKS[architecture.neck](self.raw_dimension, self.dimension)

    def forward(self, pictures: Tensor) -> Features:
        """Compute the vectors of B×3×H×W normalised pictures."""
        raw = self.pooling(self.backbone(pictures)).float()
        # Batch statistics of a few vectors are no place for 8 bits of mantissa.
        with torch.autocast(pictures.device.type, enabled=False):
            return Features(raw, self.neck(raw))

    def place(self, device: torch.device) -> "ReidNetwork":
        """Move to a device, with convolutions laid out channels last, which is the faster way on all of them."""
        self.to(device)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
        return self

    def load_weights(self, weights: dict[str, Tensor], source: str) -> None:
        """Take every parameter and buffer from `weights`, which must hold exactly these, of these shapes.

        Raises:
            BundleError: Names or shapes differ; the first of each kind are named.
        """
        own = self.state_dict()
        problems = [
            f"{len(names)} {kind}, such as {sorted(names)[0]}"
            for kind, names in (
                ("missing", own.keys() - weights.keys()),
                ("unexpected", weights.keys() - own.keys()),
                (
                    "of another shape",
                    {name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape},
                ),
            )
            if names
        ]
        if problems:
            raise BundleError(
                f"{source}: expected the weights of {self.architecture.backbone}, got another architecture's "
                f"({'; '.join(problems)})"
            )
        self.load_state_dict(weights)
