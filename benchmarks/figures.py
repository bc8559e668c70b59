"""The table of figures in the README and the documentation, made of what the benchmarks wrote.

Run: python benchmarks/figures.py            prints the table
     python benchmarks/figures.py --write    puts it into README.md and docs/figures.md
     python benchmarks/figures.py --check    fails when either holds another one
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parent
PAGES = (BENCHMARKS.parent / "README.md", BENCHMARKS.parent / "docs" / "figures.md")
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
COLUMNS = ("what", "figure", "beside")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="put the table into the pages")
    action.add_argument("--check", action="store_true", help="fail when a page holds another table")
    arguments = parser.parse_args()
    try:
        block = table(BENCHMARKS / "results")
        if not (arguments.write or arguments.check):
            print(block)
            return 0
        stale = []
        for page in PAGES:
            old = page.read_text(encoding="utf-8")
            new = with_block(old, block, page.name)
            if arguments.write:
                page.write_text(new, encoding="utf-8")
            elif new != old:
                stale.append(page.name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if stale:
        print(f"stale figures in {', '.join(stale)}; run python benchmarks/figures.py --write", file=sys.stderr)
    return 1 if stale else 0


def table(results: Path) -> str:
    """Make the Markdown table of all results, and below it say on what they were measured.

    Args:
        results: The folder of JSON files that `record` wrote.

    Raises:
        ValueError: A file has no summary, or one that is not a list of what, figure and beside.
    """
    lines = ["| What | Passerby | Beside it | Script |", "| --- | --- | --- | --- |"]
    measured: dict[str, list[str]] = {}
    for path in sorted(results.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        script = f"`benchmarks/{content['benchmark']}.py`"
        for row in _summary(content, path.name):
            cells = [row[column].replace("|", "\\|") for column in COLUMNS]
            lines.append(f"| {' | '.join([*cells, script])} |")
        measured.setdefault(_measured_on(content), []).append(script)
    for machine, scripts in measured.items():
        which = "All" if len(measured) == 1 else ", ".join(scripts)
        lines += ["", f"{which}: measured on {machine}."]
    return "\n".join(lines)


def with_block(text: str, block: str, name: str) -> str:
    """Put `block` between the marks of a page.

    Raises:
        ValueError: The page does not have each mark once, in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{name}: expected {BEGIN} and {END} once each, in this order")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{block}\n{END}{rest.split(END)[1]}"


def _summary(content: dict[str, Any], name: str) -> list[dict[str, str]]:
    rows = content["figures"].get("summary")
    fits = isinstance(rows, list) and all(
        isinstance(row, dict) and set(row) == set(COLUMNS) and all(isinstance(cell, str) for cell in row.values())
        for row in rows
    )
    if not rows or not fits:
        raise ValueError(
            f"{name}: expected figures.summary as a list of {{what, figure, beside}}, got {rows!r}; see record.py"
        )
    return rows


def _measured_on(content: dict[str, Any]) -> str:
    machine, versions = content["machine"], content["versions"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, {machine['system']}; "
        f"Python {versions['python']}, torch {versions.get('torch', 'none')}, numpy {versions['numpy']}"
    )


if __name__ == "__main__":
    sys.exit(main())
