"""Cameras that are watched as they look: RTSP and other streams, and webcams. What dies is looked for again."""

import re
import sys
import time as system
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from passerby.errors import SourceError
from passerby.video.decoding import claimed_time, decoded, explained, interval, picture_of, pyav, video_stream
from passerby.video.frames import Frame, FrameClock, Say, SourceCounts

_WEBCAM = re.compile(r"webcam:(\d+)$")
_DEVICE = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("dshow", "video={}")}


@dataclass(frozen=True, slots=True)
class Patience:
    """How a live source is looked for again.

    Attributes:
        answer: Seconds to wait for an answer, and for the next frame.
        first: Seconds to wait before the first attempt to connect again; twice as long before each other.
        longest: Seconds to wait between attempts at most.
        give_up: Seconds without a frame after which it is given up; None: never.
    """

    answer: float = 10.0
    first: float = 1.0
    longest: float = 60.0
    give_up: float | None = None


def is_live(address: str) -> bool:
    """Whether an address is that of a stream or of a webcam rather than a path."""
    return "://" in address or _WEBCAM.match(address) is not None or address.startswith("/dev/video")


def without_secret(address: str) -> str:
    """An address as messages may show it: without name and password, and without what stands behind a `?`.

    >>> without_secret("rtsp://admin:secret@10.0.0.7:554/live?token=1")
    'rtsp://10.0.0.7:554/live'
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}".split("?")[0]


def _sleep(seconds: float) -> bool:
    system.sleep(seconds)
    return False


class LiveStream:
    """The frames of a camera from now on. See `passerby.video.frames.Source`.

    Their times are those of the stream, put right by the computer's clock whenever it connects.

    Args:
        address: rtsp://…, http://… and so on, webcam:0, or /dev/video0.
        patience: How it is looked for again when it dies.
        say: Told when it dies and when it is back.
        wait: Waits for so many seconds; gives True when nobody wants frames any more.
        now: The computer's clock in seconds, which is never set.
    """

    live = True

    def __init__(
        self,
        address: str,
        patience: Patience | None = None,
        say: Say = lambda line: None,
        wait: Callable[[float], bool] = _sleep,
        now: Callable[[], float] = system.monotonic,
    ) -> None:
        self.name = without_secret(address)
        self.total: int | None = None
        self.began: datetime | None = None
        self.counts = SourceCounts()
        self._address = address
        self._patience = patience or Patience()
        self._say = say
        self._wait = wait
        self._now = now
        self._started: float | None = None
        self._clock: FrameClock | None = None

    def frames(self, first: int = 1) -> Iterator[Frame]:
        """All frames from now on, numbered from `first`; without an end, unless it is given up.

        Raises:
            SourceError: It asks for a password, there is no such stream, or it is given up.
        """
        number, pause, seen, told = first - 1, self._patience.first, self._now(), False
        while True:
            try:
                for time, picture in self._connected():
                    if told:
                        self._say(f"{self.name}: back")
                        self.counts.connections += 1
                    number, pause, seen, told = number + 1, self._patience.first, self._now(), False
                    self.counts.frames += 1
                    yield Frame(number, time, picture)
                reason = SourceError(f"{self.name}: the stream has ended")
            except SourceError as error:
                reason = error
                if isinstance(error.__cause__, pyav().error.HTTPClientError) and not number:
                    raise  # A wrong password or path: waiting heals nothing.
            silent, limit = self._now() - seen, self._patience.give_up
            if limit is not None and silent + pause > limit:
                raise reason
            if not told:
                self._say(f"{reason}; trying again")
                told = True
            if self._wait(pause):
                return
            pause = min(2 * pause, self._patience.longest)

    def _connected(self) -> Iterator[tuple[float, Any]]:
        """Times and pictures of one connection, until it dies."""
        with explained(self.name), self._open() as container:
            stream = video_stream(container, self.name)
            anew = True
            for frame in decoded(container, stream):
                if frame is None:
                    self.counts.damaged += 1
                    continue
                if anew:
                    self._connect(interval(stream))
                    anew = False
                assert self._clock is not None
                yield self._clock.time(claimed_time(frame, stream)), picture_of(frame)

    def _connect(self, step: float) -> None:
        """The first frame of a connection has come."""
        if self._started is None:
            self._started, self.began = self._now(), datetime.now(UTC)
        if self._clock is None:
            self._clock = FrameClock(step, self.counts)
        self._clock.set(self._now() - self._started)

    def _open(self) -> Any:  # noqa: ANN401
        webcam = _WEBCAM.match(self._address)
        system_format, place = _DEVICE.get(sys.platform, _DEVICE["linux"])
        if webcam:
            return pyav().open(place.format(webcam[1]), format=system_format)
        if self._address.startswith("/dev/video"):
            return pyav().open(self._address, format="v4l2")
        options = {"rtsp_transport": "tcp"} if self._address.startswith("rtsp") else {}
        return pyav().open(self._address, options=options, timeout=(self._patience.answer, self._patience.answer))
