"""How far a recording has been taken into a gallery, and whether it is still the same recording."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from passerby.errors import GalleryError, SourceError
from passerby.gallery.bookmarks import Bookmark
from passerby.gallery.gallery import Gallery
from passerby.video.files import VideoFile
from passerby.video.folders import FrameFolder

_PIECE = 2**20


@dataclass(slots=True)
class Progress:
    """How far a recording has been taken in.

    Attributes:
        name: What its file was called.
        began: When its first frame was taken, ISO 8601.
        made_by: What found and embedded people; an interrupted recording goes on with nothing else.
        done: Whether all of it is in the gallery.
        frames: How many frames there were.
        tracklets: How many sightings came of it.
        state: Of `passerby.video.watching.Watch`, until it is done.
    """

    name: str
    began: str
    made_by: str
    done: bool = False
    frames: int = 0
    tracklets: int = 0
    state: dict[str, Any] | None = field(default=None)


class Recording:
    """One file or folder of one camera, known by its content: its name does not matter.

    Args:
        gallery: Where it goes.
        camera: The camera's name.
        source: Its file or folder.
        made_by: What finds and embeds people.
        start: When it began; None: as it says itself.

    Raises:
        GalleryError: It has been taken in halfway by something else.
        SourceError: It cannot be read.
    """

    def __init__(
        self, gallery: Gallery, camera: str, source: VideoFile | FrameFolder, made_by: str, start: datetime | None
    ) -> None:
        self.fingerprint = fingerprint(source)
        self._key = f"recording {camera} {self.fingerprint}"
        self._name_key = f"recording {camera} named {source.path.name}"
        found = gallery.bookmark(self._key)
        self.known = found is not None
        began = start or source.began
        self.progress = Progress(source.path.name, "" if began is None else began.isoformat(), made_by)
        if found is not None:
            self.progress = Progress(**json.loads(found))
            if not self.progress.done and self.progress.made_by != made_by:
                raise GalleryError(
                    f"{source.name}: it was begun with {self.progress.made_by} and cannot go on with {made_by}; "
                    "finish it with the same detector, model and rate"
                )
        before = gallery.bookmark(self._name_key)
        self.changed = before is not None and before != self.fingerprint
        if before != self.fingerprint:
            gallery.add([], Bookmark(self._name_key, self.fingerprint))

    @property
    def began(self) -> datetime:
        """When its first frame was taken, by the camera's clock."""
        return datetime.fromisoformat(self.progress.began)

    def bookmark(self) -> Bookmark:
        """How far it is, to be kept with the sightings that have come of it."""
        return Bookmark(self._key, json.dumps(asdict(self.progress), separators=(",", ":")))

    def identifier(self, camera: str, number: int, part: int) -> str:
        """The id of a sighting: the same for the same part of the same track of the same recording."""
        content = json.dumps(["passerby tracklet 1", camera, self.fingerprint, number, part])
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def fingerprint(source: VideoFile | FrameFolder) -> str:
    """SHA-256 of a recording's content, in hexadecimal; of a folder, of names and contents of its pictures.

    Raises:
        SourceError: Something cannot be read.
    """
    digest = hashlib.sha256()
    paths = [source.path] if isinstance(source, VideoFile) else source.pictures
    for path in paths:
        if isinstance(source, FrameFolder):
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        _digest(path, digest)
    return digest.hexdigest()


def _digest(path: Path, digest: Any) -> None:  # noqa: ANN401
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise SourceError(f"{path}: it cannot be read ({(error.strerror or str(error)).lower()})") from error
