"""Where the galleries that are measured are kept, and what a server beside them costs; see gallery.py."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from passerby.gallery import open_gallery
from passerby.gallery.creation import create_gallery
from passerby.gallery.gallery import Gallery
from passerby.privacy.secret import Key, Secret


@dataclass(frozen=True, slots=True)
class Home:
    """Where a gallery is kept.

    Attributes:
        url: Its URL.
        folder: Where its files are.
        secret: What opens it; None: it is not encrypted.
        in_memory: Whether an index in memory is asked for.
        server_seconds: Gives the processor seconds so far of the server that keeps it; 0 without one.
        server_mib: Gives the memory of that server.
    """

    url: str
    folder: Path
    secret: Secret | None
    in_memory: bool
    server_seconds: Callable[[], float] = float
    server_mib: Callable[[], float] = float

    def open(self) -> Gallery:
        """Open it."""
        return open_gallery(self.url, secret=self.secret, in_memory=self.in_memory)

    def spent(self) -> float:
        """Processor seconds so far, of this process and the server."""
        return time.process_time() + self.server_seconds()

    def cool(self) -> None:
        """Have the system forget what it has read of the files."""
        os.sync()
        for path in self.folder.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def new_home(kind: str, work: Path, *, encrypted: bool, in_memory: bool) -> Iterator[Home]:
    """A home of that kind, with an empty gallery in it."""
    secret = Key(bytes(range(32))) if encrypted else None
    if kind == "folder":
        home = Home(str(work / "gallery"), work / "gallery", secret, in_memory)
        create_gallery(home.url, secret=secret, encrypt=encrypted, turn=encrypted)
        yield home
        return
    import pgserver

    server = pgserver.get_server(work / "server", cleanup_mode="stop")

    def processes() -> list[psutil.Process]:
        postmaster = psutil.Process(server.get_pid())
        return [postmaster, *postmaster.children(recursive=True)]

    def seconds() -> float:
        total = sum(psutil.Process(server.get_pid()).cpu_times()[2:4])  # Of those that have ended.
        for process in processes():
            with suppress(psutil.NoSuchProcess):  # A helper for one query, which is counted with its parent then.
                total += sum(process.cpu_times()[:2])
        return total

    def mib() -> float:
        return sum(process.memory_full_info().pss for process in processes()) / 2**20

    try:
        home = Home(server.get_uri(), work / "server", secret, in_memory, seconds, mib)
        create_gallery(home.url, secret=secret, encrypt=encrypted, turn=encrypted)
        yield home
    finally:
        server.cleanup()
