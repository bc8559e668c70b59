"""Which sightings are meant."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passerby.gallery.clock import to_microseconds
from passerby.gallery.rows import marks


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sightings are meant; what is None does not matter.

    Attributes:
        cameras: Names; an empty set means none.
        after: This moment or later.
        before: Earlier than this moment.
        min_quality: At least this quality; sightings without one do not count.
        person: Labelled so.
    """

    cameras: frozenset[str] | None = None
    after: datetime | None = None
    before: datetime | None = None
    min_quality: float | None = None
    person: str | None = None

    def condition(self) -> tuple[str, list[Any]]:
        """What comes after WHERE, about sightings `s`, and its values."""
        parts, values = ["1 = 1"], list[Any]()
        if self.cameras is not None:
            named = f"SELECT number FROM cameras WHERE name IN ({marks(len(self.cameras))})"
            parts.append(f"s.camera IN ({named})" if self.cameras else "1 = 0")
            values += sorted(self.cameras)
        for text, value in (
            ("s.time >= ?", None if self.after is None else to_microseconds(self.after)),
            ("s.time < ?", None if self.before is None else to_microseconds(self.before)),
            ("s.quality >= ?", self.min_quality),
            ("s.person = ?", self.person),
        ):
            if value is not None:
                parts.append(text)
                values.append(value)
        return " AND ".join(parts), values


def several(names: str | Collection[str]) -> Collection[str]:
    """Names, also where one is given by itself, which is a collection of letters to Python."""
    return [names] if isinstance(names, str) else names
