"""Frames of files, folders and streams: good ones, odd ones, and what is said about broken ones."""

import http.server
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.errors import SourceError
from passerby.video.feed import AHEAD, Feeds
from passerby.video.files import VideoFile
from passerby.video.folders import FrameFolder
from passerby.video.frames import Frame, FrameClock, SourceCounts
from passerby.video.live import LiveStream, Patience
from passerby.video.source import open_source

Video = Callable[..., Path]


def near(frame: Frame, expected: np.ndarray, tolerance: float = 6.0) -> bool:
    """Whether a decoded picture is the one that was encoded, but for what compression does."""
    return (
        frame.picture.shape == expected.shape
        and float(np.abs(frame.picture.astype(float) - expected).mean()) < tolerance
    )


def test_a_file_gives_its_frames_with_numbers_and_times(video: Video, picture: Any) -> None:
    source = open_source(video())
    frames = list(source.frames())
    assert source.total == 30
    assert [frame.number for frame in frames] == list(range(1, 31))
    assert [frame.time for frame in frames] == pytest.approx([number / 10 for number in range(30)])
    assert all(near(frame, picture(number)) for number, frame in enumerate(frames))
    later = list(source.frames(first=21))
    assert [(frame.number, frame.time) for frame in later] == [(frame.number, frame.time) for frame in frames[20:]]
    assert np.array_equal(later[0].picture, frames[20].picture)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("odd.mkv", {"codec": "ffv1", "height": 97, "width": 131}),
        ("odd.avi", {"codec": "mjpeg", "height": 97, "width": 131, "pixels": "yuvj420p"}),
        ("deep.mkv", {"codec": "ffv1", "pixels": "yuv420p10le"}),
        ("interlaced.mp4", {"options": {"x264-params": "tff=1"}}),
    ],
)
def test_odd_sizes_ten_bits_and_interlaced(video: Video, picture: Any, name: str, settings: dict[str, Any]) -> None:
    path = video(name, 5, **settings)
    frames = list(open_source(path).frames())
    height, width = settings.get("height", 96), settings.get("width", 128)
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5]
    assert all(near(frame, picture(number, height, width)) for number, frame in enumerate(frames))


def test_interlaced_lines_of_another_moment_are_left_out() -> None:
    from passerby.video.decoding import _deinterlaced

    woven = np.zeros((6, 4, 3), np.uint8)
    woven[0::2], woven[1::2] = 100, 200
    assert (_deinterlaced(woven) == 100).all()
    assert woven[1, 0, 0] == 200


def test_a_rotated_video_is_upright(video: Video, picture: Any) -> None:
    content = bytearray(video(frames=3).read_bytes())
    place = content.index(b"tkhd") + 4 + 40  # version and flags, times, track, duration, layer, volume: the matrix
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)  # turns clockwise by 90 degrees
    content[place : place + 36] = quarter
    path = video("turned.mp4", 1).with_name("turned.mp4")
    path.write_bytes(content)
    frames = list(open_source(path).frames())
    assert all(near(frame, np.rot90(picture(number), -1)) for number, frame in enumerate(frames))


def test_a_damaged_tail_is_told_once_and_the_rest_is_used(video: Video, tmp_path: Path) -> None:
    content = video("whole.ts", 60).read_bytes()
    for name, damaged in (
        ("cut.ts", content[: len(content) * 2 // 3]),
        ("noise.ts", content[: len(content) // 2] + np.random.default_rng(0).bytes(len(content) // 2)),
    ):
        path = tmp_path / name
        path.write_bytes(damaged)
        told: list[str] = []
        source = open_source(path, say=told.append)
        frames = list(source.frames())
        assert 10 < len(frames) < 60
        assert len(told) <= 1
        assert bool(told) == (source.counts.damaged > 0)


def test_a_cut_mp4_is_told(video: Video, tmp_path: Path) -> None:
    path = video("whole.mp4", 60, faststart=True)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    told: list[str] = []
    assert 5 < len(list(open_source(cut, say=told.append).frames())) < 60
    assert len(told) == 1
    headless = tmp_path / "headless.mp4"  # The index, which would stand at the end, is gone.
    headless.write_bytes(video("plain.mp4", 60).read_bytes()[:-900])
    with pytest.raises(SourceError, match=r"without a video stream|damaged one"):
        open_source(headless)


def test_wrong_times_are_put_right(video: Video) -> None:
    path = video("gaps.mkv", 6, times=[0, 1, 2, 50, 51, 52])
    frames = list(open_source(path).frames())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 5.0, 5.1, 5.2], abs=0.01)


@pytest.mark.parametrize(
    ("claimed", "expected", "retimed"),
    [
        ([5.0, 5.1, 5.2], [0, 0.1, 0.2], 0),
        ([None, None, None], [0, 0.1, 0.2], 3),
        ([0.0, 0.1, 0.1, 0.05, 0.4], [0, 0.1, 0.2, 0.3, 0.4], 2),
        ([0.0, 0.1, 1e9, 0.3], [0, 0.1, 0.2, 0.3], 1),
        ([90.0, 90.1, 0.0, 0.1, 0.2, 0.3, 0.7], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.9], 3),
    ],
)
def test_a_clock_always_goes_on(claimed: list[float | None], expected: list[float], retimed: int) -> None:
    counts = SourceCounts()
    clock = FrameClock(0.1, counts)
    assert [clock.time(time) for time in claimed] == pytest.approx(expected)
    assert counts.retimed == retimed


def test_a_folder_gives_its_pictures_by_their_numbers(frame_folder: Path, picture: Any) -> None:
    told: list[str] = []
    (frame_folder / "frame5.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (frame_folder / "notes.txt").write_text("no picture")
    source = open_source(frame_folder, fps=5, say=told.append)
    frames = list(source.frames())
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert frames[-1].time == pytest.approx(11 / 5)
    assert np.array_equal(frames[-1].picture, picture(11))
    assert source.counts.damaged == len(told) == 1


def test_what_is_no_source_is_told_in_one_line(video: Video, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    text = tmp_path / "letter.mp4"
    text.write_text("dear reader")
    empty, folder = tmp_path / "empty.mp4", tmp_path / "nothing"
    empty.touch()
    folder.mkdir()
    for path, message in (
        (sound, "without a video stream"),
        (text, "expected a video that FFmpeg can read"),
        (empty, "expected a video that FFmpeg can read"),
        (folder, "one picture each, got none"),
        (tmp_path / "gone.mp4", "no such file or folder"),
        ("", "a source without a name"),
        ("/dev/null", "got a device or pipe"),
    ):
        with pytest.raises(SourceError, match=message) as error:
            open_source(path)
        assert "\n" not in str(error.value)


def test_a_video_without_frames_is_told(video: Video) -> None:
    path = video("none.mkv", 0)
    with pytest.raises(SourceError, match=r"without frames|damaged|FFmpeg"):
        list(open_source(path).frames())


def test_hardware_that_is_not_there_is_not_needed(video: Video) -> None:
    assert len(list(open_source(video(frames=4), hardware="no such thing").frames())) == 4


class Camera(http.server.BaseHTTPRequestHandler):
    """Sends a video as a stream, as often as it is asked; then it is gone."""

    content = b""
    times = 1
    asked = 0

    def do_GET(self) -> None:
        if self.path.startswith("/secret"):
            self.send_error(401)
        elif self.path.startswith("/nothing"):
            self.send_error(404)
        elif type(self).asked >= type(self).times:
            self.send_error(503)
        else:
            type(self).asked += 1
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            self.wfile.write(type(self).content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def camera(content: bytes, times: int = 1) -> Iterator[str]:
    handler = type("OneCamera", (Camera,), {"content": content, "times": times})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_stream_that_dies_is_looked_for_again_ever_more_slowly(video: Video) -> None:
    told: list[str] = []
    waited: list[float] = []
    clock = [0.0]

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        clock[0] += seconds
        return False

    patience = Patience(answer=5, first=1, longest=4, give_up=20)
    with camera(video("stream.ts", 20).read_bytes(), times=3) as address:
        source = LiveStream(f"{address}/live.ts?token=secret", patience, told.append, wait, lambda: clock[0])
        frames = []
        with pytest.raises(SourceError, match=r"live\.ts: ") as error:
            frames.extend(source.frames())
    assert [frame.number for frame in frames] == list(range(1, 61))
    assert all(later.time > earlier.time for earlier, later in pairwise(frames))
    assert frames[20].time - frames[19].time == pytest.approx(0.1, abs=1.1)
    assert source.counts.connections == 2
    assert waited[:2] == [1, 1]
    assert waited[2:] == [1, 2, 4, 4, 4, 4]
    assert sum("trying again" in line for line in told) == 3
    assert sum(line.endswith("back") for line in told) == 2
    assert "secret" not in str(error.value) + "".join(told)


def test_a_stream_that_wants_a_password_or_is_not_there_is_told_at_once(video: Video) -> None:
    with camera(b"") as address:
        host = address.removeprefix("http://")
        with pytest.raises(SourceError, match="asks for a name and a password") as error:
            next(LiveStream(f"http://me:wrong@{host}/secret").frames())
        assert "wrong@" not in str(error.value)
        with pytest.raises(SourceError, match="no such stream"):
            next(LiveStream(f"{address}/nothing").frames())
    for url, message in ((address, "nothing answers"), ("rtsp://127.0.0.1:9/live", "nothing answers")):
        with pytest.raises(SourceError, match=message):
            next(LiveStream(url, Patience(answer=2, give_up=0)).frames())


def test_an_rtsp_camera_that_wants_a_password_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            refusal = 'RTSP/1.0 401 Unauthorized\r\nCSeq: {}\r\nWWW-Authenticate: Basic realm="c"\r\n\r\n'
            connection, _ = server.accept()
            with connection:
                while asked := connection.recv(4096).decode():
                    connection.sendall(refusal.format(asked.split("CSeq:")[1].split()[0]).encode())

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(SourceError, match="asks for a name and a password"):
            next(
                LiveStream(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live", Patience(answer=5, give_up=0)).frames()
            )


class Numbers:
    """A source of so many small frames, which may fail behind the last."""

    total = None
    began = None

    def __init__(self, count: int, live: bool = False, error: Exception | None = None) -> None:
        self.name, self.live, self.counts = "numbers", live, SourceCounts()
        self._count, self._error = count, error
        self.given = 0

    def frames(self, first: int = 1) -> Iterator[Frame]:
        for number in range(first, self._count + 1):
            self.given = number
            yield Frame(number, number / 10, np.zeros((4, 4, 3), np.uint8))
        if self._error:
            raise self._error


def test_several_sources_come_in_turn_and_one_that_fails_stops_no_other() -> None:
    broken = SourceError("broken")
    sources = {"a": Numbers(50), "b": Numbers(3, error=broken), "c": Numbers(50)}
    with Feeds(sources, {"c": 11}) as feeds:
        got = list(feeds)
    numbers = {name: [item.number for who, item in got if who == name and isinstance(item, Frame)] for name in "abc"}
    assert numbers == {"a": list(range(1, 51)), "b": [1, 2, 3], "c": list(range(11, 51))}
    assert {name: item for name, item in got if not isinstance(item, Frame)} == {"a": None, "b": broken, "c": None}


def test_files_wait_and_cameras_drop_and_count() -> None:
    file, live = Numbers(200), Numbers(200, live=True)
    with Feeds({"file": file, "live": live}) as feeds:
        iterator = iter(feeds)
        next(iterator)
        for thread in threading.enumerate():
            if thread.name == "read live":
                thread.join(timeout=10)
        assert file.given <= AHEAD + 3
        rest = [item for name, item in iterator if name == "live" and isinstance(item, Frame)]
    assert rest[-1].number == 200
    assert live.counts.dropped >= 200 - 2 * AHEAD
    assert live.counts.dropped + AHEAD + 1 >= 200 - 1


def test_leaving_early_ends_the_threads(video: Video) -> None:
    with Feeds({"one": VideoFile(video())}) as feeds:
        assert len(list(islice(feeds, 2))) == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "read one"]


def test_an_unreadable_folder_is_told(frame_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("passerby.video.folders.os.scandir", refuse)
    with pytest.raises(SourceError, match="may not read the folder"):
        FrameFolder(frame_folder)
    monkeypatch.undo()
    shutil.rmtree(frame_folder)
    with pytest.raises(SourceError, match="cannot be read"):
        FrameFolder(frame_folder)
