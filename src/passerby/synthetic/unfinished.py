"""What is in the making: beside the place that it will take, with a record of every finished part."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from passerby.atomic import write_json
from passerby.errors import DataError, PasserbyError
from passerby.synthetic.generate import (
    GENERATOR,
    GENERATOR_VERSION,
    MASKS,
    PROVENANCE,
    TRUTH,
    check_replaceable,
    make_folders,
    mask_of,
    write_descriptions,
)
from passerby.synthetic.plan import FOLDERS, Plan
from passerby.synthetic.renderer import panda3d_version

_SETTINGS = "settings.json"


class UnfinishedFolder:
    """The folder `<output>.unfinished`, in which something grows part by part until it takes its place.

    Args:
        output: The place that the finished folder will take.
        arguments: What decides its content; kept in its `provenance.json`.
        packages: Names of the installed packages that decide its bytes.
        generator: Names the generator in `provenance.json`.

    Raises:
        PasserbyError: `output` has no name of its own, as `.` has none.
    """

    def __init__(
        self, output: Path, arguments: Mapping[str, Any], packages: Sequence[str], generator: str = GENERATOR
    ) -> None:
        if output.name in ("", ".."):
            raise PasserbyError(f"expected the name of a folder to make, got {str(output)!r}; give it a name")
        self.output, self._arguments, self._generator = output, dict(arguments), generator
        self.folder = output.with_name(f"{output.name}.unfinished")
        self.data, self.records = self.folder / "data", self.folder / "finished"
        self._versions = {"panda3d": panda3d_version(), **{name: version(name) for name in packages}}

    def is_complete(self) -> bool:
        """Whether `output` already holds what these arguments give.

        Raises:
            DataError: It holds anything else.
        """
        check_replaceable(self.output, self._generator)
        if not self.output.exists() or not any(self.output.iterdir()):
            return False
        found = _read(self.output / PROVENANCE)
        if found.get("arguments") != self._arguments or found.get("generator_version") != GENERATOR_VERSION:
            raise DataError(
                f"expected {self.output} to be new or to hold this very data set, found one of other settings; "
                "choose another place, or delete it"
            )
        shutil.rmtree(self.folder, ignore_errors=True)  # left when interrupted in its very last step
        return True

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Begin the folder, or take up one that was begun with the same settings; one process at a time.

        Raises:
            DataError: It was begun with other settings or is something else, or another process is at work in it.
            MachineError: It cannot be written.
        """
        wanted = {
            "generator": self._generator,
            "generator_version": GENERATOR_VERSION,
            "versions": self._versions,
            "arguments": self._arguments,
        }
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            write_json(self.folder / _SETTINGS, wanted)
        found = _read(self.folder / _SETTINGS)
        if found != wanted:
            raise DataError(
                f"cannot go on in {self.folder}: it was begun with {_difference(found, wanted)}; "
                "repeat the earlier settings, choose another place, or delete it"
            )
        self.records.mkdir(exist_ok=True)
        self.data.mkdir(exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            _lock(lock.fileno(), self.folder)
            yield

    def take_place(self) -> None:
        """Let the finished `data` take its place."""
        if hasattr(os, "sync"):
            os.sync()
        check_replaceable(self.output, self._generator)
        if self.output.exists():
            self.output.rmdir()
        os.replace(self.data, self.output)
        shutil.rmtree(self.folder, ignore_errors=True)


class UnfinishedDataset(UnfinishedFolder):
    """A data set of pictures that grows person by person, with a record of every finished one.

    Args:
        output: The place that the finished data set will take.
        plan: The data set.
    """

    def __init__(self, output: Path, plan: Plan) -> None:
        super().__init__(output, plan.arguments(), ("numpy", "pillow"))
        self.plan = plan

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Do as `UnfinishedFolder.opened` does, and make Market-1501's folders."""
        with super().opened():
            make_folders(self.data, self.plan.masks)
            yield

    def missing(self) -> list[int]:
        """The people who have no record yet, or of whom a picture or mask is missing or empty."""
        folders = [*FOLDERS, *(f"{MASKS}/{name}" for name in FOLDERS if self.plan.masks)]
        sizes = {
            f"{name}/{entry.name}": entry.stat().st_size for name in folders for entry in os.scandir(self.data / name)
        }

        def is_finished(person: int) -> bool:
            places = [place for _, _, place in self.plan.pictures_of(person)]
            if self.plan.masks:
                places += [mask_of(place) for place in places]
            return self.record(person).exists() and all(sizes.get(place) for place in places)

        return [person for person in range(self.plan.people) if not is_finished(person)]

    def record(self, person: int) -> Path:
        """The file that says that a person is finished: the lines of `truth.jsonl` about their pictures."""
        return self.records / f"{person + 1:04d}.jsonl"

    def finish(self) -> None:
        """Put truth, people and provenance to the pictures, and let the data set take its place."""
        with (self.data / TRUTH).open("wb") as truth:
            for person in range(self.plan.people):
                truth.write(self.record(person).read_bytes())
        write_descriptions(self.data, self.plan)
        self.take_place()


def _read(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Name the first few settings that differ."""
    if found.get("generator") != wanted["generator"]:
        return "something else"
    pairs = {**wanted["arguments"], **wanted["versions"], "generator_version": wanted["generator_version"]}
    earlier = {**found.get("arguments", {}), **found.get("versions", {}), **found}
    different = [
        f"{name} {earlier.get(name)}, not {value}" for name, value in pairs.items() if earlier.get(name) != value
    ]
    return "; ".join(different) or "other settings"


def _lock(descriptor: int, folder: Path) -> None:
    """Keep others out as long as the file is open, where the system can."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DataError(f"another process is at work in {folder}; wait for it, or choose another place") from error
