"""`passerby export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from passerby.cli.console import print_fields

if TYPE_CHECKING:
    from passerby.models.export_record import ExportRecord

PANEL = "Use"


def export(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")],
    format: Annotated[
        Literal["onnx", "openvino", "torch-export"], typer.Option("--format", help="Which engine's format.")
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder of the exported model.")],
    precision: Annotated[
        Literal["fp32", "bf16", "int8"], typer.Option("--precision", help="What it computes in.")
    ] = "fp32",
    force: Annotated[bool, typer.Option("--force", help="Replace the model that stands there.")] = False,
) -> None:
    """Write a model in the format of a faster engine, preprocessing included, and check it against its source."""
    from passerby.models.bundle import load_bundle
    from passerby.models.exporting.exporting import export_bundle
    from passerby.models.store import find_bundle

    source = load_bundle(find_bundle(model))
    exported = export_bundle(source, output, format, precision, replace=force)
    assert exported.export is not None
    size = sum((exported.path / name).stat().st_size for name in exported.export.files)
    print_fields(
        {
            "exported": str(exported.path),
            "identity": exported.identity + (", its source's" if exported.identity == source.identity else ""),
            "network": f"{', '.join(exported.export.files)}, {size / 1e6:,.1f} MB",
            **export_fields(exported.export),
        }
    )


def export_fields(record: "ExportRecord") -> dict[str, str]:
    """What an export says of itself, for reading."""
    agreement = record.agreement
    return {
        "format": f"{record.format}, {record.precision}",
        "exported from": record.source,
        "agreement": f"cosine of at least {agreement.lowest_cosine:.6f} to its source's embeddings, on "
        f"{agreement.pictures:,} pictures",
        "made with": ", ".join(f"{name} {version}" for name, version in record.made_with.items()),
    }


COMMANDS = (export,)
