"""Crops from a folder of pictures into a gallery."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import ExifTags, Image

from passerby.data.images import find_pictures
from passerby.data.loader import find_broken
from passerby.errors import DataError
from passerby.gallery.gallery import Gallery
from passerby.types import Progress, Sighting

_AT_ONCE = 64  # Pictures that are acknowledged together.
_EXIF_TIME = "%Y:%m:%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class FolderAdded:
    """What came of adding a folder.

    Attributes:
        added: Sightings that are new.
        known: Those that were there already.
        broken: Pictures that were left out.
    """

    added: int
    known: int
    broken: int


def add_folder(
    gallery: Gallery,
    folder: Path,
    camera: str,
    *,
    time: datetime | None = None,
    person: str | None = None,
    people: bool = False,
    drop_broken: bool = False,
    progress: Progress | None = None,
) -> FolderAdded:
    """Add a picture, or all pictures below a folder, as sightings of one camera.

    What is there already is not added again, so that an interrupted call may simply be repeated.

    Args:
        gallery: Where to.
        folder: A folder, or one picture.
        camera: The camera's name.
        time: When all of them were taken, by the camera's clock. None: when each says that it was, in its EXIF
            marks, else when its file was last changed.
        person: Whom all of them show.
        people: Whether each folder below `folder` is a person's, whom its name labels.
        drop_broken: Whether to leave out pictures that cannot be decoded.
        progress: Told how many are done, and of how many.

    Raises:
        DataError: There are no pictures.
        ImageError: One is broken and not to be left out; those before it are added.
    """
    paths = find_pictures(folder) if folder.is_dir() else [folder]
    if not paths:
        raise DataError(f"{folder}: expected pictures, got none")
    broken = {path for path, _ in find_broken(paths)} if drop_broken else set()
    whole = [path for path in paths if path not in broken]
    added = known = 0
    for batch in _batches(whole):
        sightings = [
            Sighting(camera, time or time_of(path), crop=path, person=_label(path, folder) if people else person)
            for path in batch
        ]
        acknowledged = gallery.add(sightings)
        added += sum(one.new for one in acknowledged)
        known += sum(not one.new for one in acknowledged)
        if progress is not None:
            progress(added + known, len(whole))
    return FolderAdded(added, known, len(broken))


def time_of(path: Path) -> datetime:
    """When a picture was taken: by its EXIF marks (the camera's clock), else when its file was last changed."""
    try:
        with Image.open(path) as image:
            marks = image.getexif()
            text = marks.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or marks.get(
                ExifTags.Base.DateTime
            )
        return datetime.strptime(str(text), _EXIF_TIME)
    except (OSError, ValueError, SyntaxError):
        pass  # No marks, or broken ones; whether the picture is whole is seen when it is added.
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)


def _label(path: Path, folder: Path) -> str | None:
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else None


def _batches(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    return (paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE))
