"""`passerby explain`."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note
from passerby.cli.options import Device
from passerby.errors import DataError

PANEL = "Measure"

_MOST = 200
"""Pictures on one page, which has to be looked at."""


def explain(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")],
    images: Annotated[list[Path], typer.Argument(help="Pictures, and folders of pictures.")],
    output: Annotated[Path, typer.Option("--output", help="Folder for explanation.png and explanation.html.")] = Path(
        "explanation"
    ),
    device: Device = "auto",
) -> None:
    """Show where a model looks: its attention, its activation, Grad-CAM; of two pictures, what makes them alike."""
    from passerby.data.images import find_pictures
    from passerby.evaluation.explanation import explain as run_explain
    from passerby.evaluation.explanation_sheet import check_folder, write_explanation
    from passerby.models.bundle import load_bundle
    from passerby.models.store import find_bundle

    check_folder(output)
    bundle = load_bundle(find_bundle(model))
    paths = [path for place in images for path in (find_pictures(place) if place.is_dir() else [place])]
    if not 1 <= len(paths) <= _MOST:
        raise DataError(f"{images[0]}: expected 1 to {_MOST} pictures to explain, got {len(paths)}; name some")
    explanation = run_explain(bundle, paths, device)
    for file in write_explanation(output, explanation, f"Where {bundle.card.name} looks"):
        note(f"written: {file}")
    if explanation.pair is not None:
        note(f"cosine of the two embeddings: {explanation.pair.similarity:.3f}")


COMMANDS = (explain,)
