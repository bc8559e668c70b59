"""PyAV: opening what it can read, upright RGB pictures of what it decodes, and its errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from passerby.errors import MachineError, MissingExtraError, SourceError
from passerby.types import ImageArray

_LARGEST_SIDE = 16_384


def pyav() -> Any:  # noqa: ANN401
    """The `av` module.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("reading videos", "video") from error
    return av


def video_stream(container: Any, name: str) -> Any:  # noqa: ANN401
    """The first stream of moving pictures, set to decode on several threads.

    Raises:
        SourceError: There is none; a song's cover is none.
    """
    cover = pyav().stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            if max(stream.codec_context.width, stream.codec_context.height) > _LARGEST_SIDE:
                raise SourceError(
                    f"{name}: expected frames of at most {_LARGEST_SIDE:,} pixels a side, got larger ones"
                )
            stream.thread_type = "AUTO"
            return stream
    raise SourceError(f"{name}: expected a video, got a file without a video stream; check the path")


def interval(stream: Any) -> float:  # noqa: ANN401
    """The usual time between two frames of a stream in seconds; a tenth where it says nothing that can be."""
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return 1 / float(rate) if rate and 0.01 <= float(rate) <= 1000 else 0.1


def claimed_time(frame: Any, stream: Any) -> float | None:  # noqa: ANN401
    """The time of a decoded frame in seconds, as its stream claims; None: it says nothing."""
    base = frame.time_base or stream.time_base
    return None if frame.pts is None or base is None else float(frame.pts * base)


def decoded(container: Any, stream: Any) -> Iterator[Any]:  # noqa: ANN401
    """Decoded frames of a stream in order, and None wherever something is damaged.

    Raises:
        FFmpegError: The container ends in the middle of something, or the connection does; all that had come before
            has been given.
    """
    errors = pyav().error
    packets, broken = container.demux(stream), None
    while True:
        try:
            packet = next(packets, None)
        except errors.FFmpegError as error:
            packet, broken = None, error
        try:
            for frame in stream.codec_context.decode(None) if packet is None else packet.decode():
                yield None if frame.is_corrupt else frame
        except errors.EOFError:  # It had been emptied before.
            pass
        except errors.FFmpegError:
            yield None
        if broken is not None:
            raise broken
        if packet is None:
            return


def picture_of(frame: Any) -> ImageArray:  # noqa: ANN401
    """A decoded frame as H×W×3 RGB uint8: upright, and without the combs of interlaced pictures."""
    pixels: ImageArray = frame.to_ndarray(format="rgb24")
    if frame.interlaced_frame and len(pixels) > 2:
        pixels = _deinterlaced(pixels)
    if frame.rotation:
        pixels = np.rot90(pixels, round(frame.rotation / 90) % 4)
    return np.ascontiguousarray(pixels)


def _deinterlaced(pixels: ImageArray) -> ImageArray:
    """The upper field; each line of the lower one is the mean of its neighbours, which belong to one moment."""
    pixels = pixels.copy()
    above, below = pixels[0:-2:2], pixels[2::2]
    pixels[1 : 1 + 2 * len(below) : 2] = (above.astype(np.uint16) + below + 1) // 2
    if len(pixels) % 2 == 0:
        pixels[-1] = pixels[-2]
    return pixels


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what PyAV raises into one line that says what to do.

    Raises:
        SourceError: The source cannot be read.
        MachineError: The machine fails.
    """
    errors = pyav().error
    try:
        yield
    except errors.HTTPUnauthorizedError as error:
        raise SourceError(
            f"{name}: the camera asks for a name and a password, or those given are wrong; write them into its "
            "address as in rtsp://NAME:PASSWORD@HOST/"
        ) from error
    except errors.HTTPForbiddenError as error:
        raise SourceError(f"{name}: the camera does not let this user in; ask for access") from error
    except (errors.HTTPNotFoundError, errors.HTTPClientError) as error:
        raise SourceError(
            f"{name}: there is no such stream at this address; check the part behind the host"
        ) from error
    except errors.FileNotFoundError as error:
        raise SourceError(f"{name}: there is no such file or device; check the path") from error
    except errors.PermissionError as error:
        raise SourceError(f"{name}: this user may not read it; change its permissions") from error
    except errors.ConnectionRefusedError as error:
        raise SourceError(f"{name}: nothing answers at this address; check host and port") from error
    except (errors.TimeoutError, errors.ExitError) as error:
        raise SourceError(f"{name}: no answer in time; check the address and the network") from error
    except (errors.MemoryError, MemoryError) as error:
        raise MachineError(f"{name}: out of memory while it was decoded; use a smaller video") from error
    except (errors.InvalidDataError, errors.DemuxerNotFoundError, errors.DecoderNotFoundError) as error:
        raise SourceError(
            f"{name}: expected a video that FFmpeg can read, got something else or a damaged one; try a player"
        ) from error
    except errors.EOFError as error:
        raise SourceError(f"{name}: expected a video, got one without frames; copy or record it again") from error
    except errors.ProtocolNotFoundError as error:
        raise SourceError(
            f"{name}: expected rtsp, http or another protocol of streams, got an unknown one"
        ) from error
    except errors.FFmpegError as error:
        what = (error.strerror or str(error)).lower()
        raise SourceError(
            f"{name}: it cannot be opened or read ({what}); check the address and the network"
        ) from error
