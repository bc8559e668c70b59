"""`passerby synth`: people out of nothing."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from passerby.cli.console import note, output, progress_bar

app = typer.Typer(name="synth", help="Draw people who do not exist.", no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def _group() -> None:
    """Draw people who do not exist."""


@app.command()
def videos(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the videos to make.")],
    identities: Annotated[
        int, typer.Option("--identities", help="How many people walk about.", min=1, max=9999)
    ] = 20,
    cameras: Annotated[int, typer.Option("--cameras", help="How many cameras record.", min=1, max=99)] = 3,
    seed: Annotated[int, typer.Option("--seed", help="Decides people, cameras and what happens.", min=0)] = 0,
    seconds: Annotated[
        float, typer.Option("--seconds", "--duration", help="How long every camera records.", min=1, max=86_400)
    ] = 60.0,
    fps: Annotated[float, typer.Option("--fps", help="Frames a second.", min=1, max=60)] = 10.0,
    height: Annotated[int, typer.Option("--height", help="Rows of the frames, even.", min=64, max=2160)] = 360,
    width: Annotated[int, typer.Option("--width", help="Columns of the frames, even.", min=64, max=3840)] = 640,
    change_clothes: Annotated[
        float,
        typer.Option(
            "--change-clothes", help="Probability that somebody who comes back has changed clothes.", min=0, max=1
        ),
    ] = 0.0,
    sitting: Annotated[
        float,
        typer.Option("--sitting", help="Probability that somebody who comes by sits down on a bench.", min=0, max=1),
    ] = 0.0,
    key_points: Annotated[
        bool, typer.Option("--key-points", help="Tell 14 key points of everybody in a frame.")
    ] = False,
    tracklets: Annotated[bool, typer.Option("--tracklets", help="Cut out tracklets, in MARS's layout.")] = False,
    processes: Annotated[
        int | None, typer.Option("--processes", help="How many processes draw; by default one on every core.", min=1)
    ] = None,
) -> None:
    """Record people walking from camera to camera as videos, with MOTChallenge's ground truth and their true ways.

    Interrupted, the same command goes on where it stopped: a finished camera is not recorded again.
    """
    from passerby.synthetic.videos import produce_videos

    try:
        with progress_bar("recording frames") as progress:
            produce_videos(
                folder,
                people=identities,
                cameras=cameras,
                seed=seed,
                seconds=seconds,
                fps=fps,
                height=height,
                width=width,
                change_clothes=change_clothes,
                sitting=sitting,
                key_points=key_points,
                tracklets=tracklets,
                processes=processes,
                progress=progress,
            )
    except KeyboardInterrupt:
        note("the same command goes on from here; cameras that are finished stay")
        raise
    output().print(
        f"{cameras} video{'s' if cameras > 1 else ''} of {seconds:g} s with {identities:,} people in {folder}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


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
    mode: Annotated[
        Literal["colour", "infrared", "depth"], typer.Option("--mode", help="What the cameras see.")
    ] = "colour",
    weather: Annotated[
        Literal["clear", "night", "rain", "snow", "mixed"],
        typer.Option("--weather", help="The weather outdoors; mixed: any of them, picture by picture."),
    ] = "clear",
    sitting: Annotated[
        float,
        typer.Option("--sitting", help="Share of the pictures in which people sit on benches.", min=0, max=1),
    ] = 0.0,
    masks: Annotated[bool, typer.Option("--masks", help="Write a part mask of every picture.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write the truth as Parquet too.")] = False,
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
                mode=mode,
                weather=weather,
                sitting=sitting,
                masks=masks,
                parquet=parquet,
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
