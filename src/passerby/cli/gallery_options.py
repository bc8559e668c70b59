"""Options of all commands that open a gallery, and the gallery that they describe."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.errors import GalleryError

if TYPE_CHECKING:
    from passerby.gallery.gallery import Gallery

Url = Annotated[str, typer.Argument(metavar="URL", help="A gallery: a folder, or postgresql://….")]
Purpose = Annotated[
    str | None, typer.Option("--purpose", help="What for, for the audit log; by default as the policy says.")
]
Case = Annotated[str | None, typer.Option("--case", help="Number of the case, for the audit log.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="Key file of an encrypted gallery; else PASSERBY_KEY or PASSERBY_PASSPHRASE."),
]
After = Annotated[str | None, typer.Option("--after", help="From this time on (ISO 8601; UTC without a zone).")]
Before = Annotated[str | None, typer.Option("--before", help="Before this time (ISO 8601; UTC without a zone).")]


@contextmanager
def opened(
    url: str,
    purpose: str | None = None,
    case: str | None = None,
    key: Path | None = None,
    *,
    model: str | None = None,
    device: str = "auto",
    create: bool = False,
) -> Iterator["Gallery"]:
    """The gallery of that URL, as the system's user opens it.

    Raises:
        GalleryError: It would be gone when the command ends, or `passerby.gallery.open_gallery` cannot open it.
    """
    from passerby.gallery.access import open_gallery
    from passerby.privacy.secret import secret_from

    check_lasting(url)
    secret = secret_from(key)
    with open_gallery(
        url, purpose=purpose, case=case, model=model, secret=secret, create=create, device=device
    ) as gallery:
        yield gallery


def check_lasting(url: str) -> None:
    """Do nothing where a gallery outlives the command.

    Raises:
        GalleryError: It does not.
    """
    from passerby.gallery.url import MEMORY

    if url == MEMORY:
        raise GalleryError(
            f"expected a folder or postgresql://… as a gallery, got {MEMORY}, which would end with the command; "
            "use it from Python"
        )


def moment(text: str | None) -> datetime | None:
    """The time that an option says."""
    from passerby.gallery.clock import parse_time

    return None if text is None else parse_time(text)
