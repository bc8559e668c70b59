"""`passerby export`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from passerby.cli.console import note, print_fields, progress_bar

if TYPE_CHECKING:
    from passerby.models.bundle import Bundle
    from passerby.models.export_record import ExportRecord, MeasuredLoss
    from passerby.models.exporting.calibration_pictures import CalibrationPictures

PANEL = "Use"

_DRAWN = 48
"""People who are drawn where no pictures are named: twice by each of three cameras."""


def export(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")],
    format: Annotated[
        Literal["onnx", "openvino", "torch-export"], typer.Option("--format", help="Which engine's format.")
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder of the exported model.")],
    precision: Annotated[
        Literal["fp32", "bf16", "int8"], typer.Option("--precision", help="What it computes in.")
    ] = "fp32",
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Pictures for INT8's ranges, labelled or not; by default people are drawn."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the model that stands there.")] = False,
) -> None:
    """Write a model in the format of a faster engine, preprocessing included, and check it against its source."""
    from passerby.models.bundle import load_bundle
    from passerby.models.exporting.exporting import export_bundle
    from passerby.models.store import find_bundle

    source = load_bundle(find_bundle(model))
    with TemporaryDirectory() as drawn:
        pictures = None if precision == "fp32" and not data else _calibration_pictures(data, source, Path(drawn))
        exported = export_bundle(source, output, format, precision, pictures, replace=force)
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


def _calibration_pictures(data: list[str] | None, source: "Bundle", drawn: Path) -> "CalibrationPictures":
    """The data set or folder that is named, else people who are drawn for it."""
    from passerby.cli.options import open_dataset
    from passerby.errors import DataError
    from passerby.evaluation.calibration_data import labelled_pictures, unlabelled_pictures
    from passerby.synthetic.generate import render_people

    if not data:
        with progress_bar("drawing people to calibrate on") as progress:
            render_people(
                drawn / "people",
                people=_DRAWN,
                cameras=3,
                pictures=2,
                seed=7,
                height=source.preprocessing.height,
                width=source.preprocessing.width,
                train_people=_DRAWN,
                progress=progress,
            )
        data = [str(drawn / "people")]
        note("calibrated on drawn people; pictures of your own cameras (--data) would tell more")
    try:
        return labelled_pictures(open_dataset(data))
    except DataError:
        if len(data) > 1 or not Path(data[0]).is_dir():
            raise
        pictures = unlabelled_pictures(Path(data[0]))
    note("these pictures are not labelled, so nobody knows what the precision costs in mAP")
    return pictures


def export_fields(record: "ExportRecord") -> dict[str, str]:
    """What an export says of itself, for reading."""
    agreement = record.agreement
    return {
        "format": f"{record.format}, {record.precision}",
        "exported from": record.source,
        "agreement": f"cosine of at least {agreement.lowest_cosine:.6f} to its source's embeddings, on "
        f"{agreement.pictures:,} pictures",
        **({"calibrated on": record.calibrated_on} if record.calibrated_on else {}),
        **({"mAP": _loss_line(record.loss)} if record.loss else {}),
        **({"left in fp32": ", ".join(record.kept_in_fp32)} if record.kept_in_fp32 else {}),
        "made with": ", ".join(f"{name} {version}" for name, version in record.made_with.items()),
    }


def _loss_line(loss: "MeasuredLoss") -> str:
    change = f"{abs(loss.points):.2f} points {'less' if loss.points > 0 else 'more'}"
    return f"{loss.export_mean_ap:.4f}, {change} than its source's {loss.source_mean_ap:.4f}, on {loss.data}"


COMMANDS = (export,)
