"""A re-ID network from its description: backbone, pooling, neck."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from torch import Tensor, nn

from passerby.errors import BundleError
from passerby.models.attention.attending import AttentionModules
from passerby.models.attention.spec import AttentionSpec, Level
from passerby.models.backbones import BACKBONES, TRANSFORMERS, Attend, Backbone, as_they_are, build_backbone
from passerby.models.backbones.vit import Transformer
from passerby.models.neck import CHOOSES_DIMENSION, NECKS
from passerby.models.pooling import POOLINGS

_PARTS: dict[str, Mapping[str, object]] = {"backbone": BACKBONES, "pooling": POOLINGS, "neck": NECKS}


class Architecture(BaseModel):
    """The parts of a network, by name; the same description always builds the same parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str = Field(description="A backbone's name; `passerby models architectures` lists them.")
    width: float = Field(1.0, gt=0, le=4, description="Factor on the backbone's channels.")
    last_stride: int = Field(1, ge=1, le=2, description="Stride of the last stage; 1 keeps larger feature maps.")
    transformer: Transformer = Transformer()
    attention: tuple[AttentionSpec, ...] = Field((), description="Attention modules, and where each stands.")
    pooling: str = Field("average", description=f"One of {', '.join(POOLINGS)}.")
    neck: str = Field("bnneck", description=f"One of {', '.join(NECKS)}.")
    dimension: int = Field(
        512, ge=2, le=8192, description="Embedding dimension of the necks linear, reduced, projection."
    )

    @field_validator("backbone", "pooling", "neck")
    @classmethod
    def _known(cls, name: str, field: ValidationInfo) -> str:
        known = _PARTS[field.field_name or ""]
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}, got {name!r}")
        return name

    @model_validator(mode="after")
    def _has_a_class_token(self) -> Self:
        if POOLINGS[self.pooling].takes_class_token and self.backbone not in TRANSFORMERS:
            raise ValueError(
                f"expected one of the backbones {', '.join(TRANSFORMERS)} for pooling {self.pooling}, got "
                f"{self.backbone}"
            )
        if POOLINGS[self.pooling].takes_class_token and any(spec.beside for spec in self.attention):
            raise ValueError("expected another pooling than class_token for attention beside the maps")
        return self


class Features(NamedTuple):
    """What a network makes of B pictures.

    Attributes:
        raw: (B, C) float32, as pooling leaves it: what metric losses on raw embeddings see.
        neck: (B, D) float32, behind the neck: what the identity loss sees and retrieval normalises.
        maps: What was pooled: the B×C×h×w feature maps, and those of attention that stands beside them.
        masks: Of each attention module that makes a mask: B×1×h×w, B×C×1×1 or B×C×h×w, from 0 to 1.
    """

    raw: Tensor
    neck: Tensor
    maps: tuple[Tensor, ...] = ()
    masks: tuple[Tensor, ...] = ()


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
        self.backbone: Backbone = build_backbone(
            architecture.backbone, architecture.width, architecture.last_stride, architecture.transformer
        )
        self.attention = AttentionModules(architecture.attention, self.backbone.level_channels)
        self.pooling = POOLINGS[architecture.pooling]()
        pooled = self.backbone.channels + self.attention.channels_beside
        self.raw_dimension = pooled * self.pooling.factor
        chosen = architecture.neck in CHOOSES_DIMENSION
        self.dimension = architecture.dimension if chosen else self.raw_dimension
        self.neck = NECKS[architecture.neck](self.raw_dimension, self.dimension)

    def forward(self, pictures: Tensor, cameras: Tensor | None = None, watch: Attend = as_they_are) -> Features:
        """Compute the vectors of pictures.

        Args:
            pictures: B×3×H×W, normalised.
            cameras: (B,) int64 of `architecture.transformer.camera_rows`, where they are known. Without a camera
                embedding they make no difference.
            watch: Sees the maps of each level behind its attention, and says which to go on with.
        """
        attending = self.attention.attending()

        def attend(level: Level, maps: Tensor) -> Tensor:
            return watch(level, attending(level, maps))

        watched = len(self.attention) > 0 or watch is not as_they_are
        maps, class_token = self.backbone.encode(pictures, cameras, attend if watched else as_they_are)
        pooled = [self.pooling(class_token if self.pooling.takes_class_token else maps)]
        if attending.beside:
            pooled += [self.pooling(other) for other in attending.beside]
        raw = torch.cat(pooled, 1).float()
        # Batch statistics of a few vectors are no place for 8 bits of mantissa.
        with torch.autocast(pictures.device.type, enabled=False):
            return Features(raw, self.neck(raw), (maps, *attending.beside), tuple(attending.masks))

    def attention_heats(self, pictures: Tensor, cameras: Tensor | None = None) -> list[Tensor]:
        """Where each attention module looks, in the order of `architecture.attention`: B×h×w of 0 or more each.

        Args:
            pictures: B×3×H×W, normalised.
            cameras: As for `forward`.
        """
        attending = self.attention.attending(watching=True)
        self.backbone.encode(pictures, cameras, attending)
        return attending.heats()

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
