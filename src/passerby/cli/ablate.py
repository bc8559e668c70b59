"""`passerby ablate`."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import print_table
from passerby.cli.options import CameraPattern, DataPath, Device, DropBroken, Format, TestShare, open_dataset
from passerby.cli.train import Initial, MeasureTest, RecipeName, Settings, TrainingDisplay
from passerby.training.reporter import Reporter

PANEL = "Train"


def ablate(
    recipe: RecipeName,
    data: DataPath,
    output: Annotated[Path, typer.Option("--output", help="Folder for a training per layer, and ablation.json.")],
    layers: Annotated[
        str, typer.Option("--layers", help="Where to put the attention, with commas; none: nowhere.")
    ] = "none,layer1,layer2,layer3,layer4",
    set: Settings = None,
    test: MeasureTest = False,
    initial: Initial = None,
    force: Annotated[bool, typer.Option("--force", help="Train finished layers anew.")] = False,
    device: Device = "auto",
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Train with the recipe's attention after each layer in turn, and without it, and print what each comes to.

    Ctrl-C saves and stops; the same command goes on, and trains nothing again that is finished.
    """
    from passerby.training.layer_ablation import ablate_layers
    from passerby.training.recipe import load_recipe
    from passerby.training.team import leads

    loaded = load_recipe(recipe, set or [])
    places = [layer.strip() for layer in layers.split(",") if layer.strip()]
    dataset = open_dataset(data, format, camera_pattern, test_share, drop_broken)
    with TrainingDisplay() as display:

        def tell(place: str) -> Reporter:
            display.note(f"attention after {place}" if place != "none" else "no attention")
            return display

        found = ablate_layers(
            loaded,
            places,
            dataset,
            output,
            test=test,
            device=device,
            overwrite=force,
            initial=initial,
            reporter=tell,
        )
    if not leads():
        return
    names = list(found[0].figures)
    rows = [(one.place, *(f"{one.figures[name]:.4f}" for name in names)) for one in found]
    print_table(("attention after", *(name.replace("_", " ") for name in names)), rows, numbers=names)


COMMANDS = (ablate,)
