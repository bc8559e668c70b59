import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import passerby as package
from passerby.errors import MachineError, PasserbyError

HEAVY = ("torch", "cv2", "pydantic", "PIL", "numpy", "panda3d", "rich", "yaml")
COMMANDS = ("demo", "train", "recipes", "evaluate", "embed", "search", "calibrate", "verify", "data", "models")


def loaded_after(code: str) -> str:
    return f"import sys; {code}; print(*(name for name in {HEAVY} if name in sys.modules))"


def test_importing_passerby_loads_nothing_heavy(process: Callable[..., Any]) -> None:
    outcome = process("-c", loaded_after("import passerby"))
    assert (outcome.code, outcome.out.split()) == (0, [])


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"], ["models", "import", "-h"]])
def test_help_loads_nothing_heavy(arguments: list[str], process: Callable[..., Any]) -> None:
    code = f"""
from passerby.cli.main import run
try:
    run({arguments})
except SystemExit as end:
    assert end.code == 0, end.code
"""
    outcome = process("-c", loaded_after(f"exec({code!r})"))
    assert outcome.code == 0
    # Typer itself loads these two.
    assert set(outcome.out.splitlines()[-1].split()) <= {"rich", "pydantic"}


def test_help_names_every_command(passerby: Callable[..., Any]) -> None:
    outcome = passerby("--help")
    assert outcome.code == 0
    for name in COMMANDS:
        assert f" {name} " in outcome.out
        assert passerby(name, "--help").code == 0


def test_python_runs_the_package(process: Callable[..., Any]) -> None:
    outcome = process("-m", "passerby", "--version")
    assert (outcome.code, outcome.out) == (0, f"passerby {package.__version__}\n")
    wrong = process("-m", "passerby", "trian")
    assert (wrong.code, "No such command 'trian'" in wrong.error) == (2, True)


def test_the_version_is_printed(passerby: Callable[..., Any]) -> None:
    outcome = passerby("--version")
    assert (outcome.code, outcome.out) == (0, f"passerby {package.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["trian"], "No such command 'trian'"),
        (["train"], "Missing argument '"),
        (["train", "small-resnet18"], "Missing option '--data'"),
        (["train", "small-resnet18", "--data"], "requires an argument"),
        (["search", "a.jpg", "--gallery", "g", "--tpo", "3"], "No such option: --tpo"),
        (["search", "a.jpg", "--gallery", "g", "--top", "many"], "Invalid value for '--top'"),
        (["search", "a.jpg", "--gallery", "g", "--top", "0"], "Invalid value for '--top'"),
        (["calibrate", "m", "--data", "d", "--far", "2"], "Invalid value for '--far'"),
        (["calibrate", "m", "--data", "d", "--people", "nobody"], "Invalid value for '--people'"),
        (["models", "import", "a.pth", "--output", "b", "--height", "3"], "Invalid value for '--height'"),
        (["demo", "--people", "1"], "Invalid value for '--people'"),
        (["data", "inspect", "x", "--test-share", "1.5"], "Invalid value for '--test-share'"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line_and_2(
    arguments: list[str], reason: str, passerby: Callable[..., Any]
) -> None:
    outcome = passerby(*arguments)
    assert outcome.code == 2
    assert reason in outcome.error
    assert "; see `passerby" in outcome.error
    assert "--help`" in outcome.error


def fail_with(error: BaseException) -> Callable[..., None]:
    def command(*_: object, **__: object) -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (PasserbyError("expected this, got that; do so"), 2, "expected this, got that; do so"),
        (MachineError("the disk is full"), 1, "the disk is full"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (PermissionError(13, "Permission denied", "/root/x"), 1, "/root/x: permission denied"),
        (ZeroDivisionError("two\nlines"), 1, "unexpected ZeroDivisionError: two lines; repeat with --debug"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_one_line(
    error: BaseException, code: int, line: str, passerby: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerby.training.recipe.recipe_names", fail_with(error))
    outcome = passerby("recipes")
    assert outcome.code == code
    assert line in outcome.error
    assert outcome.out == ""


@pytest.mark.parametrize("place", [0, 1])
def test_a_traceback_only_with_debug_wherever_that_stands(
    place: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from passerby.cli.main import run

    monkeypatch.setattr("passerby.training.recipe.recipe_names", fail_with(ZeroDivisionError("ours")))
    arguments = ["recipes"]
    arguments.insert(place, "--debug")
    with pytest.raises(ZeroDivisionError, match="ours"):
        run(arguments)
    assert capsys.readouterr().err == ""


def test_a_traceback_is_shown_by_the_process(process: Callable[..., Any]) -> None:
    arguments = ("-c", "from passerby.cli.main import run; run()")
    quiet = process(*arguments, "recipes", "nothing")
    assert quiet.code == 2
    assert "expected a YAML file or one of the recipes" in quiet.error
    loud = process(*arguments, "recipes", "nothing", "--debug")
    assert loud.code == 1
    assert "Traceback" in loud.err
    assert "RecipeError" in loud.err


def test_a_reader_who_goes_away_is_no_failure_to_talk_about() -> None:
    command = [sys.executable, "-c", "from passerby.cli.main import run; run()", "recipes", "small-resnet18"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode in (0, 1)


def test_terminals_without_unicode_are_printed_to() -> None:
    command = [sys.executable, "-c", "from passerby.cli.main import run; run()", "recipes"]
    finished = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert finished.returncode == 0, finished.stderr
    assert b"128?64" in finished.stdout
