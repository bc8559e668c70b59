"""`passerby calibrate` and `passerby verify`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from passerby.cli.console import note, output, print_fields, progress_bar
from passerby.cli.options import (
    DATA_HELP,
    Backend,
    CameraNumber,
    CameraPattern,
    Device,
    DropBroken,
    Format,
    Prior,
    TestShare,
    open_dataset,
    open_model,
)

if TYPE_CHECKING:
    from passerby.types import Calibration

PANEL = "Use"

_GALLERIES = (1_000, 10_000, 100_000)
"""Sizes for which `calibrate` tells how many strangers pass."""


def calibrate(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")],
    data: Annotated[list[str] | None, typer.Option("--data", help=DATA_HELP, metavar="PATH")] = None,
    tracks: Annotated[
        Path | None,
        typer.Option("--tracks", help="Folder of tracks of your own cameras instead, without labels."),
    ] = None,
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
    gallery_size: Annotated[
        int | None,
        typer.Option(
            "--gallery-size",
            help="Let --far be the share of searches in so many pictures that may raise a false alarm.",
            min=1,
        ),
    ] = None,
    device: Device = "auto",
    backend: Backend = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Measure which distance means the same person, and keep it beside the model.

    With --tracks nobody needs to be labelled: pictures of one track show the same person, and people whom one camera
    sees at once are different ones. The answer says in words whether the model works there.
    """
    from passerby.errors import PasserbyError
    from passerby.evaluation.model import calibrate_on, calibrate_on_tracks
    from passerby.models.bundle import write_calibration

    if bool(data) == (tracks is not None):
        raise PasserbyError(f"expected one of --data and --tracks, got {'both' if data else 'neither'}")
    embedder = open_model(model, device, backend)
    criterion: Literal["max_far", "equal_error"] = "equal_error" if equal_error else "max_far"
    findings: tuple[str, ...] = ()
    if tracks is not None:
        with progress_bar("embedding") as progress:
            result = calibrate_on_tracks(
                embedder,
                tracks,
                max_far=far,
                criterion=criterion,
                gallery_size=gallery_size,
                progress=progress,
                drop_broken=drop_broken,
            )
        calibration, findings = result.calibration, result.findings
        output().print(result.verdict, markup=False, highlight=False)
    elif data:
        dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
        with progress_bar("embedding") as progress:
            calibration = calibrate_on(
                embedder,
                dataset,
                people,
                max_far=far,
                criterion=criterion,
                gallery_size=gallery_size,
                progress=progress,
            )
    write_calibration(embedder.bundle, calibration)
    print_fields(_fields(calibration))
    for finding in findings:
        note(finding)


def _fields(calibration: "Calibration") -> dict[str, str]:
    """Everything that a calibration says, for reading."""
    pairs = "pairs across cameras" if calibration.cross_camera else "pairs"
    far, frr = _interval(calibration.false_accept_interval, 4), _interval(calibration.false_reject_interval, 2)
    different, same = f"{calibration.negative_pairs:,} {pairs}", f"{calibration.positive_pairs:,} {pairs}"
    return {
        "threshold": f"{calibration.threshold:.4f} (cosine distance; at most this means the same person)",
        "criterion": calibration.criterion,
        "FAR": f"{calibration.false_accept_rate:.4%}{far} of {different} of different people",
        "FRR": f"{calibration.false_reject_rate:.2%}{frr} of {same} of the same person",
        "detection rate (TPR)": f"{1 - calibration.false_reject_rate:.2%}",
        "false detection (FPR)": f"{calibration.false_accept_rate:.4%}",
        "precision": f"{calibration.precision:.2%} among these pairs",
        "accuracy": f"{calibration.accuracy:.2%}, balanced {calibration.balanced_accuracy:.2%}",
        "equal error rate": f"{calibration.equal_error_rate:.2%}",
        **_probability_fields(calibration),
        "measured on": calibration.source,
    }


def _probability_fields(calibration: "Calibration") -> dict[str, str]:
    from passerby.errors import CalibrationError
    from passerby.probability import evidence_of, expected_false_matches, threshold_for_gallery

    evidence = evidence_of(calibration)
    error = evidence.reliability.expected_calibration_error
    on_whom = "people held out" if evidence.reliability.held_out else "these very people"
    rows = {
        "probabilities": f"{evidence.method}, off by {error:.1%} on average (ECE) on {on_whom}, both answers taken "
        "as equally likely beforehand"
    }
    for size in _GALLERIES:
        strangers = float(expected_false_matches(calibration, calibration.threshold, size))
        try:
            strict = f"one in ten searches at {threshold_for_gallery(calibration, size, 0.1):.4f}"
        except CalibrationError:
            strict = "too few pairs to tell at which distance only one in ten searches raises one"
        rows[f"false matches in {size:,}"] = f"{strangers:,.1f} on average at the threshold; {strict}"
    return rows


def _interval(interval: tuple[float, float] | None, digits: int) -> str:
    return "" if interval is None else f" [{100 * interval[0]:.{digits}f}, {100 * interval[1]:.{digits}f}]"


def verify(
    first: Annotated[Path, typer.Argument(metavar="A", help="A picture of a person.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    model: Annotated[Path, typer.Option("--model", help="Name or folder of a model.")],
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Use this distance instead of the calibrated one.")
    ] = None,
    picture: Annotated[Path | None, typer.Option("--output", help="Draw the pair as this picture.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    prior: Prior = 0.5,
    device: Device = "auto",
    backend: Backend = "auto",
    camera_pattern: CameraNumber = None,
) -> None:
    """Say TRUE when two pictures show the same person, else FALSE, and what that rests on."""
    from passerby.retrieval.drawing import check_drawing, draw_pair, save_drawing
    from passerby.retrieval.pictures import decide

    if picture is not None:
        check_drawing(picture)
    embedder = open_model(model, device, backend)
    decision = decide(embedder, first, second, threshold, prior=prior, camera_pattern=camera_pattern)
    if as_json:
        output().print_json(json.dumps(asdict(decision)))
    else:
        output().print("TRUE" if decision.same_person else "FALSE")
        fields = {
            "distance": f"{decision.distance:.4f}",
            "threshold": f"{decision.threshold:.4f}",
            "threshold from": decision.source,
        }
        if decision.probability is not None:
            fields["probability"] = f"{decision.probability:.1%} that they are the same person, taken as {prior:.0%} "
            fields["probability"] += "before looking"
        print_fields(fields)
    calibration = embedder.bundle.calibration
    if calibration is not None and calibration.synthetic and (threshold is None or decision.probability is not None):
        note("this was measured on synthetic people; measure it on your cameras with `passerby calibrate … --tracks`")
    if picture is not None:
        save_drawing(picture, draw_pair(first, second, decision))
        note(f"picture: {picture}")


COMMANDS = (calibrate, verify)
