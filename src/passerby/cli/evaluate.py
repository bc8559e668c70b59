"""`passerby evaluate`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passerby.cli.console import note, print_fields, progress_bar
from passerby.cli.groups import print_groups
from passerby.cli.options import (
    Backend,
    CameraPattern,
    DataPath,
    Device,
    DropBroken,
    Format,
    Rerank,
    TestShare,
    open_dataset,
    open_embeddings,
)

if TYPE_CHECKING:
    from passerby.evaluation.evaluate import Evaluation
    from passerby.evaluation.open_set import OpenSet

PANEL = "Measure"


def evaluate(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model, or an .npz of embeddings.")],
    data: DataPath,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write report.html into this folder.")] = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="What asks, what answers and what is left out.")
    ] = "market1501",
    rerank: Rerank = None,
    open_set: Annotated[
        bool, typer.Option("--open-set", help="Measure search for people of whom a share is not in the gallery.")
    ] = False,
    enrolled: Annotated[
        float, typer.Option("--enrolled", help="Open set: share of the people in the gallery.")
    ] = 0.5,
    draws: Annotated[
        int, typer.Option("--draws", help="How often galleries, or who is enrolled, are drawn.", min=1)
    ] = 10,
    shots: Annotated[
        int | None,
        typer.Option("--shots", help="Pictures of each person in a drawn gallery; by default the protocol's.", min=1),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides what is drawn.", min=0)] = 0,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Synthetic data: error rates by kind of person, such as skin_tone,build,bag."),
    ] = None,
    device: Device = "auto",
    backend: Backend = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Measure how well a model finds a data set's test people again: CMC, mAP, mINP, and verification.

    Instead of a model, anybody's embeddings will do: an .npz with `embeddings` and `paths`, matched by file name.
    """
    from passerby.atomic import write_json
    from passerby.evaluation.embedding_map import embedding_map
    from passerby.evaluation.evaluate import evaluate_task
    from passerby.evaluation.model import cautions, group_errors_of, task_on
    from passerby.evaluation.open_set import open_set as measure_open_set
    from passerby.evaluation.protocols import ProtocolOptions, require_protocol
    from passerby.evaluation.report import write_report
    from passerby.evaluation.reranked import evaluate_reranked
    from passerby.evaluation.truth_labels import require_attributes
    from passerby.retrieval.methods import reranker

    require_protocol(protocol)
    attributes = require_attributes(by) if by is not None else ()
    method = reranker(rerank) if rerank is not None else None
    source = open_embeddings(model, device, backend)
    embedder, identity = source.embedder, source.identity
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    with progress_bar("embedding") as progress:
        options = ProtocolOptions(draws=draws, shots=shots, seed=seed)
        task = task_on(source.embeddings, dataset, protocol, options, progress)
    plain = evaluation = evaluate_task(task)
    reranked = None
    if method is not None:
        distances = method(task.queries.embeddings, task.gallery.embeddings)
        reranked = evaluate_reranked(task, plain, distances, method.name)
        evaluation = reranked.evaluation
    strangers = measure_open_set(task, enrolled=enrolled, draws=draws, seed=seed) if open_set else None
    calibration = embedder.bundle.calibration if embedder else None
    groups = group_errors_of(task, dataset, attributes, calibration, plain) if attributes else None
    figures = evaluation.to_dict()
    if method is not None:
        figures |= {"rerank": str(method), "without_rerank": plain.to_dict()}
        print_fields({"re-ranked by": str(method)})
    print_fields({**_ranking_fields(evaluation, figures), **_verification_fields(figures["verification"])})
    if method is not None:
        before = _ranking_fields(plain, figures["without_rerank"])
        print_fields({f"{name} without": before[name] for name in ("rank-1", "mAP", "mINP")})
    if strangers is not None:
        print_fields(_open_set_fields(strangers))
    if groups is not None:
        print_groups(groups)
    warnings = cautions(embedder, dataset) if embedder else []
    if method is not None and (strangers or groups):
        note("searches among strangers, and the errors of groups, are those by cosine distance, not re-ranked")
    for sentence in (evaluation.rule, *warnings):
        note(sentence)
    if json is not None:
        content = {"model": identity, "data": dataset.name, **figures, "cautions": warnings}
        more = {"open_set": strangers, "groups": groups}
        write_json(json, content | {name: part.to_dict() for name, part in more.items() if part is not None})
        note(f"figures: {json}")
    if report is not None:
        card = embedder.bundle.card if embedder else None
        written = write_report(
            report,
            plain,
            query_samples=task.queries.samples,
            gallery_samples=task.gallery.samples,
            title=f"{card.name if card else model.name} on {dataset.name}",
            details={
                "model": card.summary if card else str(model.name),
                "identity": identity,
                "trained on": card.trained_on if card else "unknown",
                "data set": f"{dataset.name} ({dataset.format})",
                "protocol": protocol,
                **({"re-ranked by": str(method)} if method is not None else {}),
                **({"caution": " ".join(warnings)} if warnings else {}),
            },
            reranked=reranked,
            open_set=strangers,
            groups=groups,
            embedding_map=embedding_map(task),
            calibration=calibration,
            caution=card.caution() if card else None,
        )
        note(f"report: {written}")


def _ranking_fields(evaluation: "Evaluation", figures: Mapping[str, Any]) -> dict[str, str]:
    metrics = evaluation.metrics
    names = {"rank_1": "rank-1", "rank_5": "rank-5", "rank_10": "rank-10", "mAP": "mAP", "mINP": "mINP"}
    spread = {name: f", ±{100 * deviation:.1f} over draws" for name, deviation in metrics.spread.items()}
    return {
        **{shown: _share(figures["intervals"][name]) + spread.get(name, "") for name, shown in names.items()},
        "queries": f"{metrics.queries:,}"
        + (f" ({metrics.skipped:,} more have no right answer)" if metrics.skipped else ""),
        "gallery": f"{evaluation.gallery_pictures:,} pictures",
    }


def _verification_fields(figures: Mapping[str, Any] | None) -> dict[str, str]:
    if figures is None:
        return {}
    intervals = figures["intervals"]
    rates = [name for name in intervals if name.startswith("tpr_at_fpr_")]
    return {
        "AUC": _share(intervals["auc"]),
        "equal error rate": _share(intervals["eer"]),
        **{f"TPR at FPR {float(name.rpartition('_')[2]):.2%}": _share(intervals[name]) for name in rates},
        "pairs": f"{figures['pairs_of_the_same_person']:,} of the same person, "
        f"{figures['pairs_of_different_people']:,} of different people",
    }


def _open_set_fields(found: "OpenSet") -> dict[str, str]:
    rows = {
        f"TPIR at FPIR {rate:.0%}": f"{_share(found.intervals[rate].to_dict())}, "
        f"{spread.mean:.1%} ± {100 * spread.deviation:.1f} over draws"
        for rate, spread in found.found.items()
    }
    strangers = f"{found.enrolled:,} enrolled, {found.strangers:,} strangers, drawn {found.draws} times"
    more = f"; {found.without_mate:,} queries have no right answer anyway" if found.without_mate else ""
    return {"open set": strangers + more, **rows}


def _share(interval: Mapping[str, float]) -> str:
    return f"{interval['value']:6.1%} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


COMMANDS = (evaluate,)
