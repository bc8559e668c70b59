"""How far somebody is in what they add from, kept with the sightings that came of it, both or neither."""

from dataclasses import dataclass

from passerby.gallery.database import Cursor
from passerby.gallery.rows import read_setting, write_setting

_PREFIX = "bookmark "


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place in something that is being read.

    Attributes:
        name: What is read.
        place: Where its reader is, in whatever form the reader understands.
    """

    name: str
    place: str


def read_bookmark(cursor: Cursor, name: str) -> str | None:
    """The place of the bookmark of that name; None: there is none."""
    return read_setting(cursor, _PREFIX + name)


def write_bookmark(cursor: Cursor, bookmark: Bookmark) -> None:
    """Set a bookmark, in the transaction of what came of the reading."""
    write_setting(cursor, _PREFIX + bookmark.name, bookmark.place)
