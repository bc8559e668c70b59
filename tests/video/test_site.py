"""The example of a site is one, and the service manager hears that a site is alive."""

import socket
from pathlib import Path

import pytest

from passerby.errors import SourceError
from passerby.video.notify import Watchdog
from passerby.video.site import SiteCamera, read_site
from passerby.video.thinning import Thinned

ROOT = Path(__file__).parents[2]


def test_the_example_is_a_site(monkeypatch: pytest.MonkeyPatch) -> None:
    site = read_site(ROOT / "examples/site/site.yaml")
    assert set(site.cameras) == {"gate", "hall"}
    with pytest.raises(SourceError, match="expected the environment to say GATE_USER"):
        site.cameras["gate"].sources()
    monkeypatch.setenv("GATE_USER", "me")
    monkeypatch.setenv("GATE_PASSWORD", "secret")
    assert site.cameras["gate"].sources() == ("rtsp://me:secret@10.0.0.5/live",)


def test_every_key_of_a_site_is_documented() -> None:
    page = (ROOT / "docs/cameras.md").read_text(encoding="utf-8")
    for name in (*SiteCamera.model_fields, "gallery", "model", "detector", "rate", "give_up", "cameras"):
        assert f"`{name}`" in page


def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Watchdog().ready()  # Where there is none, nothing happens.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        watchdog = Watchdog()
        watchdog.ready()
        watchdog.alive("9 frames")
        watchdog.alive("10 frames")  # Too soon for another.
        watchdog.stopping()
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1\nSTATUS=9 frames", b"STOPPING=1"]
    watchdog.stopping()  # It is gone.


def test_thinning_does_not_depend_on_where_it_begins(frame_folder: Path) -> None:
    from passerby.video.folders import FrameFolder

    source = Thinned(FrameFolder(frame_folder, fps=10), 4)
    numbers = [frame.number for frame in source.frames()]
    assert numbers == [1, 4, 6, 9, 11]
    for first in range(1, 13):
        assert [frame.number for frame in source.frames(first)] == [number for number in numbers if number >= first]
