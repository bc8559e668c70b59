"""The `passerby` command: its groups of commands, and how errors end."""

import io
import sys
import warnings
from typing import Annotated

import typer

from passerby import __version__
from passerby.cli import (
    ablate,
    audit,
    compare,
    data,
    demo,
    evaluate,
    explain,
    export,
    gallery,
    models,
    pictures,
    synth,
    train,
    verify,
    video,
)
from passerby.cli.console import errors
from passerby.errors import PasserbyError

app = typer.Typer(
    help="Find the same person again across cameras that do not overlap.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"passerby {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    """Find the same person again across cameras that do not overlap."""


for module in (demo, train, ablate, evaluate, compare, explain, pictures, verify, export, video):
    for command in module.COMMANDS:
        app.command(rich_help_panel=module.PANEL)(command)
app.add_typer(data.app, rich_help_panel=demo.PANEL)
app.add_typer(synth.app, rich_help_panel=demo.PANEL)
app.add_typer(gallery.app, rich_help_panel=pictures.PANEL)
app.add_typer(audit.app, rich_help_panel=pictures.PANEL)
app.add_typer(models.app, rich_help_panel=pictures.PANEL)


def run(arguments: list[str] | None = None) -> None:
    """Run a command line and exit: 0, 2 for the user's mistake, 1 when we or the machine failed, 130 on Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # A terminal without Unicode shows ? for ×, and no error.
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    # Wherever it stands, so that it can be put behind a command that has just failed.
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not debug:
        # What Pillow can read in spite of broken marks is read, without a word about them.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        code = app(arguments, prog_name="passerby", standalone_mode=False) or 0
        if code == 130:  # what Typer makes of Ctrl-C, without a word
            raise KeyboardInterrupt
    except BaseException as error:
        if debug and not isinstance(error, SystemExit):
            raise
        code = _explain(error)
    sys.exit(code)


def _explain(error: BaseException) -> int:
    """Print one line about what went wrong, and give the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, PasserbyError):
        message, code = str(error), error.exit_code
    elif isinstance(error, KeyboardInterrupt | typer.Abort):
        message, code = "interrupted", 130
    elif isinstance(error, BrokenPipeError):
        sys.stderr.close()  # Whoever read our output has gone; Python would complain on exit.
        return 1
    elif isinstance(error, _usage_error()):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "passerby"
        what = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        message, code = f"{what}; see `{command} --help`", 2
    elif isinstance(error, MemoryError):
        message, code = "out of memory; use smaller batches or pictures, or a larger machine", 1
    elif isinstance(error, OSError) and error.strerror:
        message, code = f"{error.filename or 'the system'}: {error.strerror.lower()}", 1
    else:
        what = " ".join(str(error).split())
        message, code = f"unexpected {type(error).__name__}: {what}; repeat with --debug and report it", 1
    errors().print(f"passerby: {message}", markup=False, highlight=False, soft_wrap=True)
    return code


def _usage_error() -> type[BaseException]:
    """Typer's class for mistakes on the command line, which has been at several addresses over its versions."""
    return next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
