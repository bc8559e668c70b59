"""Every command and every piece of Python that a page shows is run, in order, on what a small demo leaves.

The demos leave the names and folders that the pages speak of: the one that records makes small frames; the one that
trains draws everybody from two cameras and with two pictures each, and trains for an epoch.
`make` targets are looked up in the Makefile.
"""

import contextlib
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from passerby.cli.main import run
from passerby.demo import search, training
from passerby.models.network import Architecture, ReidNetwork
from passerby.synthetic import render_people

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if blocks(path)
]


@pytest.fixture(scope="session")
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `passerby demo` has run, and with what pages ask the reader to bring."""
    folder = tmp_path_factory.mktemp("after-demo")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        patch.setattr(training, "render_people", partial(render_people, cameras=2, pictures=2))
        patch.setattr(training, "_SETTINGS", (*training._SETTINGS, "epochs=1"))
        patch.setattr(search, "_SIZE", (180, 320))
        assert exit_code("passerby demo") == 0
        assert exit_code("passerby demo --train") == 0
        own_pictures(Path("passerby-demo/synthetic-people"), Path("my-pictures"))
        published_osnet(Path("osnet_x0_25_market1501.pth"))
    return folder


@pytest.fixture
def workplace(after_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of that folder to work in. Files are linked, as Passerby replaces files and never changes them."""
    shutil.copytree(after_demo, tmp_path, copy_function=os.link, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSERBY_MODELS", str(tmp_path / "no-models"))
    yield tmp_path
    shutil.rmtree(tmp_path)


def own_pictures(source: Path, target: Path, people: int = 12) -> None:
    """A dozen people in folders, with the camera in the pictures' names."""
    for path in sorted((source / "bounding_box_train").iterdir()):
        person, camera = re.match(r"(\d+)_c(\d+)", path.name).groups()
        if int(person) <= people:
            folder = target / f"person-{int(person):02d}"
            folder.mkdir(parents=True, exist_ok=True)
            number = sum(f"cam{camera}_" in other.name for other in folder.iterdir()) + 1
            shutil.copy(path, folder / f"cam{camera}_{number:04d}.jpg")


def published_osnet(path: Path) -> None:
    """A checkpoint with the names and shapes of the published one, and random weights."""
    network = ReidNetwork(Architecture(backbone="osnet_x0_25", neck="linear"))
    weights = {re.sub("^neck", "fc", k.removeprefix("backbone.")): v for k, v in network.state_dict().items()}
    classifier = {"classifier.weight": torch.zeros(751, 512), "classifier.bias": torch.zeros(751)}
    torch.save({"state_dict": weights | classifier}, path)


def exit_code(command: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(shlex.split(command)[1:])
    return int(ended.value.code)


@pytest.mark.parametrize("page", PAGES)
def test_everything_that_a_page_shows_works(page: str, workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for language, block in blocks(ROOT / page):
        if language == "python":
            exec(compile(block, page, "exec"), {"__name__": "__main__"})
            continue
        for line in block.replace("\\\n", " ").splitlines():
            match line.split()[0]:
                case "make":
                    assert set(line.split()[1:]) <= targets, f"{page}: {line!r} is not in the Makefile"
                case "passerby" if line not in ("passerby demo", "passerby demo --train"):  # which have run already
                    assert exit_code(line) == 0, f"{page}: {line!r} failed: {capfd.readouterr().err}"
                case first:
                    assert first in ("source", "passerby"), f"{page}: the tests cannot run {line!r}"
    assert sorted(workplace.iterdir())


def test_the_readme_shows_both_make_targets_first() -> None:
    first = next(block for language, block in blocks(ROOT / "README.md") if language == "sh")
    assert first.split() == ["make", "demo", "make", "test"]
