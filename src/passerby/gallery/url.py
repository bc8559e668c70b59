"""What names a gallery: memory, a folder, or a database's address."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from passerby.gallery.sqlite import RECORD

MEMORY = "memory:"
_SERVERS = ("postgresql://", "postgres://")


def is_gallery(url: str | os.PathLike[str]) -> bool:
    """Whether this names a gallery rather than a folder of pictures or a file: a folder counts where it holds one."""
    text = os.fspath(url)
    return text == MEMORY or is_server(text) or (Path(text) / RECORD).is_file()


def is_server(url: str) -> bool:
    """Whether this is the address of a PostgreSQL database."""
    return url.startswith(_SERVERS)


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@")).geturl()
