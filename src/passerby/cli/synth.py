"""`passerby synth`: people out of nothing."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note, output, progress_bar

app = typer.Typer(name="synth", help="Draw people who do not exist.", no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def _group() -> None:
    """Draw people who do not exist."""


@app.command()
def images(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the data set to make.")],
    identities: Annotated[int, typer.Option("--identities", help="How many people.", min=2, max=9999)] = 60,
    cameras: Annotated[int, typer.Option("--cameras", help="How many cameras.", min=1, max=9999)] = 4,
    cameras_per_person: Annotated[
        int | None,
        typer.Option(
            "--cameras-per-person", help="Cameras that see each person, a random few; by default all.", min=1
        ),
    ] = None,
    pictures: Annotated[
        int,
        typer.Option("--pictures", help="Pictures of every person by every camera that sees them.", min=1, max=9999),
    ] = 6,
    seed: Annotated[int, typer.Option("--seed", help="Decides people, cameras and pictures.", min=0)] = 0,
    height: Annotated[int, typer.Option("--height", help="Rows of the pictures.", min=16, max=1024)] = 256,
    width: Annotated[int, typer.Option("--width", help="Columns of the pictures.", min=16, max=1024)] = 128,
    train_share: Annotated[
        float | None,
        typer.Option("--train-share", help="Share of the people to train on; by default two thirds.", min=0, max=1),
    ] = None,
    look_alikes: Annotated[
        int,
        typer.Option(
            "--look-alikes",
            help="People in a row dressed alike but for one thing; 0: every sixth like the one before.",
            min=0,
            max=99,
        ),
    ] = 0,
    clothes_sets: Annotated[
        int, typer.Option("--clothes-sets", help="Sets of clothes each person is seen in.", min=1, max=99)
    ] = 1,
    processes: Annotated[
        int | None, typer.Option("--processes", help="How many processes draw; by default one on every core.", min=1)
    ] = None,
) -> None:
    """Draw a data set of synthetic people in Market-1501's layout, with the truth of every picture.

    Interrupted, the same command goes on where it stopped.
    """
    from passerby.synthetic.production import produce_people

    try:
        with progress_bar("drawing people") as progress:
            produce_people(
                folder,
                people=identities,
                cameras=cameras,
                cameras_per_person=cameras_per_person,
                pictures=pictures,
                seed=seed,
                height=height,
                width=width,
                train_people=None if train_share is None else round(identities * train_share),
                look_alikes=look_alikes,
                clothes_sets=clothes_sets,
                processes=processes,
                progress=progress,
            )
    except KeyboardInterrupt:
        note("the same command goes on from here")
        raise
    total = identities * (cameras_per_person or cameras) * pictures
    output().print(
        f"{total:,} pictures of {identities:,} people by {cameras} cameras in {folder}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
