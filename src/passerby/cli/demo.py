"""`passerby demo`."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note, output
from passerby.cli.train import TrainingDisplay

PANEL = "Begin here"


def demo(
    folder: Annotated[Path, typer.Option("--output", help="Folder for what the demo makes.")] = Path("passerby-demo"),
    people: Annotated[int, typer.Option("--people", help="How many people to render.", min=20, max=2000)] = 72,
    seed: Annotated[int, typer.Option("--seed", help="Decides the people and the training.", min=0)] = 0,
) -> None:
    """Render synthetic people, train on some, find the others again, and write a report; about two minutes."""
    from passerby.demo import run_demo

    with TrainingDisplay() as display:
        result = run_demo(folder, people=people, seed=seed, say=note, rendering=display.rendering, reporter=display)
    before, after = result.untrained.metrics, result.trained.metrics
    output().print(
        f"rank-1 {before.rank(1):.1%} untrained → {after.rank(1):.1%} trained; "
        f"mAP {before.mean_ap:.1%} → {after.mean_ap:.1%}\nopen {result.report} in a browser",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


COMMANDS = (demo,)
