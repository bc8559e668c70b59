"""`passerby data`: what a data set holds, and its pictures in another form."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from passerby.cli.console import note, output, print_fields, print_table, progress_bar
from passerby.cli.options import CameraPattern, DropBroken, Format, TestShare, open_dataset

if TYPE_CHECKING:
    from passerby.data.dataset import Dataset

app = typer.Typer(
    name="data", help="Look at data sets and convert them.", no_args_is_help=True, rich_markup_mode="rich"
)


@app.callback()
def _group() -> None:
    """Look at data sets and convert them."""


@app.command()
def inspect(
    path: Annotated[str, typer.Argument(help="Data set: PATH or PATH:key=value,….")],
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how a data set is laid out, what is in it, and which pictures are broken or stand under two people.

    Every picture is decoded. Exit code 2 when any is broken.
    """
    from passerby.data.checking import identical_pictures
    from passerby.data.dataset import statistics
    from passerby.data.formats import FORMATS
    from passerby.data.loader import find_broken

    dataset = open_dataset([path], format, camera_pattern, test_share)
    with progress_bar("checking pictures") as progress:
        broken = find_broken([sample.path for sample in dataset.samples], progress)
    alike = identical_pictures(dataset.samples)
    splits = {name: statistics(getattr(dataset, name)) for name in ("train", "query", "gallery")}
    layout, more = FORMATS[dataset.format].layout, _more(dataset)
    if as_json:
        content = {
            "name": dataset.name,
            "format": dataset.format,
            "layout": layout,
            "splits": {name: asdict(split) for name, split in splits.items()},
            "more": list(more),
            "ignored": [{"path": str(file), "reason": reason} for file, reason in dataset.ignored],
            "broken": [{"path": str(file), "reason": reason} for file, reason in broken],
            "identical": [[str(one.path), str(other.path)] for one, other in alike],
        }
        output().print_json(json.dumps(content))
        raise typer.Exit(2 if broken else 0)
    print_fields({"data set": dataset.name, "format": f"{dataset.format}, known by {layout}"})
    if more:
        print_fields({"also known": ", ".join(more)})
    columns = ("split", "pictures", "people", "cameras", "per person", "one camera only", "distractors", "junk")
    rows = [
        (
            name,
            f"{split.pictures:,}",
            f"{split.people:,}",
            str(split.cameras) if split.cameras else "unknown",
            f"{split.fewest}–{split.most}",
            f"{split.single_camera_people:,}",
            f"{split.distractors:,}",
            f"{split.junk:,}",
        )
        for name, split in splits.items()
    ]
    print_table(columns, rows, numbers=columns[1:])
    for title, files in (("not part of the data set", dataset.ignored), ("broken", broken)):
        output().print(f"\n{title}: {len(files) or 'none'}", markup=False)
        if files:
            print_table(("file", "why"), [(str(file), reason.removeprefix(f"{file}: ")) for file, reason in files])
    if alike:
        output().print(f"\nidentical pictures of two people, perhaps one under two ids: {len(alike)}", markup=False)
        print_table(("picture", "the same as"), [(str(one.path), str(other.path)) for one, other in alike])
    raise typer.Exit(2 if broken else 0)


def _more(dataset: "Dataset") -> list[str]:
    """What is known beside people and cameras."""
    samples = dataset.samples
    tracks = {(s.person_id, s.camera_id, s.track_id) for s in samples if s.track_id is not None}
    clothes = {(s.person_id, s.clothes_id) for s in samples if s.clothes_id is not None}
    counts = {
        "tracklets": len(tracks),
        "sets of clothes": len(clothes),
        "people's attributes": len(dataset.attributes),
        "sentences": sum(map(len, dataset.sentences.values())),
    }
    return [f"{count:,} {what}" for what, count in counts.items() if count]


@app.command()
def convert(
    path: Annotated[str, typer.Argument(metavar="SRC", help="Data set: PATH or PATH:key=value,….")],
    target: Annotated[Path, typer.Argument(metavar="DEST", help="Folder to make; for parquet a file.")],
    to: Annotated[
        Literal["market1501", "shards", "parquet"],
        typer.Option("--to", help="What to make of it.", show_default=False),
    ],
    height: Annotated[
        int | None, typer.Option("--height", help="Decode and scale pictures to so many rows.", min=16, max=1024)
    ] = None,
    width: Annotated[
        int | None, typer.Option("--width", help="Decode and scale pictures to so many columns.", min=16, max=1024)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at DEST.")] = False,
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    drop_broken: DropBroken = False,
) -> None:
    """Write a data set in another form, labels with it: Market-1501's layout, packed shards, or a Parquet table.

    Pictures stay as they are unless --height and --width are given. Interrupted, nothing is left behind.
    """
    from passerby.data.writing import convert as write
    from passerby.errors import PasserbyError

    if (height is None) != (width is None):
        raise PasserbyError("expected both --height and --width or neither, got one of them")
    dataset = open_dataset([path], format, camera_pattern, test_share, drop_broken)
    size = None if height is None or width is None else (height, width)
    with progress_bar("writing pictures") as progress:
        result = write(dataset, target, to, size=size, replace=force, progress=progress)
    print_fields(
        {"data set": f"{dataset.name} ({dataset.format})", "pictures": f"{result.pictures:,}", to: str(target)}
    )
    if result.left_behind:
        note(f"{to} has no place for {', '.join(result.left_behind)}; shards and parquet have")
