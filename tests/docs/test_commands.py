"""docs/commands.md describes every command and option, and no other; so does any page that shows a command."""

import re
import shlex
from typing import Any, get_args, get_type_hints

import pytest

from passerby.cli import verify
from passerby.evaluation.protocols import PROTOCOLS

PAGE = "docs/commands.md"


def parameter_row(parameter: Any) -> str:
    """The row of the table that a parameter must have."""
    name = ", ".join(f"`{option}`" for option in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`"
    default = "required" if parameter.required else "–"
    if not parameter.required and parameter.default is not None and parameter.default is not False:
        default = f"`{parameter.default}`"
    text = parameter.help.replace("|", "\\|")
    return f"| {name} | {default} | {text} |"


def expected_rows(command: Any) -> list[str]:
    return [parameter_row(parameter) for parameter in command.params if parameter.name != "help"]


def sections(page: str) -> dict[str, str]:
    """The text below each heading that is a command."""
    parts = re.split(r"^#{2,3} `(passerby[^`]*)`$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_has_a_section_and_nothing_else_has(pages: dict[str, str], commands: dict[str, Any]) -> None:
    assert sorted(sections(pages[PAGE])) == sorted(commands)


def test_every_parameter_has_its_row_and_nothing_else_has(pages: dict[str, str], commands: dict[str, Any]) -> None:
    for name, text in sections(pages[PAGE]).items():
        found = [line for line in text.splitlines() if re.match(r"\| `", line)]
        expected = expected_rows(commands[name])
        assert found == expected, f"{name}: expected in {PAGE}:\n" + "\n".join(expected)


def test_every_choice_is_named(pages: dict[str, str]) -> None:
    section = sections(pages[PAGE])["passerby calibrate"]
    choices = get_args(get_type_hints(verify.calibrate)["people"])
    assert choices
    for choice in choices:
        assert f"`{choice}`" in section


def shown_commands(page: str) -> list[str]:
    """Commands in the page's blocks and in its running text."""
    blocks = re.findall(r"^```(?:sh|text)\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    outside = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", outside)]
    return [text for text in lines + spans if re.match(r"passerby [a-z-]", text)]


def test_no_page_shows_a_command_that_does_not_exist(pages: dict[str, str], commands: dict[str, Any]) -> None:
    for page, text in pages.items():
        for shown in shown_commands(text):
            words = shlex.split(shown)
            name = words.pop(0)
            while words and f"{name} {words[0]}" in commands:
                name = f"{name} {words.pop(0)}"
            assert name != "passerby" or words[0].startswith("-"), f"{page} shows {shown!r}, which is no command"
            known = {option for parameter in commands[name].params for option in parameter.opts}
            known |= {option for parameter in commands["passerby"].params for option in parameter.opts} | {"--help"}
            unknown = [word for word in words if word.startswith("--") and word not in known]
            assert not unknown, f"{page} shows {shown!r}, but {name} has no {unknown[0]}"


OTHER_PROGRAMS = {"--write", "--check", "--strict"}
"""Options of benchmarks/figures.py, ruff and mkdocs that pages name."""


def test_no_page_names_an_option_that_does_not_exist(pages: dict[str, str], commands: dict[str, Any]) -> None:
    known = {option for command in commands.values() for parameter in command.params for option in parameter.opts}
    for page, text in pages.items():
        named = {span.split()[0].split("=")[0] for span in re.findall(r"`(--[a-z][^`]*)`", text)}
        assert named <= known | OTHER_PROGRAMS | {"--help"}, page


@pytest.mark.parametrize("page", ["README.md", PAGE, "docs/quick-start.md"])
def test_commands_are_found_where_there_are_some(pages: dict[str, str], page: str) -> None:
    assert shown_commands(pages[page])


def test_every_protocol_has_its_row_and_nothing_else_has(pages: dict[str, str]) -> None:
    section = pages["docs/evaluation.md"].partition("## Protocols")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", section, flags=re.MULTILINE)
    assert found == [(protocol.name, protocol.summary) for protocol in PROTOCOLS.values()]
