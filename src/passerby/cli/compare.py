"""`passerby compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli.console import note, output, print_table, progress_bar
from passerby.cli.options import (
    CameraPattern,
    DataPath,
    Device,
    DropBroken,
    Format,
    TestShare,
    open_dataset,
    open_embeddings,
)

if TYPE_CHECKING:
    from passerby.evaluation.evaluate import Evaluation

PANEL = "Measure"


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Name or folder of a model, or an .npz of embeddings.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    data: DataPath,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="What asks, what answers and what is left out.")
    ] = "market1501",
    seed: Annotated[int, typer.Option("--seed", help="Decides what is drawn.", min=0)] = 0,
    device: Device = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Say which of two models finds a data set's test people better, and whether that is more than chance."""
    from passerby.atomic import write_json
    from passerby.evaluation.compare import compare as compare_evaluations
    from passerby.evaluation.compare import points
    from passerby.evaluation.evaluate import evaluate_task
    from passerby.evaluation.model import cautions, task_on
    from passerby.evaluation.protocols import ProtocolOptions, require_protocol

    require_protocol(protocol)
    models = [open_embeddings(path, device) for path in (first, second)]
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    evaluations: list[Evaluation] = []
    for model in models:
        with progress_bar("embedding") as progress:
            options = ProtocolOptions(seed=seed)
            evaluations.append(evaluate_task(task_on(model.embeddings, dataset, protocol, options, progress)))
    names = (str(first), str(second))
    result = compare_evaluations(evaluations[0], evaluations[1], names, seed=seed)
    output().print(result.verdict, markup=False, highlight=False)
    shown = {"rank_1": "rank-1", "rank_5": "rank-5", "rank_10": "rank-10", "mAP": "mAP", "mINP": "mINP"}
    rows = [
        (name, str(figure.first), str(figure.second), points(figure.test.difference), f"{figure.test.p_value:.2g}")
        for key, name in shown.items()
        if (figure := result.figures[key])
    ]
    print_table(("figure", "A", "B", "B less A", "p"), rows, numbers=("A", "B", "B less A", "p"))
    note(f"A is {names[0]}, B is {names[1]}; {result.queries:,} queries of {result.people:,} people")
    for name, model in zip("AB", models, strict=True):
        for sentence in cautions(model.embedder, dataset) if model.embedder else []:
            note(f"{name}: {sentence}")
    if json is not None:
        content = {"first": models[0].identity, "second": models[1].identity, "data": dataset.name}
        write_json(json, {**content, "protocol": protocol, **result.to_dict()})
        note(f"figures: {json}")


COMMANDS = (compare,)
