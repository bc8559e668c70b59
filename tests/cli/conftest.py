"""Running the command line in this process, and as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from passerby.cli.main import run

Command = Callable[..., "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that a failed command prints last; asserts that it did, and without a traceback."""
        assert self.code != 0
        assert "Traceback" not in self.out + self.err
        lines = self.err.strip().splitlines()
        assert lines
        assert lines[-1].startswith("passerby: ")
        assert [line for line in lines if line.startswith("passerby: ")] == lines[-1:]
        return lines[-1]


@pytest.fixture
def passerby(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def command(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as raised:
            run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert isinstance(raised.value.code, int)
        return Outcome(raised.value.code, printed.out, printed.err)

    return command


@pytest.fixture
def process() -> Callable[..., Outcome]:
    """Run Python with some arguments as a process of its own."""

    def command(*arguments: object) -> Outcome:
        finished = subprocess.run(
            [sys.executable, *map(str, arguments)], capture_output=True, text=True, env=os.environ, timeout=120
        )
        return Outcome(finished.returncode, finished.stdout, finished.stderr)

    return command
