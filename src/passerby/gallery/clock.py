"""Times of cameras, whose clocks have zones and are wrong, as microseconds of UTC and back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from passerby.errors import GalleryError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of a gallery.

    Attributes:
        name: As sightings name it.
        zone: The zone of its clock, as in the IANA database: "Europe/Vienna".
        clock_offset: Seconds by which its clock is fast; negative: slow.
        sightings: How many it has in the gallery.
    """

    name: str
    zone: str = "UTC"
    clock_offset: float = 0.0
    sightings: int = 0

    def utc(self, time: datetime) -> datetime:
        """What time it really was when the camera's clock said `time`.

        Raises:
            GalleryError: It is no time that a calendar has.
        """
        read = time if time.tzinfo is not None else time.replace(tzinfo=zone_of(self.zone))
        try:
            return read.astimezone(UTC) - timedelta(seconds=self.clock_offset)
        except OverflowError as error:
            raise GalleryError(f"expected a time between the years 1 and 9999, got {time.isoformat()}") from error


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        GalleryError: There is none.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise GalleryError(f"expected a time zone such as Europe/Vienna or UTC, got {name!r}") from error


def to_microseconds(time: datetime) -> int:
    """Microseconds since 1970 of a time; one without a zone is taken for UTC."""
    return ((time if time.tzinfo is not None else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The UTC time of so many microseconds since 1970."""
    return _EPOCH + microseconds * _MICROSECOND


def parse_time(text: str) -> datetime:
    """Read a date or a time in ISO 8601, such as 2026-11-25T04:30 or 2026-11-25T04:30:00+01:00.

    Raises:
        GalleryError: It is none.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise GalleryError(f"expected a time such as 2026-11-25T04:30:00+01:00, got {text!r}") from error
