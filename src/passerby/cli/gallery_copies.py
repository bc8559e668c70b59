"""`passerby gallery backup`, `restore`, `export`, `import` and `reembed`: to another place, or another model."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note, output, progress_bar
from passerby.cli.gallery_options import Case, KeyFile, Purpose, Url, opened
from passerby.cli.options import Device
from passerby.errors import GalleryError

_NAMED = 50  # Bad lines of an import that are named one by one.


def backup(
    url: Url,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the copy.")],
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Copy a gallery as it is at one moment, while others use it. The copy is a gallery itself."""
    from passerby.gallery.backup import backup as copy

    with opened(url, purpose, case, key) as gallery, progress_bar("copying") as progress:
        count = copy(gallery, target, progress)
    output().print(f"{count:,} sightings copied to {target}", markup=False, highlight=False, soft_wrap=True)


def restore(
    url: Url,
    source: Annotated[Path, typer.Argument(metavar="DIR", help="What `passerby gallery backup` wrote.")],
    purpose: Purpose = None,
    key: KeyFile = None,
) -> None:
    """Put a backup where there is no gallery yet, in a folder or in PostgreSQL."""
    from passerby.gallery.backup import restore as put_back
    from passerby.privacy.secret import secret_from

    with progress_bar("copying") as progress:
        count = put_back(source, url, secret_from(key), purpose, progress)
    output().print(f"{count:,} sightings restored", highlight=False)


def export(
    url: Url,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write: one JSON object a line.")],
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Only this camera; several times.")] = None,
    no_crops: Annotated[bool, typer.Option("--no-crops", help="Leave the pictures out.")] = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Write sightings as JSON lines, in the clear."""
    from passerby.gallery.exchange import export as write_lines

    with opened(url, purpose, case, key) as gallery, progress_bar("writing") as progress:
        count = write_lines(gallery, target, cameras=camera or None, with_crops=not no_crops, progress=progress)
    output().print(f"{count:,} sightings written to {target}", markup=False, highlight=False, soft_wrap=True)


def import_file(
    url: Url,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, as `passerby gallery export` writes.")],
    model: Annotated[
        str | None, typer.Option("--model", help="Name or folder of a model, for lines without an embedding.")
    ] = None,
    device: Device = "auto",
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Add sightings from JSON lines. Bad lines are named and left out; then the exit code is 2."""
    from passerby.gallery.exchange import import_lines

    with (
        opened(url, purpose, case, key, model=model, device=device, create=True) as gallery,
        progress_bar("reading") as progress,
    ):
        done = import_lines(gallery, source, progress)
    output().print(f"{done.added:,} added, {done.known:,} there already", highlight=False)
    for number, reason in done.refused[:_NAMED]:
        note(f"{source}, line {number}: {reason}")
    if len(done.refused) > _NAMED:
        note(f"and {len(done.refused) - _NAMED:,} lines more")
    if done.refused:
        many = "1 line is" if len(done.refused) == 1 else f"{len(done.refused):,} lines are"
        raise GalleryError(
            f"{source}: {many} not in the gallery, the first is line {done.refused[0][0]}: {done.refused[0][1]}; "
            "put right what is wrong and import the file again"
        )


def reembed(
    url: Url,
    model: Annotated[str, typer.Option("--model", help="Name or folder of the model to move to.")],
    device: Device = "auto",
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Embed every crop with another model, and switch to it when all are done. Interrupted, call it again."""
    from passerby.gallery.model import GalleryModel
    from passerby.gallery.reembedding import reembed as move

    with opened(url, purpose, case, key) as gallery, progress_bar("embedding") as progress:
        count = move(gallery, GalleryModel(model, device), progress)
    output().print(f"{count:,} sightings embedded", highlight=False)


COMMANDS = (backup, restore, export, reembed)
