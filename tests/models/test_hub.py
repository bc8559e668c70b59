"""Fetching published weights, from a server of the tests' own."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from passerby.errors import BundleError, MachineError
from passerby.models import hub
from passerby.models.bundle import load_bundle
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.store import find_bundle
from passerby.training.initial import initial_network

ARCHITECTURE = Architecture(backbone="resnet18", width=0.125, neck="none", last_stride=2)


class Server(HTTPServer):
    """Serves what stands in `files`, and counts how often it was asked."""

    files: dict[str, bytes]
    asked: int
    cut: bool


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        content = self.server.files.get(self.path.removeprefix("/"))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.server.cut else content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One file of a small ResNet's weights, published under the name "tiny-imagenet"."""
    torch.manual_seed(3)
    state = ReidNetwork(ARCHITECTURE).state_dict()
    torch.save({name.removeprefix("backbone."): tensor for name, tensor in state.items()}, tmp_path / "made.pth")
    content = (tmp_path / "made.pth").read_bytes()
    name = f"tiny-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    with Server(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.cut = {name: content}, 0, False
        monkeypatch.setattr(hub, "PUBLISHED", {"tiny-imagenet": f"http://127.0.0.1:{server.server_port}/{name}"})
        monkeypatch.setattr(hub, "cache_folder", lambda: tmp_path / "cache")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_name_is_fetched_once_checked_and_kept(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    file = hub.weights_file(Path("tiny-imagenet"), lambda *progress: told.append(progress))
    content = next(iter(server.files.values()))
    assert file.parent == tmp_path / "cache"
    assert file.read_bytes() == content
    assert told[-1] == (len(content), len(content))
    assert hub.weights_file(Path("tiny-imagenet")) == file
    assert server.asked == 1


def test_a_damaged_copy_is_fetched_again(server: Server) -> None:
    file = hub.weights_file(Path("tiny-imagenet"))
    file.write_bytes(b"damaged")
    assert hub.weights_file(Path("tiny-imagenet")).read_bytes() == next(iter(server.files.values()))
    assert server.asked == 2


def test_training_starts_from_a_name(server: Server) -> None:
    network = initial_network(ARCHITECTURE.model_copy(update={"last_stride": 1}), Path("tiny-imagenet"))
    torch.manual_seed(3)
    for name, tensor in ReidNetwork(ARCHITECTURE).state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


def test_training_starts_from_the_name_of_a_model() -> None:
    shipped = load_bundle(find_bundle(Path("passerby-s")))
    network = initial_network(shipped.architecture, Path("passerby-s"))
    for name, tensor in shipped.load_network().state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)
    with pytest.raises(BundleError, match="nobody-knows: expected a checkpoint file, got nothing there"):
        initial_network(shipped.architecture, Path("nobody-knows"))


def test_a_path_comes_before_a_name(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny-imagenet").write_bytes(b"mine")
    assert hub.weights_file(Path("tiny-imagenet")) == Path("tiny-imagenet")
    assert hub.weights_file(Path("other.pth")) == Path("other.pth")
    assert server.asked == 0


def test_what_is_not_as_published_is_not_kept(server: Server, tmp_path: Path) -> None:
    for name, content in server.files.items():
        server.files[name] = content[:-1] + b"?"
    with pytest.raises(BundleError, match=r"tiny-imagenet: expected a file whose SHA-256 begins with .*try again"):
        hub.weights_file(Path("tiny-imagenet"))
    server.cut = True
    with pytest.raises((BundleError, MachineError), match="tiny-imagenet: expected"):
        hub.weights_file(Path("tiny-imagenet"))
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("problem", ["404", "offline"])
def test_without_the_file_one_line_says_what_to_do(server: Server, tmp_path: Path, problem: str) -> None:
    server.files.clear()
    if problem == "offline":
        server.server_close()
    with pytest.raises(MachineError) as error:
        hub.weights_file(Path("tiny-imagenet"))
    message = str(error.value)
    assert message.startswith("tiny-imagenet: expected to fetch http://127.0.0.1")
    assert message.endswith("fetch it elsewhere and give its path in place of the name")
    assert "\n" not in message
    assert not list((tmp_path / "cache").iterdir())


def test_every_published_file_says_its_hash_and_its_backbone() -> None:
    for name, url in hub.PUBLISHED.items():
        assert url.startswith("https://")
        assert len(hub._expected(url.rpartition("/")[2])) == 8
        assert Architecture(backbone=name.removesuffix("-imagenet"))
