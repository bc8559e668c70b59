"""`passerby data`: what a data set holds."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import output, print_fields, print_table, progress_bar
from passerby.cli.options import CameraPattern, Format, TestShare, open_dataset

app = typer.Typer(name="data", help="Look at data sets.", no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def _group() -> None:
    """Look at data sets."""


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    format: Format = None,
    camera_pattern: CameraPattern = None,
    test_share: TestShare = 0.3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how a data set is laid out, what is in it, and which pictures are broken.

    Every picture is decoded. Exit code 2 when any is broken.
    """
    from passerby.data.dataset import statistics
    from passerby.data.loader import find_broken

    dataset = open_dataset(path, format, camera_pattern, test_share)
    with progress_bar("checking pictures") as progress:
        broken = find_broken([sample.path for sample in dataset.samples], progress)
    splits = {name: statistics(getattr(dataset, name)) for name in ("train", "query", "gallery")}
    if as_json:
        content = {
            "name": dataset.name,
            "format": dataset.format,
            "splits": {name: asdict(split) for name, split in splits.items()},
            "ignored": [{"path": str(file), "reason": reason} for file, reason in dataset.ignored],
            "broken": [{"path": str(file), "reason": reason} for file, reason in broken],
        }
        output().print_json(json.dumps(content))
        raise typer.Exit(2 if broken else 0)
    print_fields({"data set": dataset.name, "format": dataset.format})
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
    raise typer.Exit(2 if broken else 0)
