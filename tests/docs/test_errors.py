"""docs/errors.md and README.md name every error and every exit code."""

import inspect
import re

from passerby import errors


def test_every_error_has_its_row_and_every_row_an_error(pages: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", pages["docs/errors.md"], flags=re.MULTILINE)
    defined = {
        name: value.exit_code
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.PasserbyError)
    }
    assert {name: int(code) for name, code in rows} == defined
    assert len(rows) == len(defined)


def test_both_tables_of_exit_codes_are_complete(pages: dict[str, str]) -> None:
    for page in ("README.md", "docs/errors.md"):
        codes = re.findall(r"^\| (\d+) \|", pages[page], flags=re.MULTILINE)
        assert codes == ["0", "1", "2", "130"], page
