"""`passerby calibrate` and `passerby verify`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from passerby.cli.console import note, output, print_fields, progress_bar
from passerby.cli.options import CameraPattern, DataPath, Device, DropBroken, Format, TestShare, open_dataset

PANEL = "Use"


def calibrate(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")],
    data: DataPath,
    people: Annotated[
        Literal["train", "test", "all"],
        typer.Option("--people", help="Whose pairs to measure; those whom the model was trained on are left out."),
    ] = "train",
    far: Annotated[
        float, typer.Option("--far", help="Share of pairs of different people that may pass.", min=0, max=1)
    ] = 0.01,
    equal_error: Annotated[
        bool, typer.Option("--equal-error", help="Choose the threshold where both kinds of error are equal instead.")
    ] = False,
    device: Device = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Measure which distance means the same person, and keep the threshold beside the model."""
    from passerby.evaluation.model import calibrate_on
    from passerby.models.bundle import write_calibration
    from passerby.models.embedder import load_embedder

    embedder = load_embedder(model, device)
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    with progress_bar("embedding") as progress:
        calibration = calibrate_on(
            embedder,
            dataset,
            people,
            max_far=far,
            criterion="equal_error" if equal_error else "max_far",
            progress=progress,
        )
    write_calibration(embedder.bundle, calibration)
    pairs = "pairs across cameras" if calibration.cross_camera else "pairs"
    different, same = f"{calibration.negative_pairs:,} {pairs}", f"{calibration.positive_pairs:,} {pairs}"
    print_fields(
        {
            "threshold": f"{calibration.threshold:.4f} (cosine distance; at most this means the same person)",
            "criterion": calibration.criterion,
            "FAR": f"{calibration.false_accept_rate:.4%} of {different} of different people",
            "FRR": f"{calibration.false_reject_rate:.2%} of {same} of the same person",
            "detection rate (TPR)": f"{1 - calibration.false_reject_rate:.2%}",
            "false detection (FPR)": f"{calibration.false_accept_rate:.4%}",
            "precision": f"{calibration.precision:.2%} among these pairs",
            "accuracy": f"{calibration.accuracy:.2%}, balanced {calibration.balanced_accuracy:.2%}",
            "equal error rate": f"{calibration.equal_error_rate:.2%}",
            "measured on": calibration.source,
        }
    )


def verify(
    first: Annotated[Path, typer.Argument(metavar="A", help="A picture of a person.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    model: Annotated[Path, typer.Option("--model", help="Name or folder of a model.")],
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Use this distance instead of the calibrated one.")
    ] = None,
    picture: Annotated[Path | None, typer.Option("--output", help="Draw the pair as this picture.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = "auto",
) -> None:
    """Say TRUE when two pictures show the same person, else FALSE, and what that rests on."""
    from passerby.models.embedder import load_embedder
    from passerby.retrieval.drawing import check_drawing, draw_pair, save_drawing
    from passerby.retrieval.pictures import decide

    if picture is not None:
        check_drawing(picture)
    decision = decide(load_embedder(model, device), first, second, threshold)
    if as_json:
        output().print_json(json.dumps(asdict(decision)))
    else:
        output().print("TRUE" if decision.same_person else "FALSE")
        print_fields(
            {
                "distance": f"{decision.distance:.4f}",
                "threshold": f"{decision.threshold:.4f}",
                "threshold from": decision.source,
            }
        )
    if picture is not None:
        save_drawing(picture, draw_pair(first, second, decision))
        note(f"picture: {picture}")


COMMANDS = (calibrate, verify)
