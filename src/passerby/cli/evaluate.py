"""`passerby evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note, print_fields, progress_bar
from passerby.cli.options import CameraPattern, DataPath, Device, DropBroken, Format, TestShare, open_dataset

PANEL = "Measure"


def evaluate(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model, or an .npz of embeddings.")],
    data: DataPath,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write report.html into this folder.")] = None,
    device: Device = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Measure how well a model finds a data set's test people again: CMC, mAP, mINP.

    Instead of a model, anybody's embeddings will do: an .npz with `embeddings` and `paths`, matched by file name.
    """
    from passerby.atomic import write_json
    from passerby.evaluation.model import cautions, evaluate_on, from_file, from_model
    from passerby.evaluation.report import write_report
    from passerby.models.embedder import load_embedder
    from passerby.retrieval.embedding_file import load_embeddings

    embedder = None
    if model.is_file():
        vectors = load_embeddings(model)
        embeddings, identity = from_file(vectors), vectors.identity or "not Passerby's"
    else:
        embedder = load_embedder(model, device)
        embeddings, identity = from_model(embedder), embedder.identity
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    with progress_bar("embedding") as progress:
        evaluation = evaluate_on(embeddings, dataset, progress)
    metrics = evaluation.metrics
    print_fields(
        {
            "rank-1": f"{metrics.rank(1):6.2%}",
            "rank-5": f"{metrics.rank(5):6.2%}",
            "rank-10": f"{metrics.rank(10):6.2%}",
            "mAP": f"{metrics.mean_ap:6.2%}",
            "mINP": f"{metrics.mean_inp:6.2%}",
            "queries": f"{metrics.queries:,}"
            + (f" ({metrics.skipped:,} more have no right answer)" if metrics.skipped else ""),
            "gallery": f"{evaluation.gallery_pictures:,} pictures",
        }
    )
    warnings = cautions(embedder, dataset) if embedder else []
    for sentence in (evaluation.rule, *warnings):
        note(sentence)
    if json is not None:
        content = {"model": identity, "data": dataset.name, **evaluation.to_dict(), "cautions": warnings}
        write_json(json, content)
        note(f"figures: {json}")
    if report is not None:
        card = embedder.bundle.card if embedder else None
        written = write_report(
            report,
            evaluation,
            query_samples=dataset.query,
            gallery_samples=dataset.gallery,
            title=f"{card.name if card else model.name} on {dataset.name}",
            details={
                "model": card.summary if card else str(model.name),
                "identity": identity,
                "trained on": card.trained_on if card else "unknown",
                "data set": f"{dataset.name} ({dataset.format})",
                **({"caution": " ".join(warnings)} if warnings else {}),
            },
            calibration=embedder.bundle.calibration if embedder else None,
            caution=card.caution() if card else None,
        )
        note(f"report: {written}")


COMMANDS = (evaluate,)
