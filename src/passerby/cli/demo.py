"""`passerby demo`."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note, output, progress_bar
from passerby.cli.train import TrainingDisplay
from passerby.errors import PasserbyError

PANEL = "Begin here"


_PEOPLE, _PEOPLE_TO_TRAIN, _SEED = 12, 72, 1


def demo(
    folder: Annotated[Path, typer.Option("--output", help="Folder for what the demo makes.")] = Path("passerby-demo"),
    people: Annotated[
        int | None,
        typer.Option(
            "--people",
            help=f"How many people; by default {_PEOPLE}, with --train {_PEOPLE_TO_TRAIN}.",
            min=2,
            max=2000,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help=f"Decides the people and what happens; by default {_SEED}, with --train 0.", min=0
        ),
    ] = None,
    model: Annotated[str, typer.Option("--model", help="Name or folder of the model to search with.")] = "passerby-s",
    train: Annotated[bool, typer.Option("--train", help="Train a model on synthetic people instead.")] = False,
) -> None:
    """Record people who do not exist with three cameras, search one across them, and write a report.

    Takes less than a minute and trains nothing; with --train it renders people, trains on some, and finds the others
    again, in about two minutes.
    """
    if train:
        _train(folder, _PEOPLE_TO_TRAIN if people is None else people, seed or 0)
    else:
        _search(folder, _PEOPLE if people is None else people, _SEED if seed is None else seed, model)


def _search(folder: Path, people: int, seed: int, model: str) -> None:
    from passerby.demo.search import run_demo

    with progress_bar("recording frames") as recording:
        result = run_demo(folder, people=people, seed=seed, model=model, say=note, recording=recording)
    right = [answer.rank for answer in result.answers if answer.right]
    _tell(
        f"person {result.person}: the right way through another camera's view is answer {right[0]} of "
        f"{len(result.answers)}; rank-1 of everybody {result.evaluation.metrics.rank(1):.1%}",
        result.report,
    )


def _train(folder: Path, people: int, seed: int) -> None:
    from passerby.demo.training import run_training_demo

    if people < 20:
        raise PasserbyError(f"expected 20 people or more with --train, got {people}; some train, the others test")
    with TrainingDisplay("give the same command") as display:
        result = run_training_demo(
            folder, people=people, seed=seed, say=note, rendering=display.rendering, reporter=display
        )
    before, after = result.untrained.metrics, result.trained.metrics
    _tell(
        f"rank-1 {before.rank(1):.1%} untrained → {after.rank(1):.1%} trained; "
        f"mAP {before.mean_ap:.1%} → {after.mean_ap:.1%}",
        result.report,
    )


def _tell(found: str, report: Path) -> None:
    output().print(f"{found}\nopen {report} in a browser", markup=False, highlight=False, soft_wrap=True)


COMMANDS = (demo,)
