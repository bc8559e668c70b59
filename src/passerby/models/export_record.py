"""What an exported bundle says of itself: what was made of which model, and how well it agrees with it."""

import hashlib
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from passerby.errors import BundleError
from passerby.models.engines.engine import Precision

ExportFormat: TypeAlias = Literal["onnx", "openvino", "torch-export"]

NETWORK_FILES: dict[ExportFormat, tuple[str, ...]] = {
    "onnx": ("network.onnx",),
    "openvino": ("network.xml", "network.bin"),
    "torch-export": ("network.pt2",),
}
"""The files that hold the network; the first is the one to open."""


class Agreement(BaseModel):
    """How near an export's embeddings were to those of its source, in fp32 by torch.

    Attributes:
        pictures: How many were compared, in batches of several sizes.
        lowest_cosine: Of the picture that came out most different; 1 is the same direction.
        mean_cosine: Over all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pictures: int
    lowest_cosine: float
    mean_cosine: float


class MeasuredLoss(BaseModel):
    """What an export's precision costs, measured by ranking the same labelled pictures with both.

    Attributes:
        data: Which pictures.
        source_mean_ap: mAP of the source, 0 to 1.
        export_mean_ap: mAP of the export.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str
    source_mean_ap: float
    export_mean_ap: float

    @property
    def points(self) -> float:
        """How many points of mAP (of 100) the export loses; negative where it gains."""
        return 100 * (self.source_mean_ap - self.export_mean_ap)


class ExportRecord(BaseModel):
    """The content of `export.json`.

    Attributes:
        format: Which engine's format it is.
        precision: What it computes in, where the processor can.
        source: Identity of the model that it was made of.
        files: SHA-256 of the network's files by name.
        made_with: Versions of what made it.
        agreement: How near its embeddings are to the source's.
        loss: What the precision costs in mAP; None where nobody measured it.
        calibrated_on: Which pictures told the ranges of INT8's numbers; None for other precisions.
        kept_in_fp32: Operations that INT8 leaves in fp32, since they cost too much otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: ExportFormat
    precision: Precision
    source: str
    files: dict[str, str]
    made_with: dict[str, str]
    agreement: Agreement
    loss: MeasuredLoss | None = None
    calibrated_on: str | None = None
    kept_in_fp32: tuple[str, ...] = Field(())

    def network_file(self, folder: Path) -> Path:
        """The file that an engine opens."""
        return folder / NETWORK_FILES[self.format][0]

    def verify(self, folder: Path) -> None:
        """Check that the network's files are those that were exported.

        Raises:
            BundleError: One is missing or was changed.
        """
        expected = NETWORK_FILES[self.format]
        if set(self.files) != set(expected):
            raise BundleError(f"{folder}: expected the hashes of {' and '.join(expected)}; export the model again")
        for name, sha256 in self.files.items():
            try:
                found = file_hash(folder / name)
            except FileNotFoundError as error:
                raise BundleError(f"{folder}: expected {name}, got none; export the model again") from error
            if found != sha256:
                raise BundleError(
                    f"{folder / name}: expected SHA-256 {sha256[:12]}…, got {found[:12]}…: it is damaged or was "
                    "changed; export the model again"
                )


def file_hash(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
